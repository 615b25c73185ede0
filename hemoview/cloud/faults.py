"""What it means that the database did not do as it was told."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from hemoview.cloud.postgres import DISK_FULL


class State(Enum):
    """Of a database that refuses."""

    FULL = "the service's disk is full; nothing was stored"
    BUSY = "the database is busy; try again"
    AWAY = "the database does not answer; try again"
    BROKEN = "a fault of the service; its log says more"


Refusal = OperationalError | NoConnectionFree
REFUSALS: Final = (OperationalError, NoConnectionFree)
"""For ``except``."""

_SQLITE: Final = (("SQLITE_FULL", State.FULL), ("SQLITE_BUSY", State.BUSY))
_POSTGRES: Final = (
    (DISK_FULL, State.FULL),
    *((code, State.BUSY) for code in ("40001", "40P01", "53300", "55P03", "57014")),
    ("08", State.AWAY),
    ("57P", State.AWAY),
)
"""SQLSTATEs (PostgreSQL 15 manual, appendix A). Busy: a lost race, a deadlock, too many connections, a long wait."""
_BROKEN_LINK: Final = "08000"
"""Where the client library says itself that there is no connection, it has no SQLSTATE."""


def state_of(error: Refusal) -> State:
    """Why, as far as whoever asked should know."""
    if isinstance(error, NoConnectionFree):
        return State.BUSY
    if name := getattr(error.orig, "sqlite_errorname", ""):
        return _first(_SQLITE, name)
    code = getattr(error.orig, "sqlstate", "not of PostgreSQL")
    return _first(_POSTGRES, _BROKEN_LINK if code is None else code)


def _first(table: Iterable[tuple[str, State]], code: str) -> State:
    return next((state for begins, state in table if code.startswith(begins)), State.BROKEN)
