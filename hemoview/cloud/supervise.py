"""``hemoview serve --supervised``: a small parent that keeps the service running.

The parent owns the listening socket: while a service that died is replaced, bedsides and browsers wait in the socket's
queue and are not turned away. It has everything imported and forks, so that the next one answers within a second; it
runs no thread, no loop and no connection of its own that a fork would copy.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from recorder.errors import ConfigError
from recorder.host import platform
from recorder.host.console import run_command

FIRST_S: Final = 0.2
LONGEST_S: Final = 30.0
LOOK_S: Final = 1.0
STOP_S: Final = 20.0
LOCK: Final = "service.lock"

log = logging.getLogger(__name__)


# ---- the parent


def restart_delay_s(deaths: int) -> float:
    """Wait before the restart after ``deaths`` in a row; one that had been ready counts as the first."""
    return float(min(LONGEST_S, FIRST_S * 2 ** min(max(deaths - 1, 0), 10)))


def keep(serve: Callable[[Life], None], listener: socket.socket) -> int:
    """Run ``serve`` in a process of its own, again whenever that dies, until told to stop; the exit status.

    Args:
        serve: answers what comes to ``listener``, which is closed as soon as no next service will.

    A service that says before it was ever ready what is wrong (an exit status of its own) is not started again.

    Raises:
        ConfigError: this system cannot fork.
    """
    if sys.platform == "win32":
        raise ConfigError(
            "--supervised needs Linux or macOS; run hemoview serve as a Windows service instead"
        )
    in_vain, was_ready = 0, False
    while True:
        end = _run_once(serve, listener)
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
    stopped: bool


def _run_once(serve: Callable[[Life], None], listener: socket.socket) -> _End:
    heard, told = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(heard)
        _live(serve, Life(told, parent))
    os.close(told)
    stopped = False
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    except KeyboardInterrupt:
        listener.close()  # who comes now goes to another replica, and does not wait here for nobody
        stopped, code = True, _stop(child)
    with open(heard, "rb") as pipe:  # noqa: PTH123 – a descriptor, not a path
        os.set_blocking(heard, False)  # something it started may have the other end still
        return _End(code, bool(pipe.read(1)), stopped)


def _stop(child: int) -> int:
    os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


# ---- the service it starts


@dataclass(slots=True)
class Life:
    """One life of a supervised service.

    Args:
        told: writing end of a pipe to the parent.
        parent: its process id.
    """

    told: int
    parent: int
    _is_told: bool = field(default=False, init=False)

    def ready(self) -> None:
        """Requests are answered."""
        if not self._is_told:
            os.write(self.told, b"!")
            self._is_told = True

    def end_with_parent(self) -> None:
        """End when the parent is gone: a service that nobody keeps would hold port and folder. Runs in a thread."""
        while os.getppid() == self.parent:
            time.sleep(LOOK_S)
        os.kill(os.getpid(), signal.SIGTERM)


def _live(serve: Callable[[Life], None], life: Life) -> None:
    """In the forked process: serve, and end without running what the parent has at its end."""
    code = 1
    try:
        threading.Thread(target=life.end_with_parent, name="end-with-parent", daemon=True).start()
        code = run_command("hemoview", lambda: serve(life), as_json=False)
        logging.shutdown()
        sys.stdout.flush()
    finally:
        os._exit(code)


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
