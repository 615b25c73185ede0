"""Names and octets of the files on a CNAP monitor's stick.

``[prefix]CNAP_YYYY-MM-DD_HH-MM-SS_NNN_{beats,waveform,summary}.csv``: when a recording began stands in the name only,
by the monitor's clock, without a zone. A prefix is the user's and may be a person's name: it is never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from recorder.errors import RecordingUnreadable
from recorder.protocols.cnap_csv import NotCnap

PARTS: Final = ("beats", "waveform", "summary")
MAX_BYTES: Final = 512 * 2**20
"""Two days of waveform are 250 MB; more is no file of a stick."""

_NAME = re.compile(
    r"(CNAP_(\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2})(?:_(\d{1,6}))?)(?:_(beats|waveform|summary))?",
    re.IGNORECASE,
)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CnapName:
    """What a file's name tells.

    Args:
        recording: the name of the recording, without prefix and part.
        starts: local time of the monitor, no zone.
        number: of the recording, None where the name has none.
        part: ``beats``, ``waveform``, ``summary``, or empty.
    """

    recording: str
    starts: datetime
    number: int | None
    part: str = ""


def name_of(name: str) -> CnapName | None:
    """What ``name`` tells; None if it is not the name of such a file."""
    found = _NAME.search(name)
    if found is None:
        return None
    try:
        starts = datetime.strptime(found[2], "%Y-%m-%d_%H-%M-%S")
    except ValueError:
        return None
    return CnapName(found[1], starts, int(found[3]) if found[3] else None, (found[4] or "").lower())


def start_of(name: str) -> datetime | None:
    """When the recording of that name began, local time without zone; None if the name does not tell."""
    found = name_of(name)
    return found.starts if found else None


def beside(path: Path, part: str) -> Path | None:
    """The file of the same recording that holds ``part``, in the same folder; None if it is not there."""
    stem, _, known = path.name.rpartition("_")
    if Path(known).stem.lower() not in PARTS:
        return None
    other = path.with_name(f"{stem}_{part}{path.suffix}")
    if other.is_file():
        return other
    try:  # a stick's file system knows no capitals, this one may
        return next((p for p in sorted(path.parent.iterdir()) if p.name.lower() == other.name.lower()), None)
    except OSError:
        return None


def octets_of(path: Path, parse: Callable[[bytes], _T], choose: str) -> _T:
    """``parse`` of what stands in ``path``.

    Raises:
        RecordingUnreadable: naming the file and the cause.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecordingUnreadable(f"{path}: larger than any file of the monitor's stick; {choose}")
        return parse(path.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
        raise RecordingUnreadable(f"{path}: cannot be read ({why}); check the path") from None
    except NotCnap as error:
        raise RecordingUnreadable(f"{path}: {error}; {choose}") from None
