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

REAL_RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data"


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
