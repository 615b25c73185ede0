"""Who teaches the shipped student, and how: people with pressures, arterial lines, short windows, real wrist noise.

The headline set (``people``) is in every training; the others are added by the recipe, never to what is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from hemoview.labels.datasets.dataset import Dataset
from hemoview.learn import loop, prepare
from hemoview.learn.batches import Part
from hemoview.learn.checkpoint import RunFacts
from hemoview.learn.moe.config import LabelScale
from hemoview.learn.moe.model import LSM2oE
from hemoview.learn.noise_bank import NoiseBank, teaching_and_judging
from hemoview.learn.run_config import RunConfig

MOST_WINDOWS: Final = 150
"""Of one person with an arterial line, evenly over the recording: hours of one person are still one person."""


@dataclass(frozen=True, eq=False)
class Sources:
    """The sets.

    Args:
        people: teach pressures, and are what is judged.
        wrists: E4 waves without a label, for their noise; None = coloured noise.
        arterial: people with an arterial line.
        short: windows below 5 s with one reading a person, for pre-training.
    """

    people: Dataset
    wrists: Dataset | None = None
    arterial: tuple[Dataset, ...] = ()
    short: Dataset | None = None

    @cached_property
    def noise(self) -> tuple[NoiseBank | None, NoiseBank | None]:
        """(teaches, judges), of different wearers."""
        return (None, None) if self.wrists is None else teaching_and_judging(self.wrists)

    def without(self, subject: str) -> Sources:
        """Without one of the people with an arterial line."""
        kept = tuple(d for d in self.arterial if subject not in d.subjects)
        return replace(self, arterial=kept)


@dataclass(frozen=True, slots=True)
class Teaching:
    """How.

    Args:
        run: training of pressures.
        wrist_views: how often a window is also seen as a wristband might have seen it.
        arterial_share: of a batch, beside 1 for ``people``, for everybody with an arterial line together; 0 = none.
        pretraining: on short windows, before; None = none.
    """

    run: RunConfig
    wrist_views: int = 2
    arterial_share: float = 0.0
    pretraining: RunConfig | None = None


def parts_of(sources: Sources, subjects: Sequence[str], how: Teaching) -> list[Part]:
    """Training rows: ``subjects`` of the people, and everybody with an arterial line."""
    noise = sources.noise[0]
    parts = [prepare.part_of(sources.people, subjects, wrist_views=how.wrist_views, noise=noise)]
    if how.arterial_share > 0 and sources.arterial:
        share = how.arterial_share / len(sources.arterial)
        parts += [
            prepare.part_of(thinned(one), one.subjects, wrist_views=how.wrist_views, share=share, noise=noise)
            for one in sources.arterial
        ]
    return parts


def thinned(dataset: Dataset) -> Dataset:
    """At most :data:`MOST_WINDOWS` of every subject, evenly spread."""
    rows = [dataset.rows_of([s]) for s in dataset.subjects]
    some = [
        r[np.unique(np.linspace(0, len(r) - 1, min(len(r), MOST_WINDOWS)).round().astype(int))] for r in rows
    ]
    return dataset.take(np.sort(np.concatenate(some)))


def train(parts: Sequence[Part], how: Teaching, short: Dataset | None = None) -> LSM2oE:
    """A teacher. Units are those of the first part, the people who are judged."""
    scale = prepare.scale_of(parts[:1])
    start = None
    if how.pretraining is not None and short is not None:
        start = pretrained(short, how.pretraining, scale)
    return loop.train(parts, None, RunFacts(run=how.run, scale=scale), start=start)


def pretrained(short: Dataset, run: RunConfig, scale: LabelScale) -> LSM2oE:
    """A network that knows shapes of short windows; a beginning, never a model."""
    return loop.train([prepare.part_of(short, short.subjects)], None, RunFacts(run=run, scale=scale))
