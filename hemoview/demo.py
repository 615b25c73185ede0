"""``hemoview demo``: emulators speaking the real wire protocols → recorder → edge → (window) → session.

The demo is an ordinary user of the product: it starts the same processes as the window does, configures the devices it
finds as an operator would, records, stops, and then counts what is on disk against the emulators' own log.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemoview import demo_result
from recorder.acquire import wire
from recorder.clock import CLOCK_ENV, Clock
from recorder.errors import (
    ConfigError,
    DeviceError,
    RecorderError,
    SessionError,
    StationLocked,
    StationUnreachable,
    StorageError,
)
from recorder.host import places, processes, virtual_bedside
from recorder.host.client import StationClient
from recorder.host.console import Tell, progress
from recorder.host.feed import LiveFeed
from recorder.host.lock import StationLock
from recorder.host.record import so_far
from recorder.schema import REFERENCE_CALIBRATED, SampleBlock, StationStatus

if TYPE_CHECKING:
    from recorder.exchange import Recording

STATION = "demo"
CLIENT = "demo"
PSEUDONYM = "DEMO-01"
CONSENT = {"version": "virtual bedside", "date": "2026-01-01", "upload": True, "feedback": True}
"""Nobody lies there: the whole way can be tried, to a service that is not in production."""
OFFSCREEN_SECONDS = 30.0
FIRST_SAMPLE_TIMEOUT_S = 15.0
DRAIN_TIMEOUT_S = 10.0
SETTLE_S = 0.3
CALIBRATION_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asks for; see ``hemoview demo --help``."""

    headless: bool = False
    seconds: float | None = None
    speed: float = 1.0
    seed: int = 1
    replay: Path | None = None
    out: Path | None = None
    screenshot: Path | None = None


def run(options: DemoOptions) -> dict[str, Any]:
    """Run the whole chain once and return the JSON object of ``contracts.md``.

    Raises:
        RecorderError: a part of the chain did not start, or the recording asked for cannot be replayed.
    """
    options = _with_display(options)
    home = (options.out or places.home() / "demo").resolve()
    clock = Clock() if options.speed == 1.0 else Clock.scaled(options.speed)
    with _only_demo(home), _environment(clock):
        folder = home / "virtual-bedside" / time.strftime("%Y%m%d-%H%M%S")
        recording = None if options.replay is None else _readable(options.replay)
        bedside = virtual_bedside.start(folder, clock, _bedside_config(options.seed, recording, folder))
        try:
            return _record(options, home, clock, bedside, recording)
        finally:
            bedside.stop()
            processes.stop_station(STATION, home, force=True)


@contextmanager
def _only_demo(home: Path) -> Iterator[None]:
    """Hold the demo of this folder; what a demo that was killed left running is ended first.

    Raises:
        StationLocked: another demo runs there.
        StorageError: the folder cannot be written.
    """
    try:
        held = StationLock(f"{STATION}-command", home, patience_s=0.0)
        held.__enter__()
    except StationLocked as error:
        raise StationLocked(
            f"a demo already runs in {home}: close its window, or name another folder with --out"
        ) from error
    except OSError as error:
        raise StorageError(
            f"{home} cannot be written ({error.strerror}): name a folder with --out"
        ) from error
    try:
        processes.stop_station(STATION, home, force=True)
        yield
    finally:
        held.__exit__(None, None, None)


def _with_display(options: DemoOptions) -> DemoOptions:
    """Without a display the window is rendered offscreen for half a minute and its picture kept."""
    if options.headless or os.name == "nt" or os.environ.get("QT_QPA_PLATFORM"):
        return options
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return options
    print("No display here: the window is rendered offscreen; its picture is kept.", flush=True)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    picture = options.screenshot or (options.out or places.home() / "demo") / "demo.png"
    return DemoOptions(
        headless=False,
        seconds=options.seconds or OFFSCREEN_SECONDS,
        speed=options.speed,
        seed=options.seed,
        replay=options.replay,
        out=options.out,
        screenshot=picture,
    )


@contextmanager
def _environment(clock: Clock) -> Iterator[None]:
    """Hand the scaled clock to every process started here, and to this one."""
    before = os.environ.get(CLOCK_ENV)
    if clock.speed != 1.0:
        os.environ.update(clock.to_environment())
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(CLOCK_ENV, None)
        else:
            os.environ[CLOCK_ENV] = before


