"""How much of the ten labels a normalised pulse wave can tell at all in a cohort, measured before anything is trained.

Two tests (methods.md §D.1, §F.2; evaluation rule 7). Many-to-one: how often a wave has a look-alike of another person
with another pressure. Oracle: what the nearest waves of other people say, without any model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.ppg_beats import find_ppg_beats
from hemoview.dsp.preprocess import MODEL_RATE_HZ, model_inputs
from hemoview.labels.datasets.dataset import Dataset
from recorder.schema import PARAMETERS

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

WAVE_S: Final = 2.0
BEAT_POINTS: Final = 48
NEIGHBOURS: Final = (10, 30, 100)
MOST_QUERIES: Final = 2500
ALIKE_CORRELATION, ALIKE_DISTANCE, FAR_MMHG = 0.9, 1.0, 8.0
"""Two waves are look-alikes above this correlation and below this distance of the 0–1 scaled waves; their people differ
if SBP differs by more than the last (methods.md §D.1)."""
_CHUNK: Final = 512
_RATE_WEIGHTS: Final = (0.7, 2.0)
_PERSON_WEIGHT: Final = 0.35
"""How far one deviation of heart rate, or of a demographic, moves a beat; two people's beats are 1 to 3 apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """What is left of windows when their size is taken away; a window without two beats is not among them.

    Args:
        rows: ``(m,)`` row numbers in the dataset.
        waves: ``(m, 128)`` 2 s from the first beat on, scaled to 0–1.
        beats: ``(m, 48)`` mean beat of the window, mean 0 and deviation 1.
        rate: ``(m,)`` beats/min.
    """

    rows: NDArray[np.int64]
    waves: F32
    beats: F32
    rate: F64


def shapes_of(dataset: Dataset) -> Shapes:
    """Shapes of all windows, by the preprocessing every model sees.

    Raises:
        ValueError: flat windows, or windows shorter than 5 s.
    """
    n = round(WAVE_S * MODEL_RATE_HZ)
    rows, waves, beats, rate = [], [], [], []
    for begin in range(0, len(dataset), _CHUNK):
        inputs = model_inputs(dataset.ppg[begin : begin + _CHUNK], dataset.sampling_rate_hz)
        for i, x in enumerate(inputs):
            feet = np.array([beat.foot for beat in find_ppg_beats(x, MODEL_RATE_HZ)])
            first = int(np.ceil(feet[0])) if len(feet) else 0
            if len(feet) < 3 or first + n > len(x):
                continue
            wave = x[first : first + n]
            rows.append(begin + i)
            waves.append((wave - wave.min()) / np.ptp(wave))
            beats.append(_mean_beat(x, feet))
            rate.append(60.0 * MODEL_RATE_HZ * (len(feet) - 1) / (feet[-1] - feet[0]))
    return Shapes(
        np.array(rows, dtype=np.int64),
        np.array(waves, np.float32).reshape(-1, n),
        np.array(beats, np.float32).reshape(-1, BEAT_POINTS),
        np.array(rate),
    )


def _mean_beat(x: F32, feet: F64) -> F64:
    grid = feet[:-1, None] + np.diff(feet)[:, None] * np.linspace(0, 1, BEAT_POINTS, endpoint=False)
    mean = np.interp(grid, np.arange(len(x)), x).mean(axis=0)
    return np.asarray((mean - mean.mean()) / mean.std())


def ambiguity(dataset: Dataset, seed: int = 0) -> dict[str, Any]:
    """Many-to-one share and oracle R² per parameter; carries ``simulated`` as the dataset does.

    ``oracle_r2`` is the better of two: nearest 2-s waves, and nearest mean beats with heart rate. ``…_demographics``
    may use age, sex, height, weight too, and what follows by identity from its SV and MAP, the true heart rate, body
    surface and CVP. Neighbours are windows of other people; of 10, 30 and 100 of them the number that does best.

    Args:
        dataset: windows of 5 to 10 s.
        seed: of the sample of windows asked about, when there are more than 2500.
    """
    shapes = shapes_of(dataset)
    labels = dataset.labels[shapes.rows].astype(np.float64)
    subject = dataset.subject_id[shapes.rows]
    asked = np.sort(np.random.default_rng(seed).permutation(len(shapes.rows))[:MOST_QUERIES])
    people = _scaled(dataset.demographics[shapes.rows].astype(np.float64), _PERSON_WEIGHT)
    by_wave = _guesses(shapes.waves, labels, subject, asked)
    by_beat, with_person = [], []
    for weight in _RATE_WEIGHTS:
        beats = np.column_stack((shapes.beats, _scaled(shapes.rate[:, None], weight))).astype(np.float32)
        by_beat += _guesses(beats, labels, subject, asked)
        with_person += _guesses(np.column_stack((beats, people)).astype(np.float32), labels, subject, asked)
    truth = labels[asked]
    plain = [_r2(each, truth) for each in (*by_wave, *by_beat)]
    known = [_r2(each, truth) for each in with_person]
    known += [_r2(_by_identity(each, dataset, shapes.rows[asked]), truth) for each in with_person]
    return {
        "simulated": dataset.simulated,
        "n_windows": len(asked),
        "n_neighbour_windows": len(shapes.rows),
        "n_subjects": len(set(subject.tolist())),
        "windows_without_beats": len(dataset) - len(shapes.rows),
        "many_to_one_fraction": round(_many_to_one(shapes.waves, labels[:, 0], subject, asked), 3),
        "oracle_r2": _best(plain),
        "oracle_r2_2s_wave": _best(plain[: len(by_wave)]),
        "oracle_r2_demographics": _best([*plain, *known]),
    }


def _scaled(columns: F64, weight: float) -> F64:
    """Each column's deviation (of its middle two thirds) = ``weight``; unknown counts as the middle."""
    columns = np.where(np.isfinite(columns).any(axis=0), columns, 0.0)
    low, middle, high = np.nanpercentile(columns, (16, 50, 84), axis=0)
    size = (high - low) / 2
    return np.asarray(
        weight * np.nan_to_num(np.clip((columns - middle) / np.where(size > 0, size, 1.0), -4, 4))
    )


