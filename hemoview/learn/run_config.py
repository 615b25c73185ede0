"""Everything that decides a training run; stands in its checkpoint, so that the run can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from hemoview.learn.batches import Drawing
from hemoview.learn.losses import Weights
from hemoview.learn.moe.config import ModelConfig
from recorder.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One run. Defaults are the seed's (lsm2oe §5).

    Args:
        model: the network.
        passes: over the training rows, at most.
        lr: of AdamW, after a warm-up of a twentieth of the run; falls to a tenth along a cosine.
        task_lr: of the learned task weights.
        weight_decay: of matrices and kernels; never of offsets, norms and task weights.
        patience: passes without a better validation score before the run ends; 0 = never ends early.
        most_gradient: norm to which a step's gradient is clipped.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    drawing: Drawing = field(default_factory=Drawing)
    weights: Weights = field(default_factory=Weights)
    passes: int = 200
    lr: float = 1e-3
    task_lr: float = 1e-2
    weight_decay: float = 5e-4
    patience: int = 15
    most_gradient: float = 1.0
    seed: int = 42

    def __post_init__(self) -> None:
        if self.passes < 1 or self.lr <= 0 or self.weight_decay < 0 or self.patience < 0:
            raise ConfigError("training: passes and lr must be above 0, weight decay and patience not below")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "model": self.model.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_json`.

        Raises:
            ConfigError: a value is out of range.
        """
        weights = {**value["weights"], "level_share": tuple(value["weights"]["level_share"])}
        return cls(
            **{
                **value,
                "model": ModelConfig.from_json(value["model"]),
                "drawing": Drawing(**value["drawing"]),
                "weights": Weights(**weights),
            }
        )
