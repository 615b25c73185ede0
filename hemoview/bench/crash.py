"""``hemoview bench crash``: kills, simulated power cuts, flipped bytes and torn files, against real recordings."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from hemoview.bench import machine
from recorder.host.console import Tell, progress
from recorder.testing import killer, killer_damage, powercut, powercut_shim

CUT_RECORDING_S = 60.0
SEGMENT_S = 8.0
"""Segments of the recordings: short, so that many crashes fall into a seal."""
TORN_PER_FLIP = 0.5


def run(*, kills: int, power_cuts: int, flips: int, seed: int) -> dict[str, Any]:
    """Crash recordings whose every value is known, and count what is lost or wrong.

    A session counts as unreadable if it does not open, misses a row whose commit had returned, holds a wrong value,
    or is not whole after ``recover``. Torn files come on top of the flips, half as many.

    Raises:
        TimeoutError, subprocess.CalledProcessError: a recording could not be made.
    """
    rng = random.Random(seed)
    steps = kills + power_cuts + flips + _torn(flips)
    with (
        tempfile.TemporaryDirectory(prefix="hemoview-crash-") as folder,
        progress("crashing recordings", steps) as tell,
    ):
        place, done = Path(folder), _counting(tell)
        outcomes = _kill(place, kills, rng, done)
        cuts, seen_by = _cut(place, power_cuts, rng, done)
        injuries = _injure(place, flips, rng, done)
    both = [*outcomes, *cuts]
    result: dict[str, Any] = {
        "kills": kills,
        "unreadable": sum(bool(o.problems) for o in both),
        "max_seconds_lost": round(max((o.seconds_lost for o in both), default=0.0), 3),
        "power_cuts": len(cuts),
    }
    flipped = [i for i in injuries if i.kind == "flip"]
    torn = [i for i in injuries if i.kind == "torn"]
    result |= {"flips": len(flipped), **{f"flips_{v}": _count(flipped, v) for v in _VERDICTS}}
    result |= {"torn": len(torn), **{f"torn_{v}": _count(torn, v) for v in _VERDICTS}}
    result |= {"power_cuts_seen_by": seen_by, "seed": seed, "machine": machine.describe()}
    problems = [p for o in both for p in o.problems]
    problems += [f"{i.file}: {i.kind} at byte {i.at}: {i.why}" for i in injuries if i.verdict == "silent"]
    return result | ({"problems": problems[:20]} if problems else {})


_VERDICTS = get_args(killer_damage.Verdict)


def _count(injuries: list[killer_damage.Injury], verdict: str) -> int:
    return sum(i.verdict == verdict for i in injuries)


Done = Callable[[str], None]
"""Says what has been done once more: ``kills``, ``flips``."""


def _counting(tell: Tell) -> Done:
    counts: Counter[str] = Counter()

    def done(what: str) -> None:
        counts[what] += 1
        tell(counts.total(), ", ".join(f"{name} {n}" for name, n in counts.items()))

    return done


def _uncounted(_: str) -> None:
    """Nobody looks."""


def _torn(flips: int) -> int:
    return round(flips * TORN_PER_FLIP)


def _kill(place: Path, count: int, rng: random.Random, done: Done) -> list[killer.Outcome]:
    outcomes = []
    for number in range(count):
        outcomes.append(killer.kill_once(place / f"kill-{number}", rng))
        done("kills")
    return outcomes


def _cut(
    place: Path, count: int, rng: random.Random, done: Done = _uncounted
) -> tuple[list[killer.Outcome], str]:
    """Outcomes of simulated power cuts, and how the recording's writes were seen."""
    if count == 0:
        return [], ""
    traced = place / "traced"
    traced.mkdir()
    traced_ops, seen_by = ops(traced)
    outcomes = []
    for number, (disk, state) in enumerate(powercut.cut_states(traced_ops, count, rng)):
        folder = place / f"cut-{number}"
        powercut.materialise(state, str(traced / "session"), folder)
        outcomes.append(killer.check(folder, disk.handed_ms, disk.promised_ms))
        done("power cuts")
    return outcomes, seen_by


def ops(place: Path) -> tuple[list[powercut.Op], str]:
    """A recording's writes: every system call where they can be traced, else those Python and SQLite promise."""
    if powercut.available():
        try:
            return powercut.record(place, seconds=CUT_RECORDING_S, segment_s=SEGMENT_S), "strace"
        except OSError:  # installed, but not allowed to trace (containers)
            shutil.rmtree(place / "session", ignore_errors=True)
    return powercut_shim.record(place, seconds=CUT_RECORDING_S, segment_s=SEGMENT_S), "shim"


def _injure(
    place: Path, flips: int, rng: random.Random, done: Done = _uncounted
) -> list[killer_damage.Injury]:
    """Flip bytes in, and tear files of, a closed and a killed recording in turn."""
    if flips == 0:
        return []
    sessions = [_recorded(place / "closed", close=True), _recorded(place / "killed", close=False)]
    injuries = []
    for torn, count in ((False, flips), (True, _torn(flips))):
        for number in range(count):
            injuries.append(killer_damage.injure(sessions[number % 2], place, rng, torn=torn))
            done("torn files" if torn else "flips")
    return injuries


def _recorded(folder: Path, *, close: bool) -> Path:
    """A recording that was closed, or whose recorder was killed after its last commit."""
    progress = folder.with_name(folder.name + ".progress")
    command = [sys.executable, "-m", "recorder.testing.killer_workload", str(folder), str(progress)]
    command += ["--seconds", str(killer_damage.RECORDED_S), "--segment-s", "16", "--pause-s", "0"]
    subprocess.run(command if close else [*command, "--die"], check=True, capture_output=True)
    return folder
