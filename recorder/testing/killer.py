"""Kill a recording at a random moment, then prove what is left of it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recorder import session as sessions
from recorder.errors import RecorderError
from recorder.session import Session
from recorder.testing import killer_workload as workload

START_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """What a crash left.

    Args:
        problems: why the session counts as unreadable or wrong; empty if nothing is.
        seconds_lost: handed over before the crash, and not there after it.
        named: damage that ``verify`` named before recovery.
    """

    problems: tuple[str, ...]
    seconds_lost: float
    named: tuple[str, ...]


def kill_once(folder: Path, rng: random.Random, *, longest_s: float = 1.2) -> Outcome:
    """Record into ``folder``, SIGKILL after a random time – the recorder alone, or its sealer with it – and check.

    Raises:
        TimeoutError: the recording did not begin.
    """
    progress = folder.with_name(folder.name + ".progress")
    problems: tuple[str, ...] = ()
    if rng.random() < 0.3:  # a session that was killed once before and went on
        _run_and_kill(folder, progress, rng, longest_s / 2)
        problems = look(folder, workload.read_progress(progress)[1])
    _run_and_kill(folder, progress, rng, longest_s)
    outcome = check(folder, *workload.read_progress(progress))
    return replace(outcome, problems=(*problems, *outcome.problems))


def look(folder: Path, promised_ms: int) -> tuple[str, ...]:
    """What a reader finds wrong that comes at once, perhaps beside a sealer that outlived its recorder."""
    try:
        with sessions.open(folder) as session:
            found_ms, wrong = compare(session)
    except RecorderError as error:
        return (f"{type(error).__name__}: {error}",)
    late = (
        []
        if found_ms >= promised_ms
        else [f"{promised_ms} ms were promised, at once {found_ms} ms are there"]
    )
    return (*wrong, *late)


def check(folder: Path, handed_ms: int, promised_ms: int) -> Outcome:
    """Read a crashed session, verify it, recover it, and read it again."""
    problems: list[str] = []
    named: list[str] = []
    found_ms = 0
    try:
        with sessions.open(folder) as session:
            found_ms, wrong = compare(session)
        problems += wrong
        report = sessions.verify(folder)
        named = [f"{d.file}: {d.why}" for d in report.damaged]
        after = sessions.recover(folder)
        if not after.ok:
            problems.append(f"not whole after recover: {after.after}")
        with sessions.open(folder) as session:
            recovered_ms, wrong = compare(session)
        problems += wrong
        if recovered_ms < found_ms:
            problems.append(f"recover lost {found_ms - recovered_ms} ms")
    except RecorderError as error:
        problems.append(f"{type(error).__name__}: {error}")
    if found_ms < promised_ms:
        problems.append(f"{promised_ms} ms were promised, {found_ms} ms are there")
    return Outcome(tuple(problems), max(0.0, (handed_ms - found_ms) / 1000), tuple(named))


def compare(session: Session) -> tuple[int, list[str]]:
    """How far every stream reaches (elapsed ms), and every value that is not the foretold one."""
    wrong: list[str] = [f"{file}: {why}" for file, why in session.damaged]
    reached = []
    for info in workload.STREAMS:
        if info.stream_id not in session.streams:
            reached.append(0)
            continue
        stream = session.read(info.stream_id)
        end = int(stream.sample_no[-1]) + 1 if len(stream) else 0
        wanted = workload.numbers(info, 0, end)
        if not np.array_equal(stream.sample_no, wanted):
            wrong.append(f"{info.stream_id}: {len(stream)} rows, foretold {len(wanted)}")
        elif not np.array_equal(stream.raw, workload.values(info, wanted)):
            wrong.append(f"{info.stream_id}: values differ from those recorded")
        reached.append(_reach_ms(info.stream_id, end))
    found_ms = min(reached)
    ids = {event.event_id for event in session.events()}
    missing = [s for s in range(1, found_ms // 1000 + 1) if workload.event_id(s) not in ids]
    if missing:
        wrong.append(f"markers of seconds {missing[:3]} are missing")
    return found_ms, wrong


def _reach_ms(stream_id: str, end: int) -> int:
    """The last commit by which a stream had reached sample ``end``."""
    info = next(s for s in workload.STREAMS if s.stream_id == stream_id)
    step = workload.TICK_MS * workload.COMMIT_TICKS
    commits = 0
    while workload.next_no(info, (commits + 1) * step) <= end:
        commits += 1
    return commits * step


def _run_and_kill(folder: Path, progress: Path, rng: random.Random, longest_s: float) -> None:
    """Run the workload, which goes on with the session where there is one, and kill it."""
    before = workload.read_progress(progress)[1]
    command = [sys.executable, "-m", "recorder.testing.killer_workload", str(folder), str(progress)]
    child = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)
    try:
        _wait_for_commit(child, progress, before)
        time.sleep(rng.uniform(0.0, longest_s))
    finally:
        if rng.random() < 0.5:
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
        child.wait()
        if child.stderr is not None:
            child.stderr.close()


def _wait_for_commit(child: subprocess.Popen[bytes], progress: Path, before: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while workload.read_progress(progress)[1] <= before:
        if child.poll() is not None or time.monotonic() > deadline:
            said = (
                child.stderr.read().decode() if child.stderr is not None and child.poll() is not None else ""
            )
            raise TimeoutError(f"the recording to be killed did not begin: {said[-500:]}")
        time.sleep(0.002)
