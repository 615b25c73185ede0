"""A unix socket for a proxy on the same machine: who may be there, and whose word counts there and nowhere else."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect, unix_connect

from hemoview.cloud import listening, proxied, tables
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.sockets import real_socket

OURS = "https://ward.example"
CLIENT = "203.0.113.7"
WRITTEN = {
    "X-Forwarded-For": f"127.0.0.1, {CLIENT}",
    "X-Real-IP": "198.51.100.1",
    "Forwarded": "for=198.51.100.2",
}


@pytest.fixture
def path() -> Iterator[Path]:
    """Short: a socket's path has about 100 letters."""
    folder = Path(tempfile.mkdtemp(prefix="hv-"))
    yield folder / "run" / "1.sock"
    shutil.rmtree(folder)


@pytest.fixture
def behind(tmp_path: Path, path: Path, clock: Clock) -> Iterator[Rig]:
    told = {"folder": tmp_path / "service", "socket": path, "public_url": OURS}
    with running(Settings.read(None, told, {}), clock) as rig:
        yield rig


def client(path: Path) -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url=OURS.replace("https", "http"))


def origins(rig: Rig) -> list[str]:
    """Of what the audit log holds, oldest first."""

    async def read(conn: AsyncConnection) -> list[str]:
        return list((await conn.execute(select(tables.audit.c.origin).order_by(tables.audit.c.no))).scalars())

    return rig.do(read)


def ended(rig: Rig) -> dict[str, str]:
    """What a bedside sends whose token has ended: refused, and written down."""
    if not rig.wards:
        rig.ward("A")
    return {"Authorization": f"Bearer {rig.bedside('A-1').token(seconds=-60)}"}


# ---- whose word counts


def test_on_the_socket_the_proxys_word_is_whom_the_audit_log_names(behind: Rig) -> None:
    with real_socket(behind) as path, client(path) as http:
        wrong = {"name": "nobody", "password": "guess"}
        assert http.post("/v1/login", json=wrong, headers=WRITTEN).status_code == 401
        assert http.get("/v1/me", headers=WRITTEN | ended(behind)).status_code == 401
    assert origins(behind) == [CLIENT, CLIENT]


def test_on_an_address_a_header_is_what_a_client_wrote(rig: Rig) -> None:
    with real_socket(rig) as (host, port), httpx.Client(base_url=f"http://{host}:{port}") as http:
        wrong = {"name": "nobody", "password": "guess"}
        assert http.post("/v1/login", json=wrong, headers=WRITTEN).status_code == 401
        with pytest.raises(InvalidStatus):
            told = WRITTEN | ended(rig)
            connect(f"ws://{host}:{port}/v1/live/ingest", additional_headers=told, proxy=None)
        assert (
            http.get("/metrics", headers=WRITTEN).status_code == 200
        )  # it is this machine, whatever it says
    assert origins(rig) == ["127.0.0.1", "127.0.0.1"]


@pytest.mark.parametrize("where", ["/v1/live?ward=1", "/v1/live/ingest"])
def test_web_sockets_too(behind: Rig, where: str) -> None:
    with real_socket(behind) as path, pytest.raises(InvalidStatus) as refused:
        unix_connect(
            str(path),
            f"ws://ward.example{where}",
            additional_headers=WRITTEN | ended(behind),
            compression=None,
        )
    assert refused.value.response.status_code == 401
    assert origins(behind) == [CLIENT]


@pytest.mark.usefixtures("light_passwords")
def test_each_address_waits_for_its_own_wrong_tries(behind: Rig) -> None:
    told = []
    with real_socket(behind) as path, client(path) as http:
        for n in range(40):
            wrong = {"name": f"nobody-{n}", "password": "guess"}
            told.append(http.post("/v1/login", json=wrong, headers={"X-Forwarded-For": CLIENT}).status_code)
        other = http.post("/v1/login", json=wrong, headers={"X-Forwarded-For": "203.0.113.8"}).status_code
    assert told[0] == 401 and told[-1] == 429 and other == 401


def test_metrics_are_for_who_opens_the_socket_itself(behind: Rig) -> None:
    with real_socket(behind) as path, client(path) as http:
        assert http.get("/metrics").status_code == 200
        for address in (CLIENT, "127.0.0.1", "::1", "localhost", ""):
            assert http.get("/metrics", headers={"X-Forwarded-For": address}).status_code == 404


def test_browsers_are_told_what_the_public_address_is(behind: Rig) -> None:
    with real_socket(behind) as path, client(path) as http:
        told = http.get("/v1/hello")
        assert "strict-transport-security" in told.headers
        foreign = http.post(
            "/v1/login", json={"name": "a", "password": "b"}, headers={"Origin": "https://evil.example"}
        )
        ours = http.post("/v1/login", json={"name": "a", "password": "b"}, headers={"Origin": OURS})
    assert (foreign.status_code, ours.status_code) == (403, 401)


@given(st.lists(st.binary(max_size=40), max_size=4), st.ip_addresses())
def test_only_the_last_address_counts(before: list[bytes], address: Any) -> None:
    headers = [(proxied.HEADER, value) for value in before]
    last = (proxied.HEADER, b",".join([*before, str(address).encode()]))
    assert proxied.client_of({"headers": [*headers, last]}) == (str(address), 0)
    told = proxied.client_of({"headers": headers})
    assert (told is None) == (not headers)


# ---- who may be there


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"public_url": ""}, "public_url"),
        ({"public_url": "http://ward.example"}, "https"),
        ({"tls_key": Path("/nowhere.key")}, "leave tls_key out"),
    ],
)
def test_a_socket_wants_a_proxy_with_tls(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Settings.read(None, {"socket": Path("/run/hv/1.sock"), "public_url": OURS} | told, {})


def bound(path: Path) -> Any:
    return listening.listening(Settings(folder=path.parent, socket=path, public_url=OURS))


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_it_is_the_owners_and_the_groups_and_gone_afterwards(path: Path, umask: int) -> None:
    with bound(path):
        assert os.umask(umask) == umask
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
        with pytest.raises(ConfigError, match="a service listens there already"), bound(path):
            pass
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(path))  # the second one has not taken it away
    assert not path.exists()


def test_what_a_killed_service_left_is_no_obstacle(path: Path) -> None:
    words = f"with bound(Path({str(path)!r})): os.kill(os.getpid(), signal.SIGKILL)"
    program = f"import os, signal; from pathlib import Path; from tests.cloud.test_behind_a_proxy import bound\n{words}"
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    assert path.exists()
    with bound(path), socket.socket(socket.AF_UNIX) as one:
        one.connect(str(path))


def test_nobody_elses_file_is_taken_away(path: Path) -> None:
    path.parent.mkdir(mode=0o750)
    path.write_text("precious")
    with pytest.raises(ConfigError, match="is a file, and no socket"), bound(path):
        pass
    assert path.read_text() == "precious"


def test_a_folder_for_everybody_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod o="), bound(path):
        pass


@pytest.mark.parametrize("name", ["s" * 120, "s" * 300])
def test_a_path_that_is_too_long_is_said(path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="socket"), bound(path.with_name(name)):
        pass


def test_a_folder_that_cannot_be_made_is_said() -> None:
    with pytest.raises(ConfigError, match="cannot be made"), bound(Path("/proc/hv/1.sock")):
        pass
