"""``hemoview bench ingest``: many stations record at once; emulator counters against disk."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hemoview.bench import machine
from recorder import session as sessions
from recorder.clock import Clock
from recorder.host import processes, virtual_bedside
from recorder.host.client import StationClient
from recorder.host.console import Tell, progress
from recorder.schema import StationStatus

WAVE_PROFILE = "lab-adc-1k"
SETTLE_TIMEOUT_S = 20.0
DRAIN_S = 0.3
"""Nothing new for so long: what the emulators put to their links has been read."""


@dataclass(frozen=True, slots=True)
class Bed:
    """One station: its emulators, its recorder, its open session."""

    client: StationClient
    bedside: virtual_bedside.VirtualBedside
    session: Path
    at_start: dict[str, dict[str, int]]
    """The emulators' counters when Start had returned."""


@dataclass(frozen=True, slots=True)
class Count:
    """One stream of one bed: what the emulator put to its link, and what became of it."""

    session: str
    stream_id: str
    expected: int
    received: int
    on_disk: int


def run(*, beds: int = 4, seconds: float = 25.0) -> dict[str, Any]:
    """Record ``beds`` stations (wristband + 1 kHz wave each) for ``seconds`` and count.

    Raises:
        RecorderError: a station did not start.
    """
    clock = Clock()
    with (
        tempfile.TemporaryDirectory(prefix="hemoview-ingest-") as folder,
        ExitStack() as stack,
        progress(f"recording {beds} beds", seconds) as tell,
    ):
        home = Path(folder)
        running = []
        for number in range(beds):
            tell(0, f"starting bed {number + 1} of {beds}")
            running.append(_open_bed(f"bed-{number:02d}", home, clock, stack, seed=number))
        cpu_before = [_status(bed).cpu_s or 0.0 for bed in running]
        elapsed_s = _let_run(seconds, tell)
        statuses = [_status(bed) for bed in running]
        cpu = [
            100 * ((s.cpu_s or 0.0) - before) / elapsed_s
            for s, before in zip(statuses, cpu_before, strict=True)
        ]
        tell(seconds, "counting what is on disk")
        counts = [count for bed in running for count in _close_bed(bed)]
    total = {name: sum(getattr(c, name) for c in counts) for name in ("expected", "received", "on_disk")}
    return {
        "beds": beds,
        "seconds": round(elapsed_s, 1),
        **total,
        "lost": total["expected"] - total["on_disk"],
        "missing": {
            f"{c.session}/{c.stream_id}": c.expected - c.on_disk for c in counts if c.expected != c.on_disk
        },
        "cpu_percent_per_bed": round(sum(cpu) / beds, 2),
        "commit_p99_ms": max((s.commit_p99_ms or 0.0) for s in statuses),
        "wave": WAVE_PROFILE,
        "machine": machine.describe(),
    }


def _let_run(seconds: float, tell: Tell) -> float:
    """Leave the beds alone – asking them would be measured too; returns how long it was, s."""
    started = time.monotonic()
    while (left_s := seconds - (time.monotonic() - started)) > 0:
        tell(seconds - left_s, f"{seconds - left_s:.0f} of {seconds:g} s")
        time.sleep(min(1.0, left_s))
    return time.monotonic() - started


def _open_bed(station: str, home: Path, clock: Clock, stack: ExitStack, *, seed: int) -> Bed:
    config = {
        "seed": seed,
        "script": "rest",
        "e4": {"serial": f"{0xA00000 + seed:06x}", "port": 0, "ppm": 40.0, "jitter_ms": [5, 60]},
        "adc": {"profile": WAVE_PROFILE, "ppm": -30.0, "link": "pty"},
    }
    bedside = virtual_bedside.start(home / station / "virtual", clock, config)
    stack.callback(bedside.stop)
    processes.ensure_recorder(station, home, clock=clock)
    stack.callback(processes.stop_station, station, home, force=True)
    client = StationClient(station, home, name="bench")
    client.connect()
    stack.callback(client.close)
    client.call("take_control", name="bench")
    client.call("configure", devices=[asdict(config) for config in bedside.device_configs()])
    _await_streaming(client)
    reply = client.call(
        "start",
        subject={"pseudonym": station.upper()},
        consent={"version": "bench", "date": "2026-01-01"},
        sites={},
        operator="bench",
        template={"name": "bench"},
        overrides={},
        notes="",
    )
    return Bed(client, bedside, Path(reply["folder"]), bedside.count()["streams"])


def _status(bed: Bed) -> StationStatus:
    return StationStatus.from_json(bed.client.call("status")["status"])


def _await_streaming(client: StationClient) -> None:
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while time.monotonic() < deadline:
        links = StationStatus.from_json(client.call("status")["status"]).links
        if links and all(link.state == "streaming" for link in links):
            return
        time.sleep(0.1)


def _close_bed(bed: Bed) -> list[Count]:
    """Silence the emulators, let the recorder finish, stop the session, count what can be read back.

    The links stay until the session has ended, so that closing them can cut nothing off.
    """
    log = bed.bedside.quiet()
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    before = -1
    while True:
        status = _status(bed)
        received = sum(s.received for s in status.streams)
        stored = all(s.on_disk == s.received for s in status.streams)
        if (stored and received == before) or time.monotonic() > deadline:
            break
        before = received
        time.sleep(DRAIN_S)
    bed.client.call("stop", reason="bench ended", timeout_s=60.0)
    heard = {s.stream_id: s.received for s in status.streams}
    with sessions.open(bed.session) as session:
        return [
            _count(session, name, _put(bed.at_start, name), _put(log["streams"], name), heard.get(name, 0))
            for name in log["streams"]
        ]


def _put(streams: dict[str, dict[str, int]], name: str) -> int:
    """Samples of a stream that an emulator put, or would have put, to its link."""
    counts = streams.get(name, {"sent": 0, "overrun": 0})
    return counts["sent"] + counts["overrun"]


def _count(session: sessions.Session, name: str, at_start: int, at_end: int, received: int) -> Count:
    """A stream without a row (a battery tells its level once a minute) began no later than Start returned."""
    first = session.read(name).sample_no[:1]
    begin = min(int(first[0]), at_start) if len(first) else at_start
    return Count(session.path.name, name, at_end - begin, received, session.rows(name))
