"""What waits for browsers: bounded, waves go first, never the newest state of a bed."""

from __future__ import annotations

import asyncio
import json

from hemoview.cloud.live.queues import STATES_HELD, WAVES_HELD, Parcel, Queue, Readers

WAIT_S = 30.0


def state(key: str, no: int, *, waves: bool = False) -> Parcel:
    bare = json.dumps([key, no])
    return Parcel(key, json.dumps([key, no, "waves"]), bare) if waves else Parcel(key, bare)


async def taken(queue: Queue, n: int) -> list[list[object]]:
    return [json.loads(await asyncio.wait_for(queue.next(), WAIT_S)) for _ in range(n)]


async def all_waiting(queue: Queue) -> list[list[object]]:
    return await taken(queue, len(queue))


def test_everybody_who_watches_gets_everything_in_order() -> None:
    async def test() -> None:
        readers = Readers()
        with readers.watching("w1") as one, readers.watching("w1") as two:
            for no in range(5):
                readers.show("w1", state("bed", no))
            expected = [["bed", no] for no in range(5)]
            assert await taken(one, 5) == expected
            assert await taken(two, 5) == expected

    asyncio.run(test())


def test_wards_are_kept_apart() -> None:
    async def test() -> None:
        readers = Readers()
        with readers.watching("w1") as one, readers.watching("w2") as two:
            readers.show("w2", state("b", 2))
            readers.show("w1", state("a", 1))
            assert await taken(one, 1) == [["a", 1]]
            assert await taken(two, 1) == [["b", 2]]
            assert len(one) == len(two) == 0

    asyncio.run(test())


def test_who_has_left_holds_nothing() -> None:
    readers = Readers()
    with readers.watching("w1") as queue:
        assert len(readers) == 1
    assert len(readers) == 0
    readers.show("w1", state("a", 1))
    assert len(queue) == 0


def test_a_reader_that_waits_is_woken() -> None:
    async def test() -> None:
        readers = Readers()
        with readers.watching("w1") as queue:
            waiting = asyncio.create_task(queue.next())
            await asyncio.sleep(0)
            readers.show("w1", state("a", 1))
            assert json.loads(await asyncio.wait_for(waiting, WAIT_S)) == ["a", 1]

    asyncio.run(test())


def test_a_slow_reader_loses_waves_first() -> None:
    async def test() -> None:
        readers = Readers()
        with readers.watching("w1") as slow:
            for no in range(STATES_HELD):
                readers.show("w1", state("bed", no, waves=True))
            got = await all_waiting(slow)
        assert [told[1] for told in got] == list(range(STATES_HELD))
        assert [len(told) == 3 for told in got] == [False] * (STATES_HELD - WAVES_HELD) + [True] * WAVES_HELD
        assert (readers.dropped.waves, readers.dropped.states) == (STATES_HELD - WAVES_HELD, 0)

    asyncio.run(test())


def test_a_stalled_reader_still_gets_the_newest_of_every_key() -> None:
    async def test() -> None:
        readers = Readers()
        with readers.watching("w1") as stalled, readers.watching("w1") as quick:
            for no in range(500):
                for key in ("bed-1", "bed-2"):
                    readers.show("w1", state(key, no, waves=True))
                    await taken(quick, 1)
            readers.show("w1", state("bed-3", 0))
            held = len(stalled)
            got = await all_waiting(stalled)
        assert held == 2 * STATES_HELD + 1
        for key in ("bed-1", "bed-2"):
            numbers = [told[1] for told in got if told[0] == key]
            assert numbers == list(range(500 - STATES_HELD, 500))
        assert got[-1] == ["bed-3", 0]
        assert readers.dropped.states == 2 * (500 - STATES_HELD)

    asyncio.run(test())
