"""``exports.jsonl`` of the home folder: every export that was made, append-only, one line each with its CRC32.

What has been copied out of a session can be told of any subject at any time: :func:`exports_of` is what a withdrawal
reads (safety rule 15). A torn line is lost alone; :func:`read` names it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from recorder.session import ledger
from recorder.session.files import storage_errors

RECORD_FILE: Final = "exports.jsonl"


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """One export.

    Args:
        export_id: unique; the files carry it too.
        wall_ns: when, UTC ns since 1970.
        session_id: of what session.
        session: its folder, as it was called then.
        subject: pseudonym as it stood then, corrections included; empty where the session has none.
        subject_code: what the files call the subject: the pseudonym, or a code after de-identification.
        to: format.
        files: absolute paths of what was written; none = it was taken back.
        span_s: elapsed seconds, or None for all of it.
        streams: ids.
        deidentified: dates shifted, serials hashed, free text dropped.
        for_others: it leaves the station.
        operator: code of who made it.
        reason: why it was made without a consent scope that covers it; empty where one does.
        software: version that wrote it.
    """

    export_id: str
    wall_ns: int
    session_id: str
    session: str
    subject: str
    subject_code: str
    to: str
    files: tuple[str, ...]
    span_s: tuple[float, float] | None
    streams: tuple[str, ...]
    deidentified: bool
    for_others: bool
    operator: str = ""
    reason: str = ""
    software: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; unknown keys are ignored.

        Raises:
            TypeError: a field is missing.
        """
        known = {k: v for k, v in value.items() if k in cls.__dataclass_fields__}
        for name in ("files", "streams", "span_s"):
            if isinstance(known.get(name), list):
                known[name] = tuple(known[name])
        return cls(**known)


def append(home: Path, record: ExportRecord) -> None:
    """Add a line; it is on disk when this returns.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors(home, "recording an export"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ledger.append(home / RECORD_FILE, "export", record.to_json())


def read(home: Path) -> tuple[list[ExportRecord], list[str]]:
    """All exports in order, and what is wrong with each line that cannot be read.

    An export is on record before its files have their names. Where they never got them, a second line of the same id
    without files takes the first one back.
    """
    lines, wrong = ledger.read(home / RECORD_FILE, "export", ExportRecord.from_json)
    last = {record.export_id: record for record in lines}
    return [record for record in last.values() if record.files], [f"{RECORD_FILE} {each}" for each in wrong]


def exports_of(home: Path, subject: str) -> list[ExportRecord]:
    """Every export that holds a subject, by pseudonym; exports of before a correction keep the one of then.

    Who withdraws a subject asks by every pseudonym it had, and by session: see :attr:`ExportRecord.session_id`.
    """
    return [record for record in read(home)[0] if record.subject == subject]
