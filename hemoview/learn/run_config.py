"""Everything that decides a training run; stands in its checkpoint, so that it can be made again. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from hemoview.learn.batches import Drawing
from hemoview.learn.moe.config import ModelConfig
from recorder.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Weights:
    """How parts of the loss weigh.

    Args:
        level: of the error as it is; the rest of 1 goes to the error inside a subject, around the subject's mean in
            the batch. 1 is the seed's loss. People differ more than their waves tell: decision 0011.
        level_share: of a person's own level, how much the level error asks for, one an output; () = all of it.
        balance: of the load balance of the gates (the seed's 0.01).
        router_z: of the squared log-sum-exp of gate logits (Zoph et al. 2022, ST-MoE), which keeps them small.
    """

    level: float = 1.0
    level_share: tuple[float, ...] = ()
    balance: float = 0.01
    router_z: float = 1e-3

    def __post_init__(self) -> None:
        if not 0 <= self.level <= 1:
            raise ValueError(f"level weight {self.level:g} is outside 0 to 1")


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
