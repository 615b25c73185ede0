"""``hemoview import --watch``: what a CNAP stick brings becomes sessions, each recording once, until Ctrl-C.

The stick is only ever read. Which recordings were taken is remembered by their SHA-256, in this user's home, so that
one whose session was erased does not come back by itself.
"""

from __future__ import annotations

import fnmatch
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from recorder.counted import counted
from recorder.errors import RecorderError, StorageError
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import Order, Plan, Wanted
from recorder.exchange.imports.joining import join
from recorder.exchange.imports.overlap import Overlap, overlapping
from recorder.exchange.imports.stick_watch import Found, Listing, Seen, Stick, StickWatch
from recorder.exchange.sources.local_time import check_zone
from recorder.host import places
from recorder.protocols.cnap_csv import NotCnap
from recorder.protocols.cnap_summary import parse_summary
from recorder.session.software import software_versions

EVERY_S: Final = 2.0
DEEPEST: Final = 3
"""Folders below the one that is watched in which files are looked for."""
MOST_FILES: Final = 20_000
MOST_BYTES: Final = 2**20
"""A summary has some 30 lines."""
LEDGER: Final = "imported-sticks.jsonl"

Say = Callable[[str], None]
Wait = Callable[[], bool]
"""Returns whether to go on."""


def watch(
    folder: Path,
    order: Order,
    out: Path,
    *,
    say: Say,
    wait: Wait,
    only: str = "*",
    joins: bool = False,
    clock_s: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """Watch until ``wait`` says no, or Ctrl-C.

    Args:
        folder: the stick's, which may not be there yet.
        order: whose recordings they are and by which zone; its sources are filled in.
        out: folder of sessions.
        say: a line for the person who looks.
        wait: between two looks.
        only: pattern of the names of recordings that are wanted.
        joins: whether a recording that overlaps a session of the subject makes a new session of both.
        clock_s: only goes forward.

    Raises:
        RecorderError: the zone is wrong or ``out`` cannot be used; what is wrong with a recording is only said.
    """
    check_zone(order.zone)
    taker = _Taker(order, out, say, joins)
    memory = StickWatch()
    say(f"waiting for recordings of a CNAP monitor in {folder}; Ctrl-C ends it")
    with suppress(KeyboardInterrupt):
        while True:
            ready = []
            for told in memory.look(_listing(folder, only), clock_s()):
                if isinstance(told, Stick):
                    say(f"{folder} is {told.state}")
                else:
                    ready.append(told)
            for found in taker.take(ready):
                memory.again(found)
            if not wait():
                break
    say(f"ended: {len(taker.imported)} imported, {len(taker.skipped)} not")
    return {"ok": True, "imported": taker.imported, "skipped": taker.skipped}


def _listing(folder: Path, only: str) -> Listing | None:
    """Every file in the folder and a little below; None where it is not there, or goes away meanwhile."""
    if not folder.is_dir():
        return None
    found: dict[Path, Seen] = {}
    try:
        for path in _files(folder):
            if fnmatch.fnmatch(path.name, f"*{only}*"):
                status = path.stat()
                found[path] = Seen(status.st_size, status.st_mtime_ns)
    except OSError:
        return None if not folder.is_dir() else found
    return found


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    for place, below, names in os.walk(folder):
        if len(Path(place).relative_to(folder).parts) >= DEEPEST:
            below.clear()
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            count += 1
            if count > MOST_FILES:
                return
            if name.lower().endswith(".csv") and not name.startswith("."):
                yield Path(place) / name


@dataclass(slots=True)
class _Taker:
    """Imports what was found, and remembers what it did."""

    order: Order
    out: Path
    say: Say
    joins: bool
    imported: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    _person: frozenset[str] = field(default_factory=frozenset, repr=False)

    def take(self, ready: list[Found]) -> list[Found]:
        """Import what is of one person; returns those that vanished while they were read."""
        persons = {person for found in ready if (person := _person_of(found))}
        if not self._person and len(persons) > 1:
            names = ", ".join(found.recording for found in ready)
            for found in ready:
                self.skipped.append({"recording": found.recording, "why": "several patients"})
            self.say(
                f"the stick names {len(persons)} different patients ({names}): nothing was imported, all would become "
                f"{self.order.subject.pseudonym}. Start again with --only and the name of the recording that is wanted"
            )
            return []
        return [found for found in ready if not self._one(found)]

    def _one(self, found: Found) -> bool:
        """Whether it was dealt with; False: it is gone, and may come back."""
        person = _person_of(found)
        if person and self._person and person != self._person:
            pseudonym = self.order.subject.pseudonym
            self._skip(
                found, f"the monitor names another patient than in the recordings of {pseudonym} before it"
            )
            return True
        try:
            self._import(found)
        except StorageError:
            raise
        except RecorderError as error:
            if not all(path.is_file() for path in found.parts.values()):
                self.say(f"{found.recording}: the stick was pulled out while it was read; put it back in")
                return False
            self._skip(found, _why(error, found))
            return True
        self._person = self._person or person
        return True

    def _import(self, found: Found) -> None:
        beats = found.parts.get("beats")
        if beats is None:
            self._skip(found, "its ..._beats.csv is missing; copy it too")
            return
        companions = {"wave": "waveform", "summary": "summary"}
        wanted = Wanted("cnap", beats, {k: found.parts[v] for k, v in companions.items() if v in found.parts})
        plan = importing.look(replace(self.order, wanted=(wanted,)), self.out, time.time_ns())
        (source,) = plan.sources
        known = _remembered(source.sha256)
        if known is not None or any(q.id == "imported-before" for q in plan.questions):
            where = f", into {known}" if known else ""
            self._skip(found, f"it was imported before{where}")
            return
        if plan.questions:
            self._skip(found, "; ".join(q.text for q in plan.questions))
            return
        if found.changed:
            self.say(
                f"{found.recording}: its files changed since they were imported; this is a second session"
            )
        self._write(found, plan)

    def _write(self, found: Found, plan: Plan) -> None:
        (source,) = plan.sources
        first, end = plan.span_wall_ns
        others = overlapping(self.out, (first, end), self.order.subject.pseudonym)
        out = _free(self.out, f"{self.order.subject.pseudonym}-{found.recording}")
        joined = self._joined(found, plan, others, out)
        if not joined:
            importing.carry_out(plan, out, software=software_versions(), now_wall_ns=time.time_ns())
        _remember(source.sha256, found.recording, out.name)
        facts = source.facts() | {"session": str(out), "overlaps": [str(other.folder) for other in others]}
        self.imported.append(facts)
        minutes, rejected = (end - first) / 60e9, sum(source.rejected_rows().values())
        self.say(
            f"{found.recording}: imported into {out.name} ({minutes:.1f} min, {counted(rejected, 'row')} rejected)"
        )
        if joined:
            self.say(f"  together with everything in {joined}, which is left as it is")
        for note in (*source.notes, *(f"{s.file} was not taken: {s.why}" for s in source.skipped)):
            self.say(f"  {note}")
        for other in () if joined else others:
            self.say(
                f"  it shares {other.seconds / 60:.1f} min with {other.folder.name}; for one session of both: "
                f"hemoview import --cnap ..._beats.csv --join {other.folder} --accept imported-before"
            )

    def _joined(self, found: Found, plan: Plan, others: Sequence[Overlap], out: Path) -> str:
        """The session it was put beside, where that is asked for and there is one that has no CNAP yet."""
        devices = {device.device_id for source in plan.sources for device in source.devices}
        fitting = [other for other in others if other.closed and not other.devices & devices]
        if not self.joins or not fitting:
            return ""
        if len(fitting) > 1:
            names = " and ".join(other.folder.name for other in fitting)
            self.say(
                f"{found.recording}: overlaps {names}; which one it belongs to nobody said, so it stands alone"
            )
            return ""
        join(fitting[0].folder, plan, out, now_wall_ns=time.time_ns())
        return fitting[0].folder.name

    def _skip(self, found: Found, why: str) -> None:
        self.skipped.append({"recording": found.recording, "why": why})
        self.say(f"{found.recording}: not imported: {why}")


def _person_of(found: Found) -> frozenset[str]:
    """Who the monitor says it is, to compare with others; empty where it does not say."""
    path = found.parts.get("summary")
    try:
        if path is None or path.stat().st_size > MOST_BYTES:
            return frozenset()
        return parse_summary(path.read_bytes()).person
    except (OSError, NotCnap):
        return frozenset()


def _why(error: RecorderError, found: Found) -> str:
    """The complaint without the paths in it: before a file's name may stand a person's."""
    text = str(error)
    for path in found.parts.values():
        text = text.replace(f"{path}: ", "").replace(str(path), found.recording)
    return text


def _free(folder: Path, name: str) -> Path:
    """A folder of that name that is not there yet."""
    names = (name if n == 1 else f"{name}-{n}" for n in range(1, 10_000))
    return next(path for n in names if not (path := folder / n).exists())


def _ledger() -> Path:
    return places.home() / LEDGER


def _remembered(sha256: str) -> str | None:
    """The session a recording went into, if it was taken before."""
    try:
        lines = _ledger().read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            if told["sha256"] == sha256:
                return str(told["session"])
    return None


def _remember(sha256: str, recording: str, session: str) -> None:
    path = _ledger()
    line = {"sha256": sha256, "recording": recording, "session": session, "wall_ns": time.time_ns()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        why = error.strerror or str(error)
        raise StorageError(
            f"{path}: cannot be written ({why}); the recording would be imported again"
        ) from None


def timed(text: str) -> str:
    """A line with the time of day before it."""
    return f"{datetime.now():%H:%M:%S}  {text}"
