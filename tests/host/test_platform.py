"""Every branch of the one module of platform differences, through fakes."""

import ctypes
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recorder.host import platform

SYSTEMS = ("linux", "darwin", "win32")


class FakeFcntl:
    LOCK_EX, LOCK_NB = 2, 4

    def __init__(self, *, busy: bool = False) -> None:
        self.busy, self.asked = busy, []

    def flock(self, fd: int, how: int) -> None:
        self.asked.append(how)
        if self.busy:
            raise BlockingIOError(errno.EWOULDBLOCK, "busy")


class FakeMsvcrt:
    LK_NBLCK = 2

    def __init__(self, *, busy: bool = False) -> None:
        self.busy, self.asked = busy, []

    def locking(self, fd: int, how: int, n: int) -> None:
        self.asked.append((os.lseek(fd, 0, os.SEEK_CUR), how, n))
        if self.busy:
            raise OSError(errno.EACCES, "busy")


@pytest.fixture
def fd(tmp_path: Path):
    made = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    yield made
    os.close(made)


@pytest.mark.parametrize("busy", [False, True])
def test_lock_on_posix(fd: int, busy: bool) -> None:
    fake = FakeFcntl(busy=busy)
    assert platform.try_lock(fd, "linux", fake) is not busy
    assert fake.asked == [6]


@pytest.mark.parametrize("busy", [False, True])
def test_lock_on_windows_is_behind_the_text_that_names_the_holder(fd: int, busy: bool) -> None:
    fake = FakeMsvcrt(busy=busy)
    assert platform.try_lock(fd, "win32", fake) is not busy
    assert fake.asked == [(platform.LOCK_OFFSET, 2, 1)]


def test_detached_processes() -> None:
    assert (
        platform.detach_options("linux") == platform.detach_options("darwin") == {"start_new_session": True}
    )
    assert platform.detach_options("win32")["creationflags"] & 0x8  # DETACHED_PROCESS


@pytest.mark.parametrize("system", SYSTEMS)
def test_terminate_tells_whether_there_was_a_process(system: str) -> None:
    asked: list[tuple[int, int]] = []
    assert platform.terminate(7, lambda pid, sig: asked.append((pid, sig)), system) is True
    assert asked == [(7, signal.SIGTERM)]

    def gone(pid: int, sig: int) -> None:
        raise ProcessLookupError

    assert platform.terminate(7, gone, system) is False


def test_terminate_of_a_dead_process_on_windows() -> None:
    def invalid(pid: int, sig: int) -> None:
        raise OSError(87, "parameter")

    assert platform.terminate(7, invalid, "win32") is False
    with pytest.raises(OSError, match="parameter"):
        platform.terminate(7, invalid, "linux")


def test_alive() -> None:
    assert platform.alive(os.getpid()) and not platform.alive(0) and not platform.alive(-4)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not platform.alive(child.pid)


def test_alive_collects_a_zombie_of_ours() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it has ended and nobody has collected it
    assert not platform.alive(pid)


def test_another_user_s_process_is_alive() -> None:
    def forbidden(pid: int, sig: int) -> None:
        raise PermissionError

    assert platform.alive(2**22 + 7, "linux", forbidden)


class FakeKernel:
    def __init__(self, exit_code: int = 259, handle: int = 5, drive: int = 3, sleep: int = 1) -> None:
        self.code, self.handle, self.drive, self.sleep = exit_code, handle, drive, sleep
        self.states: list[int] = []

    def OpenProcess(self, access: int, inherit: int, pid: int) -> int:
        return self.handle

    def GetExitCodeProcess(self, handle: int, code: object) -> None:
        ctypes.cast(code, ctypes.POINTER(ctypes.c_ulong))[0] = self.code

    def CloseHandle(self, handle: int) -> None:
        pass

    def SetThreadExecutionState(self, state: int) -> int:
        self.states.append(state)
        return self.sleep

    def GetDriveTypeW(self, anchor: str) -> int:
        return self.drive


@pytest.mark.parametrize(
    ("kernel", "lives"), [(FakeKernel(), True), (FakeKernel(0), False), (FakeKernel(handle=0), False)]
)
def test_alive_on_windows_asks_for_the_exit_code(kernel: FakeKernel, lives: bool) -> None:
    assert platform._alive_windows(7, kernel) is lives


