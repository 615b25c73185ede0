"""What the network is fed: rows of one or more sets, mixed, cut, seen through views. Same seed, same batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.preprocess import MODEL_RATE_HZ, WINDOW_S_MIN
from recorder.errors import ConfigError

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

SHORTEST: Final = round(WINDOW_S_MIN * MODEL_RATE_HZ)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of one set, ready for the network.

    Args:
        views: the same windows as different sensors would have seen them, each ``(n, time)``, preprocessed.
        labels: ``(n, 10)``, NaN = unknown.
        subject_no: ``(n,)`` whose, counted from 0.
        demographics: ``(n, 4)`` age (years), sex (0 female, 1 male), height (cm), weight (kg); NaN = unknown.
        share: of every batch.
    """

    views: tuple[F32, ...]
    labels: F32
    subject_no: I64
    demographics: F32
    share: float = 1.0

    def __post_init__(self) -> None:
        n = len(self.labels)
        if any(len(v) != n for v in self.views) or len(self.subject_no) != n or len(self.demographics) != n:
            raise ValueError(f"{n} rows of labels need as many windows, subjects and demographics")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.bool_] | I64) -> Self:
        """The chosen rows."""
        return replace(
            self,
            views=tuple(v[rows] for v in self.views),
            labels=self.labels[rows],
            subject_no=self.subject_no[rows],
            demographics=self.demographics[rows],
        )


@dataclass(frozen=True, slots=True)
class Drawing:
    """How batches are drawn.

    Args:
        batch_size: rows, over all processes.
        windows_a_subject: 0 = rows in shuffled order; else subjects are drawn alike and give so many rows each, which
            an error "inside a subject" needs.
        flip: part of the windows seen upside down.
        forget_demographics: part of the rows whose demographics are hidden, so that a model can do without.
        cut: windows longer than 5 s are cut to a random length, one for a batch.
    """

    batch_size: int = 64
    windows_a_subject: int = 0
    flip: float = 0.0
    forget_demographics: float = 0.3
    cut: bool = True

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise ConfigError(
                f"training: a batch of {self.batch_size} rows cannot be normalised; give 2 or more"
            )
        if not 0 <= self.windows_a_subject <= self.batch_size:
            raise ConfigError(
                f"training: {self.windows_a_subject} windows a subject do not fit a batch of {self.batch_size}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One batch: ``ppg (batch, 1, time)``, ``labels (batch, 10)``, ``group (batch,)``, ``demographics (batch, 4)``."""

    ppg: F32
    labels: F32
    group: I64
    demographics: F32

    def of_process(self, rank: int, world_size: int) -> Batch:
        """The part of one of several processes: whole subjects, so that "inside a subject" stays inside."""
        if world_size == 1:
            return self
        groups = np.unique(self.group)
        mine = np.isin(self.group, groups[rank::world_size])
        return Batch(self.ppg[mine], self.labels[mine], self.group[mine], self.demographics[mine])


def n_batches(parts: Sequence[Part], drawing: Drawing) -> int:
    """Of one pass: the largest set, for its share of the batch, is seen about once."""
    sizes = _sizes(parts, drawing)
    return max(1, *(len(p) // size for p, size in zip(parts, sizes, strict=True)))


def batches(parts: Sequence[Part], drawing: Drawing, seed: int, pass_no: int) -> Iterator[Batch]:
    """All batches of one pass; depends on seed and pass alone, so an interrupted run goes on as if it had not been."""
    rng = np.random.default_rng((seed, pass_no))
    count, sizes = n_batches(parts, drawing), _sizes(parts, drawing)
    drawn = [_rows(part, size, count, drawing, rng) for part, size in zip(parts, sizes, strict=True)]
    for number in range(count):
        n_time = _length(parts, drawing, rng)
        pieces = [_piece(p, rows[number], n_time, drawing, rng) for p, rows in zip(parts, drawn, strict=True)]
        yield _joined(pieces)


def _joined(pieces: Sequence[Batch]) -> Batch:
    """One batch of several; no group of one is a group of another."""
    first = np.cumsum([0, *(1 + int(p.group.max()) for p in pieces)])
    return Batch(
        np.concatenate([p.ppg for p in pieces]),
        np.concatenate([p.labels for p in pieces]),
        np.concatenate([p.group + n for p, n in zip(pieces, first, strict=False)]),
        np.concatenate([p.demographics for p in pieces]),
    )


def _sizes(parts: Sequence[Part], drawing: Drawing) -> list[int]:
    whole = sum(p.share for p in parts)
    return [max(1, round(drawing.batch_size * p.share / whole)) for p in parts]


def _rows(part: Part, size: int, count: int, drawing: Drawing, rng: np.random.Generator) -> list[I64]:
    """Row numbers of one set for every batch."""
    if drawing.windows_a_subject:
        of_subject = [np.flatnonzero(part.subject_no == s) for s in np.unique(part.subject_no)]
        n_subjects = min(len(of_subject), max(1, size // drawing.windows_a_subject))
        return [
            np.concatenate(
                [
                    rng.choice(of_subject[w], drawing.windows_a_subject)
                    for w in rng.choice(len(of_subject), n_subjects, replace=False)
                ]
            )
            for _ in range(count)
        ]
    turns = -(-count * size // len(part))
    order = np.concatenate([rng.permutation(len(part)) for _ in range(turns)])
    return [order[i * size : (i + 1) * size] for i in range(count)]


def _length(parts: Sequence[Part], drawing: Drawing, rng: np.random.Generator) -> int:
    """Samples of every window of this batch; no set's windows are stretched."""
    most = min(v.shape[1] for p in parts for v in p.views)
    return int(rng.integers(SHORTEST, most + 1)) if drawing.cut and most > SHORTEST else most


def _piece(part: Part, rows: I64, n_time: int, drawing: Drawing, rng: np.random.Generator) -> Batch:
    view = rng.integers(0, len(part.views), len(rows))
    start = int(rng.integers(0, part.views[0].shape[1] - n_time + 1))
    ppg = np.stack([part.views[v][row, start : start + n_time] for v, row in zip(view, rows, strict=True)])
    ppg = np.where(rng.random((len(rows), 1)) < drawing.flip, -ppg, ppg)
    hidden = rng.random((len(rows), 1)) < drawing.forget_demographics
    demographics = np.where(hidden, np.nan, part.demographics[rows])
    group = part.subject_no[rows] if drawing.windows_a_subject else np.arange(len(rows))
    return Batch(
        ppg[:, None].astype(np.float32),
        part.labels[rows].astype(np.float32),
        group.astype(np.int64),
        demographics.astype(np.float32),
    )
