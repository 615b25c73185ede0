"""Volt → mmHg on screen: the guide, the fit against the monitor's own file, and what may be kept (safety rule 8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.viewmodel import formats
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.sessions import SessionRow, rows_in
from recorder.devices import calibration
from recorder.exchange.sources import cnap_waveform
from recorder.host.calibrate import CalibrateOrder, Comparison

OVERLAY_S: Final = 10.0
OVERLAY_HZ: Final = 50.0
MOST_SESSIONS: Final = 30


@dataclass(frozen=True, slots=True)
class FitForm:
    """The fields as typed. ``began``: when the file began, where its name does not tell."""

    file: str = ""
    session: str = ""
    began: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class FitProblem:
    """What is wrong with which field."""

    field: str
    message: Message


@dataclass(frozen=True, slots=True)
class FitView:
    """``order`` is None while there is a problem; ``asks_began``: the file's name does not tell when it began."""

    problems: tuple[FitProblem, ...]
    asks_began: bool
    order: CalibrateOrder | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A session to compare with: its folder, and what to call it."""

    folder: str
    shown: Message


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """Ten seconds of both, mmHg: ``t_s`` ``(n,)``, the monitor's file and the ADC with the line that was found."""

    t_s: NDArray[np.float64]
    file_mmhg: NDArray[np.float64]
    adc_mmhg: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a fit found. ``keep``: the record may be kept; a poor one never."""

    verdict: Message
    level: str
    lines: tuple[Message, ...]
    keep: bool


def sessions_with(folder: Path, stream_id: str) -> list[Choice]:
    """Sessions that hold the stream, newest first. Reads the disk."""
    return choices(rows_in(folder), stream_id)


def choices(rows: Iterable[SessionRow], stream_id: str) -> list[Choice]:
    """Of the browser's rows those that can be compared, newest first."""
    fitting = [row for row in rows if row.openable and stream_id in row.streams]
    fitting.sort(key=lambda row: row.start_wall_ns or 0, reverse=True)
    return [Choice(row.path, _name(row)) for row in fitting[:MOST_SESSIONS]]


def _name(row: SessionRow) -> Message:
    start_ns = row.start_wall_ns or 0
    day, time = (form(start_ns, row.utc_offset_s) for form in (formats.day, formats.time_of_day))
    words = "fit-session-open" if row.state == "open" else "fit-session-of"
    return say(words, day=day, time=time, pseudonym=row.pseudonym or formats.DASH)


def examine(form: FitForm, stream_id: str, channel: str) -> FitView:
    """Judge the fields."""
    file = form.file.strip()
    asks_began = bool(file) and cnap_waveform.start_of(Path(file).name) is None
    problems = []
    if not file:
        problems.append(FitProblem("file", say("fit-choose-file")))
    elif not Path(file).is_file():
        problems.append(FitProblem("file", say("fit-no-file")))
    if not form.session:
        problems.append(FitProblem("session", say("fit-choose-session")))
    began = _began(form.began)
    if (form.began.strip() or asks_began) and began is None:
        problems.append(FitProblem("began", say("fit-began-form")))
    if not form.operator.strip():
        problems.append(FitProblem("operator", say("fit-operator")))
    if problems:
        return FitView(tuple(problems), asks_began)
    order = CalibrateOrder(
        stream_id,
        channel,
        form.operator.strip(),
        against=Path(file),
        session=Path(form.session),
        file_starts=began,
    )
    return FitView((), asks_began, order)


def _began(typed: str) -> datetime | None:
    try:
        return datetime.fromisoformat(typed.strip())
    except ValueError:
        return None


def outcome(compared: Comparison) -> Outcome:
    """The line, how well it fits, and whether it may be kept."""
    found = compared.found
    sign = "−" if found.offset_mmhg < 0 else "+"
    line = say("fit-line", gain=f"{found.gain_mmhg_per_v:.2f}", offset=f"{sign} {abs(found.offset_mmhg):.2f}")
    residual = say(
        "fit-residual", rmse=f"{found.rmse_mmhg or 0.0:.2f}", most=f"{calibration.MAX_RMSE_MMHG:g}"
    )
    alike = say("fit-alike", r=f"{found.r or 0.0:.4f}", least=f"{calibration.MIN_R:g}")
    lag = say("fit-lag", lag=f"{found.lag_s or 0.0:+.2f}")
    if found.accepted:
        return Outcome(say("fit-good"), "ok", (line, residual, alike, lag), keep=True)
    return Outcome(say("fit-poor"), "danger", (residual, alike, lag, say("fit-poor-todo")), keep=False)


def overlay(compared: Comparison) -> Overlay:
    """The stretch in the middle of what both have."""
    reference, volts, found = compared.reference, compared.volts, compared.found
    length_s = reference.values.size / reference.rate_hz
    begin_s = (reference.start_wall_ns - volts.start_wall_ns) / 1e9
    t_s = np.arange(int(length_s * OVERLAY_HZ)) / OVERLAY_HZ
    file_mmhg = np.interp(t_s, np.arange(reference.values.size) / reference.rate_hz, reference.values)
    own_s = np.arange(volts.values.size) / volts.rate_hz
    at_s = t_s + begin_s + (found.lag_s or 0.0)
    adc = np.interp(at_s, own_s, volts.values, left=np.nan, right=np.nan)
    adc_mmhg = calibration.apply(found, adc)
    both = np.flatnonzero(np.isfinite(file_mmhg) & np.isfinite(adc_mmhg))
    middle = int(both[both.size // 2]) if both.size else t_s.size // 2
    half = int(OVERLAY_S * OVERLAY_HZ / 2)
    shown = slice(max(0, middle - half), middle + half)
    return Overlay(t_s[shown], file_mmhg[shown], adc_mmhg[shown])
