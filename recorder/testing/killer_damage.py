"""Flip a byte, or tear the end off a file, of a recorded session, and see who notices."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from recorder import session as sessions
from recorder.errors import RecorderError
from recorder.session import Session
from recorder.testing import killer_workload as workload

Verdict = Literal["detected", "harmless", "silent"]


@dataclass(frozen=True, slots=True)
class Injury:
    """What was done to a copy of a session, and whether it was noticed.

    ``detected``: ``verify`` names damage, and every row still read is right. ``harmless``: everything reads as before.
    ``silent``: a wrong row was read, or a row was missing, and nobody said so.
    """

    file: str
    at: int
    kind: Literal["flip", "torn"]
    verdict: Verdict
    why: str


def injure(session: Path, place: Path, rng: random.Random, *, torn: bool = False) -> Injury:
    """Damage one random file of a copy of ``session`` (a file is as likely as any other) and look at it."""
    copy = place / "injured"
    shutil.copytree(session, copy)
    try:
        files = sorted(p for p in copy.rglob("*") if p.is_file() and p.stat().st_size and not _derived(p))
        victim = rng.choice(files)
        content = bytearray(victim.read_bytes())
        at = rng.randrange(len(content))
        if torn:
            del content[at:]
        else:
            content[at] ^= 1 << rng.randrange(8)
        victim.write_bytes(content)
        verdict, why = judge(copy)
        return Injury(str(victim.relative_to(copy)), at, "torn" if torn else "flip", verdict, why)
    finally:
        shutil.rmtree(copy)


def _derived(path: Path) -> bool:
    return path.name.endswith(("-shm", ".lock"))  # rebuilt or empty: no part of what is stored


def judge(folder: Path) -> tuple[Verdict, str]:
    """What ``verify`` and the reader make of a damaged session of the foretold recording."""
    try:
        report = sessions.verify(folder)
        named = [f"{d.file}: {d.why}" for d in report.damaged]
        with sessions.open(folder) as session:
            wrong, missing = _read_all(session)
            named += [f"{file}: {why}" for file, why in session.damaged]
    except RecorderError as error:
        return "detected", f"{type(error).__name__}: {error}"
    if wrong:
        return "silent", wrong
    if named:
        return "detected", named[0]
    return ("silent", missing) if missing else ("harmless", "")


def _read_all(session: Session) -> tuple[str, str]:
    """What was read wrongly, and what was not read although it was recorded."""
    missing = ""
    for info in workload.STREAMS:
        stream = session.read(info.stream_id)
        if not np.array_equal(stream.raw, workload.values(info, stream.sample_no)):
            return f"{info.stream_id}: wrong values", ""
        if not np.isfinite(stream.time_s).all():
            return f"{info.stream_id}: rows without a time", ""
        end = workload.next_no(info, round(RECORDED_S * 1000))
        if len(stream) != len(workload.numbers(info, 0, end)):
            missing = f"{info.stream_id}: {len(stream)} rows"
    ids = {event.event_id for event in session.events("marker")}
    if ids - {workload.event_id(s) for s in range(1, int(RECORDED_S) + 1)}:
        return "a marker that was never set", ""
    return "", missing or ("" if len(ids) == int(RECORDED_S) else "markers are missing")


RECORDED_S = 40.0
"""Length of the recordings that are injured: a whole number of commits."""
