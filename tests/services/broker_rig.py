"""A broker of a test's own: a real Mosquitto on loopback, with TLS 1.3, client certificates and an access list."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from hemoview.cloud.identity import certificate, device_authority, tls
from hemoview.cloud.identity.device_authority import DeviceAuthority
from recorder.sync import signing
from recorder.sync.live_offer import LiveCertificate
from recorder.sync.uplink_mqtt import MqttTransport
from recorder.sync.uplink_pass import Pass, Passes, context_of
from recorder.sync.uplink_topics import LINK, LIVE_OF_ALL, Refusal, live_topic, refused_topic
from tests.sync.uplink_rig import WAIT_S

STARTS_S = 20.0
SERVICE = "hemoview-service"
ACL = f"""\
user {SERVICE}
topic readwrite hv/v1/#

pattern write hv/v1/devices/%u/live
pattern read hv/v1/devices/%u/refused
"""


@dataclass
class Broker:
    """``folder`` holds its certificates; ``keys`` the authority for devices that it trusts."""

    folder: Path
    keys: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"mqtts://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def service_cert(self) -> Path:
        return self.folder / "service.pem"

    @property
    def service_key(self) -> Path:
        return self.folder / "service.key"

    def allow(self, acl: str = ACL) -> None:
        """Counts from the next start."""
        (self.folder / "acl").write_text(acl)

    def start(self) -> None:
        words = [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(self.folder / "conf")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        deadline = time.monotonic() + STARTS_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None, self.log
                time.sleep(0.02)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def again(self) -> None:
        self.kill()
        self.start()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@contextmanager
def broker(folder: Path, keys: Path) -> Iterator[Broker]:
    """Started; trusts the authority for devices in ``keys``, made where there is none."""
    made = tls.init(folder, ("127.0.0.1",))
    _for_service(folder, folder / "ca.pem", folder / "ca.key")
    devices = device_authority.make(keys)
    (folder / "clients.pem").write_bytes(made.ca.read_bytes() + devices.read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Broker(folder, keys, port)
    found.allow()
    (folder / "conf").write_text(f"""\
listener {port} 127.0.0.1
cafile {folder}/clients.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder}/acl
max_packet_size 131072
max_queued_messages 20000
persistence false
log_type error
log_type warning
log_type notice
""")
    if os.geteuid() == 0:  # it gives up root, and looks into the folders above
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "mosquitto")
        for above in folder.parents:
            if above.stat().st_uid == os.geteuid() and above.is_relative_to("/tmp") and above != Path("/tmp"):
                above.chmod(above.stat().st_mode | 0o011)
    found.start()
    try:
        yield found
    finally:
        found.kill()


def _for_service(folder: Path, ca_file: Path, ca_key_file: Path) -> None:
    """A client certificate of the service's own, under the broker's authority."""
    ca, ca_key = tls.read(ca_file, ca_key_file)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    times = (now - certificate.EARLIER, now + timedelta(days=1))
    cert = certificate.end((ca, ca_key), SERVICE, key.public_key(), certificate.CLIENT, times)
    signed = cert.sign(ca_key, hashes.SHA256())
    (folder / "service.pem").write_bytes(signed.public_bytes(Encoding.PEM))
    (folder / "service.key").write_bytes(certificate.private_pem(key))


def device_pass(keys: Path, device_id: str, public_key: bytes, now: datetime | None = None) -> str:
    """A certificate of a device, PEM."""
    authority = DeviceAuthority.read(keys)
    assert authority is not None
    made = authority.certify(device_id, public_key, now or datetime.now(UTC))
    return made.public_bytes(Encoding.PEM).decode()


class Given(Passes):
    """A pass that a test gives."""

    def __init__(self, given: Callable[[], Pass]) -> None:
        self._given = given

    def offered(self) -> str:
        return self._given().told.mqtt

    def now(self) -> Pass:
        return self._given()

    def forget(self) -> None:
        """The next one is given too."""


class Taking:
    """Takes what one device tells over the broker, as the service does; for the contract of transports."""

    def __init__(self, site: Broker) -> None:
        self._site = site
        self._key, self._device_id = signing.new_key(), str(uuid4())
        self._got: queue.Queue[dict[str, Any]] = queue.Queue()
        self._links: list[str] = []
        self._client = Client(CallbackAPIVersion.VERSION2, "taking", protocol=MQTTv5)
        self._client.tls_set(str(site.ca), str(site.service_cert), str(site.service_key))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = lambda _c, _u, message: self._take(message)
        self._ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(LIVE_OF_ALL, 0)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", site.port)
        self._client.loop_start()
        assert self._ready.wait(WAIT_S)

    def _take(self, message: MQTTMessage) -> None:
        assert message.topic == live_topic(self._device_id)
        assert message.properties is not None
        link = dict(message.properties.UserProperty)[LINK]
        if link not in self._links:
            self._links.append(link)
        self._got.put(json.loads(message.payload))

    def transport(self, ca_pem: str | None = None) -> MqttTransport:
        raw = self._key.public_key().public_bytes_raw()
        pem = device_pass(self._site.keys, self._device_id, raw)
        trusted = ca_pem or self._site.ca.read_text()
        told = LiveCertificate(self._device_id, "s", self._site.url, trusted, pem, 1, "00" * 64)
        given = Pass(told, context_of(told, self._key), time.monotonic() + 3600)
        return MqttTransport(Given(lambda: given), self._device_id)

    def next(self) -> dict[str, Any]:
        return self._got.get(timeout=WAIT_S)

    def links(self) -> int:
        return len(self._links)

    def refuse(self, code: int, why: str) -> None:
        told = Refusal(code, why, self._links[-1]).to_bytes()
        self._client.publish(refused_topic(self._device_id), told, 1).wait_for_publish(WAIT_S)

    def kill(self) -> None:
        self._site.kill()

    def start(self) -> None:
        self._ready.clear()
        self._site.start()
        assert self._ready.wait(WAIT_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def taking(folder: Path) -> Iterator[Taking]:
    with broker(folder / "broker", folder / "keys") as site:
        found = Taking(site)
        try:
            yield found
        finally:
            found.close()
