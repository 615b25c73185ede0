"""The trio of a CNAP stick on disk: found by name, read once, whatever of it can be read.

``…_beats.csv`` and ``…_waveform.csv`` are both wanted; a part that is damaged is named and the other is taken. Nothing
is ever written beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from recorder.errors import RecordingUnreadable
from recorder.exchange.sources.cnap_names import PARTS, CnapName, beside, name_of, octets_of
from recorder.protocols.cnap_beats import CnapBeats, parse_beats
from recorder.protocols.cnap_summary import CnapSummary, parse_summary
from recorder.protocols.cnap_wave import CnapWave, parse_wave

_T = TypeVar("_T")
_CHOOSE: Final = {
    "beats": "choose a ..._beats.csv of the monitor's stick",
    "waveform": "choose the ..._waveform.csv of the same recording",
    "summary": "choose the ..._summary.csv of the same recording",
}


@dataclass(frozen=True, slots=True, eq=False)
class CnapFiles:
    """What was read of one recording.

    Args:
        name: of the recording as its monitor made it; no prefix.
        beats_start, wave_start: local times of the monitor, from the two names.
        beats, wave: None where the file is not there or cannot be read.
        summary: empty where there is none.
        hashes: part -> SHA-256 of its octets.
        skipped: part -> why it was not taken.
        sizes: part -> bytes, of those that were read.
    """

    name: str
    beats_start: datetime
    wave_start: datetime
    beats: CnapBeats | None
    wave: CnapWave | None
    summary: CnapSummary
    hashes: Mapping[str, str]
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of the files together, over parts and hashes: their names do not matter."""
        lines = (f"{part} {digest}" for part, digest in sorted(self.hashes.items()))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_files(
    beats: Path, wave: Path | None = None, summary: Path | None = None, began: datetime | None = None
) -> CnapFiles:
    """The recording that ``beats`` belongs to. Files not named are looked for beside it.

    Args:
        beats, wave, summary: the files.
        began: local time of the monitor at which files begin whose names do not tell; None = nobody said.

    Raises:
        RecordingUnreadable: neither beats nor waveform can be read, or a name does not tell when it began.
    """
    if beats.is_dir():
        raise RecordingUnreadable(f"{beats}: is a folder; choose the ..._beats.csv in it")
    named = _named(beats, began)
    if named.part in ("waveform", "summary"):
        beats = beside(beats, "beats") or beats
    paths = {
        "beats": beats,
        "waveform": wave or beside(beats, "waveform"),
        "summary": summary or beside(beats, "summary"),
    }
    reader = _Reader()
    found = reader.part("beats", paths["beats"], parse_beats)
    pressure = reader.part("waveform", paths["waveform"], parse_wave)
    facts = reader.part("summary", paths["summary"], parse_summary)
    if found is None and pressure is None:
        raise RecordingUnreadable(reader.skipped["beats"])
    return CnapFiles(
        name=named.recording,
        beats_start=named.starts,
        wave_start=_named(wave, began).starts if wave is not None else named.starts,
        beats=found,
        wave=pressure,
        summary=facts or CnapSummary(),
        hashes=reader.hashes,
        skipped={part: why.removeprefix(f"{paths[part]}: ") for part, why in reader.skipped.items()},
    )


class _Reader:
    """Parts of a recording, keeping account of what cannot be read."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        self.skipped: dict[str, str] = {}

    def part(self, part: str, path: Path | None, parse: Callable[[bytes], _T]) -> _T | None:
        if path is None:
            return None

        def hashed(octets: bytes) -> _T:
            value = parse(octets)
            self.hashes[part] = hashlib.sha256(octets).hexdigest()
            return value

        try:
            return octets_of(path, hashed, _CHOOSE[part])
        except RecordingUnreadable as error:
            self.skipped[part] = str(error)
            return None


def _named(path: Path, began: datetime | None) -> CnapName:
    named = name_of(path.name)
    if named is not None:
        return named
    if not path.exists():
        raise RecordingUnreadable(
            f"{path}: there is no such file; choose a ..._beats.csv of the monitor's stick"
        )
    if began is None:
        raise RecordingUnreadable(
            f"{path}: its name does not tell when the recording began, and nothing else does; give the file the name "
            "it had on the stick (CNAP_2025-01-31_09-05-07_001_beats.csv), or on the command line "
            "--start 2025-01-31T09:05:07"
        )
    part = path.stem.rpartition("_")[2].lower()
    return CnapName(f"CNAP_{began:%Y-%m-%d_%H-%M-%S}", began, None, part if part in PARTS else "")
