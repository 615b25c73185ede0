"""nginx from Debian's packages before some replicas, by the very configuration that a site gets.

Everything lies in one folder; nothing of /etc/nginx is read.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from servers.running import end, pid_in

STARTS_S = 20
SHIPPED = Path(__file__).parents[2] / "resources" / "deploy" / "nginx"
PORT = 8440


@contextmanager
def nginx(
    folder: Path,
    *,
    replicas: Sequence[Path],
    tls: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    keep: bool = False,
) -> Iterator[str]:
    """It runs in ``folder``; gives its address. ``FOLDER/again`` is a script that starts it when it was killed.

    Args:
        replicas: unix sockets that requests go to.
        tls: folder of ``server.pem`` and ``server.key``.
        host, port: to listen on; port 0 = a free one, which a folder that is used again keeps.
        keep: as for other servers; nothing of nginx is worth keeping but its logs.
    """
    folder.mkdir(mode=0o700, exist_ok=keep)
    stop(folder)
    port = port or _free_port(host)
    _write(folder, replicas, tls, f"{host}:{port}")
    try:
        start(folder)
        _wait_for(folder, host, port)
        yield f"https://{'localhost' if host == '127.0.0.1' else host}:{port}"
    finally:
        stop(folder)


def start(folder: Path) -> None:
    """Once its files are there. Workers of one that was killed go on answering, and have to leave its port first.

    Raises:
        RuntimeError: with nginx's own words.
    """
    _end_orphans(folder)
    done = subprocess.run([folder / "again"], check=False, capture_output=True, text=True, timeout=STARTS_S)
    if done.returncode:
        raise RuntimeError(f"nginx does not start: {done.stderr.strip()[-800:]}")


def stop(folder: Path) -> None:
    """It and its workers; nothing where none runs."""
    pid = pid_of(folder)
    if pid is None:
        _end_orphans(folder)
    end(pid, folder, signal.SIGTERM, STARTS_S)  # its file goes before its port does


def pid_of(folder: Path) -> int | None:
    """Of the nginx of this folder, if it runs."""
    return pid_in(folder / "nginx.pid", folder)


def _end_orphans(folder: Path) -> None:
    """Workers of an nginx that was killed: they have its process group, and their name."""
    with suppress(OSError, ValueError):
        group = int((folder / "nginx.pid").read_text())
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                fields = (process / "stat").read_text()
                if "(nginx)" in fields and int(fields.rpartition(")")[2].split()[2]) == group:
                    os.kill(int(process.name), signal.SIGKILL)


def filled(text: str, places: Mapping[str, str]) -> str:
    """A shipped file with this machine's places in it.

    Raises:
        LookupError: the file has no such place any more.
    """
    for shipped, ours in places.items():
        if shipped not in text:
            raise LookupError(f"the shipped configuration has no {shipped!r} any more")
        text = text.replace(shipped, ours)
    return text


def _write(folder: Path, replicas: Sequence[Path], tls: Path, listen: str) -> None:
    servers = [f"    server unix:{path} max_fails=1 fail_timeout=2s;" for path in replicas]
    shipped = [
        f"    server unix:/run/hemoview/{number}/http.sock max_fails=1 fail_timeout=2s;" for number in (1, 2)
    ]
    logs = {"/var/log/nginx/": f"{folder}/"}
    site = filled(
        (SHIPPED / "hemoview.conf").read_text("utf-8"),
        {
            "\n".join(shipped): "\n".join(servers),
            "/etc/hemoview/tls/": f"{tls}/",
            "listen 443": f"listen {listen}",
        }
        | logs,
    )
    main = filled(
        (SHIPPED / "nginx.conf").read_text("utf-8"),
        {"/tmp/": f"{folder}/", "/etc/nginx/conf.d/hemoview.conf": f"{folder}/hemoview.conf"} | logs,
    )
    if os.geteuid() == 0:  # else its workers would give up root, and with it their way to the sockets
        main = f"user root root;\n{main}"
    (folder / "hemoview.conf").write_text(site, "utf-8")
    (folder / "nginx.conf").write_text(main, "utf-8")
    script = folder / "again"
    words = f"/usr/sbin/nginx -p '{folder}' -e '{folder}/error.log' -c '{folder}/nginx.conf'"
    script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    script.chmod(0o700)


def _wait_for(folder: Path, host: str, port: int) -> None:
    deadline = time.monotonic() + STARTS_S
    asked = "127.0.0.1" if host == "0.0.0.0" else host
    while True:
        with suppress(OSError), socket.create_connection((asked, port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nginx does not answer; see {folder}/error.log")
        time.sleep(0.05)


def _free_port(host: str) -> int:
    with socket.socket() as one:
        one.bind((host, 0))
        port: int = one.getsockname()[1]
    return port
