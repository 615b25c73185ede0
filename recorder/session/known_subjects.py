"""Who was recorded here before: pseudonyms of a folder of sessions, read off the sessions themselves.

There is no second truth: what is kept in memory is only what each ``session.json`` and its amendments say, read again
when either file has changed. Nothing is written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder.errors import RecorderError
from recorder.schema import Subject
from recorder.session.amended import read_header
from recorder.session.amendments import AMENDMENTS_FILE
from recorder.session.header import SESSION_FILE


@dataclass(frozen=True, slots=True)
class Seen:
    """A session of a subject.

    Args:
        session_id: which.
        created_wall_ns: when, UTC ns since 1970.
        subject: as it stands now, corrections included.
    """

    session_id: str
    created_wall_ns: int
    subject: Subject

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "session_id": self.session_id,
            "created_wall_ns": self.created_wall_ns,
            "subject": self.subject.to_json(),
        }


class KnownSubjects:
    """Sessions by pseudonym, of one folder of session folders. Any thread.

    Args:
        folder: where sessions are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[tuple[int, ...], Seen | None]] = {}
        self._lock = threading.Lock()

    def sessions_of(self, pseudonym: str) -> list[Seen]:
        """Sessions of a pseudonym, oldest first; capitals and small letters are the same."""
        wanted = pseudonym.casefold()
        found = [seen for seen in self._all() if seen.subject.pseudonym.casefold() == wanted]
        return sorted(found, key=lambda seen: seen.created_wall_ns)

    def _all(self) -> Iterator[Seen]:
        with self._lock:
            now = {path: _stamp(path) for path in self._folder.glob(f"*/{SESSION_FILE}")}
            self._read = {path: known for path, known in self._read.items() if path in now}
            for path, stamp in now.items():
                if path not in self._read or self._read[path][0] != stamp:
                    self._read[path] = (stamp, _seen(path.parent))
            found = [seen for _, seen in self._read.values() if seen is not None]
        yield from found


def _stamp(path: Path) -> tuple[int, ...]:
    stamps = []
    for file in (path, path.with_name(AMENDMENTS_FILE)):
        try:
            stat = file.stat()
            stamps += [stat.st_mtime_ns, stat.st_size]
        except OSError:
            stamps += [0, 0]
    return tuple(stamps)


def _seen(folder: Path) -> Seen | None:
    """A session that cannot be read tells nothing; verify and the session browser name it."""
    try:
        header = read_header(folder)
    except (RecorderError, OSError):
        return None
    if header.subject is None:
        return None
    return Seen(header.session_id, header.created_wall_ns, header.subject)
