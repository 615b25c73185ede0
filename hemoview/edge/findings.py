"""Which computed rows change what is known, and become stored events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from hemoview.dsp.shared_heart import Verdict
from hemoview.edge.heart import evidence_of
from hemoview.edge.streams import ARM, HEART
from recorder.schema import Event, SampleBlock


class Findings:
    """Of one session: remembers what was told last, so that an event is a change."""

    def __init__(self) -> None:
        self.heart: Verdict | None = None
        """Whose heart it is, as last told; None = nothing was."""

    def told(self, event: Event) -> None:
        """An event of the session, from before this process followed it."""
        if event.kind == "heartbeat":
            self.heart = event.payload["verdict"]

    def of(self, rows: Iterable[SampleBlock]) -> Iterator[dict[str, Any]]:
        """Arguments of the verb ``finding``, one for each row that changes something."""
        for block in rows:
            if block.stream_id in (HEART, ARM) and block.row_t_host_ns is not None:
                for values, t_ns in zip(block.values.tolist(), block.row_t_host_ns.tolist(), strict=True):
                    yield from self._heart(values, t_ns) if block.stream_id == HEART else _turn(values, t_ns)

    def _heart(self, values: list[float], t_host_ns: int) -> Iterator[dict[str, Any]]:
        evidence = evidence_of(values)
        before, self.heart = self.heart, evidence["verdict"]
        if self.heart != (before or "cannot-tell"):
            yield {"kind": "heartbeat", "payload": evidence, "t_host_ns": t_host_ns}


def _turn(values: list[float], t_host_ns: int) -> Iterator[dict[str, Any]]:
    named = zip(("angle_deg", "height_cm", "widens_mmhg"), values, strict=True)
    payload = {name: round(value, 1) for name, value in named}
    yield {"kind": "arm-moved", "payload": payload, "t_host_ns": t_host_ns}
