"""Shared by every test: an isolated home, no display, printed seeds."""

from __future__ import annotations

import gc
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Two workers and hundreds of started processes compile the same files: once is enough, also where the system says never.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Failing examples print a blob that reproduces them; runs differ, so that the suite keeps looking.
settings.register_profile("hemoview", print_blob=True, deadline=None)
settings.load_profile("hemoview")

LIVE = frozenset(
    {
        *(
            "acquire",
            "bench",
            "contracts",
            "day",
            "devices",
            "edge",
            "host",
            "radio",
            "real",
            "safety",
            "sim",
        ),
        *("soak", "transports", "ui", "test_demo.py"),
    }
)
"""Rooms whose tests start processes, speak to emulators or paint: one after the other in one worker, so that each has a
core for itself while the other worker computes."""

REAL_RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two workers (``-n 2 --dist loadgroup``): whatever lives in real time in one, modules of the rest wherever."""
    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here)
        item.add_marker(pytest.mark.xdist_group("live" if place.parts[0] in LIVE else str(place)))


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end; a collection of garbage during a test need not look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of one test each; named by counting, where ``mktemp`` would list thousands to find a free number."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test touches the user's own sessions, settings or clock."""
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HEMOVIEW_HOME", str(home))
    monkeypatch.delenv("HEMOVIEW_CLOCK", raising=False)
    yield


@pytest.fixture(scope="session")
def real_recordings() -> Path:
    """Folder of the real recordings; the test is skipped where they are absent."""
    if not REAL_RECORDINGS.is_dir():
        pytest.skip("the real recordings are not beside the project")
    return REAL_RECORDINGS
