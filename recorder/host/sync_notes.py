"""What pre-flight says of sync: that a service does not answer bars nothing, and whoever starts should know."""

from __future__ import annotations

from pathlib import Path

from recorder.acquire.sync_board import SyncBoard
from recorder.host import places, sync_process
from recorder.schema.sync_status import SyncStatus


def notes(station: str, home: Path | None = None) -> list[tuple[str, str]]:
    """(what, todo) of each service that does not take what waits."""
    board = SyncBoard(places.station_dir(station, home) / sync_process.STATUS_FILE)
    return [note for status in board.look() if (note := _note(status)) is not None]


def _note(status: SyncStatus) -> tuple[str, str] | None:
    host, left, total = status.server, status.waiting, status.total
    if status.state == "unreachable":
        return (
            f"service {host} does not answer, {left} of {total} files wait",
            "record all the same: they are kept here and go there when it answers",
        )
    if status.state in ("refused", "other-service"):
        return f"service {host} takes nothing, {left} of {total} files wait", "see Service in the menu"
    return None
