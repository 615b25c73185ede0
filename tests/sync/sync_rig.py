"""A bedside with sessions, and a service it is enrolled with."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recorder.clock import ClockEra
from recorder.schema import Consent, DeviceInfo, Subject
from recorder.session import SessionHeader, SessionWriter, create
from recorder.session.header import read_card, write_card
from recorder.session.manifest import read_manifest, write_manifest
from recorder.sync import identity as identities
from recorder.sync.client import Patience, ServiceClient
from recorder.sync.enrolling import enrol
from recorder.sync.identity import Identity
from recorder.sync.outbox import Outbox
from recorder.sync.outcome import Outcome
from recorder.sync.run import bring_all
from recorder.sync.turn import Gear
from recorder.sync.vault import Vault
from tests.session.small_session import STREAMS, record

QUICK = Patience(tries=6, first_s=0.005, longest_s=0.02, luck=lambda: 0.5)
ERA = ClockEra(0, "era-0", "boot-0", 5_000_000_000_000, 1_790_000_000_000_000_000)


def header(session_id: str = "a" * 32, **changes: Any) -> SessionHeader:
    told = SessionHeader(
        session_id,
        "bed1",
        ERA.wall_ns,
        subject=Subject("S-07"),
        consent=Consent("v1", "2026-01-01", upload=True),
        operator="OP1",
        template={"name": "Rest 10 min"},
        devices=(DeviceInfo("e4", "Empatica E4", "A01234"),),
        software={"hemoview": "0.1.0"},
    )
    return replace(told, **changes)


def recording(folder: Path, told: SessionHeader, seconds: int = 6) -> SessionWriter:
    """A session being recorded, of which a part is sealed."""
    writer = create(folder, told, ERA, segment_s=2.0)
    for info in STREAMS:
        writer.add_stream(info)
    go_on(writer, range(seconds))
    return writer


def go_on(writer: SessionWriter, seconds: range) -> None:
    for second in seconds:
        record(writer, range(second, second + 1))
        writer.maintain()


def session(folder: Path, seconds: int = 6, **changes: Any) -> Path:
    """A closed session."""
    writer = recording(folder, header(**changes), seconds)
    writer.close("stopped")
    return folder


@dataclass
class Bedside:
    """A home folder, and the courier of one service."""

    home: Path
    identity: Identity
    clock_ahead_s: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def station_folder(self) -> Path:
        return self.home / "stations" / "bed1"

    @contextmanager
    def gear(self) -> Iterator[Gear]:
        with (
            Outbox(self.home / "sync") as outbox,
            ServiceClient(self.identity, **{"patience": QUICK, **self.options}) as client,
        ):
            yield Gear(
                client,
                outbox,
                Vault(self.home / "sync" / "keys"),
                lambda: int((time.time() + self.clock_ahead_s) * 1e6),
                {"recorder": "0.1.0"},
            )

    def bring(self, *folders: Path) -> list[Outcome]:
        with self.gear() as gear:
            return bring_all(gear, folders)

    def queue(self) -> Any:
        with Outbox(self.home / "sync") as outbox:
            return outbox.queue(self.identity.server_id)


def enrolled(home: Path, url: str, code: str = "GOOD-CODE", **more: Any) -> Bedside:
    me = enrol(url, code, station="bed1", **more)
    identities.keep(home / "stations" / "bed1", me)
    return Bedside(home, me)


def copied(base: Path, target: Path, session_id: str = "", **changes: Any) -> Path:
    """A copy of a closed session with another header: cheaper than recording it again."""
    shutil.copytree(base, target)
    card = read_card(target)
    told = replace(card.header, session_id=session_id or card.header.session_id, **changes)
    write_card(target, replace(card, header=told))
    write_manifest(target, replace(read_manifest(target), session_id=told.session_id))
    return target


def local_files(folder: Path) -> dict[str, bytes]:
    """What of a session should be at the service."""
    names = ["session.json", "manifest.json", "amendments.jsonl"]
    paths = [folder / name for name in names if (folder / name).exists()]
    paths += [*folder.glob("segments/*.parquet"), *folder.glob("annotations/*.jsonl")]
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths}
