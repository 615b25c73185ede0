"""Which model, and which rows it may be judged on: nobody it has seen, or the report says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hemoview.estimate import bundle as bundles
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.split import Split
from hemoview.labels.datasets.splits import make_split, refuse_leaks
from recorder.counted import counted
from recorder.errors import ConfigError
from recorder.host import places

ALL: Final = "all"


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A checked model: a bundle, or the network of a training run with its facts."""

    name: str
    bundle: bundles.Bundle | None = None
    network: Any = None
    facts: Any = None

    @property
    def trained_on(self) -> str:
        """Version of the dataset it was trained on: a run's, or the ``training_hash`` of a card."""
        if self.bundle is not None:
            return str(self.bundle.card.raw["training_hash"])
        return str(getattr(self.facts, "dataset_version", ""))

    def split(self, dataset: Dataset) -> Split | None:
        """Whose rows trained it, chose it and were kept for its test. A run says so; a card has the ``split_hash``
        alone, which names a split of the dataset it was trained on, or the one that is made by default.
        """
        if self.bundle is None:
            stored = getattr(self.facts, "split", None)
            return Split.from_json("the run's own", stored, f"training run {self.name}") if stored else None
        wanted = self.bundle.card.raw["split_hash"]
        if self.trained_on != dataset.version or not wanted:
            return None
        named = next((s for s in dataset.splits.values() if s.sha256 == wanted), None)
        return named or self._default(dataset, wanted)

    @staticmethod
    def _default(dataset: Dataset, wanted: str) -> Split | None:
        try:
            made = make_split(dataset)
        except ConfigError:  # too few subjects for one
            return None
        return made if made.sha256 == wanted else None


def open_bundle(path: Path) -> Opened:
    """A bundle's folder, or the name of a shipped bundle.

    Raises:
        ConfigError: it is none, or is refused.
    """
    path = shipped(path)
    if not any((path / name).is_file() for name in bundles.FILES):
        raise ConfigError(
            f"{path}: no model bundle (card.json, model.onnx); name its folder or a shipped one"
        )
    bundle = bundles.load(path)
    return Opened(bundle.name, bundle=bundle)


def shipped(path: Path) -> Path:
    """The folder of a shipped bundle that is named without one; else the path as it is."""
    if not path.exists() and (places.models_dir() / path.name).is_dir() and path.name == str(path):
        return places.models_dir() / path.name
    return path


# ---- which rows


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Rows to be judged, training rows for the baselines where they are here, and what the reader must know; ``of``:
    the set they are from.
    """

    of: Dataset
    dataset: Dataset
    training: Dataset | None
    protocol: dict[str, Any]


def choose(dataset: Dataset, opened: Opened, name: str | None, part: str | None) -> Chosen:
    """The part of a split that is judged: the one named, a run's own, else every row.

    Raises:
        ConfigError: no such split or nobody in the part, or subjects of the training among those judged.
    """
    theirs = opened.split(dataset)
    own = theirs is not None and opened.trained_on == dataset.version
    split = dataset.split(name) if name is not None else theirs if own and part != ALL else None
    if split is None or part == ALL:
        leakage = _leakage(theirs, dataset.subjects, known=dataset.subject_known, own=own)
        everybody = {"split": None, "part": ALL, "split_sha256": None}
        return Chosen(dataset, dataset, None, {**everybody, "leakage": leakage})
    part = part or "test"
    subjects: tuple[str, ...] = getattr(split, part)
    if not subjects:
        raise ConfigError(
            f"{dataset.name}: part {part} of split {split.name} names nobody; choose another --part"
        )
    if own and part == "test" and (both := _trained(theirs) & set(subjects)):
        raise ConfigError(
            f"{dataset.name}: {counted(len(both), 'subject')} of the test part of split {split.name} trained "
            f"{opened.name} (first {min(both)}); evaluate on the split it was trained with, or train again"
        )
    refuse_leaks(dataset, split)
    judged = dataset.take(dataset.rows_of(subjects))
    training = dataset.take(dataset.rows_of(split.train)) if split.train and part != "train" else None
    protocol = {
        "split": split.name,
        "part": part,
        "split_sha256": split.sha256,
        "leakage": _leakage(theirs, subjects, known=dataset.subject_known, own=own),
    }
    return Chosen(dataset, judged, training, protocol)


def _trained(split: Split | None) -> set[str]:
    return set() if split is None else {*split.train, *split.val}


def _leakage(theirs: Split | None, subjects: Sequence[str], *, known: bool, own: bool) -> str:
    """What can be said about whether the model has seen these subjects; ``own``: the set it was trained on."""
    if not known:
        return "no subjects are known, every row counts as its own: leakage cannot be excluded"
    if theirs is None:
        return "the model does not list its training subjects: that none is here cannot be checked"
    if both := _trained(theirs) & set(subjects):
        where = "trained or chose the model" if own else "stand in its training on another dataset, too"
        return f"NOT HELD BACK: {len(both)} of {len(subjects)} subject ids judged here {where}"
    if own:
        return "subject-grouped: nobody judged here trained or chose the model; no window is in two parts"
    return "trained on another dataset: that nobody is in both cannot be checked"
