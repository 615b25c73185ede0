"""Who may what at a broker that is configured as a site's is; and what replicas make of whatever is written there."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from hemoview.cloud.identity import bus_tls, device_authority
from hemoview.cloud.live import bus_wire
from hemoview.cloud.live.bus_access import BusAccess
from hemoview.cloud.live.mqtt import AWAY, HEARD, TOLD, MqttBus
from hemoview.cloud.live.words import Changed, Heard, Word
from tests.services.broker_rig import device_pass
from tests.services.mosquitto_rig import Broker, mosquitto, own_broker

pytestmark = pytest.mark.services
WAIT_S = 10.0
DENIED = "Not authorized"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with own_broker() as broker:
        yield broker


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


# ---- bedsides


def test_a_device_speaks_under_its_own_name_alone(broker: Broker, tmp_path: Path) -> None:
    bedsides, replicas = ports(broker)
    keys = broker.folder / "keys"
    with (
        Speaker(as_service(broker), replicas) as service,
        Speaker(context_for(broker, tmp_path, keys, "device-1"), bedsides) as device,
    ):
        service.listen("hv/v1/#")
        assert device.say("hv/v1/devices/device-1/live", b"own") == "Success"
        for topic in (
            "hv/v1/devices/device-2/live",
            "hv/v1/devices/device-1/refused",
            "hv/v1/devices/device-1/live/more",
            HEARD,
            TOLD,
            "elsewhere",
        ):
            assert device.say(topic, b"not its own") == DENIED, topic
        until(lambda: service.got)
        time.sleep(0.2)
        assert service.got == [("hv/v1/devices/device-1/live", b"own")]


def test_the_services_name_opens_nothing_where_bedsides_come(broker: Broker, tmp_path: Path) -> None:
    """Whoever has the key of the authority for devices can write any name into a certificate, this one too."""
    bedsides, replicas = ports(broker)
    with (
        Speaker(as_service(broker), replicas) as service,
        Speaker(context_for(broker, tmp_path, broker.folder / "keys", "hemoview-service"), bedsides) as thief,
    ):
        thief.listen("hv/v1/#")
        for topic in (HEARD, TOLD, "hv/v1/devices/device-2/live", "hv/v1/devices/device-2/refused"):
            assert thief.say(topic, b"not its own") == DENIED, topic
            assert service.say(topic, b"what only replicas may read") in (
                "Success",
                "No matching subscribers",
            )
        time.sleep(0.3)
        assert thief.got == []


def test_a_device_hears_what_is_for_it_alone(broker: Broker, tmp_path: Path) -> None:
    bedsides, replicas = ports(broker)
    with (
        Speaker(as_service(broker), replicas) as service,
        Speaker(context_for(broker, tmp_path, broker.folder / "keys", "device-1"), bedsides) as device,
    ):
        for topic in ("hv/v1/#", "#", "hv/v1/devices/+/refused", "hv/v1/devices/+/live"):
            device.listen(topic)
        for topic in (HEARD, TOLD, "hv/v1/devices/device-2/live", "hv/v1/devices/device-2/refused"):
            service.say(topic, b"not for it")
        assert service.say("hv/v1/devices/device-1/refused", b"for it") == "Success"
        until(lambda: device.got)
        time.sleep(0.2)
        assert set(device.got) == {("hv/v1/devices/device-1/refused", b"for it")}


def test_the_newest_connection_of_a_device_is_the_one(broker: Broker, tmp_path: Path) -> None:
    """And no device can end another's by its name, nor a replica's."""
    bedsides, replicas = ports(broker)
    keys = broker.folder / "keys"
    one, other = (context_for(broker, tmp_path, keys, f"device-{n}") for n in (1, 2))
    with (
        Speaker(as_service(broker), replicas, "replica") as service,
        Speaker(one, bedsides, "first") as first,
    ):
        assert not service.is_refused() and not first.is_refused()
        with Speaker(other, bedsides, "first") as thief, Speaker(other, bedsides, "replica") as again:
            assert not again.is_refused()
            until(lambda: thief.ends)
            assert first.say("hv/v1/devices/device-1/live") != DENIED
        with Speaker(one, bedsides, "second") as second:
            assert not second.is_refused()
            until(lambda: first.ends)
        assert service.ends == []


@pytest.mark.parametrize("listener", [0, 1], ids=["bedsides", "replicas"])
def test_nobody_comes_in_without_a_certificate_of_the_right_authority(
    broker: Broker, tmp_path: Path, listener: int
) -> None:
    port = ports(broker)[listener]
    nobody = ssl.create_default_context(cafile=broker.settings.bus_ca)
    device_authority.make(tmp_path / "keys")
    foreign = context_for(broker, tmp_path, tmp_path / "keys", "hemoview-service")
    files = bus_tls.init(tmp_path / "bus", ("localhost",))
    foreign_service = ssl.create_default_context(cafile=broker.settings.bus_ca)
    foreign_service.load_cert_chain(files.service_cert, files.service_key)
    wrong = [nobody, foreign, foreign_service]
    if listener == 0:
        wrong.append(as_service(broker))
    else:  # a certificate for a device opens nothing here, not even one for this name
        wrong.append(context_for(broker, tmp_path, broker.folder / "keys", "hemoview-service"))
    for context in wrong:
        with Speaker(context, port) as speaker:
            assert speaker.is_refused()


def test_older_tls_is_refused(broker: Broker) -> None:
    context = as_service(broker)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for port in ports(broker):
        with (
            socket.create_connection(("localhost", port), timeout=WAIT_S) as plain,
            pytest.raises(ssl.SSLError, match="version"),
        ):
            context.wrap_socket(plain, server_hostname="localhost")


def test_what_is_larger_than_a_message_may_be_ends_who_sent_it(broker: Broker, tmp_path: Path) -> None:
    bedsides, replicas = ports(broker)
    with (
        Speaker(as_service(broker), replicas) as service,
        Speaker(context_for(broker, tmp_path, broker.folder / "keys", "device-1"), bedsides) as device,
    ):
        service.listen("hv/v1/#")
        assert device.say("hv/v1/devices/device-1/live", b"x" * 64 * 1024) == "Success"
        until(lambda: service.got)
        assert device.say("hv/v1/devices/device-1/live", b"x" * 140_000) != "Success"
        time.sleep(0.2)
        assert len(service.got) == 1


def test_nothing_is_kept_at_the_broker(broker: Broker) -> None:
    port = ports(broker)[1]
    with Speaker(as_service(broker), port) as one:
        assert one.is_in.wait(WAIT_S)
        one.client.publish(TOLD, b"kept?", 1, retain=True)
        until(lambda: one.codes or one.ends)
    with Speaker(as_service(broker), port) as later:
        later.listen("hv/v1/#")
        time.sleep(0.3)
        assert later.got == []


def test_a_burst_for_a_replica_that_is_busy_is_not_dropped(broker: Broker) -> None:
    """Mosquitto's own limits (1000) would, and say nothing of it."""
    port, n = ports(broker)[1], 6000
    free = threading.Event()
    with Speaker(as_service(broker), port) as busy, Speaker(as_service(broker), port) as other:
        take = busy.client.on_message
        busy.client.on_message = lambda *told: (free.wait(WAIT_S), take(*told))  # type: ignore[misc]
        busy.listen(HEARD)
        assert other.is_in.wait(WAIT_S)
        for number in range(n):
            other.client.publish(HEARD, f"{number:05d}".encode() + b"x" * 4000, 0)
        other.say(TOLD, b"all of it is there")
        free.set()
        until(lambda: len(busy.got) >= n)
        assert [int(payload[:5]) for _, payload in busy.got] == list(range(n))


