"""A report made in a process of its own: recording and painting go on beside it. No Qt."""

from __future__ import annotations

import multiprocessing
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hemoview.report import validation
from hemoview.report.html import number
from hemoview.report.session import session_report
from hemoview.report.validation import Order
from hemoview.viewmodel.messages import Message, say
from recorder.errors import RecorderError


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: ``lines`` a message for each thing worth knowing before the page is opened, or ``problem``.

    ``folder``: where page and PDF are; ``pdf`` False: there is no PDF. ``leakage``: of a validation.
    """

    folder: Path | None = None
    lines: tuple[Message, ...] = ()
    leakage: str = ""
    simulated: bool = False
    problem: str = ""
    pdf: bool = True


AnyOrder = Order | session_report.Order
Work = Callable[[Any, Connection], None]


def make(order: AnyOrder, to: Connection) -> None:
    """In the process: read or judge, write, and tell how far, then what."""
    told_at = 0.0

    def tell(done: float, whole: float = 1.0) -> None:
        nonlocal told_at
        if done - told_at >= whole / 200 or done == whole:
            told_at = done
            to.send(done / whole)

    try:
        to.send(
            _hemodynamic(order, tell) if isinstance(order, session_report.Order) else _validation(order, tell)
        )
    except RecorderError as error:
        to.send(Made(problem=str(error)))


def _validation(order: Order, tell: Callable[[float, float], None]) -> Made:
    figures = validation.carry_out(order, tell)
    lines = lines_of(figures) or (say("report.none"),)
    return Made(order.out, lines, str(figures["protocol"]["leakage"]), bool(figures["simulated"]))


def _hemodynamic(order: session_report.Order, tell: Callable[[float], None]) -> Made:
    made = session_report.carry_out(order, tell)
    session, findings = made.facts.session, made.facts.findings
    lines = [say("report.in-folder", folder=str(made.folder))]
    if session.estimates_hidden:
        lines.append(say("report.hidden"))
    outside = sum(f.side != "within" for f in findings)
    lines.append(say("report.findings", n=outside) if made.facts.ranges else say("report.no-ranges"))
    lines += [say("report.left-out", why=why) for why in made.left_out]
    return Made(
        made.folder, tuple(lines), simulated=session.simulated or session.replayed, pdf=not made.left_out
    )


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

    def __init__(self, order: AnyOrder, ended: Callable[[], None], work: Work = make) -> None:
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
            if isinstance(self.order, session_report.Order):
                session_report.forget_unfinished(self.order.out)
            elif not self._was_there:
                shutil.rmtree(self.order.out, ignore_errors=True)
        self._ended()
