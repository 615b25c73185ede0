"""What a dataset build may be told, and what it hands from job to job. Plain values: they travel to other processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.preprocess import WINDOW_S_MAX, WINDOW_S_MIN
from hemoview.labels.reference.session import KINDS
from recorder.errors import ConfigError

HOP_S: Final = 5.0
LEAST_HOP_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Everything that decides what is in a dataset beside its sessions.

    Args:
        window_s: length of a window, 5 to 10 s.
        hop_s: from one window to the next.
        label_set: whose spans exclude and correct; empty = none.
        allow_simulated: simulated and replayed sessions too; the dataset is marked.
        keep_uncalibrated_co: see :class:`hemoview.labels.reference.windows.LabelRules`.
        reference_kind: of references that do not tell what they are.

    Raises:
        ConfigError: out of range.
    """

    window_s: float = WINDOW_S_MAX
    hop_s: float = HOP_S
    label_set: str = ""
    allow_simulated: bool = False
    keep_uncalibrated_co: bool = False
    reference_kind: str = ""

    def __post_init__(self) -> None:
        if not WINDOW_S_MIN <= self.window_s <= WINDOW_S_MAX:
            raise ConfigError(f"windows of {self.window_s:g} s: give {WINDOW_S_MIN:g} to {WINDOW_S_MAX:g} s")
        if not LEAST_HOP_S <= self.hop_s <= 3600:
            raise ConfigError(f"a hop of {self.hop_s:g} s: give {LEAST_HOP_S:g} to 3600 s")
        if self.reference_kind and self.reference_kind not in KINDS:
            raise ConfigError(
                f"reference kind {self.reference_kind!r}: is none of {', '.join(repr(k) for k in KINDS)}"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Job:
    """One session to be cut into windows: the whole input of :func:`hemoview.labels.datasets.build_part.build_part`.

    Args:
        folder: of the session.
        options: of the build.
    """

    folder: str
    options: BuildOptions


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one session gives.

    Args:
        rate_hz: of the pulse wave.
        ppg: ``(n, n_samples)`` float32.
        labels: ``(n, 10)`` float32.
        columns: ``(n,)`` each, by name of the column of ``meta.parquet``.
        dropped: why → windows left out.
        source: provenance and counts, plain JSON.
        hours: of pulse wave.
    """

    rate_hz: float
    ppg: NDArray[np.float32]
    labels: NDArray[np.float32]
    columns: Mapping[str, NDArray[Any]]
    dropped: Mapping[str, int]
    source: Mapping[str, Any]
    hours: float

    def __len__(self) -> int:
        return len(self.ppg)
