"""A training run on disk: ``checkpoint.pt`` (best network), ``last.pt`` (go on here), ``log.jsonl`` (a line a pass)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch

from hemoview.learn.moe.config import LabelScale, ModelConfig
from hemoview.learn.moe.model import LSM2oE
from hemoview.learn.run_config import RunConfig
from recorder.errors import ConfigError

FORMAT: Final = 1
BEST, LAST, LOG = "checkpoint.pt", "last.pt", "log.jsonl"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a checkpoint says beside its weights.

    Args:
        run: the configuration.
        scale: label statistics of the training rows.
        dataset_version, split: what it was trained on, and whose rows trained, chose and were kept for a test.
        simulated: a training row came from the physiology model.
        software: torch and numpy versions.
        pass_no: of the stored weights.
        score: standardised macro-MAE on the validation subjects, None where there are none.
    """

    run: RunConfig
    scale: LabelScale
    dataset_version: str = ""
    split: Mapping[str, Any] | None = None
    simulated: bool = False
    software: Mapping[str, str] | None = None
    pass_no: int = 0
    score: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "run": self.run.to_json(), "scale": self.scale.to_json(), "format": FORMAT}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RunFacts:
        """Inverse of :meth:`to_json`."""
        rest = {k: v for k, v in value.items() if k not in {"format", "run", "scale"}}
        return cls(run=RunConfig.from_json(value["run"]), scale=LabelScale.from_json(value["scale"]), **rest)


def save(path: Path, model: Any, facts: RunFacts, **more: Any) -> None:
    """Write a checkpoint whole or not at all."""
    part = path.with_suffix(".part")
    torch.save({"facts": json.dumps(facts.to_json()), "state": model.state_dict(), **more}, part)
    part.replace(path)


def load(run: Path) -> tuple[LSM2oE, RunFacts]:
    """The best network of a run, ready to estimate, on the CPU.

    Args:
        run: the run's folder, or a checkpoint file.

    Raises:
        ConfigError: no checkpoint, a damaged one, one of another format or of another network.
    """
    path = run / BEST if run.is_dir() else run
    stored = read(path)
    facts = RunFacts.from_json(json.loads(stored["facts"]))
    model = LSM2oE(facts.run.model, facts.scale)
    restore(model, stored["state"], path, facts.run.model)
    return model.eval(), facts


def read(path: Path) -> dict[str, Any]:
    """The stored values of a checkpoint; never runs code from the file.

    Raises:
        ConfigError: absent, unreadable, or of another format.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        number = json.loads(stored["facts"])["format"]
    except FileNotFoundError:
        raise ConfigError(
            f"training run {path.parent.name}: there is no {path.name}; train first, or name another folder"
        ) from None
    except Exception as error:  # torch raises what its unpickler raises, with advice we do not give
        raise ConfigError(
            f"{path.name}: damaged, or not a checkpoint of this program ({type(error).__name__}); train again"
        ) from error
    if number != FORMAT:
        raise ConfigError(
            f"{path.name}: checkpoint format {number}, this HemoView reads {FORMAT}; train again"
        )
    return dict(stored)


def restore(model: Any, state: Mapping[str, Any], path: Path, config: ModelConfig) -> None:
    """Put stored weights into a network.

    Raises:
        ConfigError: they are of another network; says which of the first sizes differ.
    """
    has = model.state_dict()
    wrong = [n for n in has if n not in state or state[n].shape != has[n].shape] + [
        n for n in state if n not in has
    ]
    if wrong:
        raise ConfigError(
            f"{path.name}: its weights are of another network than {config.num_experts} experts, "
            f"{config.hidden_channels} channels, {config.expert_type} ({len(wrong)} parts differ, first {wrong[0]}); "
            "give the flags it was trained with, or train again"
        )
    model.load_state_dict(state)
