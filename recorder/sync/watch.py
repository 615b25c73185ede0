"""Sync as long as a station lives: what changed is brought to its service, its heartbeat kept, its orders carried out.

One service, one thread; the caller owns threads and processes. Nothing here is waited for by whoever records.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from recorder.errors import RecorderError, ServiceRefused, ServiceUnreachable, SyncError, WrongService
from recorder.schema.sync_status import SyncState, SyncStatus
from recorder.session.amendments import AMENDMENTS_FILE
from recorder.session.header import SESSION_FILE, TOMBSTONE_FILE, read_card
from recorder.session.manifest import MANIFEST_FILE, read_manifest
from recorder.sync import files, wire
from recorder.sync.orders import Desk, messages
from recorder.sync.plan import backoff_s
from recorder.sync.run import bring, count
from recorder.sync.turn import Gear

LOOK_S: Final = 5.0
SHARE: Final = 25
"""A look at many sessions takes time: the next one waits for so many times as long."""
CLOCK_AGREES_S: Final = 5
"""As the service's own warning (``clock-differs``)."""
BEAT_S: Final = 15.0
OPEN_EVERY_S: Final = 300.0
"""A session that is being recorded gets a revision so often: every one names all of its files."""
NUDGED_S: Final = 1.0
AGAIN_S: Final = 60.0
"""What stayed at home for a reason that may pass without a file changing is looked at again."""
FIRST_S: Final = 5.0
LONGEST_S: Final = 300.0
_PASSING: Final = frozenset({"unconfirmed", "damaged"})

Stamp = tuple[int, ...]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Seen:
    """When a folder was brought last: what it looked like, and when it is due again (monotonic s).

    Args:
        stamp: of its files.
        again_s: though nothing has changed.
        quiet_until_s: not before, though it has changed: it is being recorded.
    """

    stamp: Stamp
    again_s: float
    quiet_until_s: float


