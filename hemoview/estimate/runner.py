"""Runs a bundle's model on one thread, and says how long it took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.preprocess import PREPROCESSING, model_input
from hemoview.estimate.bundle import OUTPUTS, Bundle, open_model
from recorder.errors import ConfigError

WARM_UP_RUNS = 3


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one window, per parameter in its unit; nothing corrected yet.

    Args:
        mean, q05, q95: parameter -> value.
        infer_ms: wall time of preprocessing and model.
    """

    mean: Mapping[str, float]
    q05: Mapping[str, float]
    q95: Mapping[str, float]
    infer_ms: float = 0.0


class Runner:
    """A bundle ready to run.

    Raises:
        ConfigError: onnxruntime is absent, refuses the model, or the model wants another preprocessing.
    """

    def __init__(self, bundle: Bundle) -> None:
        if bundle.card.preprocessing_version != PREPROCESSING:
            raise ConfigError(
                f"model bundle {bundle.name} wants preprocessing {bundle.card.preprocessing_version}, this HemoView "
                f"makes {PREPROCESSING}; install a bundle of this version",
                advice="model-bundle-refused",
            )
        self.card = bundle.card
        self.model_sha256 = bundle.model_sha256
        self._session = open_model(bundle, threads=1)
        n_samples = round(self.card.window_s_max * self.card.sampling_rate_hz)
        for _ in range(WARM_UP_RUNS):
            self._run(np.zeros(n_samples, dtype=np.float32))

    def predict(self, samples: NDArray[np.floating], rate_hz: float) -> Prediction:
        """Predict from ``(n_samples,)`` of raw pulse wave.

        Raises:
            ValueError: as :func:`hemoview.dsp.preprocess.model_input`.
        """
        start = time.perf_counter()
        rows = self._run(model_input(samples, rate_hz))
        infer_ms = (time.perf_counter() - start) * 1e3
        mean, q05, q95 = (dict(zip(self.card.parameters, row.tolist(), strict=True)) for row in rows)
        return Prediction(mean, q05, q95, infer_ms)

    def _run(self, ppg: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        outputs = self._session.run(list(OUTPUTS), {self.card.inputs[0]: ppg[None, None]})
        return [np.asarray(output[0], dtype=np.float32) for output in outputs]
