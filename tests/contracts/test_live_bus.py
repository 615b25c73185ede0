"""Every live bus keeps these promises; another adapter joins by one line in BUSES."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from hemoview.cloud.live.bus import STATES_HELD, WAVES_HELD, InProcessBus, LiveBus, Parcel, Queue

BUSES: dict[str, Callable[[], LiveBus]] = {"in-process": InProcessBus}
WAIT_S = 5.0


@pytest.fixture(params=sorted(BUSES))
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[LiveBus], Awaitable[None]]], None]:
    def run(test: Callable[[LiveBus], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with _open(BUSES[request.param]()) as bus:
                await test(bus)

        asyncio.run(whole())

    return run


@asynccontextmanager
async def _open(bus: LiveBus) -> AsyncIterator[LiveBus]:
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()


Run = Callable[[Callable[[LiveBus], Awaitable[None]]], None]


def state(key: str, no: int, *, waves: bool = False) -> Parcel:
    bare = json.dumps([key, no])
    return Parcel(key, json.dumps([key, no, "waves"]), bare) if waves else Parcel(key, bare)


async def taken(queue: Queue, n: int) -> list[list[object]]:
    return [json.loads(await asyncio.wait_for(queue.next(), WAIT_S)) for _ in range(n)]


async def all_waiting(queue: Queue) -> list[list[object]]:
    return await taken(queue, len(queue))


def test_everybody_subscribed_gets_everything_in_order(run: Run) -> None:
    async def test(bus: LiveBus) -> None:
        with bus.subscribe("w1") as one, bus.subscribe("w1") as two:
            for no in range(5):
                await bus.publish("w1", state("bed", no))
            expected = [["bed", no] for no in range(5)]
            assert await taken(one, 5) == expected
            assert await taken(two, 5) == expected

    run(test)


def test_topics_are_kept_apart(run: Run) -> None:
    async def test(bus: LiveBus) -> None:
        with bus.subscribe("w1") as one, bus.subscribe("w2") as two:
            await bus.publish("w2", state("b", 2))
            await bus.publish("w1", state("a", 1))
            assert await taken(one, 1) == [["a", 1]]
            assert await taken(two, 1) == [["b", 2]]
            assert len(one) == len(two) == 0

    run(test)


def test_who_has_left_holds_nothing(run: Run) -> None:
    async def test(bus: LiveBus) -> None:
        with bus.subscribe("w1") as queue:
            assert bus.readers == 1
        assert bus.readers == 0
        await bus.publish("w1", state("a", 1))
        assert len(queue) == 0

    run(test)


def test_a_reader_that_waits_is_woken(run: Run) -> None:
    async def test(bus: LiveBus) -> None:
        with bus.subscribe("w1") as queue:
            waiting = asyncio.create_task(queue.next())
            await asyncio.sleep(0)
            await bus.publish("w1", state("a", 1))
            assert json.loads(await asyncio.wait_for(waiting, WAIT_S)) == ["a", 1]

    run(test)


def test_a_slow_reader_loses_waves_first(run: Run) -> None:
    async def test(bus: LiveBus) -> None:
        with bus.subscribe("w1") as slow:
            for no in range(STATES_HELD):
                await bus.publish("w1", state("bed", no, waves=True))
            got = await all_waiting(slow)
        assert [told[1] for told in got] == list(range(STATES_HELD))
        assert [len(told) == 3 for told in got] == [False] * (STATES_HELD - WAVES_HELD) + [True] * WAVES_HELD
        assert (bus.dropped.waves, bus.dropped.states) == (STATES_HELD - WAVES_HELD, 0)

    run(test)


def test_a_stalled_reader_still_gets_the_newest_of_every_key(run: Run) -> None:
    async def test(bus: LiveBus) -> None:
        with bus.subscribe("w1") as stalled, bus.subscribe("w1") as quick:
            for no in range(500):
                for key in ("bed-1", "bed-2"):
                    await bus.publish("w1", state(key, no, waves=True))
                    await taken(quick, 1)
            await bus.publish("w1", state("bed-3", 0))
            held = len(stalled)
            got = await all_waiting(stalled)
        assert held == 2 * STATES_HELD + 1
        for key in ("bed-1", "bed-2"):
            numbers = [told[1] for told in got if told[0] == key]
            assert numbers == list(range(500 - STATES_HELD, 500))
        assert got[-1] == ["bed-3", 0]
        assert bus.dropped.states == 2 * (500 - STATES_HELD)

    run(test)
