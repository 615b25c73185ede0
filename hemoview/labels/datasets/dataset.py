"""Labelled windows in memory: one immutable table that cannot be made wrong, and the hash of what is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemoview.labels.datasets import checks
from hemoview.labels.datasets.checks import DEMOGRAPHICS
from hemoview.labels.datasets.split import Split
from recorder.errors import ConfigError
from recorder.schema import body_surface_m2

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

VERSION_PREFIX: Final = "hv1:"
"""Of the hash below; a folder with another kind of version keeps it beside ours."""
NUMBERS: Final = ("t0_s", "cvp_mmhg", "sqi", "reference_calibration_age_s")
WORDS: Final = ("origin", "reference_kind", "ppg_site")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Windows with labels; row i of every array belongs to window i. Use :func:`make_dataset` to leave out columns.

    Args:
        ppg: ``(n, n_samples)`` float32, raw as the source has it, systole upwards, at ``sampling_rate_hz``.
        sampling_rate_hz: above 16; windows are 5 to 10 s long.
        labels: ``(n, 10)`` float32 in the order and units of :data:`recorder.schema.PARAMETERS`, NaN = missing.
        subject_id: ``(n,)`` pseudonyms. Rows of a subject's session are in order of time.
        t0_s: ``(n,)`` start of the window in its session, NaN = unknown.
        demographics: ``(n, 4)`` float32 age (years), sex (0 female, 1 male), height (cm), weight (kg); NaN = unknown.
        cvp_mmhg: ``(n,)`` float32 central venous pressure, NaN = unknown.
        origin: ``(n,)`` ``recorded``, ``replayed``, ``simulated`` or empty.
        reference_kind: ``(n,)`` what measured the labels, empty = unknown; figures are never pooled over kinds alone.
        ppg_site: ``(n,)`` where the pulse wave is from, empty = unknown.
        sqi: ``(n,)`` float32 signal quality 0 to 1, NaN = not judged.
        reference_calibration_age_s: ``(n,)`` float32 since the reference was calibrated, NaN = unknown.
        extra: further columns ``(n,)`` float64, bool or str by name (``session_id``, ``phase``, …).
        name: of the set.
        splits: named splits by subject.
        subject_known: False where every row counts as its own subject; leakage cannot be excluded then.
        short_windows: 2 to 5 s are allowed: for pre-training of the shape, never for estimates.
        about: JSON facts: sources, licences, hop, notes.

    Raises:
        ConfigError: anything is not as above, by name.
    """

    ppg: F32
    sampling_rate_hz: float
    labels: F32
    subject_id: NDArray[np.str_]
    t0_s: F64
    demographics: F32
    cvp_mmhg: F32
    origin: NDArray[np.str_]
    reference_kind: NDArray[np.str_]
    ppg_site: NDArray[np.str_]
    sqi: F32
    reference_calibration_age_s: F32
    extra: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    name: str = "dataset"
    splits: Mapping[str, Split] = field(default_factory=dict)
    subject_known: bool = True
    short_windows: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checks.check_waves(self.ppg, self.sampling_rate_hz, self.name, short_windows=self.short_windows)
        n = len(self.ppg)
        checks.check_labels(self.labels, n, self.name)
        self._check_columns(n)
        for column, who in zip(self.demographics.T, DEMOGRAPHICS, strict=True):
            checks.check_people(who, column, self.name)
        checks.check_people("cvp_mmhg", self.cvp_mmhg, self.name)
        checks.check_order(self.subject_id, self.session_id, self.t0_s, self.name)
        everybody = set(self.subjects)
        for split in self.splits.values():
            split.refuse_strangers(everybody, self.name)

    def _check_columns(self, n: int) -> None:
        for name in ("subject_id", *WORDS, *NUMBERS):
            if (found := getattr(self, name).shape) != (n,):
                raise ConfigError(f"{self.name}: {n} windows but {name} of shape {found}")
        for name, column in self.extra.items():
            if column.shape != (n,) or not (column.dtype == np.float64 or column.dtype.kind in "bU"):
                raise ConfigError(
                    f"{self.name}: {n} windows but column {name} is {column.dtype} of shape {column.shape}"
                )
        if self.demographics.shape != (n, len(DEMOGRAPHICS)):
            raise ConfigError(
                f"{self.name}: {n} windows but demographics of shape {self.demographics.shape}; give "
                f"{', '.join(DEMOGRAPHICS)} for each"
            )
        if (self.subject_id == "").any():
            raise ConfigError(
                f"{self.name}: window {int(np.argmax(self.subject_id == ''))} has no subject_id; every row needs one"
            )

    def __len__(self) -> int:
        return len(self.ppg)

    @property
    def window_s(self) -> float:
        """Length of a window, s."""
        return float(self.ppg.shape[1] / self.sampling_rate_hz)

    @cached_property
    def subjects(self) -> list[str]:
        """Everybody in it, once, sorted."""
        return sorted(set(self.subject_id.tolist()))

    @property
    def session_id(self) -> NDArray[np.str_]:
        """``(n,)``; empty where the set has none."""
        return self.extra.get("session_id", np.full(len(self), "", dtype=np.str_))

    @property
    def simulated(self) -> bool:
        """Some rows come from the physiology model: every figure made with them says SIMULATED."""
        return bool((self.origin == "simulated").any())

    @property
    def bsa_m2(self) -> F64:
        """``(n,)`` body surface area, NaN where unknown."""
        return body_surfaces_m2(self.demographics)

    @cached_property
    def flat(self) -> NDArray[np.bool_]:
        """``(n,)`` windows without any pulse, a mere slope too: nothing can be estimated from them, nothing learned."""
        step = 1024
        parts = (self.ppg[i : i + step] for i in range(0, len(self), step))
        return np.concatenate([checks.without_pulse(part, self.sampling_rate_hz) for part in parts])

    @cached_property
    def version(self) -> str:
        """Hash of windows, labels and columns; names, splits and facts about the set are not in it."""
        digest = hashlib.sha256(
            json.dumps([self.ppg.shape, self.sampling_rate_hz, self.subject_known]).encode()
        )
        columns: dict[str, NDArray[Any]] = {
            "ppg": self.ppg,
            "labels": self.labels,
            "demographics": self.demographics,
        }
        columns |= {name: getattr(self, name) for name in ("subject_id", *WORDS, *NUMBERS)}
        columns |= {f"extra.{name}": self.extra[name] for name in sorted(self.extra)}
        for name, column in columns.items():
            digest.update(f"\n{name}\n".encode())
            digest.update(_content(column))
        return VERSION_PREFIX + digest.hexdigest()

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64], name: str = "") -> Self:
        """The chosen rows as a set of their own, in the order chosen; splits are not taken along."""
        arrays = ("ppg", "labels", "demographics", "subject_id", *WORDS, *NUMBERS)
        return replace(
            self,
            **{each: getattr(self, each)[chosen] for each in arrays},
            extra={each: column[chosen] for each, column in self.extra.items()},
            name=name or self.name,
            splits={},
        )

    def rows_of(self, subjects: Sequence[str]) -> NDArray[np.int64]:
        """Row numbers of ``subjects``, in order."""
        return np.flatnonzero(np.isin(self.subject_id, list(subjects)))

    def with_split(self, split: Split) -> Self:
        """The same set with one more split."""
        return replace(self, splits={**self.splits, split.name: split})

    def split(self, name: str) -> Split:
        """The split of that name.

        Raises:
            ConfigError: there is none; names those there are.
        """
        if name not in self.splits:
            there = ", ".join(sorted(self.splits)) or "none"
            raise ConfigError(f"{self.name}: no split called {name!r}; there are: {there}")
        return self.splits[name]


