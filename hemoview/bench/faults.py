"""``hemoview bench faults``: accelerated sessions through the real recorder and store, each with faults of its own.

The recorder's processes are forked from one that has loaded everything, so that a thousand sessions take minutes;
the clock runs 4 to 30 times as fast as real time, therefore nothing here says anything of latency or rates.
"""

from __future__ import annotations

import multiprocessing
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from hemoview.bench import crash, faults_session, machine
from hemoview.bench.faults_audit import Score
from hemoview.bench.faults_plan import Plan, draw
from hemoview.bench.guard import FLAG_WITHIN_S
from recorder.host.console import Tell, progress
from recorder.testing import killer, powercut

LEAST_SHARE = 0.999
PER_PROCESS = 25
"""Sessions one worker process carries out before it is replaced by a fresh one."""


def run(*, sessions: int = 40, seed: int = 1, workers: int = 4) -> dict[str, Any]:
    """Carry out ``sessions`` plans and count what is whole, honestly marked, flagged, or wrong."""
    plans = draw(sessions, seed)
    with progress("faulty sessions", len(plans)) as tell:
        scores = list(_scores(plans, workers, tell))
        scores += _power_cuts([p for p in plans if p.kind == "power-cut"], seed)
        tell(len(plans), "counting")
    return summary(scores, seed) | {"machine": machine.describe()}


def _scores(plans: Sequence[Plan], workers: int, tell: Tell) -> Iterator[Score]:
    """Of all plans but power cuts, as they end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hemoview.bench.faults_session"])
    with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=PER_PROCESS) as pool:
        waiting = [pool.submit(faults_session.run, plan) for plan in plans if plan.kind != "power-cut"]
        for n, done in enumerate(as_completed(waiting), start=1):
            tell(n, f"{n} of {len(plans)} sessions")
            yield done.result()


def _power_cuts(plans: Sequence[Plan], seed: int) -> list[Score]:
    """States that a power cut could leave of one traced recording (see :mod:`recorder.testing.powercut`)."""
    if not plans:
        return []
    rng = random.Random(seed)
    scores = []
    with tempfile.TemporaryDirectory(prefix="hemoview-cuts-") as folder:
        traced = Path(folder) / "traced"
        traced.mkdir()
        ops, _ = crash.ops(traced)
        for plan, (disk, state) in zip(plans, powercut.cut_states(ops, len(plans), rng), strict=True):
            cut = Path(folder) / f"cut-{plan.number}"
            powercut.materialise(state, str(traced / "session"), cut)
            found = killer.check(cut, disk.handed_ms, disk.promised_ms)
            problems = (
                *found.problems,
                *(() if found.seconds_lost <= 1.0 else (f"{found.seconds_lost} s lost",)),
            )
            whole = not found.seconds_lost
            scores.append(Score(plan.number, plan.kind, whole, problems, ("power-cut",)))
    return scores


def summary(scores: Sequence[Score], seed: int) -> dict[str, Any]:
    """Figures of a run."""
    kinds = Counter(s.kind for s in scores)
    good = [s for s in scores if not s.problems]
    swapped = [s for s in scores if s.kind == "swapped"]
    matched = [s for s in scores if s.kind == "matched"]
    flagged = sorted(s.flagged_after_s for s in swapped if s.flagged_after_s is not None)
    share = len(good) / len(scores)
    result = {
        "simulated": True,
        "seed": seed,
        "sessions": len(scores),
        "complete": sum(s.complete for s in good),
        "marked": sum(not s.complete for s in good),
        "wrong": len(scores) - len(good),
        "share": round(share, 5),
        "ok": share >= LEAST_SHARE and not any(s.flagged_after_s for s in matched),
        "samples_lost_and_told": sum(s.lost for s in good),
        "matched": len(matched),
        "false_flags": sum(s.flagged_after_s is not None for s in matched),
        "swapped": len(swapped),
        "swapped_comparable": sum(bool(s.comparable) for s in swapped),
        "flagged_within_60_s": sum(t <= FLAG_WITHIN_S for t in flagged),
        "usable_s_to_flag_max": flagged[-1] if flagged else None,
        "kinds": dict(sorted(kinds.items())),
        "causes": dict(sorted(Counter(c for s in scores for c in s.causes).items())),
    }
    wrong = [f"{s.kind} {s.number}: {p}" for s in sorted(scores, key=lambda s: s.number) for p in s.problems]
    unflagged = [s.number for s in swapped if s.comparable and s.flagged_after_s is None]
    return (
        result | ({"problems": wrong[:40]} if wrong else {}) | ({"unflagged": unflagged} if unflagged else {})
    )
