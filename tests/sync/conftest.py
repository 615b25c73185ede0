from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import Bedside, enrolled


@pytest.fixture
def service() -> Iterator[FakeService]:
    fake = FakeService().start()
    yield fake
    fake.stop()


@pytest.fixture
def bedside(tmp_path: Path, service: FakeService) -> Bedside:
    return enrolled(tmp_path / "home", service.url)
