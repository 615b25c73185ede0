"""One session's turn: name its blobs, ask what is missing, send it, sign the revision, verify the receipt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

from recorder.errors import ServiceUnreachable, SyncError
from recorder.session.header import SessionHeader
from recorder.sync import custody, files, plan, signing, wire
from recorder.sync.answers import Refused
from recorder.sync.client import ServiceClient
from recorder.sync.files import LocalFile, LocalSession
from recorder.sync.outbox import Entry, Outbox
from recorder.sync.outcome import Outcome
from recorder.sync.vault import Vault

PARALLEL: Final = 4
"""Bodies on their way at once: measured, more gains nothing on two cores and less leaves a far link idle (0040)."""
ROUNDS: Final = 5
"""How often blobs may turn out missing, or a revision taken, before a session is given up for now."""
KEPT_BYTES: Final = 64 * 2**20
"""Ciphertext kept from naming a blob to sending it."""

Tell = Callable[[int, int], None]
"""(bytes sent, bytes to send) of one session."""


@dataclass(slots=True)
class Gear:
    """What every session's turn needs.

    Args:
        service: where to.
        outbox, vault: what is known, and the data keys; both in the home folder.
        now_us: our clock, UTC µs.
        software: name → version, said in manifests.
        parallel: bodies at once.
        stop: set to end between two requests.
    """

    service: ServiceClient
    outbox: Outbox
    vault: Vault
    now_us: Callable[[], int]
    software: dict[str, str] = field(default_factory=dict)
    parallel: int = PARALLEL
    stop: threading.Event = field(default_factory=threading.Event)


class Turn:
    """One session's turn with one service.

    Args:
        gear: what it needs.
        local: the session as it lies here now.
        entry: what is known of it there.
        tell: (bytes sent, bytes to send).
    """

    def __init__(self, gear: Gear, local: LocalSession, entry: Entry, tell: Tell) -> None:
        self.gear, self.local, self.tell = gear, local, tell
        self.service = gear.service
        self._kept, self.entry = entry, replace(entry, folder=str(local.folder))
        self.inside = files.InsideFacts(hidden=True, unconfirmed=False)
        self.travelling: tuple[wire.TravellingFile, ...] = ()
        self.missing: set[str] | None = None
        self.sent: set[str] = set()
        self.bytes_sent = self.rounds = 0
        self._contents: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def count(self) -> str:
        """What of it waits, found without asking the service; returns why it stays at home, or empty."""
        stays = self._stays()
        if not stays:
            self._name_blobs()
            self._keep(waiting=self._waiting(), stays="", error="")
        return stays

    def take(self) -> Outcome:
        """Step after step until it is done or stays at home."""
        stays = self.count()
        if stays in ("simulated", "training") and self.service.production != self.service.hello.production:
            stays = self.count()  # the service has changed its mind since it was enrolled with
        while True:
            step = plan.next_step(
                plan.Facts(
                    stays,
                    self.entry.opened,
                    self.entry.pending is not None,
                    None if self.missing is None else len(self.missing),
                    self._is_covered(),
                )
            )
            if step == "stay":
                self._keep(waiting=0, stays=stays, error="")
                return Outcome(self.local.folder, self.local.session_id, rev=self.entry.rev, stays=stays)
            if step == "done":
                self._keep(waiting=0, failures=0, error="")
                return self._outcome()
            stays = self._carry_out(step)

    def _carry_out(self, step: plan.Step) -> str:
        """Returns why it stays at home after all, or empty."""
        work = {
            "open": self._open,
            "settle": self._settle,
            "ask": self._ask,
            "put": self._put,
            "commit": self._commit,
        }
        try:
            work[step]()
        except Refused as error:
            return self._after(error)
        return ""

    def _after(self, error: Refused) -> str:
        """What a refusal means for this turn; returns why the session stays, or raises it."""
        problem = error.problem
        if problem.type == wire.SESSION_ERASED:
            return "erased-there"
        if problem.type == wire.PRODUCTION_ONLY:
            return "simulated" if self.local.header.simulated else "training"
        if problem.type == wire.OPENING_DIFFERS:
            raise SyncError(
                f"{self.service.identity.host}: holds {self.local.folder.name} under another key, from before this "
                f"machine's folder {self.gear.outbox.folder} was replaced; put that folder back from its backup"
            ) from error
        self.rounds += 1
        if self.rounds > ROUNDS:
            raise error
        if problem.type == wire.MISSING_BLOBS:
            self._drop_pending()
            self.missing = None
        elif problem.type == wire.REVISION_TAKEN:
            self._drop_pending()
            self._adopt(self.service.receipt(self.local.session_id))
        elif problem.status == 404 and self.entry.opened:  # restored from a backup that did not have it yet
            self._drop_pending()
            self._keep(opened=False)
            self.missing = None
        else:
            raise error
        return ""

    # ---- steps

    def _stays(self) -> str:
        if files.is_quarantined(self.local.folder):
            return "quarantined"
        known = self.entry.manifest
        found = plan.stays_by_header(self.local.header, production=self.service.production)
        if found:
            return found
        if (
            known is not None
            and self.local.sealed
            and known.state == "sealed"
            and _same_files(known, self.local)
        ):
            self.inside = files.InsideFacts(
                known.about.hidden, unconfirmed=False, calibrations=known.calibrations
            )
        else:
            self.inside = files.look_inside(self.local.folder)
        return "unconfirmed" if self.inside.unconfirmed else ""

    def _open(self) -> None:
        opening = self.gear.vault.opening_of(self.entry.server_id, self.local.session_id, self._opening)
        self.service.open_session(opening)
        self._keep(opened=True)

    def _settle(self) -> None:
        """A revision that was sent before and not answered, as it was."""
        assert self.entry.pending is not None
        self._received(self.entry.pending, self.service.commit(self.entry.pending))

    def _ask(self) -> None:
        held = self.service.receipt(self.local.session_id)
        if (held.receipt.rev if held else 0) != self.entry.rev or (
            held is not None and held.receipt.manifest_sha256 != self.entry.manifest_sha256
        ):
            self._adopt(held)
            if held is None:
                self._keep(opened=False)
        self.missing = self.service.missing(sorted({f.blob_sha256 for f in self.travelling}))

    def _put(self) -> None:
        assert self.missing is not None
        wanted = [f for f in self.travelling if f.blob_sha256 in self.missing]
        by_name = {f.name: f for f in self.local.files}
        total = sum(f.blob_bytes for f in wanted)
        pool = ThreadPoolExecutor(self.gear.parallel, thread_name_prefix="put")
        try:
            tasks = [pool.submit(self._put_one, by_name[f.name], f, total) for f in wanted]
            for task in tasks:
                task.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        self.missing = set()

    def _put_one(self, file: LocalFile, as_blob: wire.TravellingFile, total: int) -> None:
        if self.gear.stop.is_set():
            raise ServiceUnreachable("stopped; what was sent is kept, the rest goes next time")
        with self._lock:
            content = self._contents.pop(as_blob.name, None)
        if content is None:
            content = self._encrypt(file).content
        self.service.put_blob(as_blob.blob_sha256, content)
        with self._lock:
            self.sent.add(as_blob.name)
            self.bytes_sent += len(content)
            done = self.bytes_sent
        self.tell(done, total)

    def _commit(self) -> None:
        rev = self.entry.rev + 1
        manifest = wire.Manifest(
            self.local.session_id,
            self.service.identity.device_id,
            rev,
            self.entry.manifest_sha256 if rev > 1 else "",
            self.gear.now_us(),
            self._state(),
            self.travelling,
            self._about(),
            self.gear.software,
            self.inside.calibrations,
        )
        signed = signing.sign_manifest(signing.key_from_hex(self.service.identity.private_key), manifest)
        self._keep(pending=signed)
        self._received(signed, self.service.commit(signed))

    # ---- what is known

    def _received(self, signed: wire.SignedManifest, receipt: wire.SignedReceipt) -> None:
        self._keep(
            rev=signed.manifest.rev,
            manifest_sha256=receipt.receipt.manifest_sha256,
            manifest=signed.manifest,
            receipt=receipt,
            pending=None,
            last_success_us=self.gear.now_us(),
            failures=0,
            error="",
            waiting=0 if self._is_covered_by(signed.manifest) else self._waiting(),
        )

    def _adopt(self, held: wire.SignedReceipt | None) -> None:
        """The service knows better which revision is its last: ours was lost, or it was restored from a backup."""
        told = held.receipt if held else None
        self._keep(
            rev=told.rev if told else 0,
            manifest_sha256=told.manifest_sha256 if told else "",
            manifest=None,
            receipt=None,
        )

    def _drop_pending(self) -> None:
        self._keep(pending=None)

    def _keep(self, *, waiting: int | None = None, **changes: Any) -> None:
        entry = replace(self.entry, **changes)
        if waiting is not None:
            left = [f for f in self.travelling if f.name not in self.sent] if waiting else []
            n_bytes = sum(f.blob_bytes for f in left)
            entry = replace(entry, waiting=waiting, total=len(self.travelling), bytes_waiting=n_bytes)
        self.entry = entry
        if entry != self._kept:  # a pass that finds nothing new writes nothing
            self._kept = self.gear.outbox.put(entry)

    def _waiting(self) -> int:
        known = {f.blob_sha256 for f in self.entry.manifest.files} if self.entry.manifest else set()
        return sum(f.blob_sha256 not in known for f in self.travelling) or int(not self._is_covered())

    def _is_covered(self) -> bool:
        return self.entry.manifest is not None and self._is_covered_by(self.entry.manifest)

    def _is_covered_by(self, manifest: wire.Manifest) -> bool:
        return (manifest.files, manifest.state, manifest.about, manifest.calibrations) == (
            self.travelling,
            self._state(),
            self._about(),
            self.inside.calibrations,
        )

    # ---- bodies

    def _name_blobs(self) -> None:
        """What every file becomes; known from the last revision, or found by encrypting it."""
        entry = self.entry
        known = {
            (f.name, f.plain_sha256): f
            for manifest in (entry.manifest, entry.pending.manifest if entry.pending else None)
            if manifest is not None
            for f in manifest.files
        }
        named, kept = [], 0
        for file in self.local.files:
            as_blob = known.get((file.name, file.plain_sha256))
            if as_blob is None:
                blob = self._encrypt(file)
                as_blob = _travelling(blob)
                if kept + len(blob.content) <= KEPT_BYTES:
                    kept += len(blob.content)
                    self._contents[file.name] = blob.content
            named.append(as_blob)
        self.travelling = tuple(named)

    def _encrypt(self, file: LocalFile) -> custody.Blob:
        key = self.gear.vault.key_of(self.local.session_id)
        return custody.encrypt(key, self.local.session_id, file.name, file.read())

    def _opening(self) -> wire.SessionOpening:
        header, hello = self.local.header, self.service.hello
        key = self.gear.vault.key_of(self.local.session_id)
        return wire.SessionOpening(
            header.session_id,
            header.created_wall_ns // 1000,
            _pseudonym(header),
            str(header.template.get("name", ""))[:120],
            header.station[:40],
            header.simulated,
            plan.is_training(header),
            self.inside.hidden,
            _scopes(header),
            tuple(
                wire.TravellingDevice(d.device_id[:64], d.product[:120], (d.serial or "")[:120], d.simulated)
                for d in header.devices
            ),
            custody.wrap(key, header.session_id, hello.wrapping_public_key),
            hello.wrapping_key_id,
        )

    def _about(self) -> wire.About:
        return wire.About(_pseudonym(self.local.header), self.inside.hidden, _scopes(self.local.header))

    def _state(self) -> str:
        return "sealed" if self.local.sealed else "open"

    def _outcome(self) -> Outcome:
        segments = {f.name for f in self.local.files if f.is_segment}
        return Outcome(
            self.local.folder,
            self.local.session_id,
            len(segments),
            len(segments & self.sent),
            len(segments - self.sent),
            len(self.sent - segments),
            self.bytes_sent,
            self.entry.rev,
        )


def _same_files(known: wire.Manifest, local: LocalSession) -> bool:
    return [(f.name, f.plain_sha256) for f in known.files] == [(f.name, f.plain_sha256) for f in local.files]


def _travelling(blob: custody.Blob) -> wire.TravellingFile:
    return wire.TravellingFile(
        blob.name,
        wire.kind_of(blob.name) or "",
        blob.plain_sha256,
        blob.plain_bytes,
        blob.blob_sha256,
        len(blob.content),
        blob.nonce,
    )


def _pseudonym(header: SessionHeader) -> str:
    return header.subject.pseudonym if header.subject else ""


def _scopes(header: SessionHeader) -> tuple[str, ...]:
    return tuple(s for s in wire.SCOPES if header.consent is not None and getattr(header.consent, s))
