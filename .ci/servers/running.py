"""Whether a server of some folder runs, and its end. Its number may be another's by now: its folder has to be named."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def pid_in(file: Path, folder: Path) -> int | None:
    """What the first line of ``file`` says, if that is a server of ``folder``."""
    with suppress(OSError, ValueError, IndexError):
        pid = int(file.read_text().split()[0])
        return pid if is_of(pid, folder) else None
    return None


def is_of(pid: int, folder: Path) -> bool:
    """It runs, and was started with something of ``folder``."""
    with suppress(OSError):
        return str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def end(pid: int | None, folder: Path, number: int, within_s: float) -> None:
    """Send it ``number`` and wait until it is gone, in the end by SIGKILL; nothing for None."""
    if pid is None:
        return
    deadline = time.monotonic() + within_s
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        while is_of(pid, folder):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
