"""What a mixture is made of, and the label statistics it starts from. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, get_type_hints

import numpy as np
from numpy.typing import NDArray

from recorder.errors import ConfigError
from recorder.schema import PARAMETER_UNITS

PARAMETERS: Final = tuple(PARAMETER_UNITS)
"""SBP MAP DBP HR CO CI SV SI SVR SVRI."""
PREDICTED: Final = ("SBP", "MAP", "DBP", "SV")
"""What is predicted when the other six follow by identity."""
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "pressure": ("SBP", "MAP", "DBP"),
    "flow": ("CO", "CI", "SV", "SI"),
    "rate": ("HR",),
    "resistance": ("SVR", "SVRI"),
}
"""Parameters that share a gate when ``gates`` is ``group``."""

NOISE_TYPES: Final = ("gaussian", "uniform", "beta", "speckle", "poisson", "salt_and_pepper")
_CHOICES: Final = {
    "noise_type": NOISE_TYPES,
    "expert_type": ("resnet", "msfgm"),
    "gates": ("group", "task"),
    "selection": ("window", "gate"),
    "outputs": ("physiology", "unconstrained"),
}
_MEAN: Final = (116.0, 87.0, 73.0, 81.0, 6.4, 3.6, 84.0, 45.0, 950.0, 1730.0)
_SD: Final = (12.1, 7.9, 7.9, 5.3, 0.81, 0.55, 7.3, 5.2, 128.0, 305.0)
"""Implied by the published table (lsm2oe.md §1); stand in for a parameter that has no label."""
_FRACTION: Final = (_MEAN[1] - _MEAN[2]) / (_MEAN[0] - _MEAN[2])
_FRACTION_RANGE: Final = (0.15, 0.62)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shape of the mixture.

    Args:
        num_experts: experts in the bank.
        hidden_channels: width of the shared feature map and of every expert; a multiple of 4.
        k: experts that are chosen for a window; see ``selection``.
        noisy_gating: whether noise is added to the gates' logits while training.
        noise_type: its family, one of :data:`NOISE_TYPES`.
        expert_type: ``resnet`` = residual blocks; ``msfgm`` = a chain of MSFGMs.
        use_msfgm: MSFGM as second half of every residual block, and at the end of the shared bottom.
        n_blocks: residual blocks of an expert; an ``msfgm`` expert has one MSFGM more (3, as the seed, at 2).
        gates: one gate per task ``group`` or per ``task``.
        selection: ``window`` = the gates of a window agree on k experts (top k of the mean of their logits) and each
            weighs them for its task, so that k experts run whatever the number of gates, as in the seed; ``gate`` =
            each gate chooses its own k, and up to gates × k run.
        outputs: ``physiology`` = :data:`PREDICTED`, in their order by construction; ``unconstrained`` = all ten.
        demographics: whether age, sex, height and weight are an input.
        dropout: before the towers.

    Raises:
        ConfigError: a value that makes no model; names it.
    """

    num_experts: int = 16
    hidden_channels: int = 128
    k: int = 3
    noisy_gating: bool = False
    noise_type: str = "uniform"
    expert_type: str = "resnet"
    use_msfgm: bool = False
    n_blocks: int = 2
    gates: str = "group"
    selection: str = "window"
    outputs: str = "physiology"
    demographics: bool = False
    dropout: float = 0.1

    def __post_init__(self) -> None:
        _check_types(self)
        for name in ("num_experts", "hidden_channels", "k", "n_blocks"):
            if getattr(self, name) < 1:
                raise ConfigError(f"model: {name} = {getattr(self, name)}; give 1 or more")
        if self.k > self.num_experts:
            raise ConfigError(
                f"model: k = {self.k} of num_experts = {self.num_experts}; give k up to that many"
            )
        if self.hidden_channels % 4:
            raise ConfigError(f"model: hidden_channels = {self.hidden_channels}; give a multiple of 4")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"model: dropout = {self.dropout}; give 0 or more and less than 1")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"model: {name} = {getattr(self, name)!r}; give one of {', '.join(allowed)}"
                )

    @property
    def parameters_out(self) -> tuple[str, ...]:
        """Names of the predicted parameters, in the order of the outputs' columns."""
        return PREDICTED if self.outputs == "physiology" else PARAMETERS

    @property
    def gate_of_parameter(self) -> tuple[int, ...]:
        """Which gate each predicted parameter listens to."""
        if self.gates == "task":
            return tuple(range(len(self.parameters_out)))
        names = [next(g for g, members in GROUPS.items() if p in members) for p in self.parameters_out]
        present = [group for group in GROUPS if group in names]
        return tuple(present.index(name) for name in names)

    def to_json(self) -> dict[str, Any]:
        """As written into a checkpoint."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> ModelConfig:
        """From :meth:`to_json`.

        Raises:
            ConfigError: a field this version does not know, or a value that makes no model.
        """
        unknown = sorted(set(document) - {f.name for f in fields(cls)})
        if unknown:
            raise ConfigError(f"model: {', '.join(unknown)} unknown; was this made by a newer version?")
        return cls(**document)


def _check_types(config: ModelConfig) -> None:
    for name, kind in get_type_hints(ModelConfig).items():
        value = getattr(config, name)
        fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
        if not fits or (isinstance(value, bool) and kind is not bool):
            raise ConfigError(f"model: {name} = {value!r}; give a value of type {kind.__name__}")


@dataclass(frozen=True, slots=True)
class LabelScale:
    """Where an untrained mixture starts, and the unit of its errors: statistics of the training rows.

    Args:
        mean, sd: of the ten parameters in the order of :data:`PARAMETERS`, physical units.
        fraction: where MAP lies between DBP and SBP.

    Raises:
        ConfigError: not ten finite values, a deviation that is not positive, or SBP not above DBP.
    """

    mean: tuple[float, ...] = _MEAN
    sd: tuple[float, ...] = _SD
    fraction: float = _FRACTION

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("sd", self.sd)):
            if len(values) != len(PARAMETERS) or not all(math.isfinite(v) for v in values):
                raise ConfigError(f"label scale: {name} needs {len(PARAMETERS)} finite values, has {values}")
        if min(self.sd) <= 0:
            raise ConfigError("label scale: every deviation must be above 0")
        if self.mean[0] <= self.mean[2] or not 0 < self.fraction < 1:
            raise ConfigError(
                "label scale: DBP must lie below SBP and MAP between them; check the label columns"
            )

    @classmethod
    def from_labels(cls, labels: NDArray[np.floating]) -> LabelScale:
        """Statistics of ``(n, 10)`` training labels, NaN = missing; what has none gets the published mean and SD.

        Raises:
            ConfigError: not ten columns, or SBP not above DBP on average.
        """
        if labels.ndim != 2 or labels.shape[1] != len(PARAMETERS):
            raise ConfigError(f"label scale: labels of shape {labels.shape}; give (n, {len(PARAMETERS)})")
        pairs = [_statistics(column, m, s) for column, m, s in zip(labels.T, _MEAN, _SD, strict=True)]
        sbp, middle, dbp = np.asarray(labels[np.isfinite(labels[:, :3]).all(axis=1), :3], dtype=np.float64).T
        pulse = float((sbp - dbp).sum())
        fraction = float((middle - dbp).sum()) / pulse if pulse > 0 else _FRACTION
        return cls(
            tuple(m for m, _ in pairs),
            tuple(s for _, s in pairs),
            float(np.clip(fraction, *_FRACTION_RANGE)),
        )

    def to_json(self) -> dict[str, Any]:
        """As written into a checkpoint."""
        return {"mean": list(self.mean), "sd": list(self.sd), "fraction": self.fraction}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> LabelScale:
        """From :meth:`to_json`."""
        mean: Sequence[float] = document["mean"]
        return cls(tuple(mean), tuple(document["sd"]), float(document["fraction"]))


def _statistics(column: NDArray[np.floating], mean: float, sd: float) -> tuple[float, float]:
    """Mean and deviation of what is there; the given ones without a label, the given deviation without a spread."""
    known = np.asarray(column[np.isfinite(column)], dtype=np.float64)
    if len(known) == 0:
        return mean, sd
    spread = float(known.std())
    return float(known.mean()), spread if spread > 1e-3 * sd else sd