def _readable(path: Path) -> Recording:
    """The recording to replay.

    Raises:
        ConfigError: it cannot be read, or no device has anything to send of it.
    """
    from recorder.exchange import read_recording

    recording = read_recording(path)
    if not {"bvp", "abp"} & set(recording.signals):
        raise ConfigError(f"{path} holds neither a pulse wave nor a pressure: nothing to replay")
    return recording


def _bedside_config(seed: int, recording: Recording | None, folder: Path) -> dict[str, Any]:
    config = virtual_bedside.standard_config(seed) | {"tied": True}
    if recording is None:
        from recorder.devices.sim.population import random_subject

        config["subject"] = random_subject(np.random.default_rng(seed)).to_json()
        return config
    from recorder.devices.sim import replay

    folder.mkdir(parents=True, exist_ok=True)
    config["replay"] = str(replay.save(recording, folder / "replay.npz"))
    if not {"bvp", "acc", "eda", "temp"} & set(recording.signals):
        config["e4"] = None
    if "abp" not in recording.signals:
        config["adc"] = None
    return config


def _subject(config: dict[str, Any]) -> dict[str, Any]:
    """The form as its operator would fill it in: who lies in the virtual bed; of a replay only the pseudonym."""
    person = config.get("subject", {})
    facts = {name: person[name] for name in ("sex", "age_y", "height_cm", "weight_kg") if name in person}
    return {"pseudonym": PSEUDONYM, **facts}


def _record(
    options: DemoOptions,
    home: Path,
    clock: Clock,
    bedside: virtual_bedside.VirtualBedside,
    recording: Recording | None,
) -> dict[str, Any]:
    processes.ensure_recorder(STATION, home, clock=clock)
    with StationClient(STATION, home, name=CLIENT, clock=clock) as client:
        client.connect()
        folder = _begin(options, home, clock, bedside, client)
        before = bedside.count()
        keeper = processes.keep_recorder(STATION, home, clock=clock)
        try:
            shown = _watch(options, home, clock, client, bedside)
            log = bedside.quiet()
            status = _drained(client)
            _end(client, status, folder)
        except (DeviceError, StationUnreachable) as error:
            raise RecorderError(f"{error}; what was recorded is in {folder}") from error
        finally:
            keeper.close()
    truth = bedside.folder / "truth.jsonl"
    counters = demo_result.Counters(before, log)
    return demo_result.collect(folder, counters, status, shown, truth=truth, recording=recording)


def _begin(
    options: DemoOptions,
    home: Path,
    clock: Clock,
    bedside: virtual_bedside.VirtualBedside,
    client: StationClient,
) -> Path:
    """Set the devices up as an operator would, and press Start."""
    client.call("take_control", name=CLIENT)
    client.call("configure", devices=[_plain(c) for c in bedside.device_configs()])
    calibration = bedside.calibration(clock)
    if calibration is not None:
        client.call("calibrate", **calibration.to_json())
    processes.ensure_edge(STATION, home, clock=clock)
    _await_samples(client)
    folder = _start(client, options, _subject(bedside.config))
    threading.Thread(target=_confirm_calibration, args=(client,), daemon=True).start()
    return folder


def _end(client: StationClient, status: StationStatus, folder: Path) -> None:
    """Stop the session that the demo started, if it is the one that is open.

    Raises:
        SessionError: it ended before, and not by anybody's wish.
    """
    if status.session.state == "open":
        client.call("stop", reason="demo ended", timeout_s=60.0)
        return
    ends = [
        event["payload"] for event in client.call("events", since=0)["events"] if event["kind"] == "session"
    ]
    if ends and ends[-1].get("state") == "ended":
        raise SessionError(
            f"the session ended before the demo did ({ends[-1].get('reason')}); it is kept in {folder}"
        )


