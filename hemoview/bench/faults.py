"""``hemoview bench faults``: accelerated sessions through the real recorder and store, each with faults of its own.

The recorder's processes are forked from one that has loaded everything, so that a thousand sessions take minutes;
the clock runs 4 to 30 times as fast as real time, therefore nothing here says anything of latency or rates.
"""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from hemoview.bench import crash, faults_session, machine
from hemoview.bench.faults_audit import Score
from hemoview.bench.faults_plan import Plan, draw
from hemoview.bench.guard import FLAG_WITHIN_S
from recorder.host.console import Tell, progress
from recorder.testing import killer, powercut

LEAST_SHARE = 0.999
LONGEST_S = 240.0
"""Real seconds after which a session hangs."""


def run(*, sessions: int = 40, seed: int = 1, workers: int = 4) -> dict[str, Any]:
    """Carry out ``sessions`` plans and count what is whole, honestly marked, flagged, or wrong."""
    plans = draw(sessions, seed)
    with progress("faulty sessions", len(plans)) as tell:
        scores = list(_scores(plans, workers, tell))
        scores += _power_cuts([p for p in plans if p.kind == "power-cut"], seed)
        tell(len(plans), "counting")
    return summary(scores, seed) | {"machine": machine.describe()}


def _scores(plans: Sequence[Plan], workers: int, tell: Tell) -> Iterator[Score]:
    """Of all plans but power cuts, as they end; each in a process of its own, one that hangs is ended and counts."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hemoview.bench.faults_session"])
    waiting = deque(plan for plan in plans if plan.kind != "power-cut")
    running: dict[Connection, _Running] = {}
    n_done = 0
    while waiting or running:
        while waiting and len(running) < workers:
            begun = _begin(context, waiting.popleft())
            running[begun.told] = begun
        for told in wait(list(running), timeout=1.0):
            assert isinstance(told, Connection)
            n_done += 1
            tell(n_done, f"{n_done} of {len(plans)} sessions")
            yield _end(running.pop(told))
        for told in [t for t, r in running.items() if time.monotonic() - r.since_s > LONGEST_S]:
            n_done += 1
            yield _end(running.pop(told))


@dataclass(frozen=True, slots=True)
class _Running:
    plan: Plan
    process: BaseProcess
    told: Connection
    since_s: float


def _begin(context: ForkServerContext, plan: Plan) -> _Running:
    told, say = context.Pipe(duplex=False)
    process = context.Process(target=_carry_out, args=(plan, say))
    process.start()
    say.close()
    return _Running(plan, process, told, time.monotonic())


def _carry_out(plan: Plan, say: Connection) -> None:
    say.send(faults_session.run(plan))


def _end(running: _Running) -> Score:
    """What it told, or that it did not."""
    try:
        if running.told.poll():
            score: Score = running.told.recv()
            running.process.join(10.0)
            return score
    except EOFError:
        pass
    finally:
        running.told.close()
        running.process.kill()
    return Score(
        running.plan.number, running.plan.kind, complete=False, problems=("its process ended or hung",)
    )


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
    unflagged = [
        s.number for s in swapped if s.flagged_after_s is None and (s.usable_s or 0.0) >= FLAG_WITHIN_S
    ]
    share = len(good) / len(scores)
    result = {
        "simulated": True,
        "seed": seed,
        "sessions": len(scores),
        "complete": sum(s.complete for s in good),
        "marked": sum(not s.complete for s in good),
        "wrong": len(scores) - len(good),
        "share": round(share, 5),
        "ok": share >= LEAST_SHARE and not unflagged and not any(s.flagged_after_s for s in matched),
        "samples_lost_and_told": sum(s.lost for s in good),
        "matched": len(matched),
        "false_flags": sum(s.flagged_after_s is not None for s in matched),
        "swapped": len(swapped),
        "swapped_usable": len(flagged) + len(unflagged),
        "flagged_within_60_s": sum(t <= FLAG_WITHIN_S for t in flagged),
        "usable_s_to_flag_max": flagged[-1] if flagged else None,
        "kinds": dict(sorted(kinds.items())),
        "causes": dict(sorted(Counter(c for s in scores for c in s.causes).items())),
    }
    wrong = [f"{s.kind} {s.number}: {p}" for s in sorted(scores, key=lambda s: s.number) for p in s.problems]
    return (
        result | ({"problems": wrong[:40]} if wrong else {}) | ({"unflagged": unflagged} if unflagged else {})
    )
