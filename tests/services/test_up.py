"""``make up`` from the outside: a person signs in, a bedside brings sessions, parts are killed, it goes down and up."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from hemoview.cloud import probe
from hemoview.cloud.asking import CSRF_HEADER
from tests.sync.sync_rig import copied, session

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
UP = [sys.executable, str(ROOT / ".ci" / "up.py")]
REPLICAS = ("1", "2")
SESSIONS = 24
KILL_EVERY_S = 2.0
PASSWORD = "four quiet words here"


@dataclass
class Trial:
    """What ``make up`` keeps in a folder."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def ca(self) -> Path:
        return self.folder / "tls" / "ca.pem"

    @contextlib.contextmanager
    def up(self, end: signal.Signals = signal.SIGINT) -> Iterator[None]:
        """From when it says that it is until it is ended, by Ctrl-C or as by a power cut."""
        words = ["--folder", str(self.folder), "--port", str(self.port), "--replicas", str(len(REPLICAS))]
        process = subprocess.Popen([*UP, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert process.stdout is not None
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if line.startswith("It ends with"):
                    break
            else:
                raise AssertionError("".join(said))
            yield
        finally:
            process.send_signal(end)
            told = process.communicate(timeout=60)[0]
        if end is signal.SIGINT:
            assert process.returncode == 0 and "finds everything again" in told

    def client(self, **more: Any) -> httpx.Client:
        trust = ssl.create_default_context(cafile=str(self.ca))
        return httpx.Client(base_url=self.url, verify=trust, trust_env=False, timeout=30, **more)

    def supervisor(self, replica: str) -> int | None:
        """Of the replica of that number; None while it is started again."""
        config = str(self.folder / replica / "service.toml")
        for pid, words in processes():
            if "--supervised" in words and config in words and not _is_child(pid):
                return pid
        return None

    def is_well(self, replica: str) -> bool:
        """It answers, with all that it needs."""
        is_well, said = probe.probe(str(self.folder / replica / "run" / "http.sock"), "/readyz")
        return is_well and "limited" not in said


def processes() -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(entry.name), (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _is_child(pid: int) -> bool:
    """Of another supervised process, and not of ``make up``."""
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    with contextlib.suppress(OSError):
        return b"--supervised" in Path(f"/proc/{parent}/cmdline").read_bytes()
    return False


@pytest.fixture
def trial() -> Iterator[Trial]:
    folder = Path(tempfile.mkdtemp(prefix="hv-"))
    folder.chmod(0o755)  # PostgreSQL gives up root
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    yield Trial(folder / "trial", port)
    subprocess.run([*UP, "--down", "--folder", str(folder / "trial")], check=True, timeout=60)
    assert not [words for _, words in processes() if str(folder) in words]
    shutil.rmtree(folder)


def kill(pid_file: Path, folder: Path) -> None:
    """Of this trial, and nobody else's."""
    pid = int(pid_file.read_text().split()[0])
    assert str(folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    os.kill(pid, signal.SIGKILL)


def until_well(http: httpx.Client, trial: Trial) -> None:
    """Every part answers: what is asked for from outside, and all that a replica needs."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if http.get("/healthz").is_success and all(map(trial.is_well, REPLICAS)):
                return
        time.sleep(0.1)
    raise AssertionError("not every part answers")


def recorder(*words: str, home: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "recorder.cli",
        *words,
        "--station",
        "bed1",
        "--home",
        str(home),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def signed_in(http: httpx.Client, password: str) -> None:
    reply = http.post("/v1/login", json={"name": "admin", "password": password})
    assert reply.status_code == 200, reply.text
    http.headers[CSRF_HEADER] = reply.json()["csrf"]


def enrolment(http: httpx.Client) -> str:
    """A site, a ward, a bed, and a code for its bedside."""
    site = http.post("/v1/sites", json={"name": "Site"}).json()["id"]
    ward = http.post("/v1/wards", json={"site_id": site, "name": "A"}).json()["id"]
    bed = http.post("/v1/beds", json={"ward_id": ward, "label": "A-1", "place": 1}).json()["id"]
    for role in ("operator", "researcher"):
        grant = {"name": "admin", "role": role, "ward_id": ward}
        assert http.post("/v1/grants", json=grant).status_code == 201
    code: str = http.post(f"/v1/beds/{bed}/enrolment").json()["code"]
    return code


def kill_one_after_the_other(trial: Trial, ending: threading.Event, killed: list[int]) -> None:
    """A replica, then its supervisor, then the other's, in the midst of what they do: one stays each time."""
    while not ending.wait(KILL_EVERY_S):
        mine, other = REPLICAS if len(killed) // 2 % 2 == 0 else REPLICAS[::-1]
        supervisor = trial.supervisor(mine)
        if supervisor is None or not trial.is_well(other):
            continue
        victim = supervisor if len(killed) % 2 else next(iter(children(supervisor)), supervisor)
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)


def test_a_bedside_a_person_and_parts_that_die(trial: Trial, tmp_path: Path) -> None:
    home, sessions = tmp_path / "home", tmp_path / "sessions"
    base = session(tmp_path / "base", 6)
    for number in range(SESSIONS):
        copied(base, sessions / f"s{number}", session_id=f"{number:032x}")
    with trial.up(signal.SIGKILL), trial.client() as http:
        one_time = (trial.folder / "keys" / "one-time-password-admin.txt").read_text().split()[1]
        signed_in(http, one_time)
        changed = http.post("/v1/password", json={"old": one_time, "new": PASSWORD})
        assert changed.status_code == 200
        http.headers[CSRF_HEADER] = changed.json()["csrf"]
        recorder("enrol", "--server", trial.url, "--ca", str(trial.ca), "--code", enrolment(http), home=home)
        ending, killed = threading.Event(), []
        killer = threading.Thread(target=kill_one_after_the_other, args=(trial, ending, killed))
        killer.start()
        try:
            brought = recorder("sync", "--all", str(sessions), home=home)
        finally:
            ending.set()
            killer.join()
        assert len(killed) >= 2
        assert brought["safe"] == SESSIONS
        again = recorder("sync", "--all", str(sessions), home=home)
        assert (again["sent"], again["already_there"]) == (0, brought["segments_total"])
        kept = http.get("/v1/sessions").json()["sessions"]
        assert sorted(one["session_id"] for one in kept) == [f"{number:032x}" for number in range(SESSIONS)]
        second = subprocess.run(
            [*UP, "--folder", str(trial.folder)], capture_output=True, text=True, check=False
        )
        assert second.returncode == 1 and "it is up already" in second.stderr
        for part in ("nginx/nginx.pid", "mosquitto/broker/mosquitto.pid", "postgres/cluster/postmaster.pid"):
            kill(trial.folder / part, trial.folder)
        time.sleep(1)
        until_well(http, trial)
    with trial.up(), trial.client() as http:
        assert not (trial.folder / "keys" / "one-time-password-admin.txt").exists()
        signed_in(http, PASSWORD)
        assert len(http.get("/v1/sessions").json()["sessions"]) == SESSIONS
        assert recorder("sync", "--all", str(sessions), home=home)["sent"] == 0
