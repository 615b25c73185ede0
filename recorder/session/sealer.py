"""Sealing, and the process that does it: ``python -m recorder.session.sealer FOLDER --upto COMMIT [STREAM…]``.

In its own process because Parquet writing stalls a writer by up to a second; the journal keeps its rows until the
segment is safe: .tmp → fsync → sha256 → rename → fsync of the folder → one transaction (segment known, rows gone).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import groupby
from pathlib import Path

from recorder.errors import RecorderError, SessionDamaged
from recorder.session.files import storage_errors, sync_folder, write_synced
from recorder.session.header import TOMBSTONE_FILE, SessionCard
from recorder.session.journal import BATCHES_PER_COMMIT, JOURNAL_FILE, Batch, Journal, JournalSnapshot
from recorder.session.lock import sealer_lock
from recorder.session.manifest import (
    CLOCK,
    EVENTS,
    SEGMENT_FOLDER,
    Manifest,
    SegmentRow,
    read_manifest,
    write_manifest,
)
from recorder.session.points import ClockPoints, join_points
from recorder.session.rows import join_rows, same_rows, unpack_rows
from recorder.session.segments import decode_samples, describe, encode_clock, encode_events, encode_samples


def seal(folder: Path, upto_commit: int, stream_ids: Collection[str] = ()) -> tuple[SegmentRow, ...]:
    """Seal what the journal holds up to a commit, of some streams or (none named) of all.

    A sealer whose recorder was killed may come late: of a session closed or erased meanwhile nothing is left to seal.

    Returns:
        The new rows of the manifest.

    Raises:
        SessionError: another sealer does not end.
        StorageError: the disk refused; what is not sealed is still in the journal.
        SessionDamaged: the journal cannot be read.
    """
    if _is_over(folder):  # before the lock: nothing is to appear in an erased folder
        return ()
    with sealer_lock(folder):
        return () if _is_over(folder) else seal_held(folder, upto_commit, stream_ids)


def seal_held(folder: Path, upto_commit: int, stream_ids: Collection[str] = ()) -> tuple[SegmentRow, ...]:
    """:func:`seal`, for who holds the sealer's lock already."""
    with storage_errors(folder, "sealing"):
        journal = Journal.open(folder)
        try:
            return _seal(folder, journal, upto_commit, stream_ids)
        finally:
            journal.close()


def _is_over(folder: Path) -> bool:
    if (folder / TOMBSTONE_FILE).is_file():
        return True
    if (folder / JOURNAL_FILE).is_file():
        return False
    try:
        return read_manifest(folder).state == "sealed"
    except SessionDamaged:
        return False


def _seal(folder: Path, journal: Journal, upto: int, stream_ids: Collection[str]) -> tuple[SegmentRow, ...]:
    snapshot = journal.snapshot()
    card = snapshot.card
    if card is None or snapshot.damaged:
        what = snapshot.damaged[0] if snapshot.damaged else "session card missing"
        raise SessionDamaged(f"{folder}: live.sqlite is damaged ({what}); run recorder recover")
    by_stream: dict[str, list[Batch]] = defaultdict(list)
    for batch in snapshot.batches:
        if batch.batch_no < (upto + 1) * BATCHES_PER_COMMIT:
            by_stream[batch.stream_id].append(batch)
    made: list[SegmentRow] = []
    for stream_id, batches in by_stream.items():
        if not stream_ids or stream_id in stream_ids:
            made += _seal_stream(folder, journal, card, stream_id, batches)
    if not stream_ids or CLOCK in stream_ids:
        made += _seal_clock(folder, journal, card, snapshot, upto)
    if snapshot.events and (not stream_ids or EVENTS in stream_ids):
        made.append(_seal_events(folder, journal, card, snapshot))
    if made:
        known = {row.name: row for row in (*snapshot.segments, *made)}
        write_manifest(folder, Manifest(card.header.session_id, "open", tuple(known.values())))
    journal.checkpoint()
    return tuple(made)


def _seal_stream(
    folder: Path, journal: Journal, card: SessionCard, stream_id: str, batches: Sequence[Batch]
) -> list[SegmentRow]:
    info = next(s for s in card.streams if s.stream_id == stream_id)
    made = []
    for era, group in groupby(batches, key=lambda b: b.era):
        same = list(group)
        rows = join_rows(info, (unpack_rows(info, b.payload) for b in same))
        span = same[0].t0_host_ns, same[-1].t1_host_ns
        if rows.row_t_host_ns is not None:
            span = int(rows.row_t_host_ns.min()), int(rows.row_t_host_ns.max())
        content = encode_samples(info, rows, card.header.session_id, card.eras[era], span)
        if not same_rows(rows, decode_samples(info, content)):
            raise SessionDamaged(
                f"{folder}: sealing {stream_id} did not read back; its rows stay in the journal"
            )
        name = segment_name(stream_id, int(rows.sample_no[0]))
        row = describe(name, content)
        write_segment(folder, name, content)
        journal.seal_batches([row], [b.batch_no for b in same])
        made.append(row)
    return made


def _seal_clock(
    folder: Path, journal: Journal, card: SessionCard, snapshot: JournalSnapshot, upto: int
) -> list[SegmentRow]:
    taken = [(no, points) for no, points in snapshot.clock if no <= upto]
    if not taken:
        return []
    parts: dict[str, list[ClockPoints]] = defaultdict(list)
    for _, points in taken:
        for stream_id, some in points.items():
            parts[stream_id].append(some)
    joined = {stream_id: join_points(some) for stream_id, some in parts.items()}
    rates = {s.stream_id: s.nominal_rate_hz for s in card.streams if s.nominal_rate_hz is not None}
    numbers = [no for no, _ in taken]
    content = encode_clock(joined, rates, card.header.session_id, (numbers[0], numbers[-1] + 1))
    name = segment_name(CLOCK, numbers[0])
    row = describe(name, content)
    write_segment(folder, name, content)
    journal.seal_clock(row, numbers)
    return [row]


def _seal_events(folder: Path, journal: Journal, card: SessionCard, snapshot: JournalSnapshot) -> SegmentRow:
    events = list(snapshot.events)
    content = encode_events(events, card.header.session_id)
    name = segment_name(EVENTS, events[0][0])
    row = describe(name, content)
    write_segment(folder, name, content)
    journal.seal_events(row, events)
    return row


def segment_name(stream_id: str, first_no: int) -> str:
    """File name of a segment."""
    return f"{stream_id}-{first_no:012d}.parquet"


def write_segment(folder: Path, name: str, content: bytes) -> None:
    """Put a segment in its place for good.

    Raises:
        OSError: the disk refused; no half segment has the final name.
    """
    place = folder / SEGMENT_FOLDER
    tmp = place / f"{name}.tmp"
    write_synced(tmp, content)
    tmp.replace(place / name)
    sync_folder(place)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry of the process; on failure one line on stderr and exit 1."""
    parser = argparse.ArgumentParser(prog="recorder.session.sealer", description="Seal part of a session.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--upto", type=int, required=True, help="last commit to seal")
    parser.add_argument("streams", nargs="*", help="streams to seal, default all")
    options = parser.parse_args(arguments)
    if hasattr(os, "nice"):
        os.nice(10)  # recording comes first; the journal waits
    try:
        seal(options.folder, options.upto, options.streams)
    except RecorderError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
