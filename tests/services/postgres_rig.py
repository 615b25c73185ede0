"""A PostgreSQL of a test's own, from ``.ci/servers``, that can be killed: others are at work on the shared one."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from sqlalchemy import make_url

from tests.services.starters import starter

GONE_S = 10.0


@dataclass(frozen=True)
class Server:
    """One that runs; ``url`` of its first database."""

    url: str

    @property
    def folder(self) -> Path:
        return Path(parse_qs(urlsplit(self.url).query)["host"][0])

    def fresh(self, name: str, how: str = "") -> str:
        """An empty database."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE template0 {how}".encode())
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def _pids(self) -> list[int]:
        """Of it and all it started, itself first."""
        postmaster = int((self.folder / "cluster" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]

    @contextmanager
    def hung(self) -> Iterator[None]:
        """It neither answers nor refuses: a disk that stalls, a machine that swaps."""
        pids = self._pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(pids):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """It and all it started, at once: what a power cut leaves of it.

        A dead process that nobody has waited for keeps its number, and the next server would take it for the old one.
        """
        pids = self._pids()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + GONE_S
        while any(map(_lives, pids)) and time.monotonic() < deadline:
            time.sleep(0.02)
        for lock in ("cluster/postmaster.pid", ".s.PGSQL.5432.lock"):
            (self.folder / lock).unlink(missing_ok=True)

    def start(self) -> None:
        """Again."""
        started = subprocess.run([self.folder / "again"], check=False, timeout=60)
        assert started.returncode == 0, (self.folder / "log").read_text()[-2000:]


def _lives(pid: int) -> bool:
    """It runs, and does not only wait to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def own_server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="hemoview-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server gives up root and looks into it
        with starter("postgres").postgres(folder / "postgres") as url:
            yield Server(url)
