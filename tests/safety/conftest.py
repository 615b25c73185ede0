"""Tests by number of the safety rules; they use the rigs of the rooms they cross."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for room in ("acquire", "session", "viewmodel", "edge", "host", "estimate"):
    sys.path.append(str(Path(__file__).resolve().parents[1] / room))


@pytest.fixture
def bed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A station with scripted devices, in this process."""
    from bed import Bed  # noqa: PLC0415 – found by the path above

    from recorder.acquire import journal  # noqa: PLC0415

    monkeypatch.setattr(journal, "COMMIT_EVERY_S", 0.1)
    made = Bed(tmp_path)
    made.station.start()
    yield made
    made.station.close()
