"""What people said about windows: spans that exclude them, and values they put right. Both are annotations.

A span that names an artefact or bad quality excludes every window it touches. A correction names one parameter and its
value (``reference SBP=118``) or takes the label away (``reference SBP=none``, ``reference none`` for all ten); it holds
for the windows whose middle lies in it. Who and why stay with it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.labels.datasets.checks import crossed_pressures
from hemoview.labels.reference.windows import OUT_OF_RANGE, WindowLabels
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS
from recorder.session import Session
from recorder.session.annotated import Annotation

F64 = NDArray[np.float64]

EXCLUDES: Final = frozenset(
    {"artefact", "motion", "poor-contact", "calibration", "bad", "exclude", "not-a-beat"}
)
"""Labels of spans (and of quality) that no dataset wants; others say something and exclude nothing."""
REFERENCE_SET: Final = "reference"
"""Label set of what was put right in Review; always honoured, whatever other set a dataset is built with."""
CORRECTED: Final = "corrected by"
BY_HAND: Final = "excluded by hand"
_CORRECTION: Final = re.compile(r"reference(?: (?P<name>[A-Z]+)=(?P<value>none|[0-9.]+)| none)\Z")


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody put right.

    Args:
        t0_s, t1_s: elapsed seconds of the pulse.
        parameters: which; all ten, or one.
        value: NaN = the label is taken away.
        rater, why: who, and what they gave as the reason.
    """

    t0_s: float
    t1_s: float
    parameters: tuple[str, ...]
    value: float
    rater: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a label set says about windows."""

    excluded: tuple[Annotation, ...] = ()
    corrections: tuple[Correction, ...] = ()

    @property
    def suggested(self) -> dict[str, int]:
        """Who proposed an excluding span that was accepted (``source sha256``) → how many; for evaluation rule 1."""
        told = [a.suggestion for a in self.excluded if a.suggestion is not None and a.suggestion.accepted]
        return dict(sorted(Counter(f"{s.source} {s.model_sha256}".strip() for s in told).items()))

    def exclude(self, span_s: F64, fault: NDArray[np.str_]) -> None:
        """Write why into ``fault`` of every window ``(n, 2)`` that an excluding span touches."""
        for mark in self.excluded:
            touched = (span_s[:, 0] < mark.t1_s) & (span_s[:, 1] > mark.t0_s)
            fault[touched] = f"label: {mark.label}"


def correction_label(parameter: str | None, value: float | None) -> str:
    """The label of a correction: ``parameter`` None = all ten are taken away; ``value`` None = this one is.

    Raises:
        ConfigError: no such parameter, or no value of one.
    """
    if parameter is None:
        return "reference none"
    if parameter not in PARAMETERS:
        raise ConfigError(f"{parameter!r} is none of {', '.join(PARAMETERS)}")
    if value is None:
        return f"reference {parameter}=none"
    if not (np.isfinite(value) and 0 < value < 1e5):
        raise ConfigError(f"{parameter} of {value:g}: give a number above 0")
    return f"reference {parameter}={value:.10g}"


def correction_of(mark: Annotation) -> Correction | None:
    """The correction an annotation is; None for any other."""
    found = _CORRECTION.match(mark.label) if mark.kind == "span" else None
    if found is None:
        return None
    name, value = found["name"], found["value"]
    if name is not None and name not in PARAMETERS:
        return None
    try:
        number = float("nan") if value in (None, "none") else float(value)
    except ValueError:
        return None
    names = tuple(PARAMETERS) if name is None else (name,)
    return Correction(mark.t0_s, mark.t1_s, names, number, mark.rater, mark.comment)


def marks_of(annotations: Iterable[Annotation]) -> Marks:
    """Sort what a label set says. Later corrections of the same window come after earlier ones."""
    told = list(annotations)
    spans = tuple(a for a in told if a.kind in ("span", "quality") and a.label in EXCLUDES)
    found = sorted(
        ((a.wall_ns, a.annotation_id, c) for a in told if (c := correction_of(a)) is not None),
        key=lambda each: each[:2],
    )
    return Marks(spans, tuple(c for _, _, c in found))


def sets_read(session: Session, label_set: str) -> tuple[str, ...]:
    """Label sets of a session that bear on its windows: :data:`REFERENCE_SET` and the chosen one."""
    wanted = dict.fromkeys((REFERENCE_SET, label_set))
    return tuple(name for name in wanted if name in session.label_sets)


def read_marks(session: Session, label_set: str) -> Marks:
    """What these label sets say."""
    return marks_of(a for name in sets_read(session, label_set) for a in session.labels(name).annotations())


def corrected(labels: WindowLabels, span_s: F64, marks: Marks) -> WindowLabels:
    """Labels with what people put right; ``span_s`` ``(n, 2)`` of the windows, elapsed seconds of the pulse."""
    if not marks.corrections:
        return labels
    values, reasons = labels.values.copy(), labels.reasons.copy()
    middle_s = span_s.mean(axis=1)
    for said in marks.corrections:
        rows = np.flatnonzero((middle_s >= said.t0_s) & (middle_s < said.t1_s))
        for parameter in said.parameters:
            k = PARAMETERS.index(parameter)
            values[rows, k] = said.value
            reasons[rows, k] = f"{CORRECTED} {said.rater}" if np.isfinite(said.value) else BY_HAND
    crossed = crossed_pressures(values)
    values[crossed, :3], reasons[crossed, :3] = np.nan, OUT_OF_RANGE
    return replace(labels, values=values, reasons=reasons)
