"""Is anybody there? From the notices alone: the wristband is not worn and the pressure line is flat (safety rule 3).

The drivers tell the two facts as they see them: an E4 whose skin conductance is exactly 0 for 10 s (``not-worn``), an
ADC channel that stays within its noise for 2 s (``flat-line``). Each is told when it begins and, as ``quality-ok``,
when it ends. A wristband's link that was lost knows nothing of before, nor does a recorder that was restarted: what was
told is forgotten until it is told again. After a suspend the drivers go on, in a new clock era: time counts from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from recorder.schema import Event

NOT_WORN: Final = "not-worn"
FLAT: Final = "flat-line"


@dataclass(slots=True)
class Presence:
    """What the notices of one session say of its subject; told every event in order.

    ``_since_ns`` holds, for each fact that lasts, host times by the place it is told of: (device, stream, channel).
    """

    _since_ns: dict[str, dict[tuple[str, str, str], int]] = field(
        default_factory=lambda: {NOT_WORN: {}, FLAT: {}}
    )

    def told(self, event: Event) -> None:
        """Take one event; those that say nothing of it are left alone."""
        if event.kind == "era":
            self._begin_era(event.payload)
        elif event.kind == "link" and event.payload.get("state") == "lost":
            self._link_lost(str(event.payload.get("device_id", "")))
        elif event.kind == "notice":
            self._notice(event.payload, event.t_host_ns)

    @property
    def nobody_since_ns(self) -> int | None:
        """Host time since when the band is off **and** the pressure flat; None while either is not so."""
        first = [min(places.values(), default=None) for places in self._since_ns.values()]
        known = [t for t in first if t is not None]
        return max(known) if len(known) == len(first) else None

    def _notice(self, told: dict[str, Any], t_host_ns: int) -> None:
        place = tuple(str(told.get(name) or "") for name in ("device_id", "stream_id", "channel"))
        device_id, stream_id, channel = place
        kind, ended = str(told.get("kind")), str(told.get("ended", ""))
        if kind in self._since_ns:
            self._since_ns[kind].setdefault((device_id, stream_id, channel), t_host_ns)
        elif ended in self._since_ns:
            self._since_ns[ended].pop((device_id, stream_id, channel), None)

    def _begin_era(self, told: dict[str, Any]) -> None:
        for places in self._since_ns.values():
            if told.get("reason") != "resume":
                places.clear()
            for place in places:
                places[place] = int(told["monotonic_ns"])

    def _link_lost(self, device_id: str) -> None:
        worn = self._since_ns[NOT_WORN]
        for place in [p for p in worn if p[0] == device_id]:
            del worn[place]


def nobody_since_ns(events: Iterable[Event]) -> int | None:
    """Host time since when the events of a session say that nobody is there; see :class:`Presence`."""
    presence = Presence()
    for event in events:
        presence.told(event)
    return presence.nobody_since_ns
