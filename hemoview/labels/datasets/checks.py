"""What a set of labelled windows must be; each rule refuses by name, so that nothing wrong becomes a silent number."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemoview.dsp.filters import band_pass
from hemoview.dsp.preprocess import WINDOW_S_MAX, WINDOW_S_MIN
from recorder.errors import ConfigError
from recorder.schema import PARAMETERS

COLUMNS_OF_WIDTH: Final = {
    2: ("SBP", "DBP"),
    3: ("SBP", "MAP", "DBP"),
    4: ("SBP", "MAP", "DBP", "HR"),
    10: tuple(PARAMETERS),
}
"""Label files by number of columns; the seed's format has no other."""
SHORTEST_S: Final = 2.0
"""Windows for pre-training of the shape only; a model never estimates from one."""
SLOWEST_HZ: Final = 16.0
"""Twice the pulse band of :mod:`hemoview.dsp.preprocess`."""

DEMOGRAPHICS: Final = ("age_y", "sex", "height_cm", "weight_kg")
_SENSIBLE: Final = {
    "age_y": (0.0, 120.0),
    "sex": (0.0, 1.0),
    "height_cm": (40.0, 250.0),
    "weight_kg": (2.0, 400.0),
    "cvp_mmhg": (-10.0, 60.0),
}
_SBP, _MAP, _DBP = 0, 1, 2
_FLAT: Final = 2e-6
"""Twice the limit of :func:`hemoview.dsp.preprocess.model_inputs`, which refuses such windows: it resamples first."""


def widen_labels(labels: NDArray[np.floating], where: str) -> NDArray[np.float32]:
    """``(n, 2 | 3 | 4 | 10)`` → ``(n, 10)`` in the order of :data:`recorder.schema.PARAMETERS`, NaN where not given.

    Raises:
        ConfigError: another shape, naming ``where``.
    """
    if labels.ndim != 2 or labels.shape[1] not in COLUMNS_OF_WIDTH:
        widths = "; ".join(f"{n} = {', '.join(names)}" for n, names in COLUMNS_OF_WIDTH.items())
        raise ConfigError(f"{where}: labels of shape {labels.shape} are unknown; give (windows, {widths})")
    wide = np.full((len(labels), len(PARAMETERS)), np.nan, dtype=np.float32)
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # what is too large becomes infinite, and is refused as that
        wide[:, [PARAMETERS.index(name) for name in COLUMNS_OF_WIDTH[labels.shape[1]]]] = labels
    return wide


