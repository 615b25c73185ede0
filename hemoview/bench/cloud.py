"""``hemoview bench cloud``: the service and its load together on this machine."""

from __future__ import annotations

from typing import Any

from hemoview.bench import cloud_kills, cloud_record, machine


def run(*, beds: int = 16, kills: int = 0) -> dict[str, Any]:
    """Measure the record path; with ``kills``, kill the service that often while it receives.

    Raises:
        RecorderError: the service does not start, or refuses what is right.
    """
    killed = cloud_kills.run(kills=kills) if kills else {}
    return {"beds": beds, **cloud_record.run(), **killed, "machine": machine.describe()}
