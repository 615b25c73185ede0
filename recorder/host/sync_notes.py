"""What pre-flight says of sync: that a service does not answer bars nothing, and whoever starts should know."""

from __future__ import annotations

import time
from pathlib import Path

from recorder.acquire.sync_board import SyncBoard
from recorder.host import places
from recorder.schema.sync_status import SyncStatus


def notes(station: str, home: Path | None = None) -> list[tuple[str, str]]:
    """(what, todo) of each service that does not take what waits."""
    board = SyncBoard(places.station_dir(station, home))
    now_us = time.time_ns() // 1000
    return [note for status in board.look() if (note := _note(status, now_us)) is not None]


def _note(status: SyncStatus, now_us: int) -> tuple[str, str] | None:
    host, left, total = status.server, status.waiting, status.total
    if status.state == "unreachable":
        return (
            f"service {host} does not answer, files waiting: {left} of {total}",
            "record all the same: they are kept here and go there when it answers",
        )
    if status.state in ("refused", "other-service"):
        return f"service {host} takes nothing, files waiting: {left} of {total}", "see Service in the menu"
    if status.clock_ahead_s:
        return (
            f"this machine's clock and that of service {host} are {abs(status.clock_ahead_s)} s apart",
            "see which is right before you record: times of a session are this machine's",
        )
    days = status.certificate_days(now_us)
    if days is not None:
        return (
            f"the certificate of service {host} runs out in 1 day"
            if days == 1
            else f"the certificate of service {host} runs out in {days} days",
            "tell its administrator to renew it; then nothing would go there, and all would be kept here",
        )
    return None
