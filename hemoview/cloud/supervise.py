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
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from recorder.errors import ConfigError
from recorder.host import platform

FIRST_S: Final = 0.2
LONGEST_S: Final = 30.0
LOOK_S: Final = 1.0
STOP_S: Final = 20.0
_FD: Final = "HEMOVIEW_SERVICE_SOCKET"
_READY: Final = "HEMOVIEW_SERVICE_READY"
_PARENT: Final = "HEMOVIEW_SERVICE_PARENT"
LOCK: Final = "service.lock"

log = logging.getLogger(__name__)


# ---- the parent


def restart_delay_s(deaths: int) -> float:
    """Wait before the restart after ``deaths`` in a row; one that had been ready counts as the first."""
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
    in_vain, was_ready = 0, False
    while True:
        end = _run_once(listener.fileno(), words)
        was_ready = was_ready or end.was_ready
        if end.stopped or end.code == 0:
            return 0
        if end.code > 0 and not was_ready:
            return end.code
        in_vain = 1 if end.was_ready else in_vain + 1
        delay_s = restart_delay_s(in_vain)
        log.error("the service ended with %s; it is started again in %g s", end.code, delay_s)
        try:
            time.sleep(delay_s)
        except KeyboardInterrupt:
            return 0


@dataclass(frozen=True, slots=True)
class _End:
    """How one service ended: exit status, whether it had been ready, whether we were told to stop it."""

    code: int
    was_ready: bool
    stopped: bool = False


def _run_once(fd: int, words: Sequence[str]) -> _End:
    heard, told = os.pipe()
    os.set_blocking(heard, False)
    environment = {**os.environ, _FD: str(fd), _READY: str(told), _PARENT: str(os.getpid())}
    command = [sys.executable, "-m", "hemoview.cli", *words]
    child = subprocess.Popen(command, pass_fds=(fd, told), env=environment)
    os.close(told)
    stopped = False
    try:
        code = child.wait()
    except KeyboardInterrupt:
        stopped = True
        child.terminate()
        try:
            code = child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
    try:
        return _End(code, bool(os.read(heard, 1)), stopped)
    except BlockingIOError:  # something it started has the pipe still
        return _End(code, was_ready=False, stopped=stopped)
    finally:
        os.close(heard)


# ---- the service it starts


def inherited() -> socket.socket | None:
    """The parent's listening socket; None where this service has no parent. Called once, first of all."""
    fd = os.environ.pop(_FD, "")
    parent = os.environ.pop(_PARENT, "")
    if not fd:
        return None
    threading.Thread(target=_end_with, args=(int(parent),), name="end-with-parent", daemon=True).start()
    return socket.socket(fileno=int(fd))


def ready() -> None:
    """Tell the parent, where there is one, that requests are answered."""
    told = os.environ.pop(_READY, "")
    if told:
        os.write(int(told), b"!")
        os.close(int(told))


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
