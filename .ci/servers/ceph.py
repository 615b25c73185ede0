"""An S3 store of one node, for trials and tests: Ceph from Debian's packages (monitor, one OSD, RADOS gateway).

It is a real store with a real protocol and no safety at all: one copy on one disk, or in memory, gone with either. No
site keeps recordings in it. Everything lies in one folder and listens on loopback alone; /etc/ceph is not touched.
"""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from servers.running import end, pid_in

BUCKET, REGION = "hemoview", "us-east-1"
STEP_S = 60
SIZE = 4 << 30
"""Bytes of the store at most; a sparse file, or memory that is taken as it is filled."""
FOR_TRIALS = "This object store is for trials: one copy on one disk. Keep no recording in it that you need."
DAEMONS = ("client.rgw.trial", "osd.0", "mon.a")
"""In the order in which they are stopped."""

CONF = """[global]
fsid = {fsid}
mon host = {mon}
public network = 127.0.0.0/8
run dir = {folder}
keyring = {folder}/keyring
admin socket = {folder}/$name.asok
pid file = {folder}/$name.pid
log file = {folder}/$name.log
crash dir = {folder}/crash
mon data = {folder}/mon
osd data = {folder}/osd
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail crit = 1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = {kind}
osd memory target = 939524096
memstore device bytes = {size}
bluestore block create = true
bluestore block size = {size}
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw enable usage log = false
"""


@contextmanager
def ceph(folder: Path, *, keep: bool = False) -> Iterator[str]:
    """A store in ``folder``; gives the path of ``FOLDER/service.toml``: the settings of a service that uses it.

    ``FOLDER/again`` is a script that starts the gateway when a test has killed it.

    Args:
        keep: on the disk, found again by the next call on the same folder; else in memory.
    """
    is_new = not (folder / "ceph.conf").exists()
    try:
        if is_new:
            _lay_out(folder, "bluestore" if keep else "memstore")
        stop(folder)
        _start(folder, is_new)
        if is_new:
            _furnish(folder)
        yield str(folder / "service.toml")
    finally:
        stop(folder)


def _lay_out(folder: Path, kind: str) -> None:
    """Everything that one needs before a daemon runs."""
    folder.mkdir(mode=0o700)
    for name in ("osd", "mon", "crash"):
        (folder / name).mkdir()
    fsid, (v2, v1, port) = str(uuid4()), _free_ports(3)
    mon = f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]"
    told = {"fsid": fsid, "mon": mon, "folder": folder, "kind": kind, "size": SIZE, "port": port}
    (folder / "ceph.conf").write_text(CONF.format(**told))
    keyring = folder / "keyring"
    for name, caps in (
        ("mon.", ("mon", "allow *")),
        ("client.admin", ("mon", "allow *", "osd", "allow *")),
        ("osd.0", ("mon", "allow profile osd", "osd", "allow *")),
        ("client.rgw.trial", ("mon", "allow rw", "osd", "allow rwx")),
    ):
        words = [word for pair in zip(caps[::2], caps[1::2], strict=True) for word in ("--cap", *pair)]
        made = [] if keyring.exists() else ["--create-keyring"]
        _run(folder, "ceph-authtool", *made, keyring, "--gen-key", "-n", name, *words)
    _run(folder, "monmaptool", "--create", "--addv", "a", mon, "--fsid", fsid, folder / "monmap")
    _run(folder, "ceph-mon", "--mkfs", "-i", "a", "--monmap", folder / "monmap", "--keyring", keyring)
    script = folder / "again"
    script.write_text(f"#!/bin/sh\nexec radosgw --conf '{folder}/ceph.conf' -n client.rgw.trial\n")
    script.chmod(0o700)


