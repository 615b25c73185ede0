"""What every driver must do, whatever it speaks."""

from __future__ import annotations

import itertools
import random
import time

import numpy as np
import pytest
from driver_cases import CASES, Case
from driver_talk import S, blocks_of, converse, gaps_of, rows_of, run_memory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.clock import Clock
from recorder.devices.contract import Notice
from recorder.devices.registry import DRIVERS
from recorder.errors import DeviceError, LinkLost
from recorder.testing.transports import Faults, FaultTransport
from recorder.transports import Chunk

every_driver = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
DTYPES = {"int16": "int16", "int32": "int32", "decimal": "int64", "float64": "float64"}


def cut(data: bytes, seed: int, longest: int = 40) -> list[bytes]:
    rng, pieces = random.Random(seed), []
    while data:
        n = rng.randint(1, longest)
        pieces.append(data[:n])
        data = data[n:]
    return pieces


def fatal(events: list[object]) -> list[Notice]:
    return [event for event in events if isinstance(event, Notice) and event.fatal]


def test_every_registered_driver_is_in_this_suite() -> None:
    assert {case.kind for case in CASES} == set(DRIVERS)


@every_driver
def test_streams_say_what_blocks_hold(case: Case) -> None:
    driver, side = case.driver(), case.side()
    infos = {info.stream_id: info for info in driver.streams}
    assert driver.silence_s > 0
    assert case.main in infos
    assert all(info.device_id == driver.info.device_id == "dev" for info in infos.values())
    assert all(info.origin == "simulated" for info in infos.values()), "simulated devices stay marked"
    events = run_memory(driver, side, side.frames(range(200)))
    blocks = [block for stream_id in infos for block in blocks_of(events, stream_id)]
    assert sum(block.n_samples for block in blocks_of(events, case.main)) == 200 * case.per_frame
    for block in blocks:
        info = infos[block.stream_id]
        assert block.values.dtype == np.dtype(DTYPES[info.dtype])
        assert block.values.shape[1] == info.n_columns
        assert (block.device_time_us is not None) == info.device_clock


@every_driver
@pytest.mark.parametrize("seed", range(5))
def test_however_the_bytes_are_cut_the_samples_are_the_same(case: Case, seed: int) -> None:
    data = b"".join(case.side().frames(range(300)))
    whole, pieces = case.driver(), case.driver()
    once = run_memory(whole, case.side(), [data])
    often = run_memory(pieces, case.side(), cut(data, seed))
    for info in whole.streams:
        assert rows_of(often, info.stream_id) == rows_of(once, info.stream_id)
    assert len(rows_of(once, case.main)) == 300 * case.per_frame
    assert gaps_of(often, case.main) == []


@every_driver
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=60), max_size=15), st.integers(0, 12))
def test_no_bytes_raise_before_or_after_the_conversation(case: Case, pieces: list[bytes], at: int) -> None:
    early, late = case.driver(), case.driver()
    early.on_connected(0)
    for number, piece in enumerate(pieces):
        early.feed(Chunk(piece, number * S))
        early.tick(number * S)
    frames = case.side().frames(range(20))
    mixed = frames[:at] + pieces + frames[at:]
    events = run_memory(late, case.side(), mixed)
    numbers = [row[0] for row in rows_of(events, case.main)]
    assert numbers == sorted(set(numbers)), "a sample number is given once, rising"


@every_driver
@pytest.mark.parametrize("seed", range(8))
def test_over_a_bad_link_nothing_is_invented_and_every_loss_is_told(case: Case, seed: int) -> None:
    """Chunks dropped, cut and stalled: what arrives is true, and holes in the numbering are gaps of that size."""
    side = case.side()
    frames = side.frames(range(400))
    sent = {row[1:] for row in rows_of(run_memory(case.driver(), case.side(), frames), case.main)}
    faults = Faults(drop=0.1, split=0.5, stall=0.02)
    driver = case.driver()
    events = run_memory(driver, case.side(), frames, lambda link: FaultTransport(link, faults, seed))
    rows = rows_of(events, case.main)
    assert rows
    assert {row[1:] for row in rows} <= sent
    numbers = [int(row[0]) for row in rows]  # type: ignore[call-overload]
    holes = sum(b - a - 1 for a, b in itertools.pairwise(numbers))
    counted = sum(gap.n_missing or 0 for gap in gaps_of(events, case.main))
    assert holes == counted
    assert not fatal(events), "a bad link is not a reason to give up"


