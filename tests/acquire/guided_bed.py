"""A whole station that guides a session, on a clock that runs fast."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bed import Bed
from scripted import args

from recorder.acquire.template import Template, parse
from recorder.clock import Clock
from recorder.schema import Event

SPEED = 100.0
"""A minute of the protocol is 0.6 s here: phases are told in minutes of the session's clock."""


class GuidedBed(Bed):
    """One station whose clock runs fast."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path, Clock(SPEED, time.monotonic_ns(), time.time_ns()))

    def start(self, template: Template, **changes: object) -> Path:
        return Path(self.ask("start", **args(template=template.to_json(), **changes))["folder"])

    def events(self, *kinds: str) -> list[Event]:
        return [e for e in self.station.hub.events_since(0) if e.kind in kinds]

    def crash(self) -> None:
        self.station.sessions.abandon()
        self.station.close()
        self.station = self.make()
        self.station.start()


def plan(*phases: dict[str, Any], **more: Any) -> Template:
    return parse({"name": "study", "phases": list(phases), **more})


def labels(bed: GuidedBed) -> list[tuple[str, str]]:
    return [(e.payload["label"], e.payload["source"]) for e in bed.events("marker")]
