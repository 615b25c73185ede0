"""Who may what at a broker that is configured as a site's is."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hemoview.cloud.identity import bus_tls, device_authority
from hemoview.cloud.live.mqtt import HEARD, TOLD
from tests.services.mosquitto_rig import Broker, own_broker
from tests.services.mosquitto_speaker import WAIT_S, Speaker, as_service, context_for, ports, until

pytestmark = pytest.mark.services
DENIED = "Not authorized"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with own_broker() as broker:
        yield broker


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
