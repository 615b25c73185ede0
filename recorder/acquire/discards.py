"""Ending a session early: aborted and kept, or discarded into quarantine; and the end of quarantine after 30 days."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from recorder import session as store
from recorder.acquire.commands import Verb
from recorder.acquire.wire import Request
from recorder.errors import ConfigError, RecorderError

if TYPE_CHECKING:
    from recorder.acquire.station import Station

PURGE_EVERY_S: Final = 3600.0

log = logging.getLogger(__name__)

Answer = dict[str, Any]


def table(station: Station) -> dict[str, Verb]:
    """Verbs of this room."""

    def of(run: Callable[[Station, Request], Answer]) -> Callable[[Request], Answer]:
        return lambda request: run(station, request)

    return {
        "abort": Verb(of(_abort), control=True, slow=True),
        "discard": Verb(of(_discard), control=True, slow=True),
    }


def _abort(station: Station, request: Request) -> Answer:
    """Stop before the protocol is through; what there is is kept, marked incomplete, with the reason."""
    why, operator = _signed(request, "abort")
    station.guide.stopping()
    folder = station.sessions.stop("aborted", aborted=why, operator=operator)
    return {"folder": str(folder)}


def _discard(station: Station, request: Request) -> Answer:
    """Stop, then quarantine. Where the stop itself fails the session stays where it is."""
    why, operator = _signed(request, "discard")
    station.guide.stopping()
    folder = station.sessions.stop("discarded", aborted=why, operator=operator)
    found = store.discard(folder, why=why, who=operator, wall_ns=station.clock.wall_ns())
    station.sessions.path = found.path
    return {"folder": str(found.path), "quarantined": found.to_json()}


def _signed(request: Request, what: str) -> tuple[str, str]:
    why = str(request.args.get("why") or "").strip()
    operator = str(request.args.get("operator") or "").strip()
    if not why:
        raise ConfigError(f"{what}: no reason; say why, the recording goes on")
    if not operator:
        raise ConfigError(f"{what}: no operator code; say who, the recording goes on")
    return why, operator


class PurgeWatch:
    """Once an hour, beside the recording: what was discarded 30 days ago is erased.

    Args:
        folder: where sessions go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._due_s = 0.0
        self._thread: threading.Thread | None = None

    def look(self, wall_ns: int) -> None:
        """Returns at once."""
        if time.monotonic() < self._due_s or (self._thread is not None and self._thread.is_alive()):
            return
        self._due_s = time.monotonic() + PURGE_EVERY_S
        self._thread = threading.Thread(target=self._purge, args=(wall_ns,), name="purge", daemon=True)
        self._thread.start()

    def _purge(self, wall_ns: int) -> None:
        try:
            for stone in store.purge(self._folder, wall_ns):
                log.info("erased after quarantine: session %s", stone.session_id)
        except (RecorderError, OSError) as error:  # tried again in an hour
            log.warning("what is due in quarantine was not erased: %s", type(error).__name__)
