"""A bedside's sync as long as its station lives, looked at step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recorder.schema.sync_status import SyncStatus
from recorder.sync import wire
from recorder.sync.orders import Desk, finder
from recorder.sync.watch import StationSessions, Watch
from tests.sync.sync_rig import Bedside, header

SESSION_ID = header().session_id


@contextmanager
def watching(
    bedside: Bedside, sessions: Path, marked: list[wire.Order] | None = None
) -> Iterator[tuple[Watch, list[SyncStatus]]]:
    told: list[SyncStatus] = []
    with bedside.gear() as gear:
        desk = Desk(
            gear.outbox,
            gear.vault,
            gear.service.identity,
            bedside.station_folder,
            finder(lambda: sorted(p for p in sessions.iterdir() if p.is_dir())),
            lambda order: marked is not None and (marked.append(order) or True),
            gear.now_us,
        )
        watch = Watch(gear, StationSessions(sessions, "bed1"), desk, told.append, "recorder 1")
        yield watch, told


def beat_now(watch: Watch) -> None:
    watch._next_beat_s = 0.0
    watch.look()
