"""A validation report made in a process of its own: recording and painting go on beside it. No Qt."""

from __future__ import annotations

import multiprocessing
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from hemoview.report import validation
from hemoview.report.html import number
from hemoview.report.validation import Order
from hemoview.viewmodel.messages import Message, say
from recorder.errors import RecorderError


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: ``lines`` a message a parameter that has figures, or ``problem``."""

    lines: tuple[Message, ...] = ()
    leakage: str = ""
    simulated: bool = False
    problem: str = ""


Work = Callable[[Order, Connection], None]


def make(order: Order, to: Connection) -> None:
    """In the process: judge, write, and tell how far, then what."""
    told_at = 0.0

    def tell(done: float, whole: float) -> None:
        nonlocal told_at
        if done - told_at >= whole / 200 or done == whole:
            told_at = done
            to.send(done / whole)

    try:
        figures = validation.carry_out(order, tell)
        to.send(Made(lines_of(figures), str(figures["protocol"]["leakage"]), bool(figures["simulated"])))
    except RecorderError as error:
        to.send(Made(problem=str(error)))


def lines_of(figures: Mapping[str, Any]) -> tuple[Message, ...]:
    """A line for every parameter with figures, beside what needs no pulse wave."""
    baseline = "shrunk_hold" if figures["protocol"]["calibration_points"] else "mean"
    return tuple(
        say(
            f"report.line-{baseline}",
            parameter=parameter,
            mae=number(one["mae"]),
            beside=number(one.get(f"baseline_{baseline}_mae")),
            covered=number(one.get("coverage_90"), ".0%"),
            subjects=one["n_subjects"],
            windows=one["n_windows"],
        )
        for parameter, one in figures["parameters"].items()
        if one["mae"] is not None
    )


class ReportJob:
    """Runs from construction on; ``ended`` is called from its thread when ``made`` is there or it was stopped.

    Args:
        order: what is wanted.
        ended: heard once; must return at once.
        work: what the process does.
    """

    def __init__(self, order: Order, ended: Callable[[], None], work: Work = make) -> None:
        self.order, self.share, self.stopped = order, 0.0, False
        self.made: Made | None = None
        self._ended, self._was_there = ended, order.out.exists()
        context = multiprocessing.get_context("spawn")
        self._hear, to = context.Pipe(duplex=False)
        self._process = context.Process(target=work, args=(order, to), daemon=True)
        self._process.start()
        to.close()
        self._thread = threading.Thread(target=self._listen, name="report", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Give up; a folder that was not there before is gone again."""
        self.stopped = True
        self._process.kill()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until it has ended."""
        self._thread.join(timeout_s)

    def _listen(self) -> None:
        try:
            while self.made is None:
                told: Any = self._hear.recv()
                if isinstance(told, Made):
                    self.made = told
                else:
                    self.share = float(told)
        except (EOFError, OSError):
            if not self.stopped:
                self.made = Made(problem="the process that made the report ended; try again")
        self._process.join(10.0)
        if self.stopped:
            self.made = None
            if not self._was_there:
                shutil.rmtree(self.order.out, ignore_errors=True)
        self._ended()
