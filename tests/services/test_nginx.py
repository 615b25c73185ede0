"""nginx as a site configures it: what it lets through, what it keeps back, what it does when a replica dies."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from websockets.sync.client import connect

from hemoview.cloud import tables
from hemoview.cloud.asking import SECURE_COOKIE
from hemoview.cloud.identity import tls
from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.live_rig import message
from tests.cloud.sockets import real_socket
from tests.services.starters import starter

pytestmark = pytest.mark.services
nginx = starter("nginx")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short: a socket's path has about 100 letters."""
    folder = Path(tempfile.mkdtemp(prefix="hv-"))
    tls.init(folder / "tls", ("ward.example",))
    yield folder
    shutil.rmtree(folder)


@dataclass
class Front:
    """nginx before one service that runs in this process."""

    url: str
    rig: Rig
    folder: Path
    trust: ssl.SSLContext

    def client(self, **more: object) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=self.trust, trust_env=False, **more)  # type: ignore[arg-type]

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def line(self, how: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        """A connection, for what a client library would not send."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        try:
            return (how or self.trust).wrap_socket(plain, server_hostname="localhost")
        except ssl.SSLError:
            plain.close()
            raise


@pytest.fixture(scope="module")
def front(folder: Path) -> Iterator[Front]:
    port = nginx._free_port("127.0.0.1")
    path = folder / "run" / "1.sock"
    told = {"folder": folder / "service", "socket": path, "public_url": f"https://localhost:{port}"}
    trust = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    with (
        running(Settings.read(None, told, {}), Clock()) as rig,
        real_socket(rig),
        nginx.nginx(folder / "nginx", replicas=[path], tls=folder / "tls", port=port) as url,
    ):
        rig.ward("A")
        yield Front(url, rig, folder, trust)


# ---- what it lets through, and how


def test_an_address_is_the_connections_whatever_a_client_writes(front: Front) -> None:
    written = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    with front.client() as http:
        reply = http.post("/v1/login", json={"name": "nobody", "password": "guess"}, headers=written)
    assert reply.status_code == 401

    async def read(conn: AsyncConnection) -> list[str]:
        return list((await conn.execute(select(tables.audit.c.origin))).scalars())

    assert set(front.rig.do(read)) == {"127.0.0.1"}


def test_segments_stream_and_land_nowhere_between(front: Front) -> None:
    body = bytes(9_000_000)
    sha256 = hashlib.sha256(body).hexdigest()
    bedside = front.rig.bedside("A-1")
    with front.client(headers=bedside.headers) as http:
        assert http.put(f"/v1/blobs/{sha256}", content=body).status_code == 201
        assert http.put(f"/v1/blobs/{sha256}", content=body).status_code == 200
        too_large = http.put(f"/v1/blobs/{sha256}", content=bytes(65 * 2**20 - 1000))
    assert too_large.status_code == 413 and "a blob of at most" in too_large.text  # the service's own words
    assert not any(path.is_file() for path in (front.folder / "nginx" / "body").rglob("*"))


def test_a_large_body_elsewhere_is_refused_in_the_services_form(front: Front) -> None:
    with front.client() as http:
        reply = http.post("/v1/login", content=bytes(2_000_000), headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.headers["content-type"]) == (413, "application/problem+json")


def test_each_header_of_safety_is_there_once(front: Front) -> None:
    with front.client() as http:
        reply = http.get("/v1/hello")
    for name in (
        "strict-transport-security",
        "content-security-policy",
        "x-content-type-options",
        "cache-control",
        "referrer-policy",
    ):
        assert len(reply.headers.get_list(name)) == 1, name
    assert reply.headers["server"] == "nginx"


def test_a_bedside_and_a_browser_through_it(front: Front) -> None:
    bedside = front.rig.bedside("A-2")
    nurse = front.rig.person("nurse", ("operator", front.rig.wards["A"]))
    told = {"Cookie": f"{SECURE_COOKIE}={next(iter(nurse.cookies.values()))}"}
    live = f"wss://localhost:{front.port}/v1/live"
    options = {"ssl": front.trust, "proxy": None}
    with (
        connect(
            f"{live}?ward={front.rig.wards['A']}", additional_headers=told, origin=front.url, **options
        ) as browser,
        connect(f"{live}/ingest", additional_headers=bedside.headers, **options) as device,
    ):
        assert json.loads(browser.recv(timeout=10))
        device.send(json.dumps(message()))
        deadline = time.monotonic() + 10
        while front.rig.beds["A-2"] not in browser.recv(timeout=10):
            assert time.monotonic() < deadline
    told = (front.folder / "nginx" / "access.log").read_text()
    assert '"path":"/v1/live"' in told and front.rig.wards["A"] not in told


def test_only_web_sockets_are_upgraded(front: Front) -> None:
    with front.client() as http:
        reply = http.get("/v1/hello", headers={"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"})
    assert reply.status_code == 200


# ---- what it keeps back


@pytest.mark.parametrize(
    "path", ["/metrics", "/%6Detrics", "//metrics", "/x/../metrics", "/metrics/", "/readyz"]
)
def test_what_is_for_this_machine_stays_on_it(front: Front, path: str) -> None:
    with front.line() as line:  # as written: a client library would tidy the path
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        reply = b"".join(iter(lambda: line.recv(65536), b""))
    assert reply.startswith((b"HTTP/1.1 404", b"HTTP/1.1 307")), reply[:200]
    assert b"hemoview_" not in reply


def test_old_tls_is_refused(front: Front) -> None:
    old = ssl.create_default_context(cafile=front.folder / "tls" / "ca.pem")
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), front.line(old):
        pass


# ---- when a replica dies


@dataclass
class Replica:
    """Something on a socket that takes a request and breaks off, or answers."""

    path: Path
    answers: bool
    asked: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[Replica]:
        self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.path))
            listener.listen(16)
            thread = threading.Thread(target=self._serve, args=(listener,))
            thread.start()
            yield self
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
        self.path.unlink()

    def _serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listener.accept()
                with line:
                    self.asked.append(line.recv(65536).split(b" HTTP/")[0].decode())
                    if self.answers:
                        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


@pytest.fixture
def pair(folder: Path, tmp_path: Path) -> Iterator[tuple[Replica, Replica, httpx.Client]]:
    broken = Replica(folder / "pair" / "1.sock", answers=False)
    whole = Replica(folder / "pair" / "2.sock", answers=True)
    trust = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    sockets = [broken.path, whole.path]
    with (
        broken.running(),
        whole.running(),
        nginx.nginx(tmp_path / "nginx", replicas=sockets, tls=folder / "tls") as url,
        httpx.Client(base_url=url, verify=trust, trust_env=False) as http,
    ):
        yield broken, whole, http


def asked_until_broken(broken: Replica, http: httpx.Client, method: str, path: str) -> list[int]:
    """Statuses, until the broken one was asked once more; it rests 2 s after each time."""
    told, before, deadline = [], len(broken.asked), time.monotonic() + 10
    while len(broken.asked) == before:
        told.append(http.request(method, path, content=b"x" if method != "GET" else None).status_code)
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return told


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/me"), ("PUT", "/v1/sessions/1"), ("DELETE", "/v1/sessions/1/hold")],
)
def test_what_may_be_done_twice_goes_to_the_other_one(
    pair: tuple[Replica, Replica, httpx.Client], method: str, path: str
) -> None:
    broken, whole, http = pair
    assert set(asked_until_broken(broken, http, method, path)) == {200}
    assert whole.asked


@pytest.mark.parametrize("path", ["/v1/feedback", "/v1/sessions/1/manifests"])
def test_a_post_is_never_sent_twice(pair: tuple[Replica, Replica, httpx.Client], path: str) -> None:
    broken, whole, http = pair
    told = asked_until_broken(broken, http, "POST", path)
    assert told[-1] == 503 and set(told[:-1]) <= {200}
    assert len(broken.asked) + len(whole.asked) == len(told)


def test_with_nobody_there_each_is_told_in_its_own_form(folder: Path, tmp_path: Path) -> None:
    trust = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    gone = [folder / "gone" / "1.sock", folder / "gone" / "2.sock"]
    with (
        nginx.nginx(tmp_path / "nginx", replicas=gone, tls=folder / "tls") as url,
        httpx.Client(base_url=url, verify=trust, trust_env=False) as http,
    ):
        machine = http.post("/v1/login?secret=1", json={"secret": 1})
        person = http.get("/?secret=1", headers={"Accept": "text/html,*/*"})
    assert machine.status_code == person.status_code == 503
    assert machine.headers["content-type"] == "application/problem+json" and machine.json()["status"] == 503
    assert 'http-equiv="refresh"' in person.text and "暂时" in person.text
    logs = [(tmp_path / "nginx" / name).read_text() for name in ("access.log", "error.log")]
    assert "/v1/login" in logs[0] and not any("secret" in log for log in logs)


def test_a_head_that_never_ends_is_ended(front: Front) -> None:
    """Ten seconds are configured."""
    with front.line() as line:
        line.settimeout(20)
        began = time.monotonic()
        line.sendall(b"GET /v1/hello HTTP/1.1\r\nHost: localhost\r\nX-Slow:")
        assert not line.recv(1000).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - began < 15