def float32(values: ArrayLike) -> NDArray[np.float32]:
    """What is too large for it becomes infinite, and is refused as that."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values, dtype=np.float32)


def check_waves(ppg: NDArray[np.floating], rate_hz: float, where: str, *, short_windows: bool) -> None:
    """Refuse windows that are no windows.

    Raises:
        ConfigError: not two-dimensional, none at all, too slow, too short or long, not finite.
    """
    if ppg.ndim != 2 or not ppg.size:
        raise ConfigError(f"{where}: windows of shape {ppg.shape}; give (windows, samples), at least one")
    if not (np.isfinite(rate_hz) and rate_hz > SLOWEST_HZ):
        raise ConfigError(
            f"{where}: a sampling rate of {rate_hz:g} Hz; a pulse wave needs above {SLOWEST_HZ:g}"
        )
    seconds, half = ppg.shape[1] / rate_hz, 0.5 / rate_hz
    least = SHORTEST_S if short_windows else WINDOW_S_MIN
    if not least - half <= seconds <= WINDOW_S_MAX + half:
        raise ConfigError(
            f"{where}: windows of {seconds:.3g} s ({ppg.shape[1]} samples at {rate_hz:g} Hz); give {least:g} to "
            f"{WINDOW_S_MAX:g} s"
        )
    bad = ~np.isfinite(ppg).all(axis=1)
    if bad.any():
        raise ConfigError(
            f"{where}: window {int(np.argmax(bad))} holds values that are not finite ({int(bad.sum())} of "
            f"{len(ppg)} windows); leave such windows out"
        )


def without_pulse(ppg: NDArray[np.floating], rate_hz: float) -> NDArray[np.bool_]:
    """``(n,)``: nothing is left of the window in the pulse band."""
    wave = band_pass(ppg.astype(np.float64), rate_hz)
    return np.asarray(wave.std(axis=1) <= _FLAT * np.abs(ppg).max(axis=1))


def check_labels(labels: NDArray[np.floating], n: int, where: str) -> None:
    """Refuse labels that cannot be what they are called.

    Raises:
        ConfigError: wrong shape, infinite, zero or negative, DBP not below SBP, columns in another order.
    """
    if labels.shape != (n, len(PARAMETERS)):
        raise ConfigError(
            f"{where}: {n} windows but labels of shape {labels.shape}; give one row of {len(PARAMETERS)} a window"
        )
    wrong = np.isinf(labels) | (labels <= 0)
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise ConfigError(
            f"{where}: {PARAMETERS[column]} of window {row} is {labels[row, column]:g}; write NaN where a label is "
            "missing"
        )
    refuse_swapped(labels, where)
    crossed = crossed_pressures(labels)
    if crossed.any():
        raise ConfigError(f"{where}: DBP of window {int(np.argmax(crossed))} is not below its SBP")


def crossed_pressures(labels: NDArray[np.floating]) -> NDArray[np.bool_]:
    """``(n,)``: both known and DBP not below SBP."""
    return np.asarray(labels[:, _DBP] >= labels[:, _SBP])


def refuse_swapped(labels: NDArray[np.floating], where: str) -> None:
    """A few odd rows are artefacts; when most rows are, the columns are not what they are taken for.

    Raises:
        ConfigError: naming the two columns.
    """
    for low, high in ((_DBP, _SBP), (_DBP, _MAP), (_MAP, _SBP)):
        known = np.isfinite(labels[:, low]) & np.isfinite(labels[:, high])
        if known.any() and np.mean(labels[known, low] >= labels[known, high]) > 0.5:
            raise ConfigError(
                f"{where}: {PARAMETERS[low]} is not below {PARAMETERS[high]} in most windows; are the columns in "
                f"the order {', '.join(PARAMETERS)}?"
            )


def check_people(name: str, values: NDArray[np.floating], where: str) -> None:
    """Refuse a column of :data:`DEMOGRAPHICS` or ``cvp_mmhg`` in another unit, or no number of a person.

    Raises:
        ConfigError: naming column, row and limits.
    """
    low, high = _SENSIBLE[name]
    wrong = np.isfinite(values) & ((values < low) | (values > high)) | np.isinf(values)
    if name == "sex":
        wrong |= np.isfinite(values) & (values != np.rint(values))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ConfigError(f"{where}: {name} of window {row} is {values[row]:g}, outside {low:g} to {high:g}")


def check_order(
    subject: NDArray[np.str_], session: NDArray[np.str_], t0_s: NDArray[np.float64], where: str
) -> None:
    """Within a subject's session, times go up; a session has all of its times or none.

    Raises:
        ConfigError: naming the subject.
    """
    if np.isinf(t0_s).any():
        raise ConfigError(f"{where}: t0_s of window {int(np.argmax(np.isinf(t0_s)))} is infinite")
    for who, rows in rows_of(subject, session):
        known = np.isfinite(t0_s[rows])
        if known.any() and not known.all():
            raise ConfigError(
                f"{where}: some windows of subject {who} have no t0_s; give all of them or none"
            )
        if known.all() and (np.diff(t0_s[rows]) < 0).any():
            raise ConfigError(
                f"{where}: windows of subject {who} are not in order of time; sort them by t0_s"
            )


def rows_of(subject: NDArray[np.str_], session: NDArray[np.str_]) -> list[tuple[str, NDArray[np.int64]]]:
    """(subject, row numbers in order) of every session."""
    pair = np.char.add(np.char.add(subject, "\x1f"), session)
    _, which = np.unique(pair, return_inverse=True)
    order = np.argsort(which, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(which[order])) + 1)
    return [(str(subject[part[0]]), part) for part in parts]
