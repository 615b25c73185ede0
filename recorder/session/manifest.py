"""The table of sealed segments, kept in the journal and, so that a damaged journal costs little, beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, Self

from recorder.errors import SessionDamaged
from recorder.session.files import ADVICE, is_signed, read_json, sign_json, write_whole
from recorder.session.header import FORMAT, check_format

MANIFEST_FILE = "manifest.json"
SEGMENT_FOLDER = "segments"
CLOCK = "_clock"
"""Name of the segments of clock points; no stream can be called so."""
EVENTS = "_events"
"""Name of the segments of events."""

ManifestState = Literal["open", "sealed"]


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One sealed, immutable file.

    Args:
        name: file name in ``segments/``.
        stream_id: whose rows; :data:`CLOCK` or :data:`EVENTS` for those.
        first_no, next_no: first sample (commit, event) number, and one past the last.
        rows: how many rows; fewer than ``next_no - first_no`` where there are holes.
        runs: ``((first, count), …)``, the stretches without a hole (sample streams).
        t0_host_ns, t1_host_ns: host times of the first and last arrival (numerics: of the rows).
        era: clock era of the times.
        bytes, sha256: of the file.
        footer_bytes, footer_sha256: of its Parquet footer, so that footers can be trusted alone.
    """

    name: str
    stream_id: str
    first_no: int
    next_no: int
    rows: int
    runs: tuple[tuple[int, int], ...]
    t0_host_ns: int
    t1_host_ns: int
    era: int
    bytes: int
    sha256: str
    footer_bytes: int
    footer_sha256: str

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of ``asdict``; unknown keys are ignored.

        Raises:
            KeyError, TypeError, ValueError: the value is not a row.
        """
        told = dict(zip(_FIELDS, _told(value), strict=True))
        told["runs"] = tuple([(int(a), int(n)) for a, n in value["runs"]])
        return cls(**told)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


_FIELDS = tuple(SegmentRow.__dataclass_fields__)
_told = itemgetter(*_FIELDS)


@dataclass(frozen=True)
class Manifest:
    """All sealed segments of a session, ``reason`` why it was closed."""

    session_id: str
    state: ManifestState
    segments: tuple[SegmentRow, ...]
    reason: str = ""


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Rewrite ``manifest.json`` whole."""
    value = {
        "format": FORMAT,
        "session_id": manifest.session_id,
        "state": manifest.state,
        "reason": manifest.reason,
        "segments": [row.to_json() for row in manifest.segments],
    }
    write_whole(folder / MANIFEST_FILE, sign_json(value))


def read_manifest(folder: Path) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        SessionDamaged: missing, changed or unreadable.
        SessionFormatUnknown: written by a newer HemoView.
    """
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise SessionDamaged(f"{path}: missing{ADVICE}")
    value = read_json(path)
    check_format(folder, value)
    if not is_signed(value):
        raise SessionDamaged(f"{path}: changed since it was written (hash differs){ADVICE}")
    try:
        rows = tuple(SegmentRow.from_json(row) for row in value["segments"])
        return Manifest(value["session_id"], value["state"], rows, value.get("reason", ""))
    except (KeyError, TypeError, ValueError) as error:
        raise SessionDamaged(f"{path}: not a manifest, parts of it are missing{ADVICE}") from error
