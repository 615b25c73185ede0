"""The sync process beside a real recorder: started when the station is enrolled, seen by every screen, restarted."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recorder.host import places, platform, processes, sync_process
from recorder.host.client import StationClient
from recorder.sync import identity as identities
from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import copied, enrolled, session

pytestmark = pytest.mark.slow


@pytest.fixture
def service() -> Iterator[FakeService]:
    fake = FakeService().start()
    yield fake
    fake.stop()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    processes.ensure_recorder("bed1", home)
    yield home
    processes.shut_down("bed1", home, force=True)


def until(found: Callable[[], Any], seconds: float = 40.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("it did not come to pass")


def test_enrolled_restarted_signed_out(home: Path, tmp_path: Path, service: FakeService) -> None:
    folder = session(tmp_path / "s", 4)
    copied(folder, places.sessions_dir(home) / "s1")

    with StationClient("bed1", home, name="test") as client:

        def told() -> dict[str, Any] | None:
            services = client.call("status")["status"]["sync"]
            return services[0] if services else None

        assert told() is None and sync_process.holder("bed1", home) is None
        bedside = enrolled(home, service.url)
        until(lambda: (s := told()) and s["state"] == "idle" and s["waiting"] == 0 and s["total"] > 5)
        assert len(service.manifests) == 1

        killed = sync_process.holder("bed1", home)
        assert killed
        os.kill(killed, signal.SIGKILL)
        copied(folder, places.sessions_dir(home) / "s2", session_id="b" * 32)
        until(lambda: len(service.manifests) == 2)
        child = until(lambda: sync_process.holder("bed1", home))
        assert child != killed

        identities.forget(places.station_dir("bed1", home), bedside.identity.server_id)
        until(lambda: told() is None)
        until(lambda: not platform.alive(child))


def test_it_ends_with_its_recorder(home: Path, service: FakeService) -> None:
    enrolled(home, service.url)
    child = until(lambda: sync_process.holder("bed1", home))
    processes.shut_down("bed1", home, force=True)
    until(lambda: not platform.alive(child))


def test_a_service_that_was_killed_is_told_long_before_its_next_heartbeat(
    home: Path, service: FakeService
) -> None:
    """As the window asks while its dialog is open; nothing waits, so nothing else would be sent for 15 s."""
    with StationClient("bed1", home, name="test") as client:

        def told() -> str:
            services = client.call("status")["status"]["sync"]
            return services[0]["state"] if services and services[0]["at_us"] else ""

        enrolled(home, service.url)
        until(lambda: told() == "idle" and service.beats)
        service.stop()
        sync_process.ask("bed1", home)
        until(lambda: told() == "unreachable", 10)
        service.start()
        time.sleep(1.1)  # somebody who asks again
        sync_process.ask("bed1", home)
        until(lambda: told() == "idle", 10)
