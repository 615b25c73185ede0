"""The one session of a station: pre-flight, Start, Stop, going on after a restart, ending when the disk refuses."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from recorder import private_folder
from recorder import session as store
from recorder.acquire.awake import Awake
from recorder.acquire.confirmation import Cause, Confirmation
from recorder.acquire.disk import START_BYTES, DiskGuard, folder_problem
from recorder.acquire.hub import Hub
from recorder.acquire.journal import Journal
from recorder.acquire.machine import Machine
from recorder.acquire.orders import StartOrder, folder_name, header_of
from recorder.acquire.preflight import Check, Facts, checks, refusals
from recorder.acquire.resumption import last_arrivals, open_gaps
from recorder.clock import Clock, ClockEra, begin_era
from recorder.errors import RecorderError, SessionError, SessionRefused, StorageError
from recorder.schema import Amendment, Calibration, LinkStatus, SessionStatus
from recorder.schema.status import SessionState
from recorder.session import SessionHeader, SessionWriter
from recorder.session.amended import amended, corrections
from recorder.session.known_subjects import KnownSubjects

FIRST_SAMPLES_S: Final = 3.0
"""An E4 sends its slowest streams about every 2 s."""
SEAL_TIMEOUT_S: Final = 120.0
CONFIRM_AFTER_S: Final = 300.0
"""A gap of more than 5 min, or a reboot: the pseudonym is asked for again (safety rule 3)."""

log = logging.getLogger(__name__)


class Sessions:
    """Owner of the open session, if there is one.

    Args:
        station: its name.
        folder: where sessions go when Start names no other place.
        hub: what is recorded.
        clock: host time.
        machine: the operating system.
        keep: told the folder of the open session, or None, so that a restart finds it.
    """

    def __init__(
        self,
        station: str,
        folder: Path,
        *,
        hub: Hub,
        clock: Clock,
        machine: Machine,
        keep: Callable[[Path | None], None],
    ) -> None:
        self.state: SessionState = "none"
        self.header: SessionHeader | None = None
        self.eras: tuple[ClockEra, ...] = (hub.era,)
        self.journal: Journal | None = None
        self.path: Path | None = None
        self.incomplete_reason = ""
        self.warnings: dict[str, str] = {}
        self.amended_fields: tuple[str, ...] = ()
        self.known = KnownSubjects(folder)
        self.confirmation = Confirmation(hub, self._warn)
        self._started_host_ns = self._started_wall_ns = 0
        self._station, self._folder, self._hub, self._clock = station, folder, hub, clock
        self._machine, self._keep = machine, keep
        self._awake = Awake(machine)
        self._lock = threading.RLock()
        self.guard = self._guard_of(folder)

    # ---- Start

    def preflight(self, order: StartOrder, links: Sequence[LinkStatus]) -> list[Check]:
        """The whole list for these arguments, now."""
        out = order.out or self._folder
        problem = folder_problem(
            out, self._machine.file_system(out.absolute()), self._machine.network_file_systems
        )
        guard = self.guard if problem or out == self.guard.folder else self._guard_of(out)
        facts = Facts(
            order.subject,
            order.consent,
            guard.status(),
            problem or "",
            START_BYTES,
            self._recorder_problem(),
            tuple(links),
            self._hub.statuses({}, None),
            {s: i.device_id for s, i in self._hub.streams.items()},
            (*self._machine.warnings(), *private_folder.warning(out), *self._awake.warning()),
            self._machine.encrypted(out.absolute()),
            order.planned_s,
            order.operator.strip(),
        )
        return checks(facts)

    def start(
        self,
        order: StartOrder,
        links_now: Callable[[], Sequence[LinkStatus]],
        calibrations: Sequence[Calibration],
    ) -> tuple[str, Path]:
        """Begin a session; returns its id and folder.

        Raises:
            SessionRefused: every reason, one a line.
            StorageError: the disk refused to hold it.
        """
        with self._lock:
            self._await_first_samples()
            links = links_now()
            barring = refusals(self.preflight(order, links), order.overrides)
            if barring:
                raise SessionRefused("\n".join(check.line() for check in barring))
            era = begin_era(self._clock)
            header = self._header(order, era)
            path = (order.out or self._folder) / folder_name(header)
            self.guard = self._guard_of(path.parent)
            self.guard.hold_reserve()
            self._hub.forget_events()
            try:
                self._open(header, path, lambda: store.create(path, header, era))
            except (RecorderError, OSError):
                self._release()
                raise
            self._hub.attach(self._journal(), era, {}, {})
            self.eras = (era,)
            self._started_host_ns, self._started_wall_ns = era.monotonic_ns, era.wall_ns
            self.confirmation.begin_session(era.monotonic_ns)
            self.incomplete_reason = "; ".join(f"{k}: {v}" for k, v in order.overrides.items() if v.strip())
            self._hub.event("session", self._as_started(order), era.monotonic_ns)
            for link in links:
                self._hub.event(
                    "link", {"device_id": link.device_id, "state": link.state, "cause": link.error}
                )
            for calibration in calibrations:
                self._hub.event("calibration", calibration.to_json())
            return header.session_id, path

    def _as_started(self, order: StartOrder) -> dict[str, Any]:
        """What the first event of a session says: by whom, how the pseudonym came, what was overridden and why."""
        told = {"state": "started", "incomplete_reason": self.incomplete_reason, "operator": order.operator}
        given = {device: why for device, why in order.overrides.items() if why.strip()}
        return (
            told | ({"overrides": given} if given else {}) | ({"entry": order.entry} if order.entry else {})
        )

    def _await_first_samples(self) -> None:
        """A link that came up just now delivers its slow streams a little later than its fast ones."""
        deadline = time.monotonic() + FIRST_SAMPLES_S
        while self._hub.has_unseen_waveforms() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _open(self, header: SessionHeader, path: Path, make: Callable[[], SessionWriter]) -> SessionWriter:
        journal = Journal(make, self._before_closing, self._failed)
        writer = journal.start()
        self.journal, self.header, self.path, self.state = journal, header, path, "open"
        self.warnings.clear()
        self.amended_fields = ()
        self._keep(path)
        if refusal := self._awake.hold():
            self.warnings["sleep"] = refusal
        return writer

    def _journal(self) -> Journal:
        assert self.journal is not None
        return self.journal

    def _header(self, order: StartOrder, era: ClockEra) -> SessionHeader:
        return header_of(
            order,
            era,
            station=self._station,
            zone=self._machine.zone(),
            devices=tuple(self._hub.devices.values()),
            streams=tuple(self._hub.streams.values()),
        )

    def _recorder_problem(self) -> str:
        if self.state in ("open", "sealing"):
            return "a session is open already; stop it first"
        return ""

    def need_open(self) -> SessionHeader:
        """What is known of the open session.

        Raises:
            SessionError: none is open.
        """
        if self.state != "open" or self.header is None:
            raise SessionError("no session is open on this station; press Start first")
        return self.header

    # ---- corrections

    def amend(self, changes: dict[str, Any], *, who: str, why: str, event_id: str) -> list[Amendment]:
        """Correct what was written about the open session; samples, and the folder's name, stay.

        Raises:
            SessionError: none is open.
            ConfigError: a correction cannot be taken; none of them was.
        """
        with self._lock:
            if self.state != "open" or self.header is None:
                raise SessionError(
                    "no session is open on this station; correct a stored one in the session browser"
                )
            found = corrections(self.header, changes, who=who, why=why, wall_ns=self._clock.wall_ns())
            for amendment in found:
                self._hub.record(amendment)
            self.header = amended(self.header, found)
            self.amended_fields = tuple(dict.fromkeys((*self.amended_fields, *changes)))
            payload = {"fields": list(changes), "operator": who, "why": why}
            self._hub.event("amended", payload, event_id=event_id)
            self._hub.describe_no += 1
            return found

    # ---- Stop, failure, going on

    def stop(self, reason: str, *, aborted: str = "", operator: str = "") -> Path:
        """End the open session: what was received is stored, then sealed.

        Args:
            reason: short word.
            aborted: why it ends before its time; such a session is incomplete.
            operator: code of who stops it.

        Raises:
            SessionError: none is open.
            StorageError: the disk refused meanwhile; what is on it is kept.
        """
        with self._lock:
            if self.state != "open" or self.journal is None or self.path is None:
                raise SessionError("no session is open on this station; nothing was stopped")
            journal, path = self.journal, self.path
            told = {"state": "stopped", "reason": reason, "operator": operator}
            self._hub.event("session", told | ({"aborted": aborted} if aborted else {}))
            self._hub.detach(self._clock.monotonic_ns())
            self.state = "sealing"
            journal.end(reason or "stopped")
            ended = journal.wait_ended(SEAL_TIMEOUT_S)
            if not ended:
                raise StorageError(
                    f"session {path.name}: sealing takes over {SEAL_TIMEOUT_S:g} s; it goes on"
                )
            if journal.failure is not None:
                raise journal.failure
            self._closed("sealed")
            return path

    def resume(self, path: Path) -> None:
        """Go on with the session another recorder of this station left open, with an honest gap.

        Raises:
            RecorderError: it cannot be gone on with.
        """
        with self._lock, store.open(path) as before:
            self.guard = self._guard_of(path.parent)
            writer = self._open(before.header, path, lambda: store.resume(path, self._clock))
            before.refresh()  # a last commit that no reader saw may have come to light with the journal (store.resume)
            arrivals, events, left_open = last_arrivals(before), before.events(), open_gaps(before)
            era = writer.era
            self.guard.hold_reserve()
            self._hub.restore(events)
            self._hub.add_streams(tuple(writer.streams.values()))
            self._hub.attach(self._journal(), era, writer.rows_on_disk, writer.next_sample_no)
            self.eras = before.eras
            first = before.eras[0]
            self._started_wall_ns = first.wall_ns
            self._started_host_ns = era.monotonic_ns - (era.wall_ns - first.wall_ns)
            self.incomplete_reason, self.amended_fields = _incomplete_reason_of(events), before.amended_fields
            for gap, t1_host_ns in left_open:
                self._hub.close_gap(gap, t1_host_ns)
            self._hub.resume(era, {s: a.in_era(era) for s, a in arrivals.items()})
            away_s = min((a.away_s(era) for a in arrivals.values()), default=0.0)
            self.confirmation.restore(events, era.monotonic_ns)
            if era.reason == "reboot" or away_s > CONFIRM_AFTER_S:
                cause: Cause = "reboot" if era.reason == "reboot" else "gap"
                self.confirmation.doubt(cause, away_s, era.monotonic_ns)

    def suspended(self, seconds: float) -> None:
        """The machine slept: a new clock era, and a gap with that cause in every stream."""
        era = begin_era(self._clock, self._hub.era.number + 1, "resume")
        self.eras = (*self.eras, era)
        self._hub.begin_era(era, "suspend", f"the machine slept for {seconds:.1f} s")
        if seconds > CONFIRM_AFTER_S and self.state == "open":
            self.confirmation.doubt("suspend", seconds, era.monotonic_ns)

    def look(self) -> None:
        """From the pulse: is there still somebody on the sensors?"""
        if self.state == "open":
            self.confirmation.look(self._clock.monotonic_ns())

    def _warn(self, name: str, value: str | None) -> None:
        if value is None:
            self.warnings.pop(name, None)
        else:
            self.warnings[name] = value

    def abandon(self) -> None:
        """The recorder ends while the session goes on: commit, seal nothing, leave it to the next recorder."""
        if self.journal is not None and self.state == "open":
            self.journal.abandon()
        elif self.journal is not None and self.state == "sealing":
            self.journal.wait_ended(SEAL_TIMEOUT_S)
        self._release()

    def end_for_disk(self, free_bytes: int) -> None:
        """Too little room is left: stop while it can be done in order. Returns at once, the journal does it."""
        if self.state != "open":  # before the lock: somebody who stops it may hold that for long
            return
        with self._lock:
            if self.state != "open" or self.journal is None:
                return
            self.state = "sealing"
            error = StorageError(
                f"disk {self.guard.folder}: {free_bytes >> 20} MiB left; the session was stopped in order, "
                "make room before the next",
                advice="disk-full",
            )
            self._before_closing()
            self.journal.end("disk full", error)

    def _before_closing(self) -> None:
        """From the journal's thread, or for the disk guard: room to close, and nothing more is recorded."""
        self.guard.release_reserve()
        self._hub.event("session", {"state": "ended", "reason": "disk"})
        self._hub.detach(self._clock.monotonic_ns())

    def _failed(self, error: StorageError) -> None:
        """From the journal's thread, after it closed what could be closed."""
        journal = self.journal
        self._hub.detach(self._clock.monotonic_ns())
        self.warnings["storage"] = str(error)
        self._hub.event("notice", {"kind": "storage", "message": str(error), "advice": error.advice})
        self._closed("sealed" if journal is not None and journal.sealed else "damaged")

    def _closed(self, state: SessionState) -> None:
        self._release()
        try:
            self._keep(None)
        except OSError as error:  # the next recorder will find the session sealed, and say so
            self.warnings["settings"] = (
                f"settings of station {self._station}: {error.strerror}; free the disk"
            )
        self.state = state

    # ---- machine

    def _guard_of(self, folder: Path) -> DiskGuard:
        reserve = folder / f".reserve-{self._station}"
        private_folder.make_private(folder)
        return DiskGuard(folder, reserve, self._machine.free_bytes)

    def _release(self) -> None:
        self.guard.release_reserve()
        self._awake.release()

    # ---- what is told

    def on_disk(self) -> Mapping[str, int]:
        """Rows of the session that runs whose commit has returned."""
        return self.journal.on_disk if self.journal and self.state in ("open", "sealing") else {}

    def status(self) -> SessionStatus:
        """For every screen."""
        header = self.header
        if header is None or self.state == "none":
            return SessionStatus()
        kinds = self._hub.event_kinds
        return SessionStatus(
            self.state,
            header.session_id,
            str(self.path),
            header.subject.to_json() if header.subject else {},
            self._started_host_ns,
            self._started_wall_ns,
            kinds["marker"] - kinds["marker-undone"],
            sum(kinds.values()),
            header.simulated,
            self.incomplete_reason,
            self.amended_fields,
        )

    def try_resume(self, folder: str) -> None:
        """:meth:`resume`, where what bars it becomes a warning: the station must come up all the same."""
        try:
            if _was_ended(Path(folder)):  # killed while it sealed: nobody wants it to go on
                store.recover(Path(folder))
                self._keep(None)
            else:
                self.resume(Path(folder))
        except (RecorderError, OSError) as error:
            log.warning("the open session could not be gone on with: %s", type(error).__name__)
            self.warnings["resume-failed"] = str(error)
            self._keep(None)


def _was_ended(path: Path) -> bool:
    with store.open(path) as before:
        return any(e.payload.get("state") in ("stopped", "ended") for e in before.events("session"))


def _incomplete_reason_of(events: Sequence[Any]) -> str:
    started = [e for e in events if e.kind == "session" and e.payload.get("state") == "started"]
    return str(started[0].payload.get("incomplete_reason", "")) if started else ""
