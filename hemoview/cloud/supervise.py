"""``hemoview serve --supervised``: a small parent that keeps the service running.

The parent owns the listening socket and hands it to each service it starts: while one that died is replaced, bedsides
and browsers wait in the socket's queue and are not turned away.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from recorder.errors import ConfigError
from recorder.host import platform

FIRST_S: Final = 0.2
LONGEST_S: Final = 30.0
STEADY_S: Final = 60.0
"""After running for so long a service counts as well again."""
LOOK_S: Final = 1.0
STOP_S: Final = 20.0
_FD: Final = "HEMOVIEW_SERVICE_SOCKET"
_PARENT: Final = "HEMOVIEW_SERVICE_PARENT"
LOCK: Final = "service.lock"

log = logging.getLogger(__name__)


# ---- the parent


def restart_delay_s(deaths: int) -> float:
    """Wait before restart number ``deaths`` (1 = the first): at once at first, so that a ward hardly notices."""
    return float(min(LONGEST_S, FIRST_S * 2 ** min(max(deaths - 1, 0), 10)))


def keep(listener: socket.socket, words: Sequence[str]) -> int:
    """Start the service on ``listener``, again whenever it dies, until told to stop; its last exit status.

    A service that says at its first start what is wrong (an exit status of its own) is not started again.

    Args:
        words: after ``hemoview``, without ``--supervised``.

    Raises:
        ConfigError: this system cannot hand sockets on.
    """
    if sys.platform == "win32":
        raise ConfigError(
            "--supervised needs Linux or macOS; run hemoview serve as a Windows service instead"
        )
    listener.set_inheritable(True)
    deaths = 0
    while True:
        started = time.monotonic()
        code, stopped = _run_once(listener.fileno(), words)
        if stopped or code == 0 or (code > 0 and deaths == 0):
            return code if code > 0 and not stopped else 0
        deaths = 1 if time.monotonic() - started > STEADY_S else deaths + 1
        delay_s = restart_delay_s(deaths)
        log.error("the service ended with %s; it is started again in %g s", code, delay_s)
        try:
            time.sleep(delay_s)
        except KeyboardInterrupt:
            return 0


def _run_once(fd: int, words: Sequence[str]) -> tuple[int, bool]:
    """Exit status of one service, and whether it was us who were told to stop."""
    environment = {**os.environ, _FD: str(fd), _PARENT: str(os.getpid())}
    child = subprocess.Popen([sys.executable, "-m", "hemoview.cli", *words], pass_fds=(fd,), env=environment)
    try:
        return child.wait(), False
    except KeyboardInterrupt:
        child.terminate()
        try:
            return child.wait(STOP_S), True
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait(), True


# ---- the service it starts


def inherited() -> socket.socket | None:
    """The parent's listening socket; None where this service has no parent. Called once, first of all."""
    fd = os.environ.pop(_FD, "")
    parent = os.environ.pop(_PARENT, "")
    if not fd:
        return None
    threading.Thread(target=_end_with, args=(int(parent),), name="end-with-parent", daemon=True).start()
    return socket.socket(fileno=int(fd))


def _end_with(parent: int) -> None:
    """End when the parent is gone: a service nobody keeps would hold the port and the folder."""
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one service works in a folder: each start clears away what the one before left half-done.

    Raises:
        ConfigError: another one does.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not platform.try_lock(fd):
            raise ConfigError(
                f"{folder}: a service is running there already; stop it, or name another --folder"
            )
        yield
    finally:
        os.close(fd)
