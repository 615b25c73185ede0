from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import Bedside, copied, enrolled, session


@pytest.fixture
def service() -> Iterator[FakeService]:
    fake = FakeService().start()
    yield fake
    fake.stop()


@pytest.fixture
def bedside(tmp_path: Path, service: FakeService) -> Bedside:
    return enrolled(tmp_path / "home", service.url)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed session of a few seconds; copied, never changed."""
    return session(tmp_path_factory.mktemp("base") / "s")


@pytest.fixture
def folder(tmp_path: Path, base: Path) -> Path:
    """A closed session that may travel."""
    return copied(base, tmp_path / "sessions" / "s1")


@pytest.fixture
def sessions(folder: Path) -> Path:
    return folder.parent
