"""Tests of the acquisition commit more often, so that nobody waits for the interval."""

import pytest

from recorder.acquire import journal


@pytest.fixture(autouse=True)
def hasty_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "COMMIT_EVERY_S", 0.1)
