"""What the live path keeps: the newest state of every bed, a row a second of every parameter, means of every minute.

Everything of a second is written in one transaction. What is not written when the service dies is lost, and shows as a
gap: the record is elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Set
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import BigInteger, Select, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud.database import insert_new, upsert
from hemoview.cloud.live.bindings import AT_THE_BEDSIDE, Binding
from hemoview.cloud.live.board import BedNow, Board, Taken, text_of
from hemoview.cloud.service import Service
from hemoview.cloud.tables import bed, bed_binding, bed_state, estimate, estimate_1m, live_session
from recorder.sync.uplink import wire as uplink_wire

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
TOLD_US: Final = 30 * SECOND_US
"""How often the last word of a session is written."""
LATE_US: Final = 10 * SECOND_US
"""A minute is summed up so long after its end."""
STAND_BY_US: Final = 30 * SECOND_US
"""What a replica that does not write holds: longer than it takes to find that the one that did is dead."""
HELD_MAX: Final = 200_000
"""Rows kept in memory while the database does not take them: two minutes of 128 beds."""

log = logging.getLogger(__name__)


class Store:
    """Collects, and writes when told to.

    Args:
        service: its database.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._states: dict[str, BedNow] = {}
        self._bound: dict[str, BedNow] = {}
        self._rows: deque[dict[str, Any]] = deque()
        self._sessions: dict[str, dict[str, Any]] = {}
        self._turn = asyncio.Lock()
        self._written: dict[str, dict[str, Any]] = {}
        self._minutes: set[tuple[str, int]] = set()
        self.dropped = 0
        """Rows the database did not take in time."""

    def add(self, taken: Taken) -> None:
        """Keep a message until the next :meth:`flush`."""
        now, message = taken.bed, taken.message
        self._states[now.bed_id] = now
        if taken.bound:
            self.bound(now)
        if not message.session_id or now.head is None:
            return
        second_us = taken.at_us // SECOND_US * SECOND_US
        rows = [row for row in _rows(message, second_us) if row is not None]
        room = max(0, HELD_MAX - len(self._rows))
        self.dropped += len(rows) - min(room, len(rows))
        self._rows.extend(rows[:room])
        if rows:
            self._minutes.add((message.session_id, second_us // MINUTE_US * MINUTE_US))
        self._sessions[message.session_id] = _session_row(now, second_us)

    def bound(self, bed_now: BedNow) -> None:
        """A binding has changed."""
        self._bound[bed_now.bed_id] = bed_now

    @property
    def sessions(self) -> frozenset[str]:
        """That were heard of within the last hour."""
        return frozenset((*self._sessions, *self._written))

    async def erase(self, sessions: Set[str]) -> None:
        """Nothing of these stays, and nothing more of them is written."""
        async with self._turn:  # a write under way must not bring it back
            self.leave_out(sessions)
            async with self._service.db.begin() as conn:
                for table in (estimate, estimate_1m, bed_state):
                    await conn.execute(delete(table).where(table.c.session_id.in_(sessions)))
                await conn.execute(delete(live_session).where(live_session.c.id.in_(sessions)))

    def leave_out(self, sessions: Set[str]) -> None:
        """Of these nothing more is written."""
        kept = (row for row in self._rows if row["session_id"] not in sessions)
        self._rows = deque(kept)
        self._minutes = {m for m in self._minutes if m[0] not in sessions}
        for session_id in sessions:
            self._sessions.pop(session_id, None)
            self._written.pop(session_id, None)

    def stand_by(self, now_us: int) -> None:
        """Another replica writes; what it may not come to when it dies is held, for writing twice changes nothing."""
        first_us = now_us - STAND_BY_US
        while self._rows and self._rows[0]["at_us"] < first_us:
            self._rows.popleft()
        self._minutes = {m for m in self._minutes if m[1] > now_us - HOUR_US}
        self._let_go(now_us)

    async def flush(self, *, everything: bool = False) -> int:
        """Write what was collected, in one transaction; returns how many rows.

        Args:
            everything: the last word of sessions too, which otherwise is written now and then.
        """
        async with self._turn:
            return await self._flush(everything=everything)

    async def _flush(self, *, everything: bool) -> int:
        states, self._states = self._states, {}
        bound, self._bound = self._bound, {}
        rows, self._rows = list(self._rows), deque()
        sessions = [s for s in self._sessions.values() if everything or self._is_news(s)]
        if not (states or bound or sessions):
            return 0
        emptied = [bed_id for bed_id, now in (states | bound).items() if now.last is None]
        try:
            async with self._service.db.begin() as conn:
                await upsert(conn, bed_state, [r for r in map(_state_row, states.values()) if r is not None])
                await _keep_bindings(conn, bound.values())
                if emptied:  # a restart must not put anybody back into a bed they have left
                    await conn.execute(delete(bed_state).where(bed_state.c.bed_id.in_(emptied)))
                await _keep_sessions(conn, sessions)
                await insert_new(conn, estimate, rows)
        except BaseException:  # a cancellation too: the service ends, and writes its last word after it
            self._states, self._bound = states | self._states, bound | self._bound
            kept = [row for row in rows if row["session_id"] in self._sessions]
            self._rows = deque((kept + list(self._rows))[-HELD_MAX:])
            raise
        self._written |= {s["id"]: s for s in sessions if s["id"] in self._sessions}  # else erased meanwhile
        self._let_go(self._service.now_us())
        return len(rows)

    def _is_news(self, row: dict[str, Any]) -> bool:
        """A session that is new, has changed, or has not been written for a while."""
        known = self._written.get(row["id"])
        if known is None or any(row[k] != known[k] for k in row if k not in ("first_us", "last_us")):
            return True
        return bool(row["last_us"] - known["last_us"] >= TOLD_US)

    def _let_go(self, now_us: int) -> None:
        """Sessions that ended are remembered no longer."""
        over = [i for i, s in self._sessions.items() if now_us - s["last_us"] > HOUR_US]
        for session_id in over:
            del self._sessions[session_id]
            self._written.pop(session_id, None)

    async def sum_up(self, now_us: int, *, everything: bool = False) -> None:
        """Write the means of the minutes that are over; ``everything``: those that go on too."""
        due = {m for m in self._minutes if everything or m[1] + MINUTE_US + LATE_US <= now_us}
        if not due:
            return
        async with self._service.db.begin() as conn:
            for session_id, minute_us in due:
                await conn.execute(
                    delete(estimate_1m).where(
                        estimate_1m.c.session_id == session_id, estimate_1m.c.at_us == minute_us
                    )
                )
                await conn.execute(
                    insert(estimate_1m).from_select(
                        ["session_id", "at_us", "parameter", "n", "est", "lo", "hi", "ref"],
                        _minute(session_id, minute_us),
                    )
                )
        self._minutes -= due

    async def forget(self, now_us: int) -> None:
        """Delete what is older than the settings keep; a session at a time, so that nobody waits long."""
        settings = self._service.settings
        rows_us = now_us - round(settings.live_rows_hours * HOUR_US)
        minutes_us = now_us - round(settings.live_minutes_days * DAY_US)
        async with self._service.db.read() as conn:
            ids = (
                await conn.execute(select(live_session.c.id).where(live_session.c.first_us < rows_us))
            ).scalars()
        for session_id in ids.all():
            async with self._service.db.begin() as conn:
                for table, before_us in ((estimate, rows_us), (estimate_1m, minutes_us)):
                    old = (table.c.session_id == session_id) & (table.c.at_us < before_us)
                    await conn.execute(delete(table).where(old))
                over = (live_session.c.id == session_id) & (live_session.c.last_us < minutes_us)
                await conn.execute(delete(live_session).where(over))

    async def recall(self, board: Board, now_us: int) -> None:
        """What the beds showed when the service ended; the minutes it did not come to sum up are due again."""
        async with self._service.db.read() as conn:
            states = (
                await conn.execute(select(bed_state, bed.c.ward_id).join(bed, bed.c.id == bed_state.c.bed_id))
            ).all()
            bindings = {r.bed_id: r for r in (await conn.execute(select(bed_binding))).all()}
            recent = select(live_session).where(live_session.c.last_us > now_us - HOUR_US)
            for row in (await conn.execute(recent)).all():
                newest = row.last_us // MINUTE_US * MINUTE_US
                self._minutes |= {(row.id, newest - n * MINUTE_US) for n in range(5)}
        for state in states:
            kept = bindings.get(state.bed_id)
            board.beds[state.bed_id] = _recalled(state, kept)


def _recalled(state: Any, kept: Any) -> BedNow:
    binding = (
        Binding(kept.session_id, kept.device_id, kept.bound_us, kept.confirmed_us, kept.confirmed_by)
        if kept
        else None
    )
    now = BedNow(state.bed_id, state.ward_id, binding, state.seq, 0, state.at_us)
    if binding is None or binding.session_id != state.session_id:
        return now  # it was moved meanwhile: what it told before is of nobody here
    try:
        now.last = uplink_wire.read(state.body)
    except uplink_wire.LiveRefused as error:  # of another version: the bed is empty until it speaks
        log.warning("state of a bed passed over: %s", error)
    else:
        now.head, now.footer = now.last.head, now.last.footer
    return now


def _rows(message: uplink_wire.LiveMessage, second_us: int) -> Iterable[dict[str, Any] | None]:
    """A value learned from simulation alone has no place in a trend, which could not tag it (safety rule 7)."""
    for parameter, told in message.numerics.items():
        stands = told["why"] is None and not told["sim"]
        est, lo, hi = (told[name] if stands else None for name in ("est", "lo", "hi"))
        ref = told["ref"] if told["ref_valid"] else None
        if est is None and ref is None:
            yield None
            continue
        yield {
            "session_id": message.session_id,
            "at_us": second_us,
            "parameter": parameter,
            "est": est,
            "lo": lo,
            "hi": hi,
            "ref": ref,
        }


def _state_row(now: BedNow) -> dict[str, Any] | None:
    if now.last is None:
        return None
    return {
        "bed_id": now.bed_id,
        "session_id": now.session_id,
        "at_us": now.at_us,
        "seq": now.seq,
        "body": text_of(now.last.to_json()),
    }


async def keep_binding(conn: AsyncConnection, bed_id: str, binding: Binding) -> None:
    """What a person said at a bed waits for no turn, and for no other replica."""
    await upsert(conn, bed_binding, [{"bed_id": bed_id, **asdict(binding)}])


async def _keep_bindings(conn: AsyncConnection, beds: Iterable[BedNow]) -> None:
    """What a person said at another replica a moment ago, of this very session, is not written over."""
    rows = [row for row in map(_binding_row, beds) if row is not None]
    asked = [row["bed_id"] for row in rows if row["confirmed_us"] is None]
    said = select(bed_binding).where(
        bed_binding.c.bed_id.in_(asked),
        bed_binding.c.confirmed_us.is_not(None),
        bed_binding.c.confirmed_by != AT_THE_BEDSIDE,
    )
    kept = {(r.bed_id, r.session_id, r.device_id) for r in await conn.execute(said)} if asked else set()
    news = [row for row in rows if (row["bed_id"], row["session_id"], row["device_id"]) not in kept]
    await upsert(conn, bed_binding, news)


async def shows_another(conn: AsyncConnection, now: BedNow) -> bool:
    """Whether a later session of a bed is written down than is known here."""
    later = (bed_state.c.bed_id == now.bed_id) & (bed_state.c.at_us > now.at_us)
    query = select(bed_state.c.bed_id).where(later, bed_state.c.session_id != now.session_id)
    return (await conn.execute(query)).first() is not None


def _binding_row(now: BedNow) -> dict[str, Any] | None:
    return None if now.binding is None else {"bed_id": now.bed_id, **asdict(now.binding)}


def _session_row(now: BedNow, second_us: int) -> dict[str, Any]:
    head = now.head or {}
    return {
        "id": now.session_id,
        "device_id": now.binding.device_id if now.binding else "",
        "bed_id": now.bed_id,
        "ward_id": now.ward_id,
        "hidden": now.hidden,
        "simulated": bool(head.get("simulated")),
        "training": bool(head.get("training")),
        "first_us": second_us,
        "last_us": second_us,
    }


async def _keep_sessions(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """``first_us`` stays as it was first said."""
    await insert_new(conn, live_session, rows)
    for row in rows:
        changed = {k: v for k, v in row.items() if k not in ("id", "first_us")}
        await conn.execute(update(live_session).where(live_session.c.id == row["id"]).values(**changed))


def _minute(session_id: str, minute_us: int) -> Select[Any]:
    t = estimate.c
    mean = [func.avg(column).label(column.name) for column in (t.est, t.lo, t.hi, t.ref)]
    return (
        select(t.session_id, literal(minute_us, BigInteger), t.parameter, func.count(t.est), *mean)
        .where(t.session_id == session_id, t.at_us >= minute_us, t.at_us < minute_us + MINUTE_US)
        .group_by(t.session_id, t.parameter)
    )
