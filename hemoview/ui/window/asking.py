"""Asks the recorder what the live model wants to know: streams, events, and the past of a session it joins."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from hemoview.estimate.claims import card_of
from hemoview.ui.parts.bridge import Bridge
from hemoview.viewmodel.live import trend_history
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.live.rings import RingSlice
from recorder.clock import Clock
from recorder.host import places

ANSWER_S = 2.0

log = logging.getLogger(__name__)


class Commands(Protocol):
    """The part of ``StationClient`` used here."""

    def call(self, verb: str, timeout_s: float = 5.0, **args: Any) -> dict[str, Any]:
        """Ask the recorder and wait for its answer."""
        ...


class Asking:
    """One question of each kind at a time; what fails is asked again with a later picture."""

    def __init__(self, model: LiveModel, bridge: Bridge, commands: Commands, clock: Clock) -> None:
        self._model, self._bridge, self._commands, self._clock = model, bridge, commands, clock
        self._open: set[str] = set()
        self._filled = ""

    def look(self) -> None:
        """Ask what is wanted now."""
        if self._model.status is None:
            return
        if self._model.wants_describe:
            self._ask("describe", self._described)
        elif self._model.wants_events:
            self._ask("events", self._model.events_told, since=self._model.event_no)

    def _ask(self, verb: str, told: Callable[[Any], None], **args: Any) -> None:
        if verb in self._open:
            return
        self._open.add(verb)

        def done(answer: Any) -> None:
            self._open.discard(verb)
            told(answer)

        self._bridge.call(
            lambda: self._commands.call(verb, ANSWER_S, **args), done, lambda _: self._open.discard(verb)
        )

    def _described(self, answer: dict[str, Any]) -> None:
        self._model.described(answer)
        self._fill_trend()
        for stream in self._model.streams.values():
            if stream.info.role == "estimate":
                self._model.card = card_of(stream.info.metadata, places.models_dir())

    def _fill_trend(self) -> None:
        """A window that joins a running session reads from disk what it has not seen; once a session."""
        session = self._model.status.session if self._model.status else None
        if session is None or session.state != "open" or session.session_id == self._filled:
            return
        self._filled = session.session_id
        start_ns = session.started_host_ns or 0
        self._bridge.call(
            lambda: trend_history.read(Path(session.folder), start_ns, self._clock.monotonic_ns()),
            self._trend_read,
            lambda error: log.warning("the trend begins now: %s", error),
        )

    def _trend_read(self, found: dict[str, RingSlice]) -> None:
        for stream_id, rows in found.items():
            self._model.remembered(stream_id, rows)
