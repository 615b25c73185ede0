"""The outbox when several passes of a station open it for the first time together."""

from __future__ import annotations

import threading
from pathlib import Path

from recorder.errors import StorageError
from recorder.sync.outbox import Outbox


def test_many_may_open_it_at_once(tmp_path: Path) -> None:
    refused: list[StorageError] = []

    def open_it(folder: Path, together: threading.Barrier) -> None:
        together.wait()
        try:
            Outbox(folder).close()
        except StorageError as error:
            refused.append(error)

    for number in range(30):
        together = threading.Barrier(4)
        passes = [threading.Thread(target=open_it, args=(tmp_path / str(number), together)) for _ in range(4)]
        for one in passes:
            one.start()
        for one in passes:
            one.join()
    assert refused == []
