"""``hemoview bench cloud``: the service and its load together on this machine."""

from __future__ import annotations

from typing import Any

from hemoview.bench import cloud_kills, cloud_live, cloud_record, machine


def run(*, beds: int = 16, kills: int = 0) -> dict[str, Any]:
    """Measure ``beds`` live with segments beside them, then the record path alone; with ``kills``, kill the service
    that often while it receives.

    Raises:
        RecorderError: the service does not start, or refuses what is right.
    """
    killed = {"killed": cloud_kills.run(kills=kills)} if kills else {}
    live = cloud_live.run(beds=beds)  # first: what the other leaves to be written to the disk would slow it
    return {**cloud_record.run(), **live, **killed, "machine": machine.describe()}
