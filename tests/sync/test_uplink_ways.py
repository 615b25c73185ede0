"""Which way the live path goes: a broker that cannot be had never blinds a ward."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.schema.sync_status import LiveWay
from recorder.sync.uplink.topics import Refusal, is_link, live_topic, read_refusal, refused_topic, teller_of
from recorder.sync.uplink.transport import Link, LinkEnded, told
from recorder.sync.uplink.ways import AGAIN_S, LONGEST_S, Ways
from recorder.sync.uplink.wire import TOO_FAST_CODE, UNKNOWN_CODE

AWAY = LinkEnded("broker b:8883 cannot be reached", trouble="broker-away")


class Some:
    """A transport that is only chosen."""

    def __init__(self, way: LiveWay, offered: bool = True) -> None:
        self.way, self.is_offered = way, offered

    def offered(self) -> bool:
        return self.is_offered

    def open(self, wake: Callable[[], None]) -> Link:
        raise NotImplementedError


class World:
    def __init__(self, luck: float = 1.0) -> None:
        self.now_s = 1000.0
        self.service, self.broker = Some("service"), Some("broker")
        self.ways = Ways(self.service, self.broker, clock=lambda: self.now_s, luck=lambda: luck)

    def fails(self, why: LinkEnded = AWAY) -> None:
        assert self.ways.choose() is self.broker
        assert self.ways.ended(self.broker, why, held=False)
        assert self.ways.choose() is self.service  # at once


def test_the_broker_is_gone_to_where_there_is_one() -> None:
    world = World()
    assert world.ways.choose() is world.broker
    world.broker.is_offered = False
    assert world.ways.choose() is world.service
    assert Ways(world.service).choose() is world.service


def test_a_broker_that_fails_is_tried_again_later_and_later() -> None:
    world, waits = World(), []
    for _ in range(8):
        world.fails()
        assert (world.ways.trouble, world.ways.why) == ("broker-away", AWAY.why)
        waits.append(world.ways.holds_s(world.service))
        world.now_s += waits[-1] - 0.001
        assert world.ways.choose() is world.service
        world.now_s += 0.002
    assert waits == pytest.approx([min(LONGEST_S, AGAIN_S * 2**n) for n in range(8)])


def test_a_broker_that_held_is_a_good_one_again() -> None:
    world = World()
    world.fails()
    world.now_s += AGAIN_S
    assert world.ways.choose() is world.broker
    world.ways.opened(world.broker)
    assert (world.ways.trouble, world.ways.why) == ("", "")
    assert world.ways.ended(world.broker, AWAY, held=True)
    assert world.ways.holds_s(world.service) == AGAIN_S
    assert world.ways.holds_s(world.broker) == float("inf")


@pytest.mark.parametrize("ended", [None, told(UNKNOWN_CODE, "revoked"), told(TOO_FAST_CODE, "slower")])
def test_what_the_service_says_itself_another_way_would_not_change(ended: LinkEnded | None) -> None:
    world = World()
    assert not world.ways.ended(world.broker, ended, held=False)
    assert world.ways.choose() is world.broker
    assert not world.ways.ended(world.service, AWAY, held=False)


def test_bedsides_do_not_all_come_back_at_once() -> None:
    early, late = World(luck=0.0), World(luck=1.0)
    early.fails()
    late.fails()
    assert early.ways.holds_s(early.service) < late.ways.holds_s(late.service)


def test_a_service_that_gives_its_broker_up_is_gone_to_without_a_complaint() -> None:
    world = World()
    world.fails()
    world.broker.is_offered = False
    assert world.ways.choose() is world.service
    assert (world.ways.trouble, world.ways.holds_s(world.service)) == ("", float("inf"))


# ---- words over the broker


@given(st.integers(), st.text(max_size=300), st.text(max_size=40))
def test_a_refusal_comes_back_as_it_was_told(code: int, why: str, link: str) -> None:
    read = read_refusal(Refusal(code, why, link).to_bytes())
    assert read is not None
    assert (read.code, read.link) == (code, link)
    assert read.why == "".join(c for c in why[:120] if c.isprintable())


@given(st.binary(max_size=5000))
def test_bytes_that_are_no_refusal_are_none(payload: bytes) -> None:
    found = read_refusal(payload)
    assert found is None or isinstance(found.code, int)


@pytest.mark.parametrize(
    "payload", [b"[" * 4000, b"{}", b'{"code":"4401","why":""}', b'{"code":1,"why":1}', b"1"]
)
def test_what_only_looks_like_one_is_none(payload: bytes) -> None:
    assert read_refusal(payload) is None


def test_topics_name_a_device_and_nothing_else() -> None:
    assert teller_of(live_topic("d-1")) == "d-1"
    for other in (
        refused_topic("d-1"),
        "hv/v1/devices/a/b/live",
        "hv/v1/devices//live",
        "x",
        live_topic("a") + "/",
    ):
        assert teller_of(other) == ""
    assert is_link("0f" * 16) and not any(map(is_link, ("", "a/b", "a" * 65, None, 3)))
