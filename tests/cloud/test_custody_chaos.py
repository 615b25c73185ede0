"""The record path on real sockets, with what goes wrong there: cut bodies, a full disk, a killed service."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hemoview.bench import cloud_kills, cloud_service
from hemoview.bench.cloud_record import Link, Sent, hello_of
from hemoview.cloud import supervise
from hemoview.cloud.custody import backup, incoming, scrub
from hemoview.cloud.custody.local import LocalBlobs
from recorder.errors import ConfigError, RecorderError
from recorder.sync.wire import BLOB_BYTES_MAX
from tests.cloud.cloud_rig import Rig
from tests.cloud.custody_rig import on_disk, refusals
from tests.cloud.handover import SMALL, Sender
from tests.cloud.sockets import real_socket
from tests.cloud.stores import lying

CONTENT = b"content" * 1000
WHERE = f"/v1/blobs/{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def sender(rig: Rig) -> Sender:
    rig.ward("A")
    return Sender(rig.http, rig.bedside("A-1"), dict(SMALL))


def request(sender: Sender, length: int, body: bytes, more: str = "") -> bytes:
    token = sender.bedside.headers["Authorization"]
    head = (
        f"PUT {WHERE} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Length: {length}\r\n{more}\r\n"
    )
    return head.encode() + body


def told(where: tuple[str, int], content: bytes, *, half: bool = False) -> int | None:
    """Status of the answer to these bytes; None where there is none."""
    with socket.create_connection(where, timeout=10) as link:
        link.sendall(content)
        if half:
            return None
        reply = http.client.HTTPResponse(link)
        reply.begin()
        return reply.status


def until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 10
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def test_bodies_that_are_cut_too_long_or_announced_too_large_leave_nothing(rig: Rig, sender: Sender) -> None:
    with real_socket(rig) as where:
        told(where, request(sender, len(CONTENT), CONTENT[:100]), half=True)
        assert until(lambda: refusals(rig)), "a body that was cut off is in the audit log"
        assert told(where, request(sender, BLOB_BYTES_MAX + 1, b"")) == 413
        assert told(where, request(sender, len(CONTENT) - 1, CONTENT)) in (400, 422)
        assert told(where, request(sender, len(CONTENT), CONTENT[:-1] + b"x")) == 422
        assert on_disk(rig) == set()
        assert "cut off" in refusals(rig)[0][2]
        assert len(refusals(rig)) >= 3
        assert told(where, request(sender, len(CONTENT), CONTENT)) == 201
        assert told(where, request(sender, len(CONTENT), CONTENT)) == 200


def test_a_body_that_never_ends_is_ended(rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hemoview.cloud.custody.blob_routes.GRACE_S", 0.1)
    monkeypatch.setattr("hemoview.cloud.custody.blob_routes.SLOWEST_BYTES_PER_S", 1e6)
    with real_socket(rig) as where:
        assert told(where, request(sender, len(CONTENT), CONTENT[:100])) == 408
    assert on_disk(rig) == set()


def test_a_device_that_begins_bodies_and_sends_none_leaves_room_for_others(
    rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their room is booked before they come: one that has run wild had all of the disk."""
    rig.ward("B")
    other = Sender(rig.http, rig.bedside("B-1"), dict(SMALL))
    room = 24 * BLOB_BYTES_MAX
    free = rig.service.blobs._incoming._reserve + room
    usage = shutil.disk_usage("/")._replace(free=free)  # not the disk's own, which others fill meanwhile
    monkeypatch.setattr(incoming.shutil, "disk_usage", lambda _: usage)
    with real_socket(rig) as where, contextlib.ExitStack() as held:
        for _ in range(32):
            link = held.enter_context(socket.create_connection(where, timeout=10))
            link.sendall(request(sender, BLOB_BYTES_MAX, b"x"))
        until(lambda: refusals(rig))
        assert all("of this device are on their way" in why for _, _, why in refusals(rig))
        assert other.put("session.json").status_code == 201
        assert sender.put("session.json").status_code == 429
    assert until(lambda: sender.put("session.json").status_code in (200, 201))


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, None])
def test_a_full_disk_is_said_and_leaves_nothing(
    rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch, fault: int | None
) -> None:
    """``fault`` None: the disk's last part is kept for the database."""

    def full(fd: int) -> None:
        raise OSError(fault, "full")

    if fault is None:
        monkeypatch.setattr(rig.service.blobs._incoming, "_reserve", shutil.disk_usage("/").total)
    else:
        monkeypatch.setattr(incoming.os, "fsync", full)
    reply = sender.put("session.json")
    monkeypatch.undo()
    assert (reply.status_code, reply.headers["content-type"]) == (507, "application/problem+json")
    assert on_disk(rig) == set()
    assert [why.split(":")[0] for _, _, why in refusals(rig)] == ["nothing was stored"]
    assert sender.put("session.json").status_code == 201


