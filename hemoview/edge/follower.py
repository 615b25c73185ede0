"""Follows a recorder: asks what there is, feeds the pipeline, hands the rows back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hemoview.edge.findings import Findings
from hemoview.edge.knowledge import Options
from hemoview.edge.models import Loaded
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.streams import Sources, declared, find_sources
from hemoview.estimate.estimator import Body
from recorder.acquire import wire
from recorder.clock import ClockEra
from recorder.host.client import StationClient
from recorder.host.feed import LiveFeed
from recorder.schema import (
    CONFIRMED,
    CUFF_INFLATION,
    UNCONFIRMED,
    Calibration,
    Event,
    SampleBlock,
    SessionStatus,
    Sites,
    StationStatus,
    StreamInfo,
    Subject,
)
from recorder.schema.rules import RULE, EstimateRules

LATEST_S: Final = 20.0
"""Blocks as late as this are still computed: an estimate may come late, a window with a hole would not come at all."""
LOOK_EVERY_S: Final = 0.1
"""Blocks are taken ten times a second, all that came: waking for each would cost more than computing."""
DERIVED_TIMEOUT_S: Final = 10.0
FACTS: Final = (
    "cuff",
    "cuff-withdrawn",
    "calibration",
    "marker",
    "marker-undone",
    "era",
    RULE,
    UNCONFIRMED,
    CONFIRMED,
    CUFF_INFLATION,
    "posture",
    "reminder",
)
"""Events that hold until another takes them back; asked for when a session is met half-way."""

log = logging.getLogger(__name__)


class Follower:
    """One station's recorder, through one pipeline that outlives its restarts.

    Args:
        client: of the station.
        loaded: the model.
        options: for sessions that do not say.
    """

    def __init__(self, client: StationClient, loaded: Loaded, options: Options) -> None:
        self._client, self._loaded, self._options = client, loaded, options
        self._pipeline = Pipeline(Sources(), loaded.runner, options)
        self._findings = Findings()
        self._feed: LiveFeed | None = None
        self._described = -1

    def attach(self) -> None:
        """Ask what the station has, declare what comes of it, and subscribe.

        Raises:
            RecorderError: it does not answer, or refuses.
        """
        self._describe(StationStatus.from_json(self._client.call("status")["status"]), missed=True)
        self._subscribe()

    def detach(self) -> None:
        """Let go of the feed; the pipeline keeps what it knows."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def follow(self, stop: threading.Event) -> None:
        """Until ``stop`` is set or the recorder was restarted elsewhere.

        Raises:
            RecorderError: the recorder does not take the rows any more.
        """
        assert self._feed is not None
        while not stop.is_set() and not self._feed.reconnects:
            stop.wait(LOOK_EVERY_S)
            rows: list[SampleBlock] = []
            for item in self._feed.drain():
                rows += self._take(item)
            self._hand_back(rows)
            for finding in self._findings.of(rows):
                self._client.call("finding", DERIVED_TIMEOUT_S, **finding)

    # ---- items

    def _take(self, item: SampleBlock | StationStatus | Event) -> Sequence[SampleBlock]:
        if isinstance(item, SampleBlock):
            return self._pipeline.push_block(item)
        if isinstance(item, Event):
            return self._pipeline.push_event(item)
        if item.describe_no != self._described or item.session.session_id != self._pipeline.session_id:
            self._describe(item, missed=False)
        return ()

    def _hand_back(self, rows: Sequence[SampleBlock]) -> None:
        if rows:
            headers, frames = wire.pack_blocks(rows)
            self._client.call("derived", DERIVED_TIMEOUT_S, frames, blocks=headers)

    # ---- what the station has

    def _describe(self, status: StationStatus, *, missed: bool) -> None:
        """Streams, subject, eras, calibrations and anchors as they are now; ``missed``: events may have been."""
        told = self._client.call("describe")
        self._described = status.describe_no
        streams = [StreamInfo.from_json(value) for value in told["streams"]]
        self._use(find_sources(streams))
        wanted = declared(self._pipeline.sources, self._loaded.name)
        if any(info not in streams for info in wanted):
            self._client.call("declare", streams=[info.to_json() for info in wanted])
        self._pipeline.know_eras(ClockEra.from_json(value) for value in told["eras"])
        for value in told["calibrations"]:
            self._pipeline.know_calibration(Calibration.from_json(value))
        if status.session.state != "sealing":
            self._follow_session(status.session, told["header"] or {}, missed=missed)

    def _use(self, sources: Sources) -> None:
        """Other sources than before need another pipeline and another subscription."""
        if sources == self._pipeline.sources:
            return
        self._pipeline = Pipeline(sources, self._loaded.runner, self._options)
        if self._feed is not None:
            self.detach()
            self._subscribe()

    def _subscribe(self) -> None:
        topics = [wire.BLOCK + stream_id for stream_id in sorted(self._pipeline.sources.stream_ids)]
        self._feed = self._client.feed([*topics, wire.STATUS, wire.EVENT], max_age_s=LATEST_S)
        log.info("following %s", ", ".join(topics) or "no stream yet")

    def _follow_session(self, session: SessionStatus, header: dict[str, Any], *, missed: bool) -> None:
        """Another session than before, or one met half-way: its cuff readings are asked for, not remembered."""
        session_id = session.session_id
        if session_id and header.get("session_id") != session_id:
            return  # it changed between two answers; the next status tells again
        known = session_id == self._pipeline.session_id
        rules = EstimateRules.of_template(header.get("template"))
        if not known:
            self._findings = Findings()
        self._pipeline.begin_session(session_id, body_of(header), rules, sites_of(header))
        if not session_id or (known and not missed):
            return
        for value in self._client.call("events", since=0)["events"]:
            event = Event.from_json(value)
            self._findings.told(event)
            if event.kind == "arm-moved" and not known:
                self._pipeline.know_turn(event)
            if event.kind in FACTS:
                self._pipeline.push_event(event)
        if not known and self._pipeline.heart is not None:
            self._pipeline.heart.begin(self._findings.heart or "cannot-tell")
        if not known and self._pipeline.remembers:
            from hemoview.edge.memory import recall  # noqa: PLC0415 – the store's reader is 40 MB, seldom needed

            recall(Path(session.folder), self._pipeline, self._loaded.runner)


def body_of(header: dict[str, Any]) -> Body:
    """Body size and CVP of the subject in a session header; unknown where it has none."""
    fields = header.get("subject")
    if not fields:
        return Body()
    subject = Subject(**{k: v for k, v in fields.items() if k in Subject.__dataclass_fields__})
    return Body(subject.bsa_m2, subject.cvp_mmhg)


def sites_of(header: dict[str, Any]) -> Sites | None:
    """Where the sensors sit, as a session header tells."""
    fields = header.get("sites")
    return Sites(**{k: v for k, v in fields.items() if k in Sites.__dataclass_fields__}) if fields else None
