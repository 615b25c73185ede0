"""Files the emulators leave: what they offer, what they sent, what was true. No reader ever sees half a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TextIO

from recorder.devices.sim.patient import BeatTruth

TRUTH_KEYS = {
    "sbp": "sbp_mmhg",
    "map": "map_mmhg",
    "dbp": "dbp_mmhg",
    "hr": "hr_per_min",
    "co": "co_l_min",
    "ci": "ci_l_min_m2",
    "sv": "sv_ml",
    "si": "si_ml_m2",
    "svr": "svr_dyn",
    "svri": "svri_dyn",
    "cvp": "cvp_mmhg",
    "svr_model": "svr_model_dyn",
    "compliance": "compliance",
}
"""Key of a truth line -> field of :class:`BeatTruth`; units as in ``recorder.schema.PARAMETER_UNITS``."""


def write_whole(path: Path | None, value: dict[str, Any]) -> None:
    """Replace ``path`` by ``value`` as JSON, at once; nothing where there is no path."""
    if path is None:
        return
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_text(json.dumps(value), encoding="utf-8")
    fresh.replace(path)


class TruthFile:
    """One header line, then a line a beat; for evaluation only, no part of the product reads it while recording."""

    def __init__(self, path: Path | None, header: dict[str, Any]) -> None:
        self._file: TextIO | None = None if path is None else path.open("w", encoding="utf-8")
        self._line({"header": header})
        if self._file is not None:
            self._file.flush()

    def write(self, beats: list[BeatTruth], t0_host_ns: int) -> None:
        """Add ``beats``; ``t0_host_ns`` is patient time 0."""
        for beat in beats:
            numbers = {key: round(getattr(beat, name), 4) for key, name in TRUTH_KEYS.items()}
            when = {"t_host_ns": t0_host_ns + round(beat.t_s * 1e9)}
            self._line(when | numbers | {"still": beat.still, "manoeuvre": beat.manoeuvre})
        if self._file is not None and beats:
            self._file.flush()

    def close(self) -> None:
        """No more beats."""
        if self._file is not None:
            self._file.close()

    def _line(self, value: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(value) + "\n")
