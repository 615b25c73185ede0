"""What a training run says of the windows of a dataset: the network by torch, the rest as the bedside does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hemoview.dsp.preprocess import model_inputs
from hemoview.estimate.estimator import heart_rate_span
from hemoview.estimate.identities import Span
from hemoview.estimate.metrics import cross as metrics_cross
from hemoview.estimate.metrics.derived import derive, empty, silenced, with_spans
from hemoview.estimate.metrics.rows import ALIVE, Plan, Predictions, Rows
from hemoview.estimate.metrics.subjects import F64, Codes, Flags
from hemoview.estimate.predictors import Seen
from hemoview.labels.datasets.dataset import Dataset
from recorder.schema import PARAMETERS


class RunPredictor:
    """A training run: the network's mean and quantiles, offsets and intervals from the other subjects of the set.

    Args:
        name: of the run.
        model, run_facts: as ``hemoview.learn.checkpoint.load`` gives them.
        dataset, seen: whose windows.
    """

    def __init__(self, name: str, model: Any, run_facts: Any, *, dataset: Dataset, seen: Seen) -> None:
        self.name, self.run_facts, self._seen = name, run_facts, seen
        self.parameters: tuple[str, ...] = model.parameters_out
        flat = dataset.flat
        values = network_outputs(model, dataset, ~flat)
        self._learned = empty(len(dataset), "not-in-model")
        for place, p in enumerate(self.parameters):
            column = PARAMETERS.index(p)
            for kind, value in zip(("mean", "q05", "q95"), values, strict=True):
                getattr(self._learned, kind)[:, column] = value[:, place]
            self._learned.reason[:, column] = np.where(flat, "poor-contact", ALIVE)

    @property
    def facts(self) -> dict[str, Any]:
        """Identity and how offsets and intervals came about."""
        run = self.run_facts
        return {
            "kind": "run",
            "name": self.name,
            "dataset_version": run.dataset_version,
            "split_sha256": (run.split or {}).get("sha256", ""),
            "trained_on_simulated": run.simulated,
            "pass": run.pass_no,
            "intervals": "cross-conformal: each subject's correction from the other subjects scored here",
            "personalisation": "offset shrunk by kappa of the other subjects scored here; no expiry",
        }

    @property
    def prior_mean(self) -> F64:
        """Label means of the training rows, from the checkpoint."""
        return np.asarray(self.run_facts.scale.mean, np.float64)

    def predict(
        self, rows: Rows, schedule: Plan, order: Codes | None = None
    ) -> tuple[Predictions, Predictions | None]:
        """See :class:`Predictor`."""
        source = np.arange(len(rows)) if order is None else order
        learned = self._learned.take(source)
        quality = [self._seen.quality[at] for at in source.tolist()]
        rates = [heart_rate_span(q) for q in quality]
        before = self._finished(rows, schedule, learned, rates)
        heard = silenced(learned, [q.fault for q in quality])
        gated = [q.fault or rate for q, rate in zip(quality, rates, strict=True)]
        return self._finished(rows, schedule, heard, gated), before

    def _finished(
        self, rows: Rows, schedule: Plan, raw: Predictions, hr: Sequence[Span | str]
    ) -> Predictions:
        moved = metrics_cross.shifted(raw, metrics_cross.offsets(rows, raw, schedule, self.parameters))
        if "HR" not in self.parameters:
            moved = derive(with_spans(moved, "HR", hr), rows)
        return metrics_cross.conformal(rows, moved, schedule)


def network_outputs(model: Any, dataset: Dataset, usable: Flags, batch: int = 256) -> tuple[F64, F64, F64]:
    """Mean, q05 and q95 of a torch network, ``(n, P)`` each, NaN where a window is not usable."""
    import torch  # noqa: PLC0415

    n_out = len(model.parameters_out)
    found = tuple(np.full((len(dataset), n_out), np.nan) for _ in range(3))
    rows = np.flatnonzero(usable)
    with torch.no_grad():
        for first in range(0, len(rows), batch):
            part = rows[first : first + batch]
            ppg = torch.from_numpy(model_inputs(dataset.ppg[part], dataset.sampling_rate_hz)[:, None])
            output = model(ppg, torch.from_numpy(dataset.demographics[part]))
            for into, name in zip(found, ("mean", "q05", "q95"), strict=True):
                into[part] = getattr(output, name).numpy()
    return found[0], found[1], found[2]
