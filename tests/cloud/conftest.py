from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Clock, Rig, running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rig(tmp_path: Path, clock: Clock) -> Iterator[Rig]:
    """An empty service."""
    with running(Settings(folder=tmp_path / "service"), clock) as rig:
        yield rig
