"""Which sessions of a folder were recorded in the same time: what a recording that comes later may belong to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recorder import session
from recorder.errors import RecorderError


@dataclass(frozen=True, slots=True)
class Overlap:
    """A session of the subject that shares some time.

    Args:
        folder: of the session.
        seconds: how much they share.
        devices: ids of its devices.
        closed: it is sealed and whole.
    """

    folder: Path
    seconds: float
    devices: frozenset[str]
    closed: bool


def overlapping(sessions: Path, span_wall_ns: tuple[int, int], pseudonym: str) -> tuple[Overlap, ...]:
    """Sessions of that subject in a folder of sessions that share time with a span, most of it first.

    Args:
        sessions: folder of session folders.
        span_wall_ns: UTC ns, first and after the last.
        pseudonym: whose.
    """
    return tuple(sorted(_found(sessions, span_wall_ns, pseudonym), key=lambda o: (-o.seconds, o.folder.name)))


def _found(sessions: Path, span_wall_ns: tuple[int, int], pseudonym: str) -> Iterator[Overlap]:
    if not sessions.is_dir():
        return
    for folder in sorted(p for p in sessions.iterdir() if p.is_dir() and not p.name.startswith(".")):
        try:
            with session.open(folder) as stored:
                begin_ns = stored.start_wall_ns
                end_ns = begin_ns + round(stored.duration_s * 1e9)
                shared_s = (min(end_ns, span_wall_ns[1]) - max(begin_ns, span_wall_ns[0])) / 1e9
                subject = stored.header.subject
                if shared_s > 0 and subject is not None and subject.pseudonym == pseudonym:
                    devices = frozenset(info.device_id for info in stored.streams.values())
                    yield Overlap(folder, shared_s, devices, stored.state == "sealed")
        except (RecorderError, OSError):
            continue  # verify and the session browser name it
