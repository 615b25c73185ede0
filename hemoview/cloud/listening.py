"""What the service listens on: an address of this machine, or a unix socket for a proxy beside it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from recorder.host import platform

BACKLOG: Final = 256
FOLDER_MODE: Final = 0o750
SOCKET_MODE: Final = 0o660
LOCK: Final = ".lock"
"""Ending of a file beside the socket: who holds it may put a socket there, so what lies there is a dead service's."""


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket while it is wanted; of a unix socket the file goes at the end.

    Raises:
        ConfigError: it cannot be had.
    """
    if settings.socket is None:
        with listen(settings) as listener:
            yield listener
        return
    if sys.platform == "win32":
        raise ConfigError("socket: this system has no unix sockets; leave it out and name host and port")
    with _ours(settings.socket), _bound(settings.socket) as listener:
        try:
            yield listener
        finally:
            settings.socket.unlink(missing_ok=True)


def listen(settings: Settings) -> socket.socket:
    """On host and port, so that a port in use is said in words.

    Raises:
        ConfigError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}); is a service running "
            "there already? Give another --port"
        ) from error
    listener.listen(BACKLOG)
    return listener


@contextlib.contextmanager
def _ours(path: Path) -> Iterator[None]:
    """One service has this path, and the folder is its own and its group's: who can write there could answer for it."""
    _check_folder(path.parent)
    lock = path.with_name(path.name + LOCK)
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigError(f"{lock}: cannot be written ({error.strerror}); check socket = …") from error
    try:
        if not platform.try_lock(fd):
            raise ConfigError(f"{path}: a service listens there already; stop it, or name another socket")
        yield
    finally:
        os.close(fd)


def _check_folder(folder: Path) -> None:
    try:
        with _made_with(FOLDER_MODE):
            folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror}); check socket = …") from error
    if mode & stat.S_IRWXO:
        raise ConfigError(
            f"{folder}: others may enter it, and whoever reaches the socket is believed who a request is from; "
            f"chmod o= {folder}, and give the proxy's account the folder's group"
        )


@contextlib.contextmanager
def _made_with(mode: int) -> Iterator[None]:
    """What is made is open to the group, whatever umask the service was started with, and never to others."""
    before = os.umask(0o777 & ~mode)
    try:
        yield
    finally:
        os.umask(before)


def _bound(path: Path) -> socket.socket:
    """Under the lock: a socket that lies there is one that a killed service left."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ConfigError(f"{path}: is a file, and no socket; move it away, or name another socket")
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _made_with(SOCKET_MODE):
            listener.bind(str(path))
    except OSError as error:
        listener.close()
        too_long = error.errno is None or error.errno == errno.ENAMETOOLONG
        why = "the path is longer than the system takes, about 100 letters" if too_long else error.strerror
        raise ConfigError(f"{path} cannot be listened on ({why}); name another socket") from error
    listener.listen(BACKLOG)
    return listener
