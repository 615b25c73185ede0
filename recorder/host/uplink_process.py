"""The uplink of a station: started and restarted by its recorder while the station is enrolled with a service.

Imports nothing of what it runs: a recorder starts without HTTP.
"""

from __future__ import annotations

from pathlib import Path

from recorder.host import lock, places, platform, processes, sync_process
from recorder.host.keeper import Keeper


def keep(station: str, home: Path | None = None) -> Keeper:
    """Start it when the station is enrolled, and restart it whenever it dies. The recorder does this."""
    return Keeper(
        f"uplink-{station}",
        lambda: sync_process.is_wanted(station, home),
        lambda: lock.uplink_holder(station, home) is not None,
        lambda: start(station, home),
    )


def start(station: str, home: Path | None = None) -> int:
    """Start it, detached; returns its process id."""
    home = home or places.home()
    words = ["-m", "recorder.cli", "uplink", "--station", station, "--home", str(home)]
    return processes.start_detached(words, f"uplink-{station}", home, {}).pid


def stop(station: str, home: Path | None = None) -> None:
    """Ask it to end; it keeps nothing that could be lost."""
    pid = lock.uplink_holder(station, home)
    if pid:
        platform.terminate(pid)