def _start(folder: Path, is_new: bool) -> None:
    _run(folder, "ceph-mon", "-i", "a")
    if is_new:
        osd = str(uuid4())
        _run(folder, "ceph", "--connect-timeout", STEP_S, "osd", "new", osd, "0")
        for name in ("osd.0", "client.rgw.trial"):
            _run(folder, "ceph", "auth", "add", name, "-i", folder / "keyring")
        _run(folder, "ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osd)
    _run(folder, "ceph-osd", "-i", "0")
    start_gateway(folder)


def start_gateway(folder: Path) -> None:
    """Until it answers."""
    subprocess.run([folder / "again"], check=True, timeout=STEP_S, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + STEP_S
    while not _answers(endpoint_of(folder)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"radosgw does not answer; see {folder}/client.rgw.trial.log")
        time.sleep(0.05)


def kill_gateway(folder: Path) -> None:
    """At once."""
    _end(folder, "client.rgw.trial", signal.SIGKILL)


def stop(folder: Path) -> None:
    """All of it. What is in memory is gone; what is on the disk is whole."""
    for name in DAEMONS:
        _end(folder, name, signal.SIGTERM if name == "osd.0" else signal.SIGKILL)


def runs(folder: Path) -> bool:
    """All of it does."""
    return all(_pid_of(folder, name) for name in DAEMONS)


def start(folder: Path) -> None:
    """Again, whatever of it was killed."""
    for name, program in (("mon.a", "ceph-mon"), ("osd.0", "ceph-osd")):
        if _pid_of(folder, name) is None:
            _run(folder, program, "-i", name.partition(".")[2])
    if _pid_of(folder, DAEMONS[0]) is None:
        start_gateway(folder)


def endpoint_of(folder: Path) -> str:
    """Where its gateway is reached."""
    conf = (folder / "ceph.conf").read_text()
    return "http://" + conf.rpartition("beast endpoint=")[2].split()[0]


def _furnish(folder: Path) -> None:
    """An account, a bucket, and what a service is told of them."""
    key_id, secret = secrets.token_hex(10).upper(), secrets.token_urlsafe(30)
    named = ("--uid=hemoview", "--display-name=HemoView", f"--access-key={key_id}", f"--secret-key={secret}")
    _run(folder, "radosgw-admin", "user", "create", *named)
    endpoint, credentials = endpoint_of(folder), folder / "credentials"
    make_bucket(endpoint, key_id, secret, BUCKET)
    credentials.touch(mode=0o600)
    credentials.write_text(f"[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n")
    (folder / "service.toml").write_text(
        f"# {FOR_TRIALS}\n"
        f'blobs_url = "s3://{BUCKET}"\nblobs_endpoint = "{endpoint}"\nblobs_region = "{REGION}"\n'
        f'blobs_credentials_file = "{credentials}"\n'
    )


def make_bucket(endpoint: str, key_id: str, secret: str, name: str) -> None:
    """Once the gateway has read its accounts it takes them; that may need a moment."""
    import obstore
    from obstore.store import S3Store

    keys = {"access_key_id": key_id, "secret_access_key": secret}
    store = S3Store(name, endpoint=endpoint, region=REGION, client_options={"allow_http": True}, **keys)
    url = obstore.sign(store, "PUT", "", timedelta(minutes=5))
    with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=STEP_S):
        pass


def _run(folder: Path, program: str, *words: object) -> str:
    """One of Ceph's programs, which daemons leave when they are up."""
    command = [program, *map(str, words)]
    if program not in {"ceph-authtool", "monmaptool"}:
        command[1:1] = ["--conf", str(folder / "ceph.conf")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=STEP_S, cwd=folder)
    if done.returncode:
        told = " ".join(command[:4])
        raise RuntimeError(f"{told} …: {done.stderr.strip()[-800:] or f'ended with {done.returncode}'}")
    return done.stdout


def _end(folder: Path, name: str, number: int) -> None:
    """The daemon of this folder, and no other that has its number by now."""
    end(_pid_of(folder, name), folder, number, STEP_S)


def _pid_of(folder: Path, name: str) -> int | None:
    """Of one daemon, if it runs."""
    return pid_in(folder / f"{name}.pid", folder)


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint, timeout=2):
            return True
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    with suppress(OSError):
        held = [socket.socket() for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        ports = [one.getsockname()[1] for one in held]
        for one in held:
            one.close()
        return ports
    raise RuntimeError("no free port on this machine")
