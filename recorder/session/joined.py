"""A new session that holds all of a sealed one and further streams beside it. The old one is only read.

Rows and clock points of the old one are carried over bit for bit; only what names the session is new. What was made of
it afterwards – alignments, labels – stays with the old one.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.errors import SessionError
from recorder.schema import Event
from recorder.session.amendments import AMENDMENTS_FILE
from recorder.session.bulk import BulkStream, Naming, Told, pieces, span_ns, unfinished
from recorder.session.files import storage_errors
from recorder.session.header import SessionCard, write_card
from recorder.session.manifest import CLOCK, EVENTS, Manifest, SegmentRow, write_manifest
from recorder.session.points import ClockPoints, join_points
from recorder.session.sealed import SealedFiles
from recorder.session.sealer import segment_name, write_segment
from recorder.session.segments import (
    decode_clock,
    decode_samples,
    describe,
    encode_clock,
    encode_events,
    encode_samples,
)
from recorder.session.stored import Stored, read_segment


@dataclass(frozen=True, eq=False)
class Added:
    """A stretch of a further stream that lies in one clock era of the old session."""

    stream: BulkStream
    era: int


def write_joined(
    folder: Path,
    base: Stored,
    card: SessionCard,
    added: Sequence[Added],
    events: Sequence[Event],
    *,
    told: Told | None = None,
    naming: Naming | None = None,
) -> Path:
    """Write the new session and return its folder.

    Args:
        folder: its own; new or empty.
        base: the old one; sealed and whole.
        card: of the new one: streams and eras of the old one, and the further streams.
        added: the further streams, stretch by stretch.
        events: all of them, those of the old session too, in the order they are to be stored.
        told: hears of every segment; what it raises gives the session up.
        naming: held while the new session gets its name.

    Raises:
        SessionError: the old one is not sealed, or there is something in ``folder``.
        SessionDamaged: part of the old one cannot be read.
        StorageError: the disk refused; nothing is left.
    """
    if base.state != "sealed" or base.damaged:
        raise SessionError(f"{base.folder.name}: is not sealed and whole; run recorder recover, then join it")
    total = sum(row.rows for row in base.segments) + sum(len(a.stream.rows) for a in added)
    done, rows = 0, []
    with unfinished(folder, naming) as place, storage_errors(folder, "writing the session", whole=True):
        write_card(place, card)
        if (base.folder / AMENDMENTS_FILE).is_file():
            shutil.copyfile(base.folder / AMENDMENTS_FILE, place / AMENDMENTS_FILE)
        for name, content, n in [*_carried(base, card), *_further(base, card, added, events)]:
            rows.append(describe(name, content))
            write_segment(place, name, content)
            done += n
            if told is not None:
                told(done, total)
        write_manifest(place, Manifest(card.header.session_id, "sealed", tuple(rows), "joined"))
        SealedFiles(place).summarise(card.streams, tuple(rows))
    return folder


Content = tuple[str, bytes, int]
"""Name of a segment, what is in it, and how many rows that is."""


def _carried(base: Stored, card: SessionCard) -> list[Content]:
    """Every segment of samples and clock points of the old session, told to belong to the new one."""
    rows = [row for row in base.segments if row.stream_id != EVENTS]
    return [(row.name, _renamed(base, row, card), row.rows) for row in rows]


def _renamed(base: Stored, row: SegmentRow, card: SessionCard) -> bytes:
    content, session_id = read_segment(base.folder, row), card.header.session_id
    if row.stream_id == CLOCK:
        return encode_clock(decode_clock(content), _rates(card), session_id, (row.first_no, row.next_no))
    info = next(s for s in base.card.streams if s.stream_id == row.stream_id)
    times = (row.t0_host_ns, row.t1_host_ns)
    return encode_samples(info, decode_samples(info, content), session_id, card.eras[row.era], times)


def _further(
    base: Stored, card: SessionCard, added: Sequence[Added], events: Sequence[Event]
) -> list[Content]:
    found: list[Content] = []
    points: dict[str, list[ClockPoints]] = defaultdict(list)
    session_id = card.header.session_id
    for one in added:
        info = one.stream.info
        for rows in pieces(one.stream):
            content = encode_samples(info, rows, session_id, card.eras[one.era], span_ns(one.stream, rows))
            found.append((segment_name(info.stream_id, int(rows.sample_no[0])), content, len(rows)))
        if len(one.stream.points):
            points[info.stream_id].append(one.stream.points)
    if points:
        first = max((row.next_no for row in base.segments_of(CLOCK)), default=1)
        joined = {name: join_points(parts) for name, parts in points.items()}
        content = encode_clock(joined, _rates(card), session_id, (first, first + 1))
        found.append((segment_name(CLOCK, first), content, 0))
    if events:
        found.append((segment_name(EVENTS, 1), encode_events(list(enumerate(events, 1)), session_id), 0))
    return found


def _rates(card: SessionCard) -> dict[str, float]:
    return {s.stream_id: s.nominal_rate_hz for s in card.streams if s.nominal_rate_hz is not None}
