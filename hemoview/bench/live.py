"""``hemoview bench live``: the full chain on the virtual bedside with six waves: how soon a sample is on the screen.

Emulators, recorder, edge and window run as they would at a bed, the window offscreen where there is no display.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recorder.clock import Clock
from recorder.host import processes, virtual_bedside
from recorder.host.client import StationClient
from recorder.schema import StationStatus

STATION = "bench-live"
WARM_UP_S = 4.0
MEASURED_S = 20.0
FIRST_S = 15.0
"""The time after opening that is judged by itself: what a window loads and lays out falls into it."""
FIRST_SAMPLE_TIMEOUT_S = 20.0


def run(seconds: float = MEASURED_S) -> dict[str, Any]:
    """Record for ``seconds`` with the window open and measure it.

    Returns:
        ``frames_per_s``; ``sample_to_screen_p50_ms`` and ``…_p99_ms`` over every block (end of the paint that shows
        it − host arrival of its last byte); ``first_15_s_p99_ms`` the same from the opening of the window on, nothing
        left out (None where the window was open for less); ``cpu_percent`` of the window's process, 100 = one core;
        ``blocks``, ``longest_frame_ms``, ``waves``, ``seconds``.

    Raises:
        RecorderError: a part of the chain did not start.
    """
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.name == "nt"):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    kept = tempfile.TemporaryDirectory(prefix="hemoview-bench-", ignore_cleanup_errors=True)
    with kept as folder, bedside(Path(folder)) as client:
        wait_for_samples(client)
        start(client)
        return _measure(Path(folder), seconds)


@contextmanager
def bedside(home: Path) -> Iterator[StationClient]:
    """Emulators and recorder, set up; everything is ended afterwards."""
    clock = Clock()
    virtual = virtual_bedside.start(
        home / "virtual-bedside", clock, virtual_bedside.standard_config(script="rest")
    )
    try:
        processes.ensure_recorder(STATION, home, clock=clock)
        with StationClient(STATION, home, name=STATION) as client:
            client.call("configure", 20.0, devices=[asdict(c) for c in virtual.device_configs()])
            calibration = virtual.calibration(clock)
            if calibration is not None:
                client.call("calibrate", **calibration.to_json())
            yield client
            client.call("stop", 60.0, reason="benchmark ended")
    finally:
        virtual.stop()
        processes.stop_station(STATION, home, force=True)


def wait_for_samples(client: StationClient) -> None:
    """Until every device delivers, or long enough."""
    deadline = time.monotonic() + FIRST_SAMPLE_TIMEOUT_S
    while time.monotonic() < deadline:
        status = StationStatus.from_json(client.call("status")["status"])
        if status.links and all(link.state == "streaming" for link in status.links):
            break
        time.sleep(0.05)


def start(client: StationClient) -> None:
    """A session of the virtual subject."""
    consent = {"version": "virtual bedside", "date": "2026-01-01"}
    client.call("start", 20.0, subject={"pseudonym": "BENCH-01"}, consent=consent, sites={}, overrides={})


def _measure(home: Path, seconds: float) -> dict[str, Any]:
    """Open the window as the product does; the figures are of the time after the warm-up, but for the first 15 s."""
    from PySide6.QtCore import QEventLoop, QTimer  # noqa: PLC0415 - a headless install has no window

    from hemoview import app  # noqa: PLC0415
    from hemoview.ui.window.collector import GuiCollector  # noqa: PLC0415

    options = app.AppOptions(station=STATION, home=home, keep_session=True, name=STATION)
    qt, shell = app.open_window(options)
    opened_ns = shell.clock.monotonic_ns()
    collector = GuiCollector()
    loop = QEventLoop()  # ending the application's own would leave every later loop of this process ended
    shell.window.closing.connect(loop.quit)
    cpu: list[float] = []
    QTimer.singleShot(int(WARM_UP_S * 1000), lambda: cpu.append(_cpu_s()))

    def end() -> None:
        cpu.append(_cpu_s())
        shell.window.close()

    QTimer.singleShot(int((WARM_UP_S + seconds) * 1000), end)
    loop.exec()
    collector.close()
    waves = sum(len(lane.channels) for lane in shell.view.lanes) if shell.view else 0
    steady_ns, end_ns = opened_ns + int(WARM_UP_S * 1e9), shell.clock.monotonic_ns()
    measured = shell.latency.between(steady_ns, end_ns).summary()
    first = shell.latency.between(0, opened_ns + int(FIRST_S * 1e9))
    return {
        "frames_per_s": _rounded(measured["frames_per_s"]),
        "sample_to_screen_p50_ms": _rounded(measured["sample_to_screen_p50_ms"]),
        "sample_to_screen_p99_ms": _rounded(measured["sample_to_screen_p99_ms"]),
        "first_15_s_p99_ms": _rounded(first.percentile_ms(99)) if WARM_UP_S + seconds >= FIRST_S else None,
        "cpu_percent": round(100.0 * (cpu[1] - cpu[0]) / seconds, 1) if len(cpu) == 2 else None,
        "blocks": measured["blocks"],
        "longest_frame_ms": _rounded(measured["longest_frame_ms"]),
        "waves": waves,
        "seconds": seconds,
        "machine": f"{os.cpu_count()} cores, {os.uname().machine if hasattr(os, 'uname') else os.name}",
        "platform": qt.platformName(),
    }


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
