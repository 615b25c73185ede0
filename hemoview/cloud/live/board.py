"""What every bed shows now, in memory: the newest message, the binding, what a person should look at. No I/O.

Hidden estimates end here (safety rule 13): what leaves :meth:`Board.take` for browsers has none of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hemoview.cloud.live.bindings import AT_THE_BEDSIDE, Binding, bind
from hemoview.cloud.live.queues import Parcel
from hemoview.cloud.live.words import Heard
from recorder.sync.uplink.wire import LiveMessage

STALE_US: Final = 5_000_000
"""A bed not heard of for so long has no data (safety rule 5)."""
SYNC_LAG_US: Final = 30 * 60_000_000
"""Files that wait for so long without one success are a lag; a segment is closed every ten minutes."""
SKEW_US: Final = 5_000_000
"""Where the bedside's clock differs by more, its messages are dated by their arrival."""


NEEDS: Final = ("confirm-binding", "no-data", "clock-differs", "sync-lag")
"""Ids of what only the service can know."""


class Confused(ValueError):
    """The message cannot be of this connection; why."""


@dataclass(slots=True)
class BedNow:
    """A bed.

    Args:
        gaps: messages of the present session that never came.
        connection: by which the newest came; empty before the first since this process began.
        at_us: arrival of the newest, service's clock; 0 before the first.
        last: the newest, as it may be shown, without waves.
        head: of the present session, as sent.
        quiet: not heard of for :data:`STALE_US`.
        since: when a need of this session was noticed first, service's clock; kept while nothing is heard.
    """

    bed_id: str
    ward_id: str
    binding: Binding | None = None
    seq: int = 0
    gaps: int = 0
    at_us: int = 0
    connection: str = ""
    last: LiveMessage | None = None
    head: Mapping[str, Any] | None = None
    footer: str | None = None
    quiet: bool = True
    since: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def session_id(self) -> str:
        """Shown now; empty where none is."""
        return self.binding.session_id if self.binding else ""

    @property
    def hidden(self) -> bool:
        """Estimates are shown to nobody; in doubt they are not."""
        return self.head is None or bool(self.head["hidden"])

    def empty(self, device_id: str, now_us: int) -> None:
        """Nothing of a session is shown, and nothing is confirmed of the device any longer."""
        self.binding, self.last, self.head, self.footer = Binding("", device_id, now_us), None, None, None
        self.since.clear()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message.

    Args:
        bed: which one it was for.
        message: all of it, head and footer included, for the rows that are kept.
        at_us: when it counts: the bedside's time, or its arrival where that clock is wrong.
        gap: messages missing before it.
        parcel: for browsers.
        bound: the binding changed.
    """

    bed: BedNow
    message: LiveMessage
    at_us: int
    gap: int
    parcel: Parcel
    bound: bool


@dataclass(slots=True)
class Board:
    """All beds by id."""

    beds: dict[str, BedNow] = field(default_factory=dict)
    _enrolled: dict[str, int] = field(default_factory=dict, repr=False)
    """When devices were enrolled last, as of the last :meth:`anew`."""

    def take(self, bed: BedNow, heard: Heard, message: LiveMessage) -> Taken | None:
        """A message arrived, here or at another replica.

        Args:
            heard: what another replica found missing counts where nothing has come to this one since it began.

        Returns:
            None where it was there before.

        Raises:
            Confused: a session is spoken of without having been introduced.
        """
        now_us, is_first = heard.at_us, heard.connection != bed.connection  # a new one may number anew
        same = bed.session_id == message.session_id and bed.binding is not None
        if same and not is_first and message.seq <= bed.seq:
            return None
        if message.head is None and (is_first or not same) and message.session_id:
            raise Confused("head: the first message of a session says who and what")
        gap = max(0, message.seq - bed.seq - 1) if same and bed.seq and message.seq > bed.seq else 0
        if heard.gap is not None and not bed.connection:
            gap = heard.gap
        if not same or message.head is not None:
            bed.head, bed.footer = message.head, message.footer
        if message.footer is not None:
            bed.footer = message.footer
        whole = replace(message, head=bed.head, footer=bed.footer)
        cuts_in = is_first and _cuts_in(bed, message, now_us)
        bound = self._bind(bed, heard.device_id, message, now_us, cuts_in=cuts_in)
        bed.gaps = max(bed.gaps + gap if same else 0, heard.gaps)
        if not same:
            bed.since.clear()
        bed.seq, bed.at_us, bed.quiet, bed.connection = message.seq, now_us, False, heard.connection
        shown = whole.without_estimates() if bed.hidden else whole
        bed.last = replace(shown, waves={})
        counts_us = message.t_us if abs(now_us - message.t_us) <= SKEW_US else now_us
        return Taken(bed, whole, counts_us, gap, parcel(bed, shown, gap), bound)

    def _bind(self, bed: BedNow, device_id: str, message: LiveMessage, now_us: int, *, cuts_in: bool) -> bool:
        started = bool(bed.head and bed.head["confirmed"]) and not cuts_in
        before = bed.binding
        bed.binding = bind(before, message.session_id, device_id, started=started, at_us=now_us)
        return bed.binding != before

    def release(self, device_id: str, bed_id: str, now_us: int) -> list[BedNow]:
        """A device stands at ``bed_id`` now: beds it was carried away from show nothing of it any longer."""
        left = [
            b
            for b in self.beds.values()
            if b.bed_id != bed_id and b.binding is not None and b.binding.device_id == device_id
        ]
        for bed in left:
            bed.empty("", now_us)
        return left

    def anew(self, device_id: str, enrolled_us: int) -> list[BedNow]:
        """A device was enrolled last at this time: what was said of it before is not confirmed any longer, nor what
        its Start said since then for that reason, and what it told before is not shown. Beds that changed by that.
        """
        is_news = self._enrolled.get(device_id, enrolled_us) != enrolled_us
        self._enrolled[device_id] = enrolled_us
        found = []
        for bed in self.beds.values():
            binding = bed.binding
            if binding is None or binding.device_id != device_id:
                continue
            if bed.at_us < enrolled_us and (bed.last is not None or binding.confirmed_us is not None):
                bed.empty(device_id, enrolled_us)
                found.append(bed)
            elif binding.confirmed_us is not None and (
                binding.confirmed_us < enrolled_us or (is_news and binding.confirmed_by == AT_THE_BEDSIDE)
            ):
                bed.binding = replace(binding, confirmed_us=None, confirmed_by=None)
                found.append(bed)
        return found

    def forget(self, sessions: Set[str], now_us: int) -> list[BedNow]:
        """Sessions that were erased: nothing of them is shown any longer."""
        left = [b for b in self.beds.values() if b.session_id in sessions]
        for bed in left:
            bed.empty(bed.binding.device_id if bed.binding else "", now_us)
        return left

    def gone_quiet(self, now_us: int) -> list[BedNow]:
        """Beds not heard of for a while, since the last look."""
        found = [b for b in self.beds.values() if not b.quiet and is_old(b.at_us, now_us)]
        for bed in found:
            bed.quiet = True
        return found


def _cuts_in(bed: BedNow, message: LiveMessage, now_us: int) -> bool:
    """A new connection speaks of a session while another of the bed goes on: this may be another computer with a copy
    of the station's key, and its Start says nothing of this bed."""
    going_on = bed.last is not None and bool(bed.session_id) and not is_old(bed.at_us, now_us)
    return going_on and bool(message.session_id) and message.session_id != bed.session_id


