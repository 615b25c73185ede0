"""Prove that a session is whole, or name every damaged file and why. Changes nothing."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recorder.counted import counted
from recorder.errors import SessionDamaged
from recorder.schema import Event, Gap, StreamInfo
from recorder.session import alignments, amendments, summary
from recorder.session import annotations as label_store
from recorder.session.continuity import Fault, Span, Stretch, faults, merged, uncovered
from recorder.session.facts import gaps_of
from recorder.session.header import SESSION_FILE, refuse_gone
from recorder.session.journal import JOURNAL_FILE, read_mark, structure_faults
from recorder.session.manifest import (
    CLOCK,
    EVENTS,
    MANIFEST_FILE,
    SEGMENT_FOLDER,
    SegmentRow,
)
from recorder.session.rows import unpack_rows
from recorder.session.segments import decode_clock, decode_events, decode_samples, describe
from recorder.session.stored import Stored, read_segment, read_stored

RECOVERED = "recovered"
"""Kind of the event by which ``recover`` says for ever what it did."""

DEFAULT_COMMIT_S = 1.0
"""Length of a commit where no sealed clock points tell it."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A damaged file, relative to the session folder, and why."""

    file: str
    why: str


@dataclass(frozen=True)
class VerifyReport:
    """What ``verify`` found.

    Args:
        ok: nothing is damaged.
        seconds: length of the session.
        streams, segments: how many.
        damaged: every damaged file.
        seconds_lost: of the stream that lost most; 0 where nothing is lost.
        rows: readable rows per stream.
        state: ``open`` or ``sealed``.
        mendable: ``recover`` would change something; a damaged sealed file alone has no second copy.
        notes: what is unusual but no damage (an unfinished seal after a crash).
    """

    ok: bool
    seconds: float
    streams: int
    segments: int
    damaged: tuple[Damaged, ...]
    seconds_lost: float
    rows: dict[str, int]
    state: str
    notes: tuple[str, ...] = ()
    mendable: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, the fields of the command line's contract first."""
        plain = {"damaged": [asdict(damage) for damage in self.damaged], "notes": list(self.notes)}
        return {**asdict(self), **plain}


class Findings:
    """What a check of every byte and number collects; ``holes`` are samples missing with no stored gap."""

    def __init__(self) -> None:
        self.damaged: dict[Damaged, None] = {}
        self.notes: list[str] = []
        self.lost_s: dict[str, float] = defaultdict(float)
        self.rows: dict[str, int] = {}
        self.stretches: dict[str, list[Stretch]] = defaultdict(list)
        self.points: dict[str, list[Span]] = defaultdict(list)
        self.events: dict[int, Event] = {}
        self.holes: list[tuple[str, Fault]] = []

    def damage(self, file: str, why: str) -> None:
        """Name a damaged file, once for each reason."""
        self.damaged[Damaged(file, why)] = None


Checked = Callable[[int, int], None]
"""Told after each segment: how many are checked, and their bytes."""


def unwatched(_segments: int, _bytes: int) -> None:
    """Nobody looks."""


def verify(path: Path | str, checked: Checked = unwatched) -> VerifyReport:
    """Check every byte and every number of a session; sealed, killed or being recorded.

    Args:
        path: folder of the session.
        checked: is told how far it is.

    Raises:
        SessionError: no session here, or it was moved or erased, perhaps only now.
        SessionFormatUnknown: written by a newer HemoView.
    """
    folder = Path(path)
    try:
        stored, found = _look(folder, checked)
    except SessionDamaged as error:
        return _unreadable(folder, error)
    refuse_gone(folder)
    return VerifyReport(
        ok=not found.damaged,
        seconds=_seconds(stored),
        streams=len(stored.card.streams),
        segments=len(stored.segments),
        damaged=tuple(found.damaged),
        seconds_lost=round(max(found.lost_s.values(), default=0.0), 3),
        rows=found.rows,
        state=stored.state,
        notes=tuple(found.notes),
        mendable=_mendable(stored, found),
    )


def _look(folder: Path, checked: Checked) -> tuple[Stored, Findings]:
    stored = read_stored(folder)
    found = inspect(stored, checked)
    if found.damaged and stored.state == "open" and not (folder / JOURNAL_FILE).is_file():
        # closed while it was looked at: what was in the journal at first is in files by now
        stored = read_stored(folder)
        found = inspect(stored, checked)
    return stored, found


def _mendable(stored: Stored, found: Findings) -> bool:
    """Whether there is a journal to seal, a card or manifest to write anew, or a file to put aside."""
    files = {damage.file for damage in found.damaged}
    listed = {f"{SEGMENT_FOLDER}/{row.name}" for row in stored.segments}
    unlisted = {file for file in files - listed if file.startswith(f"{SEGMENT_FOLDER}/")}
    unfinished = stored.state == "open" or (stored.folder / JOURNAL_FILE).is_file()
    return unfinished or bool(unlisted or files & {SESSION_FILE, MANIFEST_FILE})


