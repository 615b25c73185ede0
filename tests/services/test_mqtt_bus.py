"""What a replica makes of whatever is written at its broker, and of a broker that is not as it should be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hemoview.cloud.identity import bus_tls
from hemoview.cloud.live import bus_wire
from hemoview.cloud.live.bus_access import BusAccess
from hemoview.cloud.live.mqtt import AWAY, HEARD, TOLD, MqttBus
from hemoview.cloud.live.words import Changed, Heard, Word
from tests.services.mosquitto_rig import Broker, own_broker
from tests.services.mosquitto_speaker import WAIT_S, Speaker, as_service, ports

pytestmark = pytest.mark.services
DENIED = "Not authorized"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with own_broker() as broker:
        yield broker


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
        got: list[Word] = []

        async def work(bus: MqttBus) -> None:
            other = MqttBus(site.access)
            await other.open(got.append)
            await here(bus)
            await here(other)
            with site.hanging():
                async with asyncio.timeout(20):
                    while not (bus.away and other.away):
                        bus.tell(Changed("meanwhile"))
                        await asyncio.sleep(0.2)
            await here(bus)
            await here(other)
            got.clear()
            bus.tell(Changed("new"))
            while Changed("new") not in got:
                await asyncio.sleep(0.02)
            await other.close()

        run_bus(site.access, [], work)
