"""The writer's side of sealing: starts the sealer process, never waits for it while recording."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SEALER_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class SealOutcome:
    """How a sealer process ended; ``error`` is empty where it did its work."""

    stream_ids: tuple[str, ...]
    error: str = ""


class SealerProcess:
    """At most one sealer at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[str] | None = None
        self._stream_ids: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """A sealer was started and not collected yet."""
        return self._child is not None

    def start(self, stream_ids: Sequence[str], *, upto_commit: int) -> None:
        """Start sealing ``stream_ids`` (none = all) up to a commit."""
        command = [sys.executable, "-m", "recorder.session.sealer", str(self._folder), *stream_ids]
        self._stream_ids = tuple(stream_ids)
        self._child = subprocess.Popen(
            [*command, "--upto", str(upto_commit)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def poll(self) -> SealOutcome | None:
        """The outcome if the sealer has ended since the last call, at once."""
        if self._child is None or self._child.poll() is None:
            return None
        return self.wait()

    def wait(self) -> SealOutcome | None:
        """The outcome, when it has ended; None if none was running."""
        child, self._child = self._child, None
        if child is None:
            return None
        try:
            _, stderr = child.communicate(timeout=SEALER_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return SealOutcome(self._stream_ids, f"{self._folder}: sealer stopped answering; check the disk")
        if child.returncode == 0:
            return SealOutcome(self._stream_ids)
        lines = stderr.strip().splitlines() or [f"exit {child.returncode}"]
        return SealOutcome(self._stream_ids, f"{self._folder}: sealing failed: {lines[-1]}")
