"""The outbox when several passes of a station open it for the first time together."""

from __future__ import annotations

import threading
from pathlib import Path

from recorder.errors import StorageError
from recorder.sync.outbox import Entry, Outbox


def test_many_may_open_it_at_once(tmp_path: Path) -> None:
    refused: list[StorageError] = []

    def open_it(folder: Path, together: threading.Barrier, name: str) -> None:
        together.wait()
        try:
            with Outbox(folder) as outbox:
                outbox.put(Entry("ward", name, name))
        except StorageError as error:
            refused.append(error)

    for number in range(30):
        together = threading.Barrier(4)
        folder = tmp_path / str(number)
        passes = [threading.Thread(target=open_it, args=(folder, together, name)) for name in "abcd"]
        for one in passes:
            one.start()
        for one in passes:
            one.join()
        with Outbox(folder) as outbox:
            assert [e.session_id for e in outbox.entries("ward")] == list("abcd"), "what each kept is there"
    assert refused == []