# ---- replicas


def run_bus(access: BusAccess, got: list[Word], work: object) -> MqttBus:
    async def whole() -> MqttBus:
        bus = MqttBus(access)
        await bus.open(got.append)
        try:
            async with asyncio.timeout(3 * WAIT_S):
                await work(bus)  # type: ignore[operator]
        finally:
            await bus.close()
        return bus

    return asyncio.run(whole())


async def here(bus: MqttBus) -> None:
    while bus.away:
        await asyncio.sleep(0.02)


def test_whatever_is_written_there_is_a_word_or_is_counted(broker: Broker) -> None:
    heard = Heard("d", "b", "w", 1, "c", 0, 0, "{}")
    good = bus_wire.to_bytes(Changed("ward"), "another", 1)
    rubbish = [
        b"",
        b"\xff\xfe",
        b"{}",
        b"null\n",
        b'{"v":1}',
        b"[" * 5000,
        good[:-3],
        good.replace(b"changed", b"unheard-of"),
        good.replace(b'"ward_id":"ward"', b'"ward_id":7'),
        bus_wire.to_bytes(heard, "another", 1) + b"x" * 80_000,
        b"\0" * 90_000,
    ]
    got: list[Word] = []

    async def work(bus: MqttBus) -> None:
        await here(bus)

        def write() -> None:
            with Speaker(as_service(broker), ports(broker)[1]) as rogue:
                for payload in rubbish:
                    for topic in (HEARD, TOLD):
                        rogue.say(topic, payload)
                        assert not rogue.ends
                rogue.say(TOLD, good)

        await asyncio.to_thread(write)
        while not got:
            await asyncio.sleep(0.02)
        assert not bus.away

    bus = run_bus(broker.access, got, work)
    assert got == [Changed("ward")]
    assert bus.traffic.ignored == 2 * len(rubbish)
    assert bus.traffic.faults == 0


