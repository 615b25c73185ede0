"""Whether the estimates of a session are hidden (safety rule 13): what both paths know, as one condition for queries.

While a session goes on, the live path hears at once that its estimates were hidden, custody with the next revision; so
either is enough. Once it is sealed its record decides alone: estimates are shown again in Review, with a reason, which
no live message tells.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, or_

from hemoview.cloud.tables import live_session, session


def hidden_now() -> ColumnElement[bool]:
    """Of ``tables.session``."""
    told = exists().where(live_session.c.id == session.c.id, live_session.c.hidden.is_(True))
    return or_(session.c.hidden.is_(True), and_(session.c.state == "open", told.correlate(session)))


def hidden_live() -> ColumnElement[bool]:
    """Of ``tables.live_session``, outer-joined to ``tables.session``: a session need not have come to custody."""
    sealed = and_(session.c.id.is_not(None), session.c.state != "open")
    return or_(session.c.hidden.is_(True), and_(live_session.c.hidden.is_(True), ~sealed))