def test_owner_only_on_posix(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    platform.write_owner_only(path, b"x", "linux")
    assert path.read_bytes() == b"x" and path.stat().st_mode & 0o777 == 0o600
    platform.restrict(tmp_path, "linux")
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == [path]


def test_owner_only_on_windows_takes_inherited_rights_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERNAME", "nurse")
    ran: list[list[str]] = []
    platform.write_owner_only(tmp_path / "secret", b"x", "win32", lambda command, **_: ran.append(command))
    platform.restrict(tmp_path, "win32", lambda command, **_: ran.append(command))
    assert ran[0][0] == "icacls" and ran[0][2:] == ["/inheritance:r", "/grant:r", "nurse:F"]
    assert ran[1][-1] == "nurse:(OI)(CI)F"


class FakeProcess:
    def __init__(self, code: int | None) -> None:
        self.code, self.ended = code, False

    def wait(self, timeout: float) -> int:
        if self.code is None and not self.ended:
            raise subprocess.TimeoutExpired("x", timeout)
        return self.code or 0

    def terminate(self) -> None:
        self.ended = True


@pytest.mark.parametrize(("system", "program"), [("linux", "systemd-inhibit"), ("darwin", "caffeinate")])
def test_sleep_is_held_off_by_a_program_that_runs(system: str, program: str) -> None:
    started: list[list[str]] = []
    process = FakeProcess(None)

    def start(command: list[str], **_: object) -> FakeProcess:
        started.append(command)
        return process

    held = platform.inhibit_sleep(system, start)
    assert started[0][0] == program and not process.ended
    held.release()
    assert process.ended


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_a_refused_inhibit_is_said_with_its_reason(system: str) -> None:
    with pytest.raises(OSError, match="ended with 1"):
        platform.inhibit_sleep(system, lambda *_, **__: FakeProcess(1))


def test_a_missing_inhibit_program_is_an_os_error() -> None:
    def start(*_: object, **__: object) -> FakeProcess:
        raise FileNotFoundError(2, "No such file", "systemd-inhibit")

    with pytest.raises(OSError, match="No such file"):
        platform.inhibit_sleep("linux", start)


def test_sleep_on_windows_is_a_state_of_the_thread() -> None:
    kernel = FakeKernel()
    held = platform.inhibit_sleep("win32", kernel32=kernel)
    held.release()
    assert kernel.states == [0x80000001, 0x80000000]
    with pytest.raises(OSError, match="was refused"):
        platform.inhibit_sleep("win32", kernel32=FakeKernel(sleep=0))


def test_boottime_runs_on_in_suspend_where_there_is_one() -> None:
    before = platform.boottime_ns("linux")
    assert before is not None and platform.boottime_ns("linux") >= before  # type: ignore[operator]
    assert platform.boottime_ns("win32") is None


LINUX_MOUNTS = [
    "/dev/sda1 / ext4 rw 0 0",
    "server:/export /home/lab nfs4 rw 0 0",
    "//nas/share /mnt/with\\040space cifs rw 0 0",
    "broken",
]
MAC_MOUNTS = ["/dev/disk1s1 on / (apfs, local)", "//user@nas/share on /Volumes/share (smbfs, nodev, nosuid)"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/x", "ext4"),
        ("/home/lab/sessions", "nfs4"),
        ("/home/labor", "ext4"),
        ("/mnt/with space/x", "cifs"),
    ],
)
def test_file_system_on_linux_is_that_of_the_longest_mount_point(path: str, kind: str) -> None:
    assert platform.file_system(Path(path), "linux", LINUX_MOUNTS) == kind


@pytest.mark.parametrize(("path", "kind"), [("/Users/x", "apfs"), ("/Volumes/share/x", "smbfs")])
def test_file_system_on_macos(path: str, kind: str) -> None:
    assert platform.file_system(Path(path), "darwin", MAC_MOUNTS) == kind


def test_a_link_to_a_share_is_the_share(tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "share")
    mounts = ["/dev/sda1 / ext4 rw 0 0", f"nas:/x {tmp_path}/share nfs4 rw 0 0"]
    assert platform.file_system(tmp_path / "home" / "sessions", "linux", mounts) == "nfs4"


