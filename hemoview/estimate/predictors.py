"""What a bundle says of the windows of a dataset, by the very code that runs live.

A window is seen as the bedside sees it: beats, quality gate, heart rate counted, flow and resistance by identity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.quality import Quality, assess
from hemoview.dsp.windows import WINDOW_S as BEDSIDE_WINDOW_S
from hemoview.estimate import bundle as bundles
from hemoview.estimate.conformal import conformal_span
from hemoview.estimate.estimator import (
    HR_HALF_WIDTH_PER_MIN,
    Body,
    Outcome,
    estimate,
    heart_rate_span,
    window_spans,
)
from hemoview.estimate.identities import Span
from hemoview.estimate.metrics import anchors as metrics_anchors
from hemoview.estimate.metrics.derived import empty
from hemoview.estimate.metrics.rows import ALIVE, Plan, Predictions, Rows, rows_of
from hemoview.estimate.metrics.subjects import F64, Codes, Flags
from hemoview.estimate.personalise import Personalisation
from hemoview.estimate.runner import Prediction, Runner
from hemoview.estimate.stretch import stretched
from hemoview.labels.datasets.dataset import Dataset
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS, body_surface_m2

Tell = Callable[[float], None]
SESSION_GAP_S: Final = 3600.0
"""Put between sessions of a subject whose clocks both start anew; how far apart they really were is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the bedside's signal path finds in every window.

    Args:
        quality: ``n`` judgements.
        hr: ``n`` heart rates with interval, or the reason there is none.
    """

    quality: list[Quality]
    hr: list[Span | str]

    @property
    def hr_per_min(self) -> F64:
        """``(n,)``, NaN where there is none."""
        return np.array([np.nan if isinstance(h, str) else h[0] for h in self.hr])

    @property
    def usable(self) -> Flags:
        """Windows without a fault."""
        return np.array([q.fault is None for q in self.quality])

    def take(self, chosen: Flags) -> Self:
        """Of the chosen windows."""
        return replace(self, quality=list(compress(self.quality, chosen)), hr=list(compress(self.hr, chosen)))


def look(dataset: Dataset, tell: Tell = lambda _: None) -> Seen:
    """Beats, quality and heart rate of every window."""
    quality = []
    for number, window in enumerate(dataset.ppg):
        samples = window.astype(np.float64)
        beats = find_ppg_beats(samples, dataset.sampling_rate_hz)
        quality.append(assess(samples, dataset.sampling_rate_hz, beats))
        tell(number + 1)
    return Seen(quality, [q.fault or heart_rate_span(q) for q in quality])


def rows_from(dataset: Dataset, seen: Seen) -> Rows:
    """The rows to be judged."""
    return rows_of(
        dataset.subject_id,
        dataset.labels.astype(np.float64),
        dataset.window_s,
        t_s=recording_times(dataset),
        hr_per_min=seen.hr_per_min,
        demographics=dataset.demographics.astype(np.float64),
        reference_kind=dataset.reference_kind,
        origin=dataset.origin,
        rhythm=np.array([q.rhythm for q in seen.quality]),
        cvp_mmhg=dataset.cvp_mmhg.astype(np.float64),
        hop_s=hop_s(dataset),
        subject_known=dataset.subject_known,
        good=good(seen, dataset.window_s),
    )


def good(seen: Seen, window_s: float) -> Flags:
    """Windows a calibration point may be compared with: those of the bedside's gate. Five beats, which it asks of ten
    seconds, do not fit into 5 s at 60/min: in windows shorter than the bedside's that fault alone does not count.
    """
    few = np.array([q.fault == "too-few-beats" for q in seen.quality])
    return np.asarray(seen.usable | (few & (window_s < BEDSIDE_WINDOW_S)))


def hop_s(dataset: Dataset) -> float | None:
    """Between windows whose time is not known, where the dataset says so."""
    stated = dataset.about.get("hop_s")
    return float(stated) if isinstance(stated, int | float) and stated > 0 else None


def recording_times(dataset: Dataset) -> F64:
    """``(n,)`` start of every window on one clock of its subject, NaN where any of the subject's is not known; sessions
    that start anew follow each other in the order of the rows, :data:`SESSION_GAP_S` apart.
    """
    out, session = dataset.t0_s.astype(np.float64).copy(), dataset.session_id
    for subject in dataset.subjects:
        mine = np.flatnonzero(dataset.subject_id == subject)
        if not np.isfinite(out[mine]).all():
            out[mine] = np.nan
            continue
        end_s = -np.inf
        for name in dict.fromkeys(session[mine].tolist()):
            part = mine[session[mine] == name]
            if out[part].min() < end_s:
                out[part] += end_s + SESSION_GAP_S - out[part].min()
            end_s = float(out[part].max()) + dataset.window_s
    return out


class Predictor(Protocol):
    """A model before the rows of one dataset."""

    name: str

    def predict(
        self, rows: Rows, schedule: Plan, order: Codes | None = None
    ) -> tuple[Predictions, Predictions | None]:
        """Final predictions and, where it can be said, those without abstention.

        Args:
            rows, schedule: which windows calibrate and which are scored.
            order: ``(n,)`` which row's wave stands in each row's place (the control); None = its own.
        """
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """What the report says of the model."""
        ...

    @property
    def prior_mean(self) -> F64:
        """``(10,)`` label means of the training subjects, NaN where the model does not say."""
        ...


class BundlePredictor:
    """A bundle through :func:`hemoview.estimate.estimator.estimate`, personalised and aged as at the bedside.

    Args:
        bundle: checked.
        dataset, seen: whose windows.
        tell: hears how many windows are done.

    Raises:
        ConfigError: the model cannot run here, or the windows are not of a length it takes.
    """

    def __init__(
        self, bundle: bundles.Bundle, dataset: Dataset, seen: Seen, tell: Tell = lambda _: None
    ) -> None:
        self.name, self._bundle, self._seen, self._simulated = bundle.name, bundle, seen, dataset.simulated
        self.card = bundle.card
        half = 0.5 / dataset.sampling_rate_hz
        if not self.card.window_s_min - half <= dataset.window_s <= self.card.window_s_max + half:
            raise ConfigError(
                f"model bundle {bundle.name} takes windows of {self.card.window_s_min:g} to "
                f"{self.card.window_s_max:g} s, those of {dataset.name} have {dataset.window_s:g} s; cut it anew"
            )
        runner = Runner(bundle)
        self._raw: list[Prediction | None] = []
        for number, window in enumerate(dataset.ppg):
            self._raw.append(_run(runner, window, dataset.sampling_rate_hz))
            tell(number + 1)
        bsa = body_surface_m2(*dataset.demographics.astype(np.float64)[:, 2:].T)
        self._bodies = [
            Body(_or_none(b), _or_none(c))
            for b, c in zip(bsa, dataset.cvp_mmhg.astype(np.float64), strict=True)
        ]

    @property
    def facts(self) -> dict[str, Any]:
        """Identity, hash and the card's limits."""
        raw = self.card.raw
        return {
            "kind": "bundle",
            "name": self.name,
            "sha256": self._bundle.model_sha256,
            "training_hash": raw["training_hash"],
            "split_hash": raw["split_hash"],
            "intervals": "conformal tables of the card, as live" + self._about_rate,
            "personalisation": f"as live; expires after {self.card.personal_expiry_s:g} s, newest 5 points",
            "reference_kinds": {p: f.reference_kind for p, f in self.card.per_parameter.items()},
            "limits": raw["limits"],
        }

    @property
    def _about_rate(self) -> str:
        """The one interval that is judged otherwise than it is shown."""
        if not self._simulated or "HR" not in self.card.derived:
            return ""
        least = f"a bedside shows ±{HR_HALF_WIDTH_PER_MIN:g}/min at least"
        return f"; of a simulated heart's rate the card's own row ({least})"

    @property
    def prior_mean(self) -> F64:
        """From ``training_label_mean`` of the card, where it has it."""
        stated = self.card.raw.get("training_label_mean", {})
        return np.array([float(stated.get(p) or np.nan) for p in PARAMETERS])

    def predict(
        self, rows: Rows, schedule: Plan, order: Codes | None = None
    ) -> tuple[Predictions, Predictions | None]:
        """See :class:`Predictor`."""
        source = np.arange(len(rows)) if order is None else order
        end_ns = np.round((rows.t_s + rows.window_s) * 1e9).astype(np.int64)
        personal = self._personal(rows, schedule, source)
        final, before = (empty(len(rows), "not-in-model") for _ in range(2))
        for row in np.flatnonzero(schedule.scored).tolist():
            at, own = int(source[row]), personal[rows.code[row]]
            self._final(final, row, at, own, int(end_ns[row]))
            self._ungated(before, row, at, own, int(end_ns[row]))
        direct = np.isin(PARAMETERS, ("HR", *self.card.parameters))
        shown = np.isfinite(final.q05) & direct  # a value that was shown is the same without abstention
        for name in ("mean", "q05", "q95"):
            getattr(before, name)[shown] = getattr(final, name)[shown]
        return final, before

    def _personal(self, rows: Rows, schedule: Plan, source: Codes) -> list[Personalisation]:
        """Of every subject: its points, each against what the model said around it."""
        raw = (self._raw[at] for at in source.tolist())
        ok = good(self._seen, rows.window_s)[source].tolist()
        said = [one.mean if one is not None and fine else None for one, fine in zip(raw, ok, strict=True)]
        out = [Personalisation()] * len(rows.names)
        for row, anchor in metrics_anchors.anchors(rows, said, schedule.points).items():
            out[rows.code[row]] = out[rows.code[row]].with_anchor(anchor)
        return out

    def _final(self, into: Predictions, row: int, at: int, personal: Personalisation, wall_ns: int) -> None:
        quality, raw, body = self._seen.quality[at], self._raw[at], self._bodies[row]
        found = estimate(
            quality, raw, self.card, personal, body=body, wall_ns=wall_ns, show_simulated=self._simulated
        )
        for column, p in enumerate(PARAMETERS):
            one = found.parameters[p]
            _put(into, row, column, (one.value, one.low, one.high))
            into.reason[row, column] = one.reason or ALIVE
        if self._simulated and quality.fault is None:
            self._judged_though_never_shown(
                into, row, window_spans(quality, raw, self.card, personal, body=body, wall_ns=wall_ns)
            )

    def _judged_though_never_shown(self, into: Predictions, row: int, spans: Mapping[str, Outcome]) -> None:
        """On simulated people an interval may be judged that must not be shown at a bedside."""
        for column, p in enumerate(PARAMETERS):
            span = spans[p]
            if into.reason[row, column] == "simulated" and not isinstance(span, str):
                _put(into, row, column, span)
            elif p == "HR" and not isinstance(span, str):
                _put(into, row, column, self._of_simulated_hearts(span))

    def _of_simulated_hearts(self, span: Span) -> Span:
        """What the bedside says of a heart rate covers two detectors on real wrists; the rate of a simulated heart is
        known far better than that, and where the card knows how much, that is judged.
        """
        row = self.card.derived["HR"].cold if self._simulated and "HR" in self.card.derived else None
        return span if row is None else stretched(span, row.factor)

    def _ungated(self, into: Predictions, row: int, at: int, personal: Personalisation, wall_ns: int) -> None:
        raw, age_s = self._raw[at], personal.age_s(wall_ns)
        for column, p in enumerate(PARAMETERS):
            span: Any = "not-in-model"
            if p == "HR" and not isinstance(span := heart_rate_span(self._seen.quality[at]), str):
                span = self._of_simulated_hearts(span)
            if p != "HR" and p in self.card.parameters and raw is not None:
                span = conformal_span(self.card, p, raw, personal, age_s, sqi=self._seen.quality[at].sqi)
            if not isinstance(span, str):
                _put(into, row, column, span)


def _put(
    into: Predictions, row: int, column: int, span: tuple[float | None, float | None, float | None]
) -> None:
    for array, value in zip((into.mean, into.q05, into.q95), span, strict=True):
        array[row, column] = np.nan if value is None else value


def _run(runner: Runner, window: NDArray[np.float32], rate_hz: float) -> Prediction | None:
    """None of a window without a pulse; the quality gate says why."""
    try:
        return runner.predict(window, rate_hz)
    except ValueError:
        return None


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
