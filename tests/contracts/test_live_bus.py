"""Every live bus keeps these promises; another adapter joins by one line in BUSES."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest

from hemoview.cloud.live.bus import InProcessBus, LiveBus
from hemoview.cloud.live.words import Changed, Confirmed, Connected, Ended, Erased, Heard, Placed, Word

Make = Callable[[], LiveBus]
WAIT_S = 30.0


@contextmanager
def in_process() -> Iterator[Make]:
    ring: list[InProcessBus] = []
    yield lambda: InProcessBus(ring)


@contextmanager
def on_mosquitto() -> Iterator[Make]:
    from hemoview.cloud.live.mqtt import MqttBus  # noqa: PLC0415
    from tests.services.mosquitto_rig import own_broker  # noqa: PLC0415 – only where it is installed

    with own_broker() as broker:
        yield lambda: MqttBus(broker.access)


BUSES: dict[str, Callable[[], AbstractContextManager[Make]]] = {"in-process": in_process} | (
    {"mosquitto": on_mosquitto} if os.environ.get("HEMOVIEW_TEST_MOSQUITTO") else {}
)
"""What makes the buses of the replicas of one service."""

WORDS: tuple[Word, ...] = (
    Heard("device", "bed", "ward", 1_700_000_000_000_000, "c1", 2, 5, '{"v":1,"pseudonym":"Ä–1 \\u2028"}'),
    Connected("device", "link"),
    Ended("device", 4401, "this device was revoked; enrol it again"),
    Placed("device", "this device was moved to another bed"),
    Confirmed("bed", "session", "device", 1_700_000_000_000_000, "user:nürse"),
    Erased("session"),
    Changed("ward"),
)


@dataclass
class Replica:
    bus: LiveBus
    got: list[Word] = field(default_factory=list)

    async def has(self, *expected: Word) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.got) < len(expected):
                await asyncio.sleep(0.01)
        assert self.got == list(expected)


@pytest.fixture(params=sorted(BUSES))
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    with BUSES[request.param]() as make:
        yield make


@asynccontextmanager
async def replicas(make: Make, n: int) -> AsyncIterator[list[Replica]]:
    made = [Replica(make()) for _ in range(n)]
    for one in made:
        await one.bus.open(one.got.append)
    try:
        async with asyncio.timeout(WAIT_S):
            while any(one.bus.away for one in made):
                await asyncio.sleep(0.01)
        yield made
    finally:
        for one in made:
            await one.bus.close()


def run(test: Callable[[list[Replica]], Awaitable[None]], make: Make, n: int = 3) -> None:
    async def whole() -> None:
        async with replicas(make, n) as made:
            await test(made)

    asyncio.run(whole())


def test_all_others_are_told_every_word_in_order(make: Make) -> None:
    async def test(all_: list[Replica]) -> None:
        for word in WORDS:
            all_[0].bus.tell(word)
        await all_[1].has(*WORDS)
        await all_[2].has(*WORDS)

    run(test, make)


def test_nobody_hears_their_own_words(make: Make) -> None:
    async def test(all_: list[Replica]) -> None:
        all_[0].bus.tell(Changed("of 0"))
        await all_[1].has(Changed("of 0"))
        all_[1].bus.tell(Changed("of 1"))
        await all_[0].has(Changed("of 1"))
        await all_[2].has(Changed("of 0"), Changed("of 1"))
        await all_[1].has(Changed("of 0"))

    run(test, make)


def test_who_tells_does_not_wait_and_a_second_of_a_large_ward_goes_through(make: Make) -> None:
    async def test(all_: list[Replica]) -> None:
        words = [Heard("d", f"b{n}", "w", 1, "c", 0, 0, "x" * 8000) for n in range(256)]
        for word in words:  # without letting anybody else run
            all_[0].bus.tell(word)
        await all_[1].has(*words)
        assert all_[0].bus.traffic.told == 256
        assert all_[1].bus.traffic.heard == 256
        assert [one.bus.traffic.given_up + one.bus.traffic.missed for one in all_] == [0, 0, 0]

    run(test, make)


def test_who_has_left_is_told_nothing_and_can_come_again(make: Make) -> None:
    async def test(all_: list[Replica]) -> None:
        one, two = all_
        await two.bus.close()
        one.bus.tell(Changed("while it was away"))
        async with asyncio.timeout(WAIT_S):
            while not one.bus.traffic.told:
                await asyncio.sleep(0.01)
        again = Replica(make())
        await again.bus.open(again.got.append)
        async with asyncio.timeout(WAIT_S):
            while again.bus.away:
                await asyncio.sleep(0.01)
        one.bus.tell(Changed("again"))
        await again.has(Changed("again"))
        assert two.got == []
        await again.bus.close()

    run(test, make, 2)


def test_a_fault_in_taking_one_word_does_not_end_the_next(make: Make) -> None:
    async def test(all_: list[Replica]) -> None:
        one, _ = all_
        got: list[Word] = []

        def take(word: Word) -> None:
            if word == Changed("bad"):
                raise ValueError("a fault of ours")
            got.append(word)

        third = make()
        await third.open(take)
        async with asyncio.timeout(WAIT_S):
            while third.away:
                await asyncio.sleep(0.01)
        one.bus.tell(Changed("bad"))
        one.bus.tell(Changed("good"))
        async with asyncio.timeout(WAIT_S):
            while not got:
                await asyncio.sleep(0.01)
        assert got == [Changed("good")]
        assert third.traffic.faults == 1
        await third.close()

    run(test, make, 2)
