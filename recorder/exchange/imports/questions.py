"""What is odd about the sources of an import, and must be answered by a person before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from recorder import session
from recorder.errors import RecorderError, RecordingUnreadable
from recorder.exchange.sources.source import Source
from recorder.session.amended import read_header
from recorder.session.manifest import MANIFEST_FILE

FUTURE_SLACK_NS: Final = 24 * 3_600_000_000_000
"""A clock may be a zone ahead of the truth; more is a clock that was never set."""

ZONES_SPAN_NS: Final = 26 * 3_600_000_000_000
"""From UTC-12 to UTC+14: clocks that are further apart were not set to the wrong zone."""

QuestionId = Literal["imported-before", "future-dated", "several-wristbands", "apart"]


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can answer; the import waits until ``id`` is accepted.

    Args:
        id: what is accepted by.
        text: the question, for a command line.
        values: what a screen's own words name.
    """

    id: QuestionId
    text: str
    values: dict[str, str | int | list[str]] = field(default_factory=dict, hash=False)


def questions_of(
    sources: Sequence[Source], zone: str, pseudonym: str, sessions: Path | None, now_wall_ns: int
) -> tuple[Question, ...]:
    """All there are.

    Args:
        sources: as they were read.
        zone: IANA zone in which their times are told; empty = UTC.
        pseudonym: of the subject they are imported for.
        sessions: folder of sessions in which they may be already; None = not looked for.
        now_wall_ns: UTC now.

    Raises:
        RecordingUnreadable: two are further apart than any two zones.
    """
    questions = [*_apart(sources, zone), *_future(sources, now_wall_ns), *_several(sources)]
    if sessions is not None:
        questions += imported_before(sources, pseudonym, sessions)
    return tuple(questions)


def _apart(sources: Sequence[Source], zone: str) -> Iterator[Question]:
    """Recordings with no moment in common: by whole zones they may still be one session, by more they are none.

    Which clock was set wrongly only the beats can tell (``hemoview align``), and for that both must be in one session.

    Raises:
        RecordingUnreadable: they are further apart than any two zones.
    """
    ordered = sorted(sources, key=lambda s: s.span_wall_ns)
    for k, (before, after) in enumerate(pairwise(ordered)):
        reached = max(s.span_wall_ns[1] for s in ordered[: k + 1])
        between_ns = after.span_wall_ns[0] - reached
        if between_ns < 0:
            continue
        text = (
            f"{before.name} ({_span_text(before, zone)}) and {after.name} ({_span_text(after, zone)}) have no moment "
            "in common: check the time zone"
        )
        if between_ns > ZONES_SPAN_NS:
            raise RecordingUnreadable(f"{text}, or import them as two sessions", advice="import-apart")
        yield Question(
            "apart",
            f"{text}. If a device's clock was set wrongly, they can come into one session with the times they have, "
            "and aligning it finds by how much",
            {
                "first": f"{before.name} ({_span_text(before, zone)})",
                "second": f"{after.name} ({_span_text(after, zone)})",
            },
        )


def _future(sources: Sequence[Source], now_wall_ns: int) -> Iterator[Question]:
    for source in sources:
        first, _ = source.span_wall_ns
        if first > now_wall_ns + FUTURE_SLACK_NS:
            when = datetime.fromtimestamp(first / 1e9, UTC)
            yield Question(
                "future-dated",
                f"{source.name} begins on {when:%Y-%m-%d %H:%M} UTC, which is still to come: the clock of its device "
                "was wrong, or its dates were shifted to hide them. Its times would be kept as they are",
                {"name": source.name, "when": f"{when:%Y-%m-%d %H:%M}"},
            )


def _several(sources: Sequence[Source]) -> Iterator[Question]:
    bands = [s.name for s in sources if s.kind == "e4"]
    if len(bands) > 1:
        yield Question(
            "several-wristbands",
            f"{' and '.join(bands)} are {len(bands)} wristbands in one session: both must be of the same subject",
            {"names": bands, "n": len(bands)},
        )


def imported_before(sources: Sequence[Source], pseudonym: str, sessions: Path) -> Iterator[Question]:
    """The same bytes in an earlier session, of this subject or of another."""
    wanted = {h: s for s in sources for h in (s.sha256, s.content_sha256)}
    named: set[tuple[str, str]] = set()
    for folder, header, payload in imports_in(sessions):
        hits = [wanted[h] for h in (payload.get("sha256"), payload.get("content_sha256")) if h in wanted]
        if not hits or (folder.name, hits[0].name) in named:
            continue
        named.add((folder.name, hits[0].name))
        whose = header.subject.pseudonym if header.subject else "nobody"
        other = "" if whose.casefold() == pseudonym.casefold() else f", there of subject {whose}"
        text = f"{hits[0].name} was imported before, into {folder.name}{other}"
        yield Question(
            "imported-before", text, {"name": hits[0].name, "session": folder.name, "subject": whose}
        )


def imports_in(sessions: Path) -> Iterator[tuple[Path, session.SessionHeader, dict[str, Any]]]:
    """Every import told by the sessions of a folder: where, of whom, and its event's payload."""
    if not sessions.is_dir():
        return
    for folder in sorted(p for p in sessions.iterdir() if p.is_dir() and not p.name.startswith(".")):
        try:
            header = read_header(folder)
            if any(device.transport == "file" for device in header.devices):
                written = (folder / MANIFEST_FILE).stat().st_mtime_ns
                yield from ((folder, header, payload) for payload in _imports_of(folder, written))
        except (RecorderError, OSError):
            continue  # verify and the session browser name it


@lru_cache(maxsize=4096)
def _imports_of(folder: Path, _written_ns: int) -> tuple[dict[str, Any], ...]:
    """Payloads of a session's imports; read again only when its manifest was written again."""
    with session.open(folder) as stored:
        return tuple(event.payload for event in stored.events("import"))


def _span_text(source: Source, zone: str) -> str:
    where = ZoneInfo(zone) if zone else UTC
    first, end = (datetime.fromtimestamp(t / 1e9, where) for t in source.span_wall_ns)
    return f"{first:%Y-%m-%d %H:%M} to {end:%H:%M} {zone or 'UTC'}"