def is_old(at_us: int, now_us: int) -> bool:
    """Not of now. What came in the future came before this machine's clock was set back: how old it is nobody knows."""
    return abs(now_us - at_us) > STALE_US


def needs(bed: BedNow, now_us: int) -> list[dict[str, Any]]:
    """What a person should look at, and since when: what the bedside says, and what only the service can know."""
    found = _needs(bed, now_us)
    keys = [(str(one["id"]), str(one["values"].get("device", ""))) for one in found]
    if now_us - bed.at_us <= STALE_US:  # of a silent bed nobody knows what went away
        for gone in bed.since.keys() - set(keys):
            del bed.since[gone]
    known = {("no-data", ""): bed.at_us}
    if bed.binding is not None:
        known["confirm-binding", ""] = bed.binding.bound_us
    told = [known.get(key) or bed.since.setdefault(key, now_us) for key in keys]
    return [one | {"since_us": since_us} for one, since_us in zip(found, told, strict=True)]


def _needs(bed: BedNow, now_us: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if not bed.session_id:
        return found
    if bed.binding is not None and bed.binding.asks:
        found.append({"id": "confirm-binding", "values": {}})
    if is_old(bed.at_us, now_us):
        return [{"id": "no-data", "values": {"age_s": round(abs(now_us - bed.at_us) / 1e6, 1)}}, *found]
    if bed.last is None:
        return found
    found += bed.last.state["needs"]
    skew_us = bed.at_us - bed.last.t_us
    if abs(skew_us) > SKEW_US:
        found.append({"id": "clock-differs", "values": {"seconds": round(skew_us / 1e6, 1)}})
    return found + _sync_lag(bed.last.state["sync"], bed.last.t_us)


def _sync_lag(sync: Mapping[str, Any] | None, t_us: int) -> list[dict[str, Any]]:
    """By the bedside's own clock: it dated its last success."""
    if not sync or not sync["waiting"]:
        return []
    last_us = sync["last_success_us"]
    if last_us is not None and t_us - last_us <= SYNC_LAG_US:
        return []
    values: dict[str, Any] = {"waiting": sync["waiting"], "total": sync["total"]}
    if last_us is not None:
        values["age_s"] = round((t_us - last_us) / 1e6)
    return [{"id": "sync-lag", "values": values}]


# ---- texts for browsers


def parcel(bed: BedNow, shown: LiveMessage, gap: int) -> Parcel:
    """One message for every browser that watches the ward, made once."""
    told = _told(bed, replace(shown, waves={}), bed.at_us)
    about = {
        "type": "bed",
        "bed_id": bed.bed_id,
        "at_us": bed.at_us,
        "gap": gap,
        "binding": bed.binding.to_json() if bed.binding else None,
    }
    del told["waves"]
    begins = _dumps({**about, "msg": told}).removesuffix("}}")  # the waves go in as the last of `msg`
    bare = f'{begins},"waves":{{}}}}}}'
    if not shown.waves:
        return Parcel(bed.bed_id, bare)
    return Parcel(bed.bed_id, f'{begins},"waves":{_dumps(shown.waves)}}}}}', bare)


def ward_told(
    ward: Mapping[str, Any], beds: Iterable[Mapping[str, Any]], board: Board, now_us: int
) -> dict[str, Any]:
    """The whole ward: every bed at its place, the empty ones too.

    Args:
        ward: ``id, name``.
        beds: ``id, label, place`` in the order of their places.
    """
    return {
        "type": "ward",
        "server_us": now_us,
        "ward": dict(ward),
        "beds": [_bed(b, board, now_us) for b in beds],
    }


def tick_text(now_us: int, *, limited: bool = False) -> str:
    """The service is alive; ``limited``: it may not hear of beds that are connected to another replica."""
    return _dumps({"type": "tick", "server_us": now_us} | ({"limited": True} if limited else {}))


def _bed(row: Mapping[str, Any], board: Board, now_us: int) -> dict[str, Any]:
    told = {"bed_id": row["id"], "label": row["label"], "place": row["place"]}
    bed = board.beds.get(row["id"])
    if bed is None:
        return told | {"gaps": 0, "binding": None, "needs": [], "last": None}
    last = None if bed.last is None else {"at_us": bed.at_us, "msg": _told(bed, bed.last, now_us)}
    return told | {
        "gaps": bed.gaps,
        "binding": bed.binding.to_json() if bed.binding else None,
        "needs": needs(bed, now_us),
        "last": last,
    }


def _told(bed: BedNow, message: LiveMessage, now_us: int) -> dict[str, Any]:
    told = message.to_json()
    told["state"] = {**told["state"], "needs": needs(bed, now_us)}
    return told


def text_of(value: Any) -> str:
    """JSON for a browser."""
    return _dumps(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
