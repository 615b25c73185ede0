"""The one module of platform differences: locks, detaching, sleep, permissions, ending a process, file systems.

Each function takes the system's name (``sys.platform``) and, where it must act, the action as an argument with
the real one as default, so that every branch is tested through a fake. "Run on" and "written for, not run" are
listed in the README.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

SYSTEM: Final = sys.platform
LOCK_OFFSET: Final = 1 << 30
"""Windows locks bytes, and locked bytes cannot be read: lock one far behind the text that names the holder."""


# ---- file lock


def try_lock(fd: int, system: str = SYSTEM, module: Any = None) -> bool:
    """Lock an open file for this process, without waiting; the system frees it when the process dies.

    Args:
        fd: open for writing.
        system: ``sys.platform``.
        module: ``fcntl`` or ``msvcrt``; imported where None.
    """
    try:
        if system == "win32":
            locks = module or __import__("msvcrt")
            os.lseek(fd, LOCK_OFFSET, os.SEEK_SET)
            locks.locking(fd, locks.LK_NBLCK, 1)
        else:
            locks = module or __import__("fcntl")
            locks.flock(fd, locks.LOCK_EX | locks.LOCK_NB)
    except OSError:
        return False
    return True


# ---- processes


def detach_options(system: str = SYSTEM) -> dict[str, Any]:
    """Options of ``Popen`` for a process that outlives the one that starts it."""
    if system == "win32":
        # DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW, from the Windows API headers
        return {"creationflags": 0x00000008 | 0x00000200 | 0x08000000}
    return {"start_new_session": True}


def terminate(pid: int, kill: Callable[[int, int], None] = os.kill, system: str = SYSTEM) -> bool:
    """Ask process ``pid`` to end; False where it is gone already. Windows knows no gentle way without a console."""
    try:
        kill(pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return False
    except OSError:
        if system != "win32":
            raise
        return False
    return True


def alive(pid: int, system: str = SYSTEM, kill: Callable[[int, int], None] = os.kill) -> bool:
    """Whether process ``pid`` runs. A zombie of ours is collected and counts as dead."""
    if pid <= 0:
        return False
    if system == "win32":
        return _alive_windows(pid)
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except (ChildProcessError, OSError):
        pass  # not our child: ask the system
    try:
        kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _alive_windows(pid: int, kernel32: Any = None) -> bool:
    """``os.kill(pid, 0)`` would end the process on Windows; ask the kernel for its exit code instead."""
    import ctypes  # noqa: PLC0415 - only where needed

    kernel = kernel32 or ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(0x1000, 0, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == 259  # STILL_ACTIVE


# ---- permissions


def write_owner_only(
    path: Path, content: bytes, system: str = SYSTEM, run: Callable[..., Any] = subprocess.run
) -> None:
    """Write ``path`` at once (temporary, then rename) so that only its owner may read it.

    Of any number of threads and processes that do so at once the last is kept, whole.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        restrict(temporary, system, run)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def restrict(path: Path, system: str = SYSTEM, run: Callable[..., Any] = subprocess.run) -> None:
    """Take everybody's rights on ``path`` away but the owner's."""
    if system == "win32":
        user = os.environ.get("USERNAME", "")
        grant = f"{user}:(OI)(CI)F" if path.is_dir() else f"{user}:F"
        run(["icacls", str(path), "/inheritance:r", "/grant:r", grant], check=True, capture_output=True)
    else:
        path.chmod(0o700 if path.is_dir() else 0o600)


# ---- sleep


class Inhibitor(Protocol):
    """Holds the machine awake while it is held."""

    def release(self) -> None:
        """Let it sleep again."""
        ...


class _Child:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def release(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=5)


class _WindowsState:
    CONTINUOUS, SYSTEM_REQUIRED = 0x80000000, 0x00000001

    def __init__(self, kernel32: Any) -> None:
        self._kernel = kernel32
        if not kernel32.SetThreadExecutionState(self.CONTINUOUS | self.SYSTEM_REQUIRED):
            raise OSError("SetThreadExecutionState was refused")

    def release(self) -> None:
        self._kernel.SetThreadExecutionState(self.CONTINUOUS)


