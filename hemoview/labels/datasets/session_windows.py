"""The windows of a session with their labels, as a dataset would have them, for who looks at them. A pure job."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemoview.labels import alignment as alignments
from hemoview.labels.datasets.build_windows import windows_of
from hemoview.labels.reference.session import read_reference
from hemoview.labels.reference.windows import LabelRules, label_windows
from hemoview.labels.signals.session_signals import pressure_stream, pulse_stream, reference_rows
from recorder import session as sessions
from recorder.errors import RecorderError
from recorder.schema import PARAMETERS
from recorder.session import Session
from recorder.session.files import why_of

F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SessionWindows:
    """Labels of every whole window of a session, before anybody corrected one.

    Args:
        t0_s: ``(n,)`` begin of each window, elapsed seconds of the pulse.
        window_s: their length.
        values: ``(n, 10)``; those of uncalibrated CO too, whose reason says so.
        reasons: ``(n, 10)``.
        n_beats, calibration_age_s: ``(n,)``.
        kind: of the reference.
        error_mmhg: (least, largest) SD of the reference itself; None = not known.
        moved_s: ``(n,)`` by how much later the pressure of each window was recorded; NaN where nothing is aligned.
        refused: code why there are none, empty where there are.
        why: of a refusal, in words.
    """

    t0_s: F64 = field(default_factory=lambda: np.empty(0))
    window_s: float = 10.0
    values: F64 = field(default_factory=lambda: np.empty((0, len(PARAMETERS))))
    reasons: NDArray[np.str_] = field(default_factory=lambda: np.empty((0, len(PARAMETERS)), dtype="<U64"))
    n_beats: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    calibration_age_s: F64 = field(default_factory=lambda: np.empty(0))
    kind: str = ""
    error_mmhg: tuple[float, float] | None = None
    moved_s: F64 = field(default_factory=lambda: np.empty(0))
    refused: str = ""
    why: str = ""

    @property
    def span_s(self) -> F64:
        """``(n, 2)`` begin and end of each window."""
        return np.column_stack([self.t0_s, self.t0_s + self.window_s])

    def nearest(self, t_s: float) -> int | None:
        """The window whose middle is nearest to a moment; None where none is within one length."""
        if not len(self.t0_s):
            return None
        distance = np.abs(self.t0_s + self.window_s / 2 - t_s)
        best = int(np.argmin(distance))
        return best if distance[best] <= self.window_s else None


def session_windows(folder: str, window_s: float = 10.0, hop_s: float = 5.0) -> SessionWindows:
    """Read and label a session; never raises what a user may see, but says it in the answer."""
    try:
        with sessions.open(Path(folder)) as session:
            return _labelled(session, window_s, hop_s)
    except RecorderError as error:
        return SessionWindows(refused="unreadable", why=why_of(error, Path(folder)))


def _labelled(session: Session, window_s: float, hop_s: float) -> SessionWindows:
    pulse, held = pulse_stream(session), alignments.current(session.path)
    if pulse is None:
        return SessionWindows(refused="no-pulse")
    if reference_rows(session) is None and pressure_stream(session) is None:
        return SessionWindows(refused="no-reference")
    if held is None:
        return SessionWindows(refused="never-aligned")
    if not held.locked:
        return SessionWindows(refused=held.refused_because)
    windows = windows_of(session, pulse, window_s, hop_s)
    reference = read_reference(session)
    span_s = np.column_stack([windows.t0_s, windows.t0_s + window_s])
    placed_s = alignments.to_reference_time(held, span_s)
    found = label_windows(reference.beats, placed_s, reference.facts, LabelRules(keep_uncalibrated_co=True))
    error: Any = found.error.sd_mmhg if found.error is not None else None
    return SessionWindows(
        windows.t0_s,
        window_s,
        found.values,
        found.reasons,
        found.n_beats,
        found.calibration_age_s,
        reference.facts.kind,
        error,
        placed_s[:, 0] - span_s[:, 0],
    )
