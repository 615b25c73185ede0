"""What a bedside meets at the site's broker, for tests: passes that nobody asked the service for, and who takes."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from hemoview.cloud.identity.device_authority import DeviceAuthority
from recorder.sync import signing
from recorder.sync.live_offer import LiveCertificate
from recorder.sync.uplink.mqtt import MqttTransport
from recorder.sync.uplink.site_pass import Pass, Passes, context_of
from recorder.sync.uplink.topics import LINK, LIVE_OF_ALL, Refusal, live_topic, refused_topic
from tests.services.mosquitto_rig import Broker, own_broker
from tests.sync.uplink_rig import WAIT_S


def device_pass(keys: Path, device_id: str, public_key: bytes, now: datetime | None = None) -> str:
    """A certificate of a device, PEM."""
    authority = DeviceAuthority.read(keys)
    assert authority is not None
    made = authority.certify(device_id, public_key, now or datetime.now(UTC))
    return made.public_bytes(Encoding.PEM).decode()


def pass_of(
    site: Broker, device_id: str, key: Ed25519PrivateKey, pem: str, ca_pem: str | None = None
) -> Pass:
    """As the service would give it."""
    assert site.settings.bus_ca is not None
    trusted = ca_pem or site.settings.bus_ca.read_text()
    told = LiveCertificate(device_id, "s", site.settings.bus_public_url, trusted, pem, 1, "00" * 64)
    return Pass(told, context_of(told, key), time.monotonic() + 3600)


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
        self._client.tls_set_context(site.access.context())
        self._client.reconnect_delay_set(1, 1)
        self._client.on_message = lambda _c, _u, message: self._take(message)
        self._ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(LIVE_OF_ALL, 0)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect(site.access.host, site.access.port)
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
        pem = device_pass(self._site.folder / "keys", self._device_id, raw)
        given = pass_of(self._site, self._device_id, self._key, pem, ca_pem)
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
def taking(_: Path) -> Iterator[Taking]:
    with own_broker() as site:
        found = Taking(site)
        try:
            yield found
        finally:
            found.close()