@every_driver
def test_lost_samples_are_counted_exactly(case: Case) -> None:
    side, driver = case.side(), case.driver()
    kept = [n for n in range(300) if n not in case.lost]
    events = run_memory(driver, side, side.frames(kept))
    (gap,) = gaps_of(events, case.main)
    assert gap.first_missing_no == case.lost.start * case.per_frame
    assert gap.n_missing == len(case.lost) * case.per_frame
    assert gap.cause in {"stamp-jump", "counter-jump", "overrun"}
    numbers = [n * case.per_frame + k for n in kept for k in range(case.per_frame)]
    assert [row[0] for row in rows_of(events, case.main)] == numbers


@every_driver
def test_a_new_connection_keeps_the_numbering(case: Case) -> None:
    driver = case.driver()
    first = run_memory(driver, case.side(), case.side().frames(range(100)))
    second = run_memory(driver, case.side(), case.side().frames(range(5000, 5100)), t0_ns=60 * S)
    newest = max(int(row[0]) for row in rows_of(first, case.main))  # type: ignore[call-overload]
    numbers = [row[0] for row in rows_of(second, case.main)]
    (gap,) = gaps_of(second, case.main)
    assert gap.cause == "link-lost"
    assert gap.first_missing_no == newest + 1
    assert numbers[0] == newest + 1 + (gap.n_missing or 0)
    assert len(numbers) == 100 * case.per_frame


@every_driver
def test_silence_is_told_and_does_no_harm(case: Case) -> None:
    driver = case.driver()
    events = list(driver.on_connected(0))
    for step in range(1, 300):
        events += driver.tick(step * S // 5)
    notices = [event for event in events if isinstance(event, Notice) and event.kind != "unencrypted"]
    assert len(notices) == 1, "said once, not again and again"
    assert len(notices[0].message) > 40
    assert ":" in notices[0].message, "who and what: what to do"


@every_driver
@pytest.mark.parametrize("speech", [b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", b"\x7f\x00\xff" * 20])
def test_a_device_that_speaks_nonsense_is_named_once_and_the_link_given_up(case: Case, speech: bytes) -> None:
    driver = case.driver()
    driver.on_connected(0)
    events = [event for n in range(100) for event in driver.feed(Chunk(speech, n * S // 10))]
    (notice,) = fatal(events)
    assert notice.kind == "nonsense"
    assert str(next(iter(case.address.values()))) in notice.message
    assert not [event for event in events if not isinstance(event, Notice)]


@every_driver
def test_over_a_real_link(case: Case) -> None:
    side = case.side()
    frames = side.frames(range(150))
    with case.link(side) as (address, send):  # type: ignore[attr-defined]
        driver, began_ns = case.driver(address), Clock().monotonic_ns()
        transport = driver.open()
        clock, events = Clock(), []
        try:
            events += converse(driver, transport, driver.on_connected(clock.monotonic_ns()))
            sent, deadline = 0, time.monotonic() + 20
            while len(rows_of(events, case.main)) < 150 * case.per_frame:
                assert time.monotonic() < deadline, events[-5:]
                ready = case.kind != "e4-tcp" or any(
                    isinstance(e, Notice) and e.kind == "ready" for e in events
                )
                if ready and sent < len(frames):
                    send(b"".join(frames[sent : sent + 20]))
                    sent += 20
                before = clock.monotonic_ns()
                chunk = transport.read(0.05)
                if chunk is not None:
                    # a radio's values are stamped on its own thread, before they are read
                    earliest = began_ns if "address" in address else before
                    assert earliest <= chunk.t_host_ns <= clock.monotonic_ns()
                    events += converse(driver, transport, driver.feed(chunk))
                events += converse(driver, transport, driver.tick(clock.monotonic_ns()))
            transport.write(driver.stop())
        finally:
            transport.close()
            transport.close()
        assert [row[0] for row in rows_of(events, case.main)] == list(range(150 * case.per_frame))
        assert gaps_of(events, case.main) == []
        with pytest.raises(LinkLost):
            transport.read(0.05)


@every_driver
def test_where_nothing_is_the_error_says_who_what_and_what_to_do(case: Case) -> None:
    driver = case.driver(case.nothing_there)
    with pytest.raises(DeviceError) as caught:
        driver.open()
    assert case.absent_name in str(caught.value)
    assert ":" in str(caught.value)
    assert "\n" not in str(caught.value)