def inhibit_command(system: str = SYSTEM, why: str = "recording") -> list[str] | None:
    """The program that holds sleep off as long as it runs; None where it is a call instead."""
    if system == "win32":
        return None
    if system == "darwin":
        return ["caffeinate", "-i", "-s", "-w", str(os.getpid())]
    return [
        "systemd-inhibit",
        "--what=sleep:idle:shutdown",
        "--who=HemoView",
        f"--why={why}",
        "--mode=block",
        *("tail", f"--pid={os.getpid()}", "-f", "/dev/null"),  # ends with this process, killed or not
    ]


def inhibit_sleep(
    system: str = SYSTEM, start: Callable[..., Any] = subprocess.Popen, kernel32: Any = None
) -> Inhibitor:
    """Hold sleep and idle shutdown off.

    Raises:
        OSError: the system refused, with its reason.
    """
    command = inhibit_command(system)
    if command is None:
        import ctypes  # noqa: PLC0415 - only where needed

        return _WindowsState(kernel32 or ctypes.windll.kernel32)  # type: ignore[attr-defined,unused-ignore]
    process = start(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        code = process.wait(timeout=0.3)
    except subprocess.TimeoutExpired:
        return _Child(process)
    raise OSError(f"{command[0]} ended with {code}")


# ---- time


def boottime_ns(system: str = SYSTEM) -> int | None:
    """A monotonic clock that runs on in suspend; None where there is none apart from the usual one."""
    if system.startswith("linux"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    if system == "darwin":
        return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return None


# ---- file systems

NETWORK_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb3", "smbfs", "afpfs", "webdav", "davfs", "9p", "ceph", "glusterfs"}
    | {"fuse.sshfs", "fuse.rclone", "fuse.davfs2"}
)


def file_system(path: Path, system: str = SYSTEM, mounts: Sequence[str] | None = None) -> str:
    """Type of the file system that holds ``path``, lower case; empty where unknown.

    Args:
        path: need not exist yet; links in it are followed.
        system: ``sys.platform``.
        mounts: lines as of ``/proc/mounts`` (Linux) or ``mount`` (macOS); read where None.
    """
    path = Path(os.path.realpath(path))
    if system == "win32":
        return _file_system_windows(path)
    lines = mounts if mounts is not None else _mounts(system)
    best, kind = "", ""
    for line in lines:
        point, found = _mount_point(line, system)
        if point and path.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    return kind.lower()


_OCTAL: Final = re.compile(r"\\([0-7]{3})")
"""How ``/proc/mounts`` writes a space, a tab, a line's end, a backslash and a hash sign."""


def _mount_point(line: str, system: str) -> tuple[str, str]:
    if system == "darwin":  # //user@host/share on /Volumes/share (smbfs, nodev)
        _, _, rest = line.partition(" on ")
        point, _, options = rest.rpartition(" (")
        return point, options.rstrip(")").split(",")[0]
    fields = line.split()
    if len(fields) < 3:
        return "", ""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[1]), fields[2]


MOUNTS: Final = Path("/proc/mounts")


def _mounts(system: str) -> list[str]:
    try:
        if system == "darwin":
            return os.fsdecode(subprocess.run(["mount"], capture_output=True, check=True).stdout).split("\n")
        return os.fsdecode(MOUNTS.read_bytes()).split("\n")  # names of any encoding
    except (OSError, subprocess.SubprocessError):
        return []


def _file_system_windows(path: Path, kernel32: Any = None) -> str:
    if str(path).startswith("\\\\"):
        return "smb"
    import ctypes  # noqa: PLC0415 - only where needed

    kernel = kernel32 or ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    return "smb" if kernel.GetDriveTypeW(path.anchor) == 4 else "local"  # 4 = DRIVE_REMOTE


# ---- facts about this machine


def local_zone(system: str = SYSTEM, link: Path = Path("/etc/localtime"), icu: Any = None) -> str:
    """IANA name of the local time zone.

    Where the system tells no name: the zone of the present offset, such as ``Etc/GMT-1``, so that times of day are
    those of the clock on the wall; ``UTC`` where the offset is not of whole hours.
    """
    from zoneinfo import available_timezones  # noqa: PLC0415 - reads a folder, only needed at Start

    told = os.environ.get("TZ")
    if told is not None and system != "win32":
        file = Path(told.removeprefix(":"))
        named = _zone_of_file(file) if file.is_absolute() else told.removeprefix(":") or "UTC"
    elif system == "win32":
        named = _zone_windows(icu)
    else:
        named = _zone_of_file(link)
    return named if named in available_timezones() else _zone_of_offset(time.localtime().tm_gmtoff)