def inspect(stored: Stored, checked: Checked = unwatched) -> Findings:
    """Check all that ``stored`` names; ``checked`` is told how far it is."""
    found = Findings()
    for file, why in stored.damaged:
        found.damage(file, why)
    found.rows = {info.stream_id: 0 for info in stored.card.streams}
    _check_journal(stored, found)
    _check_segments(stored, found, checked)
    _check_manifest(stored, found)
    _check_orphans(stored, found)
    _check_numbers(stored, found)
    for why in amendments.read(stored.folder)[1]:
        found.damage(amendments.AMENDMENTS_FILE, why)
    for name in label_store.sets_of(stored.folder):
        for why in label_store.read(stored.folder, name).wrong:
            found.damage(label_store.path_of(Path(), name).as_posix(), why)
    for file, why in alignments.damaged(stored.folder):
        found.damage(file, why)
    if summary.is_damaged(stored.folder):
        found.notes.append(
            f"{summary.SUMMARY_FILE} is damaged; it is a cache, nothing is lost and it may be deleted"
        )
    return found


def _unreadable(folder: Path, error: SessionDamaged) -> VerifyReport:
    """session.json is damaged and no journal repeats it: the segments can still be counted."""
    n_segments = len(list((folder / SEGMENT_FOLDER).glob("*.parquet")))
    damage = (Damaged(SESSION_FILE, str(error)),)
    return VerifyReport(
        ok=False,
        seconds=0.0,
        streams=0,
        segments=n_segments,
        damaged=damage,
        seconds_lost=0.0,
        rows={},
        state="damaged",
    )


def _check_journal(stored: Stored, found: Findings) -> None:
    folder = stored.folder
    journal_gone = any(file == JOURNAL_FILE for file, _ in stored.damaged)
    if (folder / JOURNAL_FILE).is_file():
        try:
            for fault in structure_faults(folder):
                found.damage(JOURNAL_FILE, fault)
        except sqlite3.DatabaseError as error:
            found.damage(JOURNAL_FILE, f"not readable ({error}); what was not sealed is lost")
    if journal_gone:
        found.lost_s[JOURNAL_FILE] = _unsealed_s(stored)
    for batch in stored.batches:
        info = _info(stored, batch.stream_id)
        try:
            rows = None if info is None else unpack_rows(info, batch.payload)
        except (ValueError, TypeError) as error:
            found.damage(JOURNAL_FILE, f"batch {batch.batch_no}: {error}")
            continue
        if rows is None:
            found.damage(JOURNAL_FILE, f"batch {batch.batch_no}: stream {batch.stream_id} is not declared")
            continue
        found.rows[batch.stream_id] += len(rows)
        found.stretches[batch.stream_id] += [Stretch(a, a + n, JOURNAL_FILE) for a, n in rows.runs()]
    for _, points in stored.clock:
        for stream_id, p in points.items():
            found.points[stream_id] += p.spans()
    found.events.update(stored.live_events)


def _unsealed_s(stored: Stored) -> float:
    """How long the commits lasted that the journal should hold and does not."""
    try:
        known = read_mark(stored.folder)
    except (SessionDamaged, OSError):
        known = 0
    clocks = stored.segments_of(CLOCK)
    sealed_to = max((row.next_no - 1 for row in clocks), default=0)
    commits = sum(row.next_no - row.first_no for row in clocks)
    seconds = sum((row.t1_host_ns - row.t0_host_ns) / 1e9 for row in clocks)
    every_s = seconds / commits if commits and seconds > 0 else DEFAULT_COMMIT_S
    return max(0, known - max(stored.commit_no, sealed_to)) * every_s


def _check_segments(stored: Stored, found: Findings, checked: Checked) -> None:
    n_bytes = 0
    for n_segments, row in enumerate(stored.segments, 1):
        file = f"{SEGMENT_FOLDER}/{row.name}"
        # what a damaged segment held is known from its row: its numbers are not missing without a reason
        found.stretches[row.stream_id] += [Stretch(a, a + n, file) for a, n in row.runs]
        try:
            content = read_segment(stored.folder, row)
            if describe(row.name, content) != row:
                raise SessionDamaged("its footer and the manifest disagree")
            _read_segment(stored, row, content, found)
        except SessionDamaged as error:
            found.damage(file, str(error).removeprefix(f"{file}: "))
            _lose_segment(stored, row, found)
        n_bytes += row.bytes
        checked(n_segments, n_bytes)


def _read_segment(stored: Stored, row: SegmentRow, content: bytes, found: Findings) -> None:
    if row.stream_id == CLOCK:
        for stream_id, p in decode_clock(content).items():
            found.points[stream_id] += p.spans()
    elif row.stream_id == EVENTS:
        found.events.update(decode_events(content))
    else:
        info = _info(stored, row.stream_id)
        if info is None:
            raise SessionDamaged(f"stream {row.stream_id} is not declared in {SESSION_FILE}")
        found.rows[row.stream_id] += len(decode_samples(info, content))


