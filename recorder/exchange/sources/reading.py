"""One door for every foreign recording."""

from __future__ import annotations

from pathlib import Path

from recorder.errors import RecordingUnreadable
from recorder.exchange.sources import e4_files, e4_session, surgery, wfdb_record
from recorder.exchange.sources.recording import Recording

KINDS = "an E4 zip or folder, a WFDB record (.hea, or its name without ending), or a ..._waves.npz"


def read_recording(path: Path | str, *, span_s: tuple[float, float] | None = None) -> Recording:
    """Read whatever ``path`` is.

    Args:
        path: an E4 zip or folder, a WFDB record, or a surgery npz.
        span_s: of a WFDB record, read only this part, s from its start.

    Raises:
        RecordingUnreadable: naming the file and the cause.
    """
    path = Path(path)
    header = wfdb_record.find_header(path)
    if header is not None:
        return wfdb_record.read(header, span_s=span_s)
    if not path.exists():
        raise RecordingUnreadable(f"{path}: there is no such file; choose {KINDS}")
    if path.suffix.lower() == ".zip" or e4_files.looks_like(path):
        return e4_session.read(path)
    if path.suffix.lower() == ".npz":
        return surgery.read(path)
    raise RecordingUnreadable(f"{path}: is none of these: {KINDS}")