@dataclass(slots=True)
class Watch:
    """The sync of one station with one service.

    Args:
        gear: where to.
        folders: sessions of this station.
        desk: where orders are carried out.
        publish: told what every screen shows.
        software: version, said in heartbeats.
        luck: 0 to 1, spreads those who come back.
        nudged: somebody wants to know, or has seen, how the service is since this was asked last: it is looked at once.
    """

    gear: Gear
    folders: Callable[[], list[Path]]
    desk: Desk
    publish: Callable[[SyncStatus], None]
    software: str = ""
    luck: Callable[[], float] = random.random
    nudged: Callable[[], bool] = lambda: False
    _seen: dict[Path, _Seen] = field(default_factory=dict)
    _acknowledged: list[wire.Acknowledgement] = field(default_factory=list)
    _counted: dict[Path, Stamp] = field(default_factory=dict)
    _failures: int = 0
    _home: dict[Path, str] = field(default_factory=dict)
    _errors: dict[Path, tuple[str, str]] = field(default_factory=dict)
    _status: SyncStatus = field(default_factory=lambda: SyncStatus(""))
    _next_beat_s: float = 0.0
    _before: tuple[SyncState, str, str] = ("idle", "", "")
    _telling: threading.RLock = field(default_factory=threading.RLock)

    def run(self) -> None:
        """Until the gear's ``stop`` is set."""
        identity = self.gear.service.identity
        self._status = SyncStatus(
            identity.host,
            identity.url,
            identity.server_id,
            identity.bed,
            identity.ward,
            messages=len(messages(self.desk.station_folder)),
        )
        self.publish(replace(self._status, at_us=self.gear.now_us()))
        self.gear.service.heard = self.hears
        self.nudged()
        while not self.gear.stop.is_set():
            self._rest(self.look() + time.monotonic())

    def _rest(self, due_s: float) -> None:
        """Until it is time to look again, or somebody says so."""
        recount_s = time.monotonic() + BEAT_S
        while not self.gear.stop.wait(min(NUDGED_S, max(0.0, due_s - time.monotonic()))):
            now_s = time.monotonic()
            if self.nudged():
                self._next_beat_s = now_s
                return
            if now_s >= due_s:
                return
            if now_s >= recount_s:
                recount_s = now_s + BEAT_S
                self.recount()

    def look(self) -> float:
        """Once; returns after how many seconds to look again."""
        begun_s = time.monotonic()
        try:
            if begun_s >= self._next_beat_s:
                self._beat()
            self._bring_due()
        except ServiceUnreachable as error:
            self._count_waiting()
            return self._failed("unreachable", error)
        except WrongService as error:
            self._count_waiting()
            return self._failed("other-service", error)
        except (ServiceRefused, SyncError) as error:
            self._count_waiting()
            return self._failed("refused", error)
        except (RecorderError, OSError) as error:  # the disk; the recorder says so louder
            return self._failed("refused", error)
        self._failures = 0
        self._counted.clear()
        failed, advice = next(iter(self._errors.values()), ("", ""))
        self._tell(state="idle", error=failed, advice=advice)
        return max(LOOK_S, min(SHARE * (time.monotonic() - begun_s), BEAT_S))

    def recount(self) -> None:
        """While the service is away a session grows on; what waits is told between two trials too."""
        if self._failures:
            self._count_waiting()
            self._tell()

    # ---- sessions

    def _bring_due(self) -> None:
        folders = self.folders()
        self._forget_gone(folders)
        for folder, stamp in self._due(folders):
            if self.gear.stop.is_set():
                return
            self._bring(folder, stamp)
            if time.monotonic() >= self._next_beat_s:
                self._beat()

    def _count_waiting(self) -> None:
        """What waits is told, whatever keeps it here: also of a session that would not be brought yet."""
        for folder in self.folders():
            stamp, seen = _stamp(folder), self._seen.get(folder)
            if self._counted.get(folder) != stamp and (seen is None or seen.stamp != stamp):
                count(self.gear, folder)
                self._counted[folder] = stamp

    def _due(self, folders: list[Path]) -> Iterator[tuple[Path, Stamp]]:
        for folder in folders:
            stamp, seen, now_s = _stamp(folder), self._seen.get(folder), time.monotonic()
            if seen is None:
                yield folder, stamp
            elif stamp == seen.stamp:
                if now_s >= seen.again_s:
                    yield folder, stamp
            elif now_s >= seen.quiet_until_s or _is_sealed(folder):
                yield folder, stamp

    def _bring(self, folder: Path, stamp: Stamp) -> None:
        self._tell(state="sending")
        outcome = bring(self.gear, folder)
        self._home.pop(folder, None)
        self._errors.pop(folder, None)
        if outcome.stays:
            self._home[folder] = outcome.stays
        if outcome.error:
            self._errors[folder] = outcome.error, outcome.advice
        now_s = time.monotonic()
        may_pass = outcome.error or outcome.stays in _PASSING
        self._seen[folder] = _Seen(
            stamp,
            now_s + AGAIN_S if may_pass else float("inf"),
            now_s if _is_sealed(folder) else now_s + OPEN_EVERY_S,
        )

    def _forget_gone(self, folders: list[Path]) -> None:
        """Erased or taken away: it waits no longer, whatever was known of it."""
        for told in (self._home, self._errors):
            for folder in [f for f in told if f not in folders]:
                del told[folder]
        self._seen = {f: seen for f, seen in self._seen.items() if f in folders}
        outbox, here = self.gear.outbox, {str(f) for f in folders}
        for entry in outbox.entries(self.gear.service.identity.server_id):
            if entry.waiting and entry.folder not in here and not _is_session(Path(entry.folder)):
                known = outbox.get(entry.server_id, entry.session_id)
                outbox.put(replace(known, waiting=0, total=0, bytes_waiting=0, pending=None))

    # ---- heartbeat

    def _beat(self) -> None:
        service = self.gear.service
        service.greet()
        beat = wire.Heartbeat(
            self.gear.now_us(),
            time.monotonic_ns(),
            self.software[:120],
            self.gear.outbox.queue(service.identity.server_id),
            tuple(self._acknowledged[: wire.ORDERS_MAX]),
        )
        answer = service.heartbeat(beat)
        self._acknowledged = []
        for order in answer.orders:
            done = self.desk.carry_out(order)
            log.info("order %s: %s", order.kind, done.outcome)
            self._acknowledged.append(done)
            if order.kind == "resend":
                self._seen.clear()
        settled = any(a.outcome != "failed" for a in self._acknowledged)
        self._next_beat_s = time.monotonic() + (0.0 if settled else BEAT_S)
        ahead_s = round((self.gear.now_us() - service.server_now_us()) / 1e6)
        self._tell(
            last_answer_us=self.gear.now_us(),
            clock_ahead_s=ahead_s if abs(ahead_s) >= CLOCK_AGREES_S else 0,
            messages=len(messages(self.desk.station_folder)),
        )

    # ---- what is told

    def hears(self, complaint: SyncError | None) -> None:
        """A call that is tried again gets no answer, which nobody is left to wait for, or at last one; any thread."""
        with self._telling:
            if complaint is not None:
                self._before = self._status.state, self._status.error, self._status.advice
                state, error, advice = "unreachable", str(complaint), complaint.advice
            else:
                state, error, advice = self._before
            self._tell(state=state, error=error, advice=advice)

    def _failed(self, state: SyncState, error: Exception) -> float:
        self._failures += 1
        log.info("sync: %s", type(error).__name__)
        self._tell(state=state, error=str(error), advice=getattr(error, "advice", ""))
        return backoff_s(self._failures, FIRST_S, LONGEST_S, self.luck())

    def _tell(self, **changes: object) -> None:
        with self._telling:
            self._tell_now(changes)

    def _tell_now(self, changes: dict[str, Any]) -> None:
        queue = self.gear.outbox.queue(self.gear.service.identity.server_id)
        status = replace(
            self._status,
            waiting=queue.waiting,
            total=queue.total,
            bytes_waiting=queue.bytes_waiting,
            last_success_us=queue.last_success_us,
            sessions_home=len(self._home),
            certificate_ends_us=self.gear.service.certificate_ends_us,
            **changes,
        )
        if status != self._status:
            self._status = status
            self.publish(replace(status, at_us=self.gear.now_us()))