def _lose_segment(stored: Stored, row: SegmentRow, found: Findings) -> None:
    info = _info(stored, row.stream_id)
    rate = info.nominal_rate_hz if info is not None else None
    seconds = row.rows / rate if rate else (row.t1_host_ns - row.t0_host_ns) / 1e9
    found.lost_s[row.stream_id] += seconds


def _check_manifest(stored: Stored, found: Findings) -> None:
    """Where a journal is there it is believed; here is where the manifest says otherwise."""
    if stored.manifest is None or not (stored.folder / JOURNAL_FILE).is_file():
        return  # named already, or nothing to compare
    listed = {row.name: row for row in stored.manifest.segments}
    believed = {row.name: row for row in stored.segments}
    for name, row in listed.items():
        if name not in believed:
            found.damage(MANIFEST_FILE, f"lists {name}, of which the journal knows nothing")
        elif believed[name] != row:
            found.damage(MANIFEST_FILE, f"says other things of {name} than the journal")
    behind = sorted(believed.keys() - listed.keys())
    if behind:
        found.notes.append(f"{MANIFEST_FILE} lags behind the journal by {', '.join(behind)}")


def _check_orphans(stored: Stored, found: Findings) -> None:
    known = {row.name for row in stored.segments}
    known |= {file.removeprefix(f"{SEGMENT_FOLDER}/") for file, _ in stored.damaged}
    place = stored.folder / SEGMENT_FOLDER
    present = sorted(p.name for p in place.iterdir()) if place.is_dir() else []
    for name in present:
        if name in known:
            continue
        if stored.state == "open" and (stored.folder / JOURNAL_FILE).is_file():
            found.notes.append(
                f"{SEGMENT_FOLDER}/{name}: a seal that was not finished; its rows are in the journal"
            )
        else:
            found.damage(f"{SEGMENT_FOLDER}/{name}", "in no manifest")


def _check_numbers(stored: Stored, found: Findings) -> None:
    events = [found.events[number] for number in sorted(found.events)]
    damaged_before = bool(found.damaged)
    for info in stored.card.streams:
        _check_stream(info, gaps_of(events, info.stream_id), found)
        bare = _outside(_numbers_of(info, found), found.points[info.stream_id])
        if bare and not damaged_before:
            found.damage(
                JOURNAL_FILE,
                f"{info.stream_id}: samples {bare[0][0]} to {bare[0][1] - 1} have no clock point",
            )
    found.notes += [f"recovered: {_lost_text(e)}" for e in events if e.kind == RECOVERED]
    missing = set(range(1, max(found.events, default=0) + 1)) - found.events.keys()
    if missing and not damaged_before:
        what = counted(len(missing), "event is", "events are")
        found.damage(JOURNAL_FILE, f"{what} missing, first number {min(missing)}")


def _lost_text(event: Event) -> str:
    lost = [f"{file}: {why}" for file, why in event.payload.get("lost", [])]
    return "; ".join(lost) or "nothing was lost"


def _check_stream(info: StreamInfo, gaps: Sequence[Gap], found: Findings) -> None:
    stored = _numbers_of(info, found)
    explained = [(g.first_missing_no, g.first_missing_no + (g.n_missing or 0)) for g in gaps]
    holes = faults(found.stretches[info.stream_id], gaps)
    known = merged([*stored, *explained, *((h.first_no, h.end_no) for h in holes)])
    # a clock point whose samples are nowhere: they were committed and are gone, at the end too
    gone = _outside(merged(found.points[info.stream_id]), known)
    for fault in [*holes, *(Fault(JOURNAL_FILE, a, b, twice=False) for a, b in gone)]:
        found.damage(fault.file, f"{info.stream_id}: {fault}")
        if not fault.twice:
            found.holes.append((info.stream_id, fault))
            rate = info.nominal_rate_hz or 1.0
            found.lost_s[info.stream_id] += (fault.end_no - fault.first_no) / rate


def _numbers_of(info: StreamInfo, found: Findings) -> list[Span]:
    return merged([(s.first_no, s.end_no) for s in found.stretches[info.stream_id]])


def _outside(spans: Sequence[Span], covers: Sequence[Span]) -> list[Span]:
    """What of ``spans`` lies in none of ``covers``."""
    explained = sorted(covers)
    return [left for span in spans for left in uncovered(span, explained)]


def _seconds(stored: Stored) -> float:
    ends = [(s.t1_host_ns, s.era) for s in stored.segments]
    ends += [(b.t1_host_ns, b.era) for b in stored.batches]
    eras = stored.card.eras
    start = eras[0].wall_ns
    return max(((eras[era].wall_at(t) - start) / 1e9 for t, era in ends if era < len(eras)), default=0.0)


def _info(stored: Stored, stream_id: str) -> StreamInfo | None:
    return next((s for s in stored.card.streams if s.stream_id == stream_id), None)
