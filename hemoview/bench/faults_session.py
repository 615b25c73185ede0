"""One fault-ridden session from plan to score: emulators here, a recorder forked beside them, killed where planned."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hemoview.bench import faults_audit, faults_recorder
from hemoview.bench.faults_audit import Score
from hemoview.bench.faults_plan import Plan, Span
from hemoview.bench.faults_source import CounterSource
from recorder.clock import Clock
from recorder.devices import profiles
from recorder.devices.sim import physiology
from recorder.devices.sim.bedside import Bedside
from recorder.devices.sim.config import AdcConfig, BedsideConfig, E4Config

TINY_DISK = "size=1500k"
"""A disk on which there is no room after some seconds."""
GOES_ON_S = 1.0
"""Real seconds a session goes on at least after its recorder came back."""
QUIET_S = 0.3
"""Real seconds in which what is on its way is read."""
LONGEST_S = 60.0


def run(plan: Plan) -> Score:
    """Carry a plan out; whatever fails in it is a problem of its score."""
    with tempfile.TemporaryDirectory(prefix="hemoview-fault-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        try:
            with _disk(plan, place) as sessions:
                return _Session(plan, place, sessions).run()
        except Exception as error:  # noqa: BLE001 - named in the result; the next session goes on
            where = traceback.format_exc().strip().splitlines()[-3:]
            problems = (f"{type(error).__name__}: {error}", *where)
            return Score(plan.number, plan.kind, complete=False, problems=problems)


@contextlib.contextmanager
def _disk(plan: Plan, place: Path) -> Iterator[Path]:
    """Where sessions go: a tiny file system of its own where the plan has no space and root may mount one."""
    sessions = place / "sessions"
    sessions.mkdir()
    mounted = plan.kind == "no-space" and _mount(sessions)
    try:
        yield sessions
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(sessions)], check=False, capture_output=True)


def _mount(folder: Path) -> bool:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", TINY_DISK, "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


class _Session:
    def __init__(self, plan: Plan, place: Path, sessions: Path) -> None:
        self.plan, self.place, self.sessions = plan, place, sessions
        self.clock = Clock.scaled(plan.speed)
        self.folder: Path | None = None
        self.ended: dict[str, Any] = {}
        self.beds: list[Bedside] = []
        self._since_ns: int | None = None
        self._at_start: dict[str, int] = {}

    def run(self) -> Score:
        recorders = [self._fork()]  # before any thread
        if self.plan.kill_at is not None:
            recorders.append(self._fork())
        try:
            self._record(recorders)
        finally:
            for recorder in recorders:
                recorder.end()
            for bed in self.beds:
                bed.stop()
                bed.run()  # closes its links
        put = self._put()
        assert self.folder is not None
        return faults_audit.score(
            self.plan,
            self.folder,
            self.ended,
            generated=self._generated(),
            put={name: n - self._at_start.get(name, 0) for name, n in put.items()},
        )

    def _fork(self) -> _Child:
        return _Child(self.plan, self.place, self.sessions, self.clock)

    def _record(self, recorders: list[_Child]) -> None:
        self._connect()
        first = recorders[0]
        first.tell({"devices": self._devices(), "start": START, "since_ns": None})
        self.folder = Path(self._await(first, "started")["started"])
        self._since_ns = self.clock.monotonic_ns()
        self._at_start = self._put()
        self._plan_links()
        now = first
        if self.plan.kill_at is not None:
            self._live(self.plan.kill_at)
            first.kill()
            self._live(self.plan.kill_at + self.plan.back_after)
            now = recorders[1]
            now.tell({"devices": self._devices(), "start": START, "since_ns": self._since_ns})
            self._await(now, "resumed")
            self._await(now, "streaming")
            self._step(GOES_ON_S)
        self._live(self.plan.seconds)
        for bed in self.beds:
            bed.quiet = True
        self._step(QUIET_S)
        now.tell({"stop": True})
        self.ended = self._await(now, "done")["done"]

    # ---- emulators

    def _connect(self) -> None:
        e4, adc = E4Config(), AdcConfig(profile=self.plan.profile)
        if self.plan.kind not in ("matched", "swapped"):
            source = CounterSource(profiles.load(self.plan.profile))
            self.beds = [
                Bedside(BedsideConfig(seed=self.plan.seed, e4=e4, adc=adc), self.clock, source=source)
            ]
            return
        one = self._person(0)
        config = BedsideConfig(seed=self.plan.seed, subject=one, e4=e4, adc=adc)
        if self.plan.kind == "matched":
            self.beds = [Bedside(config, self.clock)]
        else:
            other = replace(config, subject=self._person(1), seed=self.plan.seed + 1, e4=None)
            self.beds = [Bedside(replace(config, adc=None), self.clock), Bedside(other, self.clock)]

    def _person(self, which: int) -> physiology.SimSubject:
        subject = physiology.random_subject(np.random.default_rng([self.plan.seed, which]))
        return replace(subject, rhythm=self.plan.rhythm, motion_fraction=0.08)  # type: ignore[arg-type]

    def _devices(self) -> list[dict[str, Any]]:
        told: dict[str, Any] = {}
        for bed in self.beds:
            told |= {name: value for name, value in bed.ready().items() if value is not None}
        band, adc = told["e4"], told["adc"]
        options = {"host": band["host"], "port": band["port"], "band": band["serial"]}
        return [
            {"kind": "e4-tcp", "device_id": "e4", "options": options, "simulated": True},
            {
                "kind": "serial-adc",
                "device_id": "adc",
                "options": {"port": adc["port"], "profile": self.plan.profile},
                "simulated": True,
            },
        ]

    def _plan_links(self) -> None:
        """The plan's times count from Start, the emulators' from when they were made."""
        for bed in self.beds:
            offset_s = bed.now_s()

            def later(spans: tuple[Span, ...], by_s: float = offset_s) -> list[Span]:
                return [(at + by_s, for_s) for at, for_s in spans]

            bed.fail(later(self.plan.e4_away), later(self.plan.adc_pulled), later(self.plan.adc_dropouts))

    def _put(self) -> dict[str, int]:
        """Samples handed to the links, or that the links had no room for."""
        names = {name for bed in self.beds for name in bed.tally.generated}
        return {
            name: sum(bed.tally.sent[name] + bed.tally.overrun[name] for bed in self.beds) for name in names
        }

    def _generated(self) -> dict[str, int]:
        """Samples the devices made."""
        return {name: n for bed in self.beds for name, n in bed.tally.generated.items()}

    # ---- time

    def _step(self, real_s: float) -> None:
        until = time.monotonic() + real_s
        while time.monotonic() < until:
            for bed in self.beds:
                bed.step()

    def _live(self, until_s: float) -> None:
        """Run the emulators up to a time of the session; in a stall they hold everything back."""
        assert self._since_ns is not None
        while (now_s := (self.clock.monotonic_ns() - self._since_ns) / 1e9) < until_s:
            held_s = next(
                (at + for_s - now_s for at, for_s in self.plan.stalls if at <= now_s < at + for_s), 0.0
            )
            if held_s > 0:
                time.sleep(self.clock.real_timeout(held_s))
            for bed in self.beds:
                bed.step()

    def _await(self, child: _Child, what: str) -> dict[str, Any]:
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            for bed in self.beds:
                bed.step()
            told = child.lines.next(0.0)
            if told is not None and what in told:
                return told
            if told is not None:
                raise RuntimeError(f"recorder, instead of {what}: {told.get('failed', told)}")
        raise TimeoutError(f"recorder: did not tell {what} in {LONGEST_S:g} s")


START = {
    "subject": {"pseudonym": "S-01"},
    "consent": {"version": "bench", "date": "2026-01-01"},
    "template": {"name": "bench"},
}


class _Child:
    """A forked recorder that waits for ``go``."""

    def __init__(self, plan: Plan, place: Path, sessions: Path, clock: Clock) -> None:
        go_read, self._go = os.pipe()
        told, say = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go)
            os.close(told)
            make = partial(faults_recorder.Recorder, plan, place, sessions, clock)
            faults_recorder.serve(make, go_read, say)
        os.close(go_read)
        os.close(say)
        self._told = told
        self.lines = faults_recorder.Lines(told)

    def tell(self, value: dict[str, Any]) -> None:
        """A line to it."""
        faults_recorder.say(self._go, value)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def end(self) -> None:
        """It had its time to end."""
        os.close(self._go)
        deadline = time.monotonic() + 3.0
        while self.pid and time.monotonic() < deadline:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                self.pid = 0
            else:
                time.sleep(0.01)
        self.kill()
        os.close(self._told)