def _guesses(x: F32, labels: F64, subject: NDArray[np.str_], asked: NDArray[np.int64]) -> list[F64]:
    """Mean labels ``(n_asked, 10)`` of the nearest windows of other people, one array per number of neighbours;
    NaN where there is nobody else.
    """
    numbers = [min(k, max(len(x) // 4, 1)) for k in NEIGHBOURS]
    out = [np.empty((len(asked), labels.shape[1])) for _ in numbers]
    for begin in range(0, len(asked), _CHUNK):
        part = asked[begin : begin + _CHUNK]
        distance2 = _distance2(x[part], x)
        distance2[subject[part][:, None] == subject] = np.inf
        for guess, k in zip(out, numbers, strict=True):
            nearest = np.argpartition(distance2, k - 1, axis=1)[:, :k]
            others = np.isfinite(np.take_along_axis(distance2, nearest, axis=1))[..., None]
            n_others = others.sum(axis=1)
            total = np.where(others, labels[nearest], 0.0).sum(axis=1)
            guess[begin : begin + _CHUNK] = np.where(n_others > 0, total / np.maximum(n_others, 1), np.nan)
    return out


def _distance2(ours: F32, theirs: F32) -> F32:
    square = (ours**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1)
    return np.asarray(np.maximum(square - 2 * ours @ theirs.T, 0))


def _by_identity(guess: F64, dataset: Dataset, rows: NDArray[np.int64]) -> F64:
    """CO, CI, SI, SVR, SVRI from guessed SV and MAP and the true heart rate; the rest as guessed."""
    at = {name: i for i, name in enumerate(PARAMETERS)}
    out, bsa = guess.copy(), dataset.bsa_m2[rows]
    sv = guess[:, at["SV"]]
    co = dataset.labels[rows, at["HR"]] * sv / 1000.0
    svr = 80.0 * (guess[:, at["MAP"]] - dataset.cvp_mmhg[rows]) / co
    derived = {"CO": co, "CI": co / bsa, "SI": sv / bsa, "SVR": svr, "SVRI": svr * bsa}
    for name, values in derived.items():
        out[:, at[name]] = values
    return out


def _r2(guess: F64, truth: F64) -> F64:
    """``(10,)``; NaN where nothing is known."""
    known = np.isfinite(guess) & np.isfinite(truth)
    out = np.full(truth.shape[1], np.nan)
    for j in range(truth.shape[1]):
        y, z = truth[known[:, j], j], guess[known[:, j], j]
        if len(y) > 1 and np.ptp(y) > 0:
            out[j] = 1 - ((z - y) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    return out


def _best(several: list[F64]) -> dict[str, float | None]:
    """The highest R² of each parameter; None where none is computable."""
    table = np.stack(several)
    return {
        name: round(float(np.nanmax(column)), 3) if np.isfinite(column).any() else None
        for name, column in zip(PARAMETERS, table.T, strict=True)
    }


def _many_to_one(waves: F32, sbp: F64, subject: NDArray[np.str_], asked: NDArray[np.int64]) -> float:
    centred = waves - waves.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    hits = 0
    for begin in range(0, len(asked), _CHUNK):
        part = asked[begin : begin + _CHUNK]
        alike = (unit[part] @ unit.T > ALIKE_CORRELATION) & (
            _distance2(waves[part], waves) < ALIKE_DISTANCE**2
        )
        alike &= subject[part][:, None] != subject
        hits += int((alike & (np.abs(sbp[part][:, None] - sbp) > FAR_MMHG)).any(axis=1).sum())
    return hits / max(len(asked), 1)
