"""Opens HemoView when somebody logs in, so that a session a reboot cut short is gone on with and asked about.

A board without a window has systemd units instead (``resources/systemd``). Run on Linux; for Windows and macOS written,
tested through a fake, not run.
"""

from __future__ import annotations

import os
import plistlib
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from recorder.errors import StorageError
from recorder.host.connection import check_station
from recorder.host.platform import SYSTEM


def entry(
    station: str, system: str = SYSTEM, environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Path:
    """Where the login entry of a station's window is, whether or not it is there.

    Raises:
        ConfigError: the name cannot be a station's.
    """
    check_station(station)
    home = home or Path.home()
    if system == "win32":
        roaming = Path(environment.get("APPDATA") or home / "AppData/Roaming")
        return roaming / "Microsoft/Windows/Start Menu/Programs/Startup" / f"HemoView {station}.cmd"
    if system == "darwin":
        return home / "Library/LaunchAgents" / f"org.hemoview.window.{station}.plist"
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    return config / "autostart" / f"hemoview-{station}.desktop"


def command(station: str) -> list[str]:
    """What the entry starts: this very installation."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "hemoview"]
    return [*program, "--station", station]


def text(station: str, words: list[str], system: str = SYSTEM) -> bytes:
    """The entry's content."""
    if system == "win32":
        return f'@echo off\r\nstart "" {subprocess.list2cmdline(words)}\r\n'.encode()
    if system == "darwin":
        return plistlib.dumps(
            {"Label": f"org.hemoview.window.{station}", "ProgramArguments": words, "RunAtLoad": True}
        )
    line = shlex.join(words).replace("%", "%%")
    return (
        "[Desktop Entry]\nType=Application\n"
        f"Name=HemoView {station}\nComment=Goes on with a recording that a reboot cut short\nExec={line}\n"
        "X-GNOME-Autostart-enabled=true\n"
    ).encode()


def switch_on(station: str) -> Path:
    """Write the entry; returns where.

    Raises:
        ConfigError: the name cannot be a station's.
        StorageError: it cannot be written.
    """
    path = entry(station)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text(station, command(station)))
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}); check the folder's rights"
        ) from error
    return path


def switch_off(station: str) -> bool:
    """Take the entry away; False if there was none.

    Raises:
        ConfigError: the name cannot be a station's.
        StorageError: it cannot be removed.
    """
    path = entry(station)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be removed ({error.strerror}); check the folder's rights"
        ) from error
    return True