def test_a_blob_that_the_disk_does_not_give_back_ends_no_round_of_scrubbing(
    rig: Rig, sender: Sender, tmp_path: Path
) -> None:
    """The longest unread comes first: where it ended the round, nothing was ever scrubbed again."""
    sender.hand_over()
    path = lying(rig.service.settings, sender.blob("session.json").blob_sha256)
    assert isinstance(path, Path)
    path.unlink()
    path.symlink_to(path)  # opening it fails, as it does on a bad sector: it is there, and not to be read
    found = rig.call(scrub.scrub, rig.service, 1.0)
    assert (found.read, found.damaged) == (2, (sender.blob("session.json").blob_sha256,))
    target = LocalBlobs(tmp_path / "copy", reserve=0)
    sizes = {sender.blob(name).blob_sha256: len(sender.blob(name).content) for name in sender.files}
    assert rig.call(backup.copy, rig.service.blobs, target, sizes) == list(found.damaged)
    path.unlink()
    assert sender.put("session.json").status_code == 201


def test_what_a_crash_left_is_swept_at_the_start(rig: Rig, sender: Sender) -> None:
    left = rig.service.settings.folder / "blobs" / "incoming" / "x.part"
    left.write_bytes(b"half")
    assert rig.call(rig.service.blobs.sweep) == 1
    assert on_disk(rig) == set()


# ---- the supervisor


def test_restarts_begin_at_once_and_back_off() -> None:
    delays = [supervise.restart_delay_s(n) for n in range(1, 20)]
    assert delays[0] <= 0.5
    assert delays == sorted(delays)
    assert delays[-1] == supervise.LONGEST_S


def test_one_service_a_folder(tmp_path: Path) -> None:
    with (
        supervise.alone(tmp_path / "s"),
        pytest.raises(ConfigError, match="already"),
        supervise.alone(tmp_path / "s"),
    ):
        pass
    with supervise.alone(tmp_path / "s"):
        pass


# ---- slow


@pytest.mark.slow
def test_a_service_killed_while_it_receives_loses_nothing_and_is_back_soon() -> None:
    found = cloud_kills.run(kills=3)
    told = {name: found[name] for name in ("kills", "lost", "duplicate", "damaged", "unclaimed")}
    assert told == {"kills": 3, "lost": 0, "duplicate": 0, "damaged": 0, "unclaimed": 0}
    assert found["sessions"] > 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a small disk: root on Linux")
def test_a_disk_that_fills_up_refuses_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    size = (incoming.RESERVE >> 20) + 12
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        with cloud_service.running(disk / "service", 1) as service:
            hello = hello_of(service)
            files = {f"segments/adc.wave-{n}.parquet": os.urandom(2 << 20) for n in range(8)}
            one = Sent(service.stations[0], hello, "session-1", files)
            with pytest.raises(RecorderError, match="507"):
                one.hand_over(service)
            with Link(service, service.stations[0]) as link:
                assert link.ask("GET", "/healthz")["ok"]
            assert not list((disk / "service" / "blobs" / "incoming").iterdir())
            subprocess.run(["mount", "-o", f"remount,size={size + 40}m", str(disk)], check=True)
            assert 0 < one.hand_over(service) < len(files), "what came before the disk was full was kept"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
