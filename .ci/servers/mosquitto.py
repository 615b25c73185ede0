"""Mosquitto from Debian's packages, by the very configuration and access list that a site gets.

Everything lies in one folder and listens on loopback alone, unless bedsides of other machines are to reach it; nothing
of /etc/mosquitto is read.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hemoview.cloud.identity import bus_tls, device_authority
from servers.nginx import filled
from servers.running import end, pid_in

STARTS_S = 20
SHIPPED = Path(__file__).parents[2] / "resources" / "deploy" / "mosquitto"
BEDSIDES, REPLICAS = 8883, 8884
"""Ports in the shipped configuration."""


@contextmanager
def mosquitto(
    folder: Path, *, devices: Path | None = None, names: tuple[str, ...] = (), keep: bool = False
) -> Iterator[str]:
    """A broker in ``folder``; gives the path of ``FOLDER/service.toml``: the settings of a replica that uses it.

    ``FOLDER/again`` is a script that starts it when a test has killed it.

    Args:
        devices: folder of the service's keys, where the authority for devices is or is made; None = ``FOLDER/keys``.
        names: bedsides of other machines reach it under these, the first of them is told to them; replicas never do.
        keep: found again by the next call on the same folder: its ports, and its certificates' authority.
    """
    folder.mkdir(mode=0o755, exist_ok=keep)
    stop(folder)
    files = bus_tls.init(folder / "tls", (*names, "localhost"))
    _lay_out(folder, files, device_authority.make(devices or folder / "keys"), names)
    try:
        start(folder)
        yield str(folder / "service.toml")
    finally:
        stop(folder)


def start(folder: Path) -> None:
    """Once its files are there; comes back when it answers.

    Raises:
        RuntimeError: with its own words.
    """
    done = subprocess.run([folder / "again"], check=False, capture_output=True, text=True, timeout=STARTS_S)
    if done.returncode:
        raise RuntimeError(f"mosquitto does not start: {(done.stdout + done.stderr).strip()[-800:]}")


def stop(folder: Path, number: int = signal.SIGTERM) -> None:
    """Nothing where none runs."""
    end(pid_of(folder), folder, number, STARTS_S)


def pid_of(folder: Path) -> int | None:
    """Of the broker of this folder, if it runs."""
    return pid_in(folder / "broker" / "mosquitto.pid", folder)


def ports_of(folder: Path) -> tuple[int, int]:
    """Of bedsides and of replicas; those a folder had before stay its own."""
    told = folder / "ports"
    if not told.exists():
        with socket.socket() as one, socket.socket() as two:
            for sock in (one, two):
                sock.bind(("127.0.0.1", 0))
            told.write_text(f"{one.getsockname()[1]} {two.getsockname()[1]}")
    bedsides, replicas = map(int, told.read_text().split())
    return bedsides, replicas


def _lay_out(folder: Path, files: bus_tls.BusFiles, devices_ca: Path, names: tuple[str, ...]) -> None:
    own, (bedsides, replicas) = folder / "broker", ports_of(folder)
    own.mkdir(mode=0o700, exist_ok=True)
    for path in (files.ca, files.broker_cert, files.broker_key, devices_ca):
        shutil.copyfile(path, own / path.name)
    for path in SHIPPED.glob("acl*.conf"):
        shutil.copyfile(path, own / path.name)
    places = {
        "/etc/hemoview/bus/": f"{own}/",
        "/var/log/mosquitto/": f"{own}/",
        "/run/mosquitto/": f"{own}/",
        f"listener {BEDSIDES}": f"listener {bedsides}" if names else f"listener {bedsides} 127.0.0.1",
        f"listener {REPLICAS}": f"listener {replicas} 127.0.0.1",
    }
    text = filled((SHIPPED / "mosquitto.conf").read_text("utf-8"), places)
    (own / "mosquitto.conf").write_text(text, "utf-8")
    if os.geteuid() == 0:  # it gives up root, and reads all of this afterwards
        for path in (own, *own.iterdir()):
            shutil.chown(path, "mosquitto", "mosquitto")
    for path in own.iterdir():
        path.chmod(0o600)
    told = {
        "bus_url": f"mqtts://localhost:{replicas}",
        "bus_ca": str(files.ca),
        "bus_cert": str(files.service_cert),
        "bus_key": str(files.service_key),
        "bus_public_url": f"mqtts://{(*names, 'localhost')[0]}:{bedsides}",
    }
    (folder / "service.toml").write_text("".join(f'{name} = "{value}"\n' for name, value in told.items()))
    script = folder / "again"
    script.write_text(f"""#!/bin/sh
/usr/sbin/mosquitto -d -c '{own}/mosquitto.conf' || exit 1
for n in $(seq 100); do
  bash -c ': < /dev/tcp/127.0.0.1/{replicas}' 2>/dev/null && exit 0
  sleep 0.05
done
tail -n 20 '{own}/mosquitto.log'
exit 1
""")
    script.chmod(0o700)
