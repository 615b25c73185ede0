"""Make a killed or damaged session whole again, as far as what is on disk allows. Deletes nothing unproven."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from recorder.clock import Clock
from recorder.counted import counted
from recorder.errors import SessionDamaged
from recorder.schema import Event, Gap
from recorder.session.continuity import Fault
from recorder.session.facts import gap_event
from recorder.session.files import make_folder, storage_errors, why_of
from recorder.session.header import SESSION_FILE, SessionCard, read_card, refuse_erased, write_card
from recorder.session.journal import JOURNAL_FILE, Journal, JournalSnapshot, read_mark, structure_faults
from recorder.session.lock import FolderLock, sealer_lock
from recorder.session.manifest import CLOCK, MANIFEST_FILE, SEGMENT_FOLDER, SegmentRow, read_manifest
from recorder.session.rows import join_rows, same_rows, unpack_rows
from recorder.session.salvage import (
    card_from_anywhere,
    finish_renames,
    journal_files,
    look_at_segments,
    rebuild_manifest,
    salvage_journal,
    sealed_event_ids,
    set_aside,
)
from recorder.session.sealer import seal_held
from recorder.session.segments import decode_samples, describe
from recorder.session.stored import Damage, Stored, read_stored
from recorder.session.verify import RECOVERED, Checked, VerifyReport, inspect, unwatched, verify
from recorder.session.writer import finish

MAX_COMMIT = 1 << 40
"""Above every commit number."""


@dataclass
class RecoverReport:
    """What ``recover`` did.

    Args:
        sealed: segments made from the journal.
        adopted: segments no table knew, whole by their own bytes, taken into the manifest.
        removed: unfinished files whose every row is proved to be elsewhere.
        set_aside: damaged files moved (or copied) into ``damaged/``.
        lost: what could not be saved, by file.
        after: what ``verify`` says of the recovered session.
    """

    sealed: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    lost: list[Damage] = field(default_factory=list)
    after: VerifyReport | None = None

    @property
    def ok(self) -> bool:
        """The session is whole now."""
        return self.after is not None and self.after.ok

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = {"lost": [list(damage) for damage in self.lost], "after": self.after and self.after.to_json()}
        return {"ok": self.ok, **asdict(self), **plain}


def recover(path: Path | str, checked: Checked = unwatched) -> RecoverReport:
    """Seal what the journal of a killed session holds, repair what describes it, and close it.

    A sealed, whole session is left as it is.

    Args:
        path: folder of the session.
        checked: is told how far the check at the end is.

    Raises:
        SessionError: no session here, it was erased, a recorder is writing it, or the sealer of one does not end.
        SessionDamaged: nothing is left of it.
        SessionFormatUnknown: written by a newer HemoView.
        StorageError: the folder is not writable or the disk is full.
    """
    folder = Path(path)
    refuse_erased(folder)
    report = RecoverReport()
    card_from_anywhere(folder, salvage_journal(folder))  # refuses what is no session before touching it
    with FolderLock(folder), sealer_lock(folder), storage_errors(folder, "recovering"):
        refuse_erased(folder)
        _recover(folder, report)
    report.after = verify(folder, checked)
    return report


def _recover(folder: Path, report: RecoverReport) -> None:
    journal = salvage_journal(folder)
    _refuse_nothing(folder)
    card = _mend_card(folder, journal, report)
    _mend_folder(folder, report)
    if (folder / JOURNAL_FILE).is_file():
        why = _journal_faults(folder, journal)
        report.lost += [(JOURNAL_FILE, w) for w in why]
        if why:
            _replace_journal(folder, journal, card, report)
        _close(folder, card, report)
        _tidy(folder, report, torn_is_copy=not why)
        return
    faults = _manifest_faults(folder)
    report.lost += faults
    if faults:
        if (folder / MANIFEST_FILE).is_file():
            report.set_aside.append(set_aside(folder, folder / MANIFEST_FILE))
        rebuild_manifest(folder)
    if read_manifest(folder).state == "open":
        report.lost.append((JOURNAL_FILE, "missing; what was not sealed is lost"))
        _replace_journal(folder, None, card, report)
        _close(folder, card, report)
    _tidy(folder, report, torn_is_copy=False)


def _refuse_nothing(folder: Path) -> None:
    """An empty session in place of a lost one would pass as whole.

    Raises:
        SessionDamaged: no journal, no manifest, and no sealed file that is whole.
    """
    if (folder / JOURNAL_FILE).is_file() or not _manifest_faults(folder):
        return
    if not look_at_segments(folder).whole:
        raise SessionDamaged(
            f"{folder}: nothing is left to recover, {MANIFEST_FILE} and every file of {SEGMENT_FOLDER}/ are gone "
            "or not readable; copy them back from a backup"
        )


def _mend_folder(folder: Path, report: RecoverReport) -> None:
    """A folder for what is still to be sealed; what was in the lost one stays lost."""
    place = folder / SEGMENT_FOLDER
    if not place.is_dir():
        n_sealed = len(read_stored(folder).segments)
        report.lost.append(
            (SEGMENT_FOLDER, f"the folder is missing and with it {counted(n_sealed, 'sealed file')}")
        )
        make_folder(place)


def _mend_card(folder: Path, journal: JournalSnapshot | None, report: RecoverReport) -> SessionCard:
    card = card_from_anywhere(folder, journal)
    if not (folder / SESSION_FILE).is_file():
        report.lost.append((SESSION_FILE, "missing; written anew from what else is known"))
        write_card(folder, card)
    elif not _card_is_whole(folder):
        report.lost.append((SESSION_FILE, "damaged; written anew from what else is known"))
        report.set_aside.append(set_aside(folder, folder / SESSION_FILE))
        write_card(folder, card)
    return card


def _journal_faults(folder: Path, journal: JournalSnapshot | None) -> list[str]:
    """Why the journal cannot be gone on with as it is; empty if it can."""
    if journal is None:
        return ["not readable; what was not sealed is lost"]
    found = list(journal.damaged)
    try:
        found += structure_faults(folder)
    except sqlite3.DatabaseError as error:
        found.append(f"not readable in part ({error})")
    if journal.card is None:
        found.append("its copy of the session card is missing")
    try:
        known = read_mark(folder)
    except SessionDamaged as error:
        return [*found, str(error)]
    if known > journal.commit_no:
        lost = known - journal.commit_no
        found.append("its last commit is gone" if lost == 1 else f"its last {lost} commits are gone")
    return found


def _manifest_faults(folder: Path) -> list[Damage]:
    try:
        read_manifest(folder)
    except SessionDamaged as error:
        return [(MANIFEST_FILE, f"{why_of(error, folder / MANIFEST_FILE)}; written anew from the segments")]
    return []


def _replace_journal(
    folder: Path, saved: JournalSnapshot | None, card: SessionCard, report: RecoverReport
) -> None:
    """A new journal with what could be saved; the damaged one goes aside, never away."""
    rows = _known_segments(folder, saved, report)
    ids = sealed_event_ids(folder, rows)
    report.set_aside += [set_aside(folder, path) for path in journal_files(folder)]
    journal = Journal.create(folder)
    try:
        journal.put_card(card)
        journal.add_segments(rows)
        journal.add_event_ids(ids)
        if saved is not None:
            journal.adopt(_not_sealed(saved, rows, ids, card))
    finally:
        journal.close()


def _known_segments(
    folder: Path, saved: JournalSnapshot | None, report: RecoverReport
) -> tuple[SegmentRow, ...]:
    """The table of segments from journal and manifest, and whole files that neither of them lists."""
    rows = {row.name: row for row in (saved.segments if saved is not None else ())}
    if not _manifest_faults(folder):
        rows = {row.name: row for row in read_manifest(folder).segments} | rows
    finish_renames(folder)
    for row in look_at_segments(folder).whole:
        if row.name not in rows:
            rows[row.name] = row
            report.adopted.append(row.name)
    return tuple(rows.values())


def _not_sealed(
    saved: JournalSnapshot, rows: Sequence[SegmentRow], ids: dict[str, int], card: SessionCard
) -> JournalSnapshot:
    """Salvaged rows less those that a segment holds already."""
    sealed: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        spans = [(row.first_no, row.next_no)] if row.stream_id == CLOCK else [(a, a + n) for a, n in row.runs]
        sealed.setdefault(row.stream_id, []).extend(spans)
    infos = {info.stream_id: info for info in card.streams}
    fresh = []
    for batch in saved.batches:
        if batch.stream_id in infos:
            first = int(unpack_rows(infos[batch.stream_id], batch.payload).sample_no[0])
            if not _within(first, sealed.get(batch.stream_id, [])):
                fresh.append(batch)
    clock = [(no, points) for no, points in saved.clock if not _within(no, sealed.get(CLOCK, []))]
    events = [(no, event) for no, event in saved.events if event.event_id not in ids]
    return replace(saved, batches=tuple(fresh), clock=tuple(clock), events=tuple(events))


def _within(number: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(a <= number < b for a, b in spans)


def _close(folder: Path, card: SessionCard, report: RecoverReport) -> None:
    """Say in the session itself what was lost, seal all, and end it."""
    journal = Journal.open(folder)
    try:
        _tell(folder, journal, report)
    finally:
        journal.close()
    report.sealed += [row.name for row in seal_held(folder, upto_commit=MAX_COMMIT)]
    journal = Journal.open(folder)
    try:
        finish(folder, journal, card.header.session_id, RECOVERED)
    finally:
        journal.close()


def _tell(folder: Path, journal: Journal, report: RecoverReport) -> None:
    """Store a gap for every unexplained hole, and one event that says what ``recover`` found."""
    stored = read_stored(folder)
    snapshot = journal.snapshot()
    wall_ns = Clock.from_environment().wall_ns()
    era = stored.card.eras[-1]
    last_ns = max((b.t1_host_ns for b in stored.batches if b.era == era.number), default=era.monotonic_ns)
    gaps = [gap_of_hole(stored, stream_id, fault) for stream_id, fault in inspect(stored).holes]
    events = [gap_event(gap, uuid.uuid4().hex, wall_ns) for gap in gaps]
    payload = {"lost": [list(damage) for damage in report.lost], "gaps": len(gaps)}
    events.append(Event(uuid.uuid4().hex, RECOVERED, last_ns, wall_ns, era.number, payload))
    sealed_to = [
        row.next_no - 1 for row in stored.event_segments()
    ]  # a lost one keeps its numbers, and its name
    first = max([*snapshot.event_ids.values(), *sealed_to], default=0) + 1
    journal.commit(snapshot.commit_no + 1, [], {}, list(enumerate(events, first)))


def gap_of_hole(stored: Stored, stream_id: str, hole: Fault) -> Gap:
    """A stored gap for samples that are gone, between the arrivals on either side of it."""
    spans = [
        (s.first_no, s.next_no, s.t0_host_ns, s.t1_host_ns, s.era) for s in stored.segments_of(stream_id)
    ]
    info = next(s for s in stored.card.streams if s.stream_id == stream_id)
    for batch in stored.batches_of(stream_id):
        numbers = unpack_rows(info, batch.payload).sample_no
        spans.append((int(numbers[0]), int(numbers[-1]) + 1, batch.t0_host_ns, batch.t1_host_ns, batch.era))
    before = max((s for s in spans if s[1] <= hole.first_no), default=None)
    after = min((s for s in spans if s[0] >= hole.end_no), default=None)
    if before is not None:
        t0_ns, era = before[3], before[4]
    elif after is not None:
        t0_ns, era = after[2], after[4]
    else:  # nothing of the stream is left
        era = stored.card.eras[-1].number
        t0_ns = stored.card.eras[-1].monotonic_ns
    t1_ns = after[2] if after is not None and after[4] == era else t0_ns
    count = hole.end_no - hole.first_no
    return Gap(
        stream_id, hole.first_no, count, t0_ns, max(t0_ns, t1_ns), "journal-damaged", era, "found by recover"
    )


def _tidy(folder: Path, report: RecoverReport, *, torn_is_copy: bool) -> None:
    """Files in ``segments/`` that the manifest does not list: gone if every row is elsewhere, else set aside.

    Args:
        torn_is_copy: the journal was whole, so an unfinished ``.tmp`` is only a copy of rows sealed just now.
    """
    rows = read_manifest(folder).segments
    listed = {row.name for row in rows}
    card = read_card(folder)
    for path in sorted((folder / SEGMENT_FOLDER).iterdir()):
        if path.name in listed:
            continue
        if (torn_is_copy and path.suffix == ".tmp") or is_copy(folder, path, rows, card):
            path.unlink()
            report.removed.append(f"{SEGMENT_FOLDER}/{path.name}")
        else:
            report.set_aside.append(set_aside(folder, path))


def is_copy(folder: Path, path: Path, rows: Sequence[SegmentRow], card: SessionCard) -> bool:
    """Whether every sample of a segment file is proved, bit for bit, to be in the listed segments."""
    content = path.read_bytes()
    try:
        row = describe(path.name, content)
        info = next((s for s in card.streams if s.stream_id == row.stream_id), None)
        if info is None:
            return False
        mine = decode_samples(info, content)
        overlapping = [
            r
            for r in rows
            if r.stream_id == row.stream_id and r.first_no < row.next_no and r.next_no > row.first_no
        ]
        parts = [decode_samples(info, (folder / SEGMENT_FOLDER / r.name).read_bytes()) for r in overlapping]
    except (SessionDamaged, FileNotFoundError):
        return False
    theirs = join_rows(info, parts)
    chosen = np.searchsorted(theirs.sample_no, mine.sample_no)
    if len(theirs) == 0 or chosen.max() >= len(theirs):
        return False
    return same_rows(mine, theirs.take(chosen))


def _card_is_whole(folder: Path) -> bool:
    try:
        read_card(folder)
    except SessionDamaged:
        return False
    return True