def make_dataset(
    ppg: ArrayLike,
    sampling_rate_hz: float,
    labels: ArrayLike,
    subject_id: Sequence[str] | NDArray[np.str_],
    *,
    numbers: Mapping[str, ArrayLike] | None = None,
    words: Mapping[str, str | NDArray[np.str_]] | None = None,
    demographics: ArrayLike | None = None,
    extra: Mapping[str, NDArray[Any]] | None = None,
    name: str = "dataset",
    **rest: Any,
) -> Dataset:
    """A dataset from what is known; the rest is unknown (NaN, empty).

    Args:
        ppg, sampling_rate_hz, labels, subject_id, demographics, extra, name: as in :class:`Dataset`; labels may be
            2, 3, 4 or 10 wide.
        numbers: of ``t0_s, cvp_mmhg, sqi, reference_calibration_age_s``.
        words: of ``origin, reference_kind, ppg_site``; one text stands for all rows.
        rest: ``splits, subject_known, short_windows, about``.

    Raises:
        ConfigError: as :class:`Dataset`.
    """
    waves = checks.float32(ppg)
    n = len(waves)
    given, texts = dict(numbers or {}), dict(words or {})
    nothing = np.full(n, np.nan)
    columns: dict[str, Any] = {
        key: np.asarray(column, dtype=np.float64) if key == "t0_s" else checks.float32(column)
        for key in NUMBERS
        for column in [given.pop(key, nothing)]
    }
    said: dict[str, Any] = {key: _text(texts.pop(key, ""), n) for key in WORDS}
    if given or texts:
        raise ConfigError(f"{name}: unknown column {', '.join(sorted({**given, **texts}))}")
    people = np.full((n, len(DEMOGRAPHICS)), np.nan) if demographics is None else demographics
    return Dataset(
        ppg=waves,
        sampling_rate_hz=float(sampling_rate_hz),
        labels=checks.widen_labels(checks.float32(labels), name),
        subject_id=np.asarray(subject_id, dtype=np.str_),
        demographics=checks.float32(people),
        extra={key: _plain(column) for key, column in (extra or {}).items()},
        name=name,
        **columns,
        **said,
        **rest,
    )


def body_surfaces_m2(demographics: NDArray[np.floating]) -> F64:
    """``(n, 4)`` of :data:`~hemoview.labels.datasets.checks.DEMOGRAPHICS` → ``(n,)`` m², NaN where unknown."""
    height_cm, weight_kg = demographics[:, 2].astype(np.float64), demographics[:, 3].astype(np.float64)
    return body_surface_m2(height_cm, weight_kg)


def _text(value: str | NDArray[np.str_], n: int) -> NDArray[np.str_]:
    return np.full(n, value) if isinstance(value, str) else np.asarray(value, dtype=np.str_)


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    return column.astype(np.float64) if column.dtype.kind in "fiu" else column


def _content(column: NDArray[Any]) -> bytes:
    if column.dtype.kind == "U":
        return json.dumps(column.tolist()).encode()
    if column.dtype.kind == "f":  # one NaN is as unknown as another, whatever its bits
        column = np.where(np.isnan(column), np.array(np.nan, column.dtype), column)
    return np.ascontiguousarray(column).tobytes()
