"""One process of the service, as its own supervisor keeps it, on a unix socket."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

STARTS_S = 60
STOPS_S = 30
SOCKET = "http.sock"


@dataclass
class Replica:
    """In ``folder``: its settings, what it says, and what only it needs (spool, log, one-time passwords)."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def socket(self) -> Path:
        return self.folder / "run" / SOCKET

    def runs(self) -> bool:
        """Its supervisor does, which has it back within a second whenever it dies."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """It listens in a moment; it ends with this process, even when this one is killed."""
        words = [
            "setpriv",
            "--pdeathsig",
            "TERM",
            sys.executable,
            "-m",
            "hemoview.cli",
            "serve",
            "--supervised",
        ]
        with (self.folder / "said.txt").open("ab") as said:
            self.process = subprocess.Popen(
                [*words, "--config", str(self.folder / "service.toml")],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, "HEMOVIEW_HOME": str(self.folder / "home")},
                start_new_session=True,  # Ctrl-C is ours to pass on, when what stands before it is down
            )

    def wait(self) -> None:
        """Until it answers.

        Raises:
            RuntimeError: it does not, with its own words.
        """
        deadline = time.monotonic() + STARTS_S
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://replica"
        ) as http:
            while self.runs() and time.monotonic() < deadline:
                with suppress(httpx.TransportError):
                    if http.get("/healthz", timeout=5).is_success:
                        return
                time.sleep(0.1)
        raise RuntimeError(f"the service does not start: {(self.folder / 'said.txt').read_text()[-800:]}")

    def stop(self) -> None:
        """As for a planned stop: it answers what it has begun to answer."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(STOPS_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def replica(folder: Path, told: Mapping[str, object]) -> Iterator[Replica]:
    """It answers; ended afterwards.

    Args:
        told: its settings; folder and socket are added.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    one = Replica(folder)
    settings = {"folder": folder, "socket": one.socket} | dict(told)
    lines = [f"{name} = {_toml(value)}\n" for name, value in settings.items()]
    (folder / "service.toml").write_text("".join(lines), "utf-8")
    (folder / "said.txt").unlink(missing_ok=True)
    wait_until_gone(folder)
    try:
        one.start()
        one.wait()
        yield one
    finally:
        one.stop()


def wait_until_gone(folder: Path) -> None:
    """Whoever was started here before and whose starter was killed ends by itself, and then lets go of its socket.

    Raises:
        RuntimeError: it does not.
    """
    deadline = time.monotonic() + STOPS_S
    while _is_held(folder / "run" / f"{SOCKET}.lock"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{folder}: another one of it does not end")
        time.sleep(0.1)


def _is_held(lock: Path) -> bool:
    with suppress(FileNotFoundError), lock.open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _toml(value: object) -> str:
    """A setting's value; JSON and TOML write these alike."""
    return json.dumps(str(value) if isinstance(value, Path) else value)
