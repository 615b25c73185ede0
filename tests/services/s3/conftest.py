"""A service on an S3 store of its own, with a bedside that hands sessions over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.handover import SMALL, Sender
from tests.services.ceph_rig import Ceph, own_ceph


@pytest.fixture(scope="session")
def ceph() -> Iterator[Ceph]:
    """For all of this folder, which one worker runs: it takes a quarter of a minute to start."""
    with own_ceph() as ceph:
        yield ceph


@pytest.fixture
def settings(ceph: Ceph, tmp_path: Path) -> Settings:
    return ceph.at(tmp_path / "service")


@pytest.fixture
def rig(settings: Settings) -> Iterator[Rig]:
    with running(settings, Clock()) as rig:
        yield rig


@pytest.fixture
def sender(rig: Rig) -> Sender:
    rig.ward("A")
    return Sender(rig.http, rig.bedside("A-1"), dict(SMALL))
