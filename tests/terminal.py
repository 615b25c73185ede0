"""A command whose stderr is a terminal (a pty), or none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """Exit status, standard output, and what was seen on stderr."""

    code: int
    out: str
    seen: str


def run_on_terminal(words: Sequence[str], timeout_s: float = 90.0) -> Said:
    """``python -m WORDS``, stdout a pipe, stderr a terminal of 120 columns."""
    screen, end = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=end, env=environment, text=True
    )
    os.close(end)
    seen: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(screen, seen))
    reader.start()
    try:
        out, _ = process.communicate(timeout=timeout_s)
    finally:
        process.kill()
        process.wait()
    reader.join(10)
    os.close(screen)
    return Said(process.returncode, out, b"".join(seen).decode(errors="replace"))


def run_without(words: Sequence[str], timeout_s: float = 90.0) -> Said:
    """The same with stderr a pipe."""
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


def _read_all(screen: int, seen: list[bytes]) -> None:
    """Until the last writer is gone, which a terminal tells by an error."""
    try:
        while part := os.read(screen, 4096):
            seen.append(part)
    except OSError:
        return