class StationSessions:
    """Sessions in a folder that one station recorded; a card is read again only when it has changed.

    Args:
        folder: where sessions are.
        station: whose.
    """

    def __init__(self, folder: Path, station: str) -> None:
        self._folder, self._station = folder, station
        self._read: dict[Path, tuple[int, str]] = {}

    def __call__(self) -> list[Path]:
        """Oldest first."""
        now = {path: self._whose(path) for path in files.sessions_in(self._folder)}
        self._read = {path: told for path, told in now.items() if told is not None}
        return [path for path, (_, station) in self._read.items() if station == self._station]

    def _whose(self, folder: Path) -> tuple[int, str] | None:
        try:
            changed_ns = (folder / SESSION_FILE).stat().st_mtime_ns
            known = self._read.get(folder)
            if known is not None and known[0] == changed_ns:
                return known
            return changed_ns, read_card(folder).header.station
        except (RecorderError, OSError):  # verify and the session browser name it
            return None


def _stamp(folder: Path) -> Stamp:
    watched = [folder / name for name in (SESSION_FILE, MANIFEST_FILE, AMENDMENTS_FILE)]
    watched += [*folder.glob("annotations/*.jsonl"), *folder.glob("alignments/*.json")]
    found: list[int] = []
    for path in watched:
        try:
            stat = path.stat()
            found += [stat.st_mtime_ns, stat.st_size]
        except OSError:
            found += [0, 0]
    return tuple(found)


def _is_session(folder: Path) -> bool:
    return (folder / SESSION_FILE).is_file() and not (folder / TOMBSTONE_FILE).exists()


def _is_sealed(folder: Path) -> bool:
    try:
        return read_manifest(folder).state == "sealed"
    except (RecorderError, OSError):
        return False
