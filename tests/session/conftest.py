"""Fixtures of the session store's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_session import ERA, STREAMS, NewWriter, header

from recorder.session import SessionWriter, create


@pytest.fixture
def new_writer(tmp_path: Path) -> NewWriter:
    """Makes a session with the usual streams; ``segment_s`` short enough that ``maintain`` seals."""

    def make(name: str = "s", *, segment_s: float = 600.0) -> SessionWriter:
        writer = create(tmp_path / name, header(name), ERA, segment_s=segment_s)
        for info in STREAMS:
            writer.add_stream(info)
        return writer

    return make
