"""Clients of any kind at a broker, and what it answers them."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.services.broker_rig import device_pass
from tests.services.mosquitto_rig import Broker, mosquitto

WAIT_S = 30.0


def ports(broker: Broker) -> tuple[int, int]:
    found: tuple[int, int] = mosquitto.ports_of(broker.folder)
    return found


def context_for(broker: Broker, folder: Path, keys: Path, device_id: str) -> ssl.SSLContext:
    """What a device shows whose certificate an authority in ``keys`` signed."""
    key = Ed25519PrivateKey.generate()
    pem = device_pass(keys, device_id, key.public_key().public_bytes_raw())
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (folder / f"{device_id}.pem").write_text(pem + own)
    context = ssl.create_default_context(cafile=broker.settings.bus_ca)
    context.load_cert_chain(folder / f"{device_id}.pem")
    return context


@dataclass
class Speaker:
    """A client that says what came of it."""

    context: ssl.SSLContext
    port: int
    name: str = ""
    got: list[tuple[str, bytes]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    codes: dict[int, ReasonCode] = field(default_factory=dict)
    is_in: threading.Event = field(default_factory=threading.Event)
    listens: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Speaker:
        self.client = Client(
            CallbackAPIVersion.VERSION2, self.name or uuid4().hex, protocol=MQTTv5, reconnect_on_failure=False
        )
        self.client.tls_set_context(self.context)
        self.client.on_connect = lambda _c, _u, _f, reason, _p: (
            None if reason.is_failure else self.is_in.set()
        )
        self.client.on_message = lambda _c, _u, m: self.got.append((m.topic, bytes(m.payload)))
        self.client.on_publish = lambda _c, _u, mid, reason, _p: self.codes.update({mid: reason})
        self.client.on_subscribe = lambda *_: self.listens.set()
        self.client.on_disconnect = lambda _c, _u, _f, reason, _p: self.ends.append(str(reason))
        self.client.connect("localhost", self.port)
        self.client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def say(self, topic: str, payload: bytes = b"{}", *, retain: bool = False) -> str:
        """The broker's answer."""
        assert self.is_in.wait(WAIT_S)
        mid = self.client.publish(topic, payload, 1, retain=retain).mid
        until(lambda: mid in self.codes or self.ends)
        return str(self.codes.get(mid, self.ends[-1:]))

    def listen(self, topic: str) -> None:
        assert self.is_in.wait(WAIT_S)
        self.listens.clear()
        self.client.subscribe(topic, 1)
        assert self.listens.wait(WAIT_S)

    def is_refused(self) -> bool:
        until(lambda: self.ends or self.is_in.is_set())
        return not self.is_in.is_set()


def until(what: object) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


def as_service(broker: Broker) -> ssl.SSLContext:
    context = broker.access.context()
    assert context is not None
    return context
