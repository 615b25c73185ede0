"""A real service on a real port, bedsides that speak to it over real sockets, and Chromium to look at its pages."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
import shutil
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import uvicorn
import websockets
from fastapi import FastAPI

from hemoview.cloud.app import build
from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Bedside, Clock, Rig

T = TypeVar("T")

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FOOTER = (
    "Research estimate. Learned from Finapres finger cuff, finger, 23 subjects. Not checked against Empatica E4, "
    "CNAP 500. Not for treatment or alarms."
)


class _Portal:
    """Runs work in the service's loop, as the test client's portal does."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def call(self, work: Callable[..., Awaitable[T]], *args: Any) -> T:
        async def run() -> T:
            return await work(*args)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(30)


@dataclass
class Served(Rig):
    """A service that listens."""

    url: str = ""

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        portal: Any = self.http.portal
        loop: asyncio.AbstractEventLoop = portal.loop
        return loop

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Within it the service stands still; its connections stand."""
        stands, may_go = threading.Event(), threading.Event()

        def stand() -> None:
            stands.set()
            may_go.wait()

        self.loop.call_soon_threadsafe(stand)
        stands.wait()
        try:
            yield
        finally:
            may_go.set()


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Served]:
    """A service with its own thread, on a free port of this machine."""
    clock = Clock()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    app: FastAPI = build(Settings(folder=folder, port=port, **settings), clock)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=3)
    )
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the service did not start"
        time.sleep(0.02)
    url = f"http://127.0.0.1:{port}"
    http: Any = httpx.Client(base_url=url)
    http.portal = _Portal(loops[0])
    try:
        yield Served(app, http, clock, url=url)
    finally:
        http.close()
        server.should_exit = True
        thread.join(20)


# ---- bedsides


@dataclass
class Bed:
    """A bedside of a test, and what it says.

    Args:
        bedside: with its key.
        n: makes one differ from another.
        silent: says nothing.
        changed: of every message: ``head``, ``needs``, ``numerics`` … in place of its own.
    """

    bedside: Bedside
    n: int
    session_id: str = ""
    silent: bool = False
    seq: int = 0
    skip: int = 0
    changed: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session_id = self.session_id or f"{self.n:032x}"
        self.started_us = time.time_ns() // 1000 - self.n * 61_000_000

    def message(self) -> dict[str, Any]:
        """The next one."""
        self.seq += 1 + self.skip
        self.skip = 0
        now_s, hr = time.time(), 58 + self.n * 7 % 35
        sbp = 108 + self.n * 5 % 31 + 3 * math.sin(now_s / 20 + self.n)
        told = {
            "v": 1,
            "session_id": self.session_id,
            "seq": self.seq,
            "t_us": round(now_s * 1e6),
            "head": self.head(),
            "state": self.state(),
            "numerics": self.numerics(sbp, hr),
            "waves": {
                "ppg": _wave(64, now_s, hr, (0, 1)),
                "cnap": _wave(100, now_s, hr, (sbp - 46, sbp), "mmHg"),
            },
            "footer": FOOTER,
        }
        told["head"] |= self.changed.get("head", {})
        told["state"] |= self.changed.get("state", {})
        return told | {k: v for k, v in self.changed.items() if k not in {"head", "state"}}

    def head(self) -> dict[str, Any]:
        """Who and what."""
        return {
            "pseudonym": f"P-{self.n:03d}",
            "template": "Rest 10 min",
            "started_us": self.started_us,
            "operator": "AB",
            "simulated": False,
            "training": False,
            "hidden": False,
            "confirmed": True,
            "devices": [
                {"id": "e4", "name": "Empatica E4", "serial": f"A{1200 + self.n}"},
                {"id": "adc", "name": "CNAP 500", "serial": None},
            ],
        }

    def state(self) -> dict[str, Any]:
        """Of the collection."""
        streams = (("e4.bvp", 64.0), ("adc.cnap", 100.0), ("e4.acc", 32.0))
        return {
            "recording": True,
            "phase": "Sitting",
            "needs": [],
            "disk_hours": 41.0,
            "battery": {"e4": 0.96 - self.n % 30 / 50},
            "calibration_age_s": 240.0 + 60 * self.n,
            "personalised_age_s": None,
            "sync": {"waiting": 3, "total": 41, "last_success_us": time.time_ns() // 1000 - 200_000_000},
            "streams": [
                {
                    "id": i,
                    "state": "streaming",
                    "age_s": 0.1,
                    "rate_hz": r,
                    "received": self.seq * 64,
                    "on_disk": self.seq * 64 - 64,
                }
                for i, r in streams
            ],
        }

    def numerics(self, sbp: float, hr: float) -> dict[str, Any]:
        """All ten; flow and resistance as of a model that learned them from simulation."""
        pressures = {"SBP": (sbp, 8.4), "MAP": (sbp - 31, 7.1), "DBP": (sbp - 45, 6.6), "HR": (hr, 2.2)}
        found: dict[str, Any] = {
            p: {
                "est": v,
                "lo": v - w,
                "hi": v + w,
                "why": None,
                "sim": False,
                "ref": v + 2,
                "ref_valid": True,
            }
            for p, (v, w) in pressures.items()
        }
        for name, value in {"CO": 5.2, "CI": 2.9, "SV": 74, "SI": 41, "SVR": 1180, "SVRI": 2050}.items():
            found[name] = {"est": value, "lo": None, "hi": None, "why": "simulated", "sim": True}
            found[name] |= {"ref": None, "ref_valid": False}
        return found


def _wave(rate_hz: int, end_s: float, hr: float, ends: tuple[float, float], unit: str = "") -> dict[str, Any]:
    t = end_s - 1 + np.arange(rate_hz) / rate_hz
    phase = t * hr / 60 % 1
    beat = np.exp(-(((phase - 0.18) / 0.09) ** 2)) + 0.42 * np.exp(-(((phase - 0.45) / 0.14) ** 2))
    low, high = ends
    values = low + (high - low) * np.clip(beat, 0, 1)
    scale = 0.02 if unit else 0.0001
    i16 = base64.b64encode((values / scale).astype("<i2").tobytes()).decode()
    t0_us = round((end_s - 1) * 1e6)
    return {
        "rate_hz": float(rate_hz),
        "t0_us": t0_us,
        "scale": scale,
        "offset": 0.0,
        "unit": unit,
        "i16": i16,
    }


class Feed:
    """Bedsides that say one message a second each, spread over the second, until the feed ends."""

    def __init__(self, url: str, beds: list[Bed]) -> None:
        self.beds = beds
        self._url = url.replace("http", "ws", 1) + "/v1/live/ingest"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._stop = threading.Event()

    def __enter__(self) -> Feed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    async def _run(self) -> None:
        await asyncio.gather(*(self._speak(bed, i / len(self.beds)) for i, bed in enumerate(self.beds)))

    async def _speak(self, bed: Bed, offset_s: float) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError, websockets.exceptions.WebSocketException):
                headers = bed.bedside.headers
                async with websockets.connect(self._url, additional_headers=headers, proxy=None) as wire:
                    await self._say(bed, wire, offset_s)
            await asyncio.sleep(0.2)

    async def _say(self, bed: Bed, wire: Any, offset_s: float) -> None:
        due_s = math.ceil(time.time()) + offset_s
        while not self._stop.is_set():
            await asyncio.sleep(max(0.0, due_s - time.time()))
            due_s += 1
            if not bed.silent:
                await wire.send(json.dumps(bed.message()))


# ---- Chromium


@contextmanager
def chromium() -> Iterator[Any]:
    """Debian's own, headless."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 – for the tests marked slow alone

    found = shutil.which("chromium")
    assert found, "chromium is not installed; type: sh .ci/system-packages tests"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_FLAGS), headless=True)
        try:
            yield browser
        finally:
            browser.close()