def _zone_of_file(path: Path) -> str:
    """``posix`` and ``right`` hold all zones once more; Debian notes the name beside a file that is a copy, no link."""
    _, _, name = str(path.resolve()).partition("zoneinfo/")
    if name:
        return name.removeprefix("posix/").removeprefix("right/")
    try:
        return path.with_name("timezone").read_text("utf-8").strip() if path.is_file() else ""
    except (OSError, ValueError):
        return ""


def _zone_of_offset(offset_s: int) -> str:
    """``Etc/GMT-1`` is an hour east of Greenwich."""
    hours, rest = divmod(offset_s, 3600)
    return f"Etc/GMT{-hours:+d}" if hours and not rest else "UTC"


def _zone_windows(icu: Any = None) -> str:
    """Windows 10 and later ship ICU, which knows the IANA name."""
    import ctypes  # noqa: PLC0415 - only where needed

    library = icu or ctypes.windll.icu  # type: ignore[attr-defined,unused-ignore]
    text, status = ctypes.create_unicode_buffer(128), ctypes.c_int(0)
    library.ucal_getDefaultTimeZone(text, len(text), ctypes.byref(status))
    return text.value if status.value <= 0 else ""


def encrypted(
    path: Path,
    system: str = SYSTEM,
    root: Path = Path("/"),
    device: Callable[[Path], int] = lambda path: path.stat().st_dev,
    run: Callable[..., Any] = subprocess.run,
) -> bool | None:
    """Whether the disk that holds ``path`` is encrypted; None where that cannot be told without administrator's rights.

    Linux: dm-crypt anywhere below the block device. macOS: FileVault. Windows tells only administrators.
    """
    try:
        if system.startswith("linux"):
            number = device(path)
            block = root / "sys/dev/block" / f"{os.major(number)}:{os.minor(number)}"
            return _is_crypt(block.resolve()) if block.exists() else None
        if system == "darwin":
            done = run(["fdesetup", "status"], capture_output=True, text=True, timeout=5, check=False)
            return "FileVault is On" in done.stdout if done.returncode == 0 else None
    except (OSError, subprocess.SubprocessError):
        return None
    return None


def _is_crypt(block: Path) -> bool:
    """A partition has its disk as parent; a mapped volume lies on its slaves."""
    uuid = block / "dm" / "uuid"
    if uuid.is_file() and uuid.read_text().startswith("CRYPT-"):
        return True
    slaves = block / "slaves"
    return slaves.is_dir() and any(_is_crypt(part.resolve()) for part in slaves.iterdir())


def sound_command(
    system: str = SYSTEM, which: Callable[[str], str | None] = shutil.which
) -> list[str] | None:
    """What plays a WAV file given as the next word; None where nothing is known to."""
    players = {
        "win32": [
            "powershell",
            "-NoProfile",
            "-Command",
            "(New-Object Media.SoundPlayer $args[0]).PlaySync()",
        ],
        "darwin": ["afplay"],
    }
    if system in players:
        return players[system]
    return next(([player] for player in ("pw-play", "paplay", "aplay") if which(player)), None)


def warnings(system: str = SYSTEM, root: Path = Path("/")) -> list[tuple[str, str]]:
    """What about this machine may end a recording early, (what, todo). Told before Start (safety rule 19)."""
    if not system.startswith("linux"):
        return []
    found = []
    if (root / "var/run/reboot-required").exists():
        found.append(("a reboot is pending after an update", "reboot before a long recording"))
    supplies = list((root / "sys/class/power_supply").glob("*/online"))
    if supplies and not any(_reads(path, "1") for path in supplies):
        found.append(("runs on its battery", "plug it in"))
    return found


def _reads(path: Path, text: str) -> bool:
    try:
        return path.read_text().strip() == text
    except OSError:
        return False
