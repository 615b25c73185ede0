"""Shared by every test: an isolated home, no display, printed seeds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

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


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test touches the user's own sessions, settings or clock."""
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("HEMOVIEW_CLOCK", raising=False)
    yield


@pytest.fixture(scope="session")
def real_recordings() -> Path:
    """Folder of the real recordings; the test is skipped where they are absent."""
    if not REAL_RECORDINGS.is_dir():
        pytest.skip("the real recordings are not beside the project")
    return REAL_RECORDINGS
