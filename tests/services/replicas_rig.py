"""Replicas of one service in a test's own process: each with its own loop, one database, one broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hemoview.cloud.live.room import Live
from hemoview.cloud.settings import PROCRASTINATE, Settings
from tests.cloud import databases
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.live_rig import ORIGIN
from tests.services.mosquitto_rig import Broker

WAIT_S = 20.0


def settings_for(folder: Path, broker: Broker) -> Settings:
    """Of the first of them; the others differ by their folder."""
    told = broker.settings
    return replace(
        told,
        folder=folder / "1",
        keys_folder=folder / "keys",
        database_url=databases.fresh(f"replicas_{time.time_ns():x}"),
        blobs_url=(folder / "blobs").as_uri(),
        bus_public_url="",
        replicas=True,
        jobs=PROCRASTINATE,
    )


@contextmanager
def replica(settings: Settings, number: int, like: Rig | None = None) -> Iterator[Rig]:
    """One of them; ``like``: it knows the same wards and beds."""
    with running(replace(settings, folder=settings.folder.with_name(str(number))), Clock()) as rig:
        if like is not None:
            rig.wards, rig.beds = like.wards, like.beds
        rig.http.post(
            "/v1/nowhere"
        )  # FastAPI makes all routes with the first request; two threads at once disturb it
        until(lambda: not room(rig).bus.away)
        yield rig


def room(rig: Rig) -> Live:
    return rig.service.part(Live)


def browser(rig: Rig, ward_id: str, name: str) -> Any:
    """Somebody who watches, at this replica."""
    nurse = rig.person(name, ("operator", ward_id))
    return nurse.websocket_connect(f"/v1/live?ward={ward_id}", headers=ORIGIN)


def until(what: Callable[[], Any], wait_s: float = WAIT_S) -> float:
    """How long it took."""
    began_s = time.monotonic()
    while not what():
        assert time.monotonic() - began_s < wait_s, "it never came about"
        time.sleep(0.02)
    return time.monotonic() - began_s


def count(rig: Rig, name: str) -> float:
    return room(rig).counts._registry.get_sample_value(name) or 0.0