def test_mounts_of_any_name_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stick whose name is no UTF-8, and one with a backslash in it."""
    (tmp_path / "mounts").write_bytes(
        b"/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /media/\xd3\xc3\xbb\xa7 vfat rw 0 0\n//nas/x /mnt/a\\134b cifs rw 0 0\n"
    )
    monkeypatch.setattr(platform, "MOUNTS", tmp_path / "mounts")
    assert platform.file_system(Path("/var/x"), "linux") == "ext4"
    assert platform.file_system(Path("/mnt/a\\b/x"), "linux") == "cifs"


def test_file_system_on_windows() -> None:
    assert platform._file_system_windows(Path("\\\\server\\share")) == "smb"
    assert platform._file_system_windows(Path("C:/x"), FakeKernel(drive=4)) == "smb"
    assert platform._file_system_windows(Path("C:/x"), FakeKernel(drive=3)) == "local"


def test_known_network_kinds_are_refused_ones() -> None:
    assert {"nfs4", "cifs", "smbfs", "smb", "fuse.sshfs"} <= platform.NETWORK_FILE_SYSTEMS
    assert not {"ext4", "apfs", "local", "tmpfs", "overlay"} & platform.NETWORK_FILE_SYSTEMS


def test_zone_from_the_environment_the_link_or_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_zone: Callable[[str], None]
) -> None:
    in_zone("UTC")
    monkeypatch.delenv("TZ")
    target = tmp_path / "zoneinfo" / "Asia" / "Seoul"
    target.parent.mkdir(parents=True)
    target.touch()
    (tmp_path / "localtime").symlink_to(target)
    assert platform.local_zone("linux", tmp_path / "localtime") == "Asia/Seoul"
    assert platform.local_zone("linux", tmp_path / "none") == "UTC"
    icu = SimpleNamespace(
        ucal_getDefaultTimeZone=lambda text, n, status: setattr(text, "value", "Europe/Berlin")
    )
    assert platform.local_zone("win32", icu=icu) == "Europe/Berlin"
    monkeypatch.setenv("TZ", ":Europe/Paris")
    assert platform.local_zone("linux") == "Europe/Paris"


def test_warnings_about_the_machine(tmp_path: Path) -> None:
    assert platform.warnings("linux", tmp_path) == []
    (tmp_path / "var/run").mkdir(parents=True)
    (tmp_path / "var/run/reboot-required").touch()
    mains = tmp_path / "sys/class/power_supply/AC"
    mains.mkdir(parents=True)
    (mains / "online").write_text("0\n")
    assert [what for what, _ in platform.warnings("linux", tmp_path)] == [
        "a reboot is pending after an update",
        "runs on its battery",
    ]
    (mains / "online").write_text("1\n")
    assert len(platform.warnings("linux", tmp_path)) == 1
    assert platform.warnings("win32", tmp_path) == []


@pytest.mark.parametrize(
    ("system", "has", "first"),
    [
        ("linux", {"aplay", "paplay"}, "paplay"),
        ("linux", set(), None),
        ("darwin", set(), "afplay"),
        ("win32", set(), "powershell"),
    ],
)
def test_a_sound_is_played_by_what_is_there(system: str, has: set[str], first: str | None) -> None:
    words = platform.sound_command(system, lambda name: name if name in has else None)
    assert (words or [None])[0] == first


def block_device(root: Path, number: str, *, uuid: str = "", on: Path | None = None) -> Path:
    """A block device as sysfs shows it."""
    device = root / "sys/dev/block" / number
    device.mkdir(parents=True)
    if uuid:
        (device / "dm").mkdir()
        (device / "dm/uuid").write_text(uuid + "\n")
    if on is not None:
        (device / "slaves").mkdir()
        (device / "slaves" / on.name).symlink_to(on)
    return device


def test_an_encrypted_disk_is_found_below_a_volume(tmp_path: Path) -> None:
    crypt = block_device(tmp_path, "253:0", uuid="CRYPT-LUKS2-0123-home")
    block_device(tmp_path, "253:1", uuid="LVM-abcdef", on=crypt)
    plain = block_device(tmp_path, "8:1")
    block_device(tmp_path, "253:2", uuid="LVM-abcdef", on=plain)

    def asked(major: int, minor: int) -> bool | None:
        return platform.encrypted(tmp_path, "linux", tmp_path, lambda _: os.makedev(major, minor))

    assert asked(253, 1) is True
    assert asked(253, 2) is False
    assert asked(8, 1) is False
    assert asked(0, 44) is None, "a file system without a block device of its own"


def test_other_systems_tell_what_they_may(tmp_path: Path) -> None:
    def says(text: str, code: int = 0) -> Any:
        return lambda *_, **__: subprocess.CompletedProcess([], code, text)

    assert platform.encrypted(tmp_path, "darwin", run=says("FileVault is On.")) is True
    assert platform.encrypted(tmp_path, "darwin", run=says("FileVault is Off.")) is False
    assert platform.encrypted(tmp_path, "darwin", run=says("", 1)) is None
    assert platform.encrypted(tmp_path, "win32", run=says("")) is None
