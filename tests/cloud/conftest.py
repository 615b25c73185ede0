from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from hemoview.cloud.identity import passwords
from hemoview.cloud.settings import Settings
from tests.cloud import databases, stores
from tests.cloud.cloud_rig import Clock, Rig, running

if databases.SERVER:

    @pytest.fixture(scope="session", autouse=True)
    def _on_the_server() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            databases.use_server(patch)
            yield

    @pytest.fixture(autouse=True)
    def _own_databases() -> Iterator[None]:
        with databases.dropped_afterwards():
            yield


if stores.CEPH:

    @pytest.fixture(autouse=True)
    def _in_the_bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        if request.module.__name__.rpartition(".")[2] in stores.MODULES:
            stores.use_ceph(monkeypatch)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rig(tmp_path: Path, clock: Clock) -> Iterator[Rig]:
    """An empty service."""
    with running(Settings(folder=tmp_path / "service"), clock) as rig:
        yield rig


@pytest.fixture
def light_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hash with little work: these tests are about what happens around it."""
    light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", light)
    monkeypatch.setattr(passwords, "_NOBODYS", light.hash("nobody's"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of the live room is shorter: ticks, changes of the ward and rows come sooner."""
    monkeypatch.setattr("hemoview.cloud.live.upkeep.EVERY_S", 0.05)