def test_what_the_broker_lost_is_counted_by_its_numbers(broker: Broker) -> None:
    got: list[Word] = []

    async def work(bus: MqttBus) -> None:
        await here(bus)

        def write() -> None:
            with Speaker(as_service(broker), ports(broker)[1]) as other:
                for number in (5, 6, 9, 10):
                    other.say(HEARD, bus_wire.to_bytes(Changed(str(number)), "another", number))

        await asyncio.to_thread(write)
        while len(got) < 4:
            await asyncio.sleep(0.02)

    assert run_bus(broker.access, got, work).traffic.missed == 2


def test_a_broker_that_does_not_let_the_service_speak_is_no_broker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An access list that was written for another name: nothing would show it but reason codes."""
    with own_broker() as broker:
        acl = broker.folder / "broker" / "acl.conf"
        broker.kill()
        acl.write_text(acl.read_text().replace("user hemoview-service", "user somebody-else"))
        broker.start()

        async def work(bus: MqttBus) -> None:
            for _ in range(3):
                bus.tell(Changed("w"))
            await asyncio.sleep(1.5)
            assert bus.away == AWAY

        run_bus(broker.access, [], work)
    said = [r.getMessage() for r in caplog.records if r.name.startswith("hemoview")]
    assert len(said) == 1 and "may not speak" in said[0] and DENIED in said[0], said


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("nobody there", "refused"),
        ("another authority", "certificate verify failed"),
        ("certificate of another", "hung up"),
        ("no file", "No such file"),
    ],
)
def test_a_broker_that_cannot_be_had_is_said_once_and_holds_nothing_up(
    broker: Broker, tmp_path: Path, caplog: pytest.LogCaptureFixture, wrong: str, why: str
) -> None:
    access, files = broker.access, bus_tls.init(tmp_path / "bus", ("localhost",))
    if wrong == "nobody there":
        access = replace(access, url="mqtts://localhost:1")
    elif wrong == "another authority":
        access = replace(access, ca=files.ca)
    elif wrong == "certificate of another":
        access = replace(access, cert=files.service_cert, key=files.service_key)
    else:
        access = replace(access, key=tmp_path / "none.key")

    async def work(bus: MqttBus) -> None:
        for n in range(5000):
            bus.tell(Changed(str(n)))
        assert bus.traffic.given_up == 5000 - 2048
        await asyncio.sleep(1)
        assert bus.away

    began_s = time.monotonic()
    run_bus(access, [], work)
    assert time.monotonic() - began_s < 5
    (said,) = [r.getMessage() for r in caplog.records if r.name.startswith("hemoview")]
    assert AWAY in said and why in said


def test_words_that_waited_for_the_broker_too_long_are_not_told(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hemoview.cloud.live.mqtt.LATE_S", 0.5)
    with own_broker() as site:
        got: list[Word] = []

        async def work(bus: MqttBus) -> None:
            await here(bus)
            await asyncio.to_thread(site.kill)
            while not bus.away:
                await asyncio.sleep(0.02)
            bus.tell(Changed("old"))
            await asyncio.sleep(0.7)
            await asyncio.to_thread(site.start)
            other = MqttBus(site.access)
            await other.open(got.append)
            await here(other)
            await here(bus)
            bus.tell(Changed("new"))
            while not got:
                await asyncio.sleep(0.02)
            await other.close()

        bus = run_bus(site.access, [], work)
        assert got == [Changed("new")]
        assert bus.traffic.given_up == 1


def test_a_broker_that_hangs_is_given_up_and_found_again() -> None:
    with own_broker() as site:
        pid = mosquitto.pid_of(site.folder)
        got: list[Word] = []

        async def work(bus: MqttBus) -> None:
            other = MqttBus(site.access)
            await other.open(got.append)
            await here(bus)
            await here(other)
            os.kill(pid, signal.SIGSTOP)
            try:
                async with asyncio.timeout(20):
                    while not (bus.away and other.away):
                        bus.tell(Changed("meanwhile"))
                        await asyncio.sleep(0.2)
            finally:
                os.kill(pid, signal.SIGCONT)
            await here(bus)
            await here(other)
            got.clear()
            bus.tell(Changed("new"))
            while Changed("new") not in got:
                await asyncio.sleep(0.02)
            await other.close()

        run_bus(site.access, [], work)
