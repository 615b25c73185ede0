"""A CNAP stick for tests: a simulated person, five minutes of them."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

from recorder.devices.sim.physiology import SimRecording, SimSubject, simulate
from recorder.devices.sim.stick import StickFiles, StickPlan, write_stick

BEGINS = datetime(2025, 1, 31, 9, 5, 7)
BEGINS_NS = 1_738_310_707_000_000_000
"""The same in Berlin, UTC ns."""
ZONE = "Europe/Berlin"
PERSON = ("Miller^Anna", "4711-0815", "2013110042")
PLAN = StickPlan(
    calibrated_s=(60.0, 250.0),
    finger_changes_s=(200.0,),
    hd_calibrated_s=90.0,
    failed_cuffs_s=(150.0,),
    person=PERSON,
    prefix="Anna_Miller_",
)


@cache
def recording(seed: int = 5) -> SimRecording:
    """Five minutes."""
    return simulate(SimSubject(age_y=52, sex="female", height_cm=164, weight_kg=60), 300.0, seed=seed)


def write(folder: Path, begins: datetime = BEGINS, plan: StickPlan = PLAN, seed: int = 5) -> StickFiles:
    """The trio."""
    return write_stick(folder, recording(seed), begins, plan, seed=seed)
