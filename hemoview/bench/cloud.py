"""``hemoview bench cloud``: the service and its load together on this machine."""

from __future__ import annotations

from typing import Any

from hemoview.bench import cloud_record, machine


def run(*, beds: int = 16) -> dict[str, Any]:
    """Measure the record path.

    Raises:
        RecorderError: the service does not start, or refuses what is right.
    """
    return {"beds": beds, **cloud_record.run(), "machine": machine.describe()}
