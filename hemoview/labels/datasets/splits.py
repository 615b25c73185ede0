"""Who trains, who chooses, who tests: decided by subject before anything else, and leaks that refuse a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.filters import PPG_BAND_HZ, band_pass
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.split import PARTS, Split, some
from recorder.counted import counted
from recorder.errors import ConfigError

F32 = NDArray[np.float32]

SAME_WINDOW: Final = 0.999
"""From this correlation of the band-passed waves on, two windows count as one."""
_CHUNK: Final = 1024
_BLOCK: Final = 8
_HALF_S: Final = 4.9


def make_split(
    dataset: Dataset,
    test_size: float = 0.2,
    val_size: float = 0.2,
    seed: int = 42,
    name: str = "default",
    *,
    together: Iterable[Sequence[str]] = (),
) -> Split:
    """Subjects dealt at random; both sizes are parts of all subjects. People who may be one are kept together, and so
    are the subjects of each group of ``together``.

    Raises:
        ConfigError: sizes out of range, subjects not known, or too few (one only) to fill the parts asked for.
    """
    if not (0 <= test_size < 1 and 0 <= val_size < 1 and test_size + val_size < 1):
        raise ConfigError(
            f"split {name}: sizes {test_size:g} (test) and {val_size:g} (val) leave nobody to train on"
        )
    groups = alike_groups(dataset, together)
    wanted = 1 + (test_size > 0) + (val_size > 0)
    if len(groups) < wanted:
        people = counted(len(dataset.subjects), "subject")
        together = (
            f" in {counted(len(groups), 'group')} of people who may be one"
            if len(groups) < len(dataset.subjects)
            else ""
        )
        raise ConfigError(
            f"{dataset.name}: {people}{together} cannot be split into {wanted} parts by subject; use a dataset with "
            "more subjects, or evaluate this one on a model trained elsewhere"
        )
    order = [groups[i] for i in np.random.default_rng(seed).permutation(len(groups))]
    everybody = len(dataset.subjects)
    test = _deal(order, _size(test_size, everybody), wanted - 1)
    val = _deal(order, _size(val_size, everybody), 1)
    return Split(name, tuple(s for group in order for s in group), tuple(val), tuple(test))


def _size(part: float, everybody: int) -> int:
    return max(round(part * everybody), 1) if part else 0


def _deal(order: list[list[str]], size: int, leave: int) -> list[str]:
    """Take whole groups from the end until ``size`` (at least one group if any is wanted), leaving ``leave`` groups."""
    taken: list[str] = []
    if not size:
        return taken
    while len(order) > leave and (not taken or len(taken) + len(order[-1]) <= size):
        taken += order.pop()
    return taken


def alike_groups(dataset: Dataset, together: Iterable[Sequence[str]] = ()) -> list[list[str]]:
    """Subjects in groups that must stay together: same sex, height and weight and an age within a year (chains count),
    the same recording (``session_id``), or named in one group of ``together``; evaluation rule 1. Sorted.
    """
    boss = {who: who for who in dataset.subjects}

    def root(who: str) -> str:
        while boss[who] != who:
            boss[who] = who = boss[boss[who]]
        return who

    known = (pair for group in together for pair in pairwise(group))
    for pair in (*_alike_people(dataset), *_same_recording(dataset), *known):
        boss[root(pair[1])] = root(pair[0])
    groups: dict[str, list[str]] = defaultdict(list)
    for who in dataset.subjects:
        groups[root(who)].append(who)
    return sorted(groups.values())


def _alike_people(dataset: Dataset) -> list[tuple[str, str]]:
    names, first = np.unique(dataset.subject_id, return_index=True)
    by_body: dict[tuple[float, ...], list[tuple[float, str]]] = defaultdict(list)
    for who, (age_y, sex, height_cm, weight_kg) in zip(
        names.tolist(), dataset.demographics[first].tolist(), strict=True
    ):
        if np.isfinite([age_y, sex, height_cm, weight_kg]).all():
            by_body[sex, round(height_cm, 1), round(weight_kg, 1)].append((age_y, who))
    return [
        (one[1], other[1])
        for people in by_body.values()
        for one, other in pairwise(sorted(people))
        if other[0] - one[0] <= 1
    ]


def _same_recording(dataset: Dataset) -> list[tuple[str, str]]:
    by_session: dict[str, set[str]] = defaultdict(set)
    for session, who in zip(dataset.session_id.tolist(), dataset.subject_id.tolist(), strict=True):
        if session:
            by_session[session].add(who)
    return [pair for people in by_session.values() for pair in pairwise(sorted(people))]


def refuse_leaks(dataset: Dataset, split: Split, correlation: float = SAME_WINDOW) -> None:
    """Refuse a split across which something is shared: people who may be one, or (nearly) the same window, whole or
    by a half.

    Raises:
        ConfigError: naming subjects and windows.
    """
    split.refuse_strangers(dataset.subjects, dataset.name)
    part_of = {who: part for part in PARTS for who in getattr(split, part)}
    for group in alike_groups(dataset):
        if len({part_of[who] for who in group if who in part_of}) > 1:
            raise ConfigError(
                f"{dataset.name}: split {split.name} parts {some(group)}, who may be one person or one recording; "
                "make the split again"
            )
    used = [part for part in PARTS if getattr(split, part)]
    rows = {part: dataset.rows_of(getattr(split, part)) for part in used}
    waves = {part: pieces(dataset.ppg[rows[part]], dataset.sampling_rate_hz) for part in used}
    for one, other in combinations(used, 2):
        for ours, theirs in zip(waves[one], waves[other], strict=True):
            if found := first_duplicate(ours, theirs, correlation):
                a, b = rows[one][found[0] % len(rows[one])], rows[other][found[1] % len(rows[other])]
                raise ConfigError(
                    f"{dataset.name}: window {a} (subject {dataset.subject_id[a]}, {one}) and window {b} (subject "
                    f"{dataset.subject_id[b]}, {other}) are nearly the same; are they one recording?"
                )


def duplicate_recordings(
    dataset: Dataset, correlation: float = SAME_WINDOW, most: int = 40
) -> list[tuple[str, str]]:
    """Pairs of sessions that hold (nearly) the same window: one recording under two names. Sorted.

    Args:
        dataset: with ``session_id``.
        correlation: from which two windows count as one.
        most: windows of each session that are compared, spread over it: equal recordings give equal windows.
    """
    sessions = dataset.session_id
    rows = np.concatenate(
        [_spread(np.flatnonzero(sessions == s), most) for s in sorted(set(sessions.tolist()))]
    )
    owner = sessions[rows]
    waves = pieces(dataset.ppg[rows], dataset.sampling_rate_hz)[0]
    n, small = waves.shape[1], _averaged(waves)
    alive = (waves != 0).any(axis=1)
    size, far = (small**2).sum(axis=1), 2 * n * (1 - correlation) + 1e-3 * n * (1 - correlation)
    pairs: set[tuple[str, str]] = set()
    for begin in range(0, len(waves), _CHUNK):
        part = small[begin : begin + _CHUNK]
        distance2 = (part**2).sum(axis=1)[:, None] + size - 2 * part @ small.T
        near = (distance2 <= far) & (owner[begin : begin + _CHUNK, None] < owner[None, :]) & alive
        for i, j in np.argwhere(near):
            if float(waves[begin + i] @ waves[j]) / n >= correlation:
                pairs.add((str(owner[begin + i]), str(owner[j])))
    return sorted(pairs)


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    at = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).round().astype(np.int64))
    return np.asarray(rows[at])


def pieces(ppg: F32, rate_hz: float) -> list[F32]:
    """Band-passed windows ``(n, n_samples)`` with mean 0 and deviation 1 (0 where flat), and where halves are long
    enough to tell recordings apart ``(2·n, n_samples // 2)``: both first, then both second halves.
    """
    half = ppg.shape[1] // 2
    cuts = [ppg]
    if (
        half / rate_hz >= _HALF_S
    ):  # filtered after cutting: equal samples give equal waves, whatever is around them
        cuts.append(np.concatenate((ppg[:, :half], ppg[:, half : 2 * half])))
    return [
        np.concatenate([_unit(_band(cut[i : i + _CHUNK], rate_hz)) for i in range(0, len(cut), _CHUNK)])
        for cut in cuts
    ]


def _band(ppg: F32, rate_hz: float) -> F32:
    wave = band_pass(ppg.astype(np.float64), rate_hz, *PPG_BAND_HZ)
    small = wave.std(axis=1) <= 2e-6 * np.abs(ppg).max(axis=1)
    return np.asarray(np.where(small[:, None], 0.0, wave), dtype=np.float32)


def _unit(waves: F32) -> F32:
    centred = waves - waves.mean(axis=1, keepdims=True)
    size = centred.std(axis=1, keepdims=True)
    return np.asarray(centred / np.where(size > 0, size, 1.0), dtype=np.float32)


def first_duplicate(ours: F32, theirs: F32, correlation: float = SAME_WINDOW) -> tuple[int, int] | None:
    """Row numbers of the first pair at or above ``correlation``, or None. Rows have mean 0 and deviation 1 (or are 0).

    Block averages cannot move two waves apart, so a pair that is far after averaging is far; only the others are
    compared in full.
    """
    n = ours.shape[1]
    small_ours, small_theirs = _averaged(ours), _averaged(theirs)
    size = (small_theirs**2).sum(axis=1)
    for begin in range(0, len(ours), _CHUNK):
        part = small_ours[begin : begin + _CHUNK]
        distance2 = (part**2).sum(axis=1)[:, None] + size - 2 * part @ small_theirs.T
        for i, j in np.argwhere(distance2 <= 2 * n * (1 - correlation) + 1e-3 * n * (1 - correlation)):
            if float(ours[begin + i] @ theirs[j]) / n >= correlation:
                return int(begin + i), int(j)
    return None


def _averaged(waves: F32) -> F32:
    """Block means times √block: a projection, lengths never grow."""
    n = waves.shape[1] // _BLOCK * _BLOCK
    blocks = waves[:, :n].reshape(len(waves), -1, _BLOCK)
    return np.asarray(blocks.mean(axis=2) * np.sqrt(_BLOCK), dtype=np.float32)