def _plain(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


def _await_samples(client: StationClient) -> None:
    """Wait until every device delivers, as an operator would before Start.

    Raises:
        RecorderError: naming each device that does not.
    """
    deadline = time.monotonic() + FIRST_SAMPLE_TIMEOUT_S
    while True:
        status = StationStatus.from_json(client.call("status")["status"])
        waiting = [link for link in status.links if link.state != "streaming"]
        if status.links and not waiting:
            return
        if time.monotonic() > deadline:
            said = "; ".join(f"{link.device_id}: {link.state} {link.error}".strip() for link in waiting)
            raise RecorderError(f"the virtual bedside's devices deliver nothing: {said or 'no device'}")
        time.sleep(0.05)


def _start(client: StationClient, options: DemoOptions, subject: dict[str, Any]) -> Path:
    rules = {"anchor_from": "cuff", "show_simulated": True, "estimates_hidden": False}
    template = {"name": "Replay" if options.replay else "Virtual bedside", "rules": rules}
    partial = "the replayed recording holds only some of the device's streams"
    overrides = {"e4": partial, "adc": partial} if options.replay else {}
    reply = client.call(
        "start",
        subject=subject,
        consent=CONSENT,
        sites={},
        operator="demo",
        template=template,
        overrides=overrides,
        notes="",
    )
    return Path(reply["folder"])


def _confirm_calibration(client: StationClient) -> None:
    """The emulated monitor calibrates itself at first; once it has, the demo's operator says so, as one would."""
    deadline = time.monotonic() + CALIBRATION_TIMEOUT_S
    with contextlib.suppress(RecorderError):  # the demo may be over before
        while time.monotonic() < deadline:
            events = client.call("events", since=0)["events"]
            if any(event["payload"].get("ended") == "square-wave" for event in events):
                client.call("marker", label=REFERENCE_CALIBRATED, source="command", operator="demo")
                return
            time.sleep(0.5)


def _watch(
    options: DemoOptions,
    home: Path,
    clock: Clock,
    client: StationClient,
    bedside: virtual_bedside.VirtualBedside,
) -> dict[str, Any]:
    """Let it run: with the window, or headless; returns what was measured on the way.

    Raises:
        DeviceError: headless, the emulators have died.
    """
    if not options.headless:
        from hemoview import app

        return app.run(
            app.AppOptions(
                station=STATION,
                home=home,
                screenshot=options.screenshot,
                seconds=None if options.seconds is None else clock.real_timeout(options.seconds),
                keep_session=True,
                name=CLIENT,  # the window holds the control that the demo took
            )
        )
    if options.seconds is None:
        print("Recording on the virtual bedside; Ctrl-C stops.", flush=True)
    with (
        client.feed((wire.BLOCK, wire.STATUS)) as feed,
        progress("recording on the virtual bedside", options.seconds) as tell,
    ):
        return {"sample_to_bus_ms": _bus_latency_ms(feed, clock, options.seconds, tell, bedside.check)}


def _bus_latency_ms(
    feed: LiveFeed, clock: Clock, seconds: float | None, tell: Tell, check: Callable[[], None]
) -> list[float]:
    """Host arrival of a block's last byte → the block in another process, ms, until ``seconds`` are over.

    Raises:
        DeviceError: ``check``, asked all the time, found that there is nothing to wait for.
    """
    latencies_ms: list[float] = []
    begin_ns, end_s = clock.monotonic_ns(), math.inf if seconds is None else seconds
    try:
        while (elapsed_s := (clock.monotonic_ns() - begin_ns) / 1e9) < end_s:
            check()
            for message in feed.drain(wait_s=0.05):
                if isinstance(message, StationStatus):
                    tell(elapsed_s, so_far(elapsed_s, seconds, message))
                elif isinstance(message, SampleBlock) and not message.stream_id.startswith("edge."):
                    latencies_ms.append((clock.monotonic_ns() - message.t_host_ns) / 1e6 / clock.speed)
    except KeyboardInterrupt:
        if seconds is not None:
            raise
    return latencies_ms


def _drained(client: StationClient) -> StationStatus:
    """Wait until nothing more arrives and everything received is on disk, or there was time enough to."""
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    seen: dict[str, int] = {}
    while True:
        status = StationStatus.from_json(client.call("status")["status"])
        received = {s.stream_id: s.received for s in status.streams}
        on_disk = {s.stream_id: s.on_disk for s in status.streams}
        if (received == seen and received == on_disk) or time.monotonic() > deadline:
            return status
        seen = received
        time.sleep(SETTLE_S)
