"""Sealing where the writer is, for tests and benches that store many short sessions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recorder.errors import RecorderError
from recorder.session.sealer import seal
from recorder.session.sealing import SealOutcome


class SealerInProcess:
    """As :class:`recorder.session.sealing.SealerProcess`: the same code without a process of its own, which costs half
    a second each."""

    running = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._outcome: SealOutcome | None = None

    def start(self, stream_ids: Sequence[str], *, upto_commit: int) -> None:
        """Seal at once."""
        try:
            seal(self._folder, upto_commit, stream_ids)
            self._outcome = SealOutcome(tuple(stream_ids))
        except RecorderError as error:
            self._outcome = SealOutcome(tuple(stream_ids), f"{self._folder}: sealing failed: {error}")

    def poll(self) -> SealOutcome | None:
        """What came of it."""
        return self.wait()

    def wait(self) -> SealOutcome | None:
        """What came of it."""
        outcome, self._outcome = self._outcome, None
        return outcome
