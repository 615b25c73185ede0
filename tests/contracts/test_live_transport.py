"""Every way of the live path keeps these promises; another joins by one line in WAYS."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from hemoview.cloud.identity import tls
from recorder.sync.uplink.passing import Uplink
from recorder.sync.uplink.transport import LinkEnded, Transport
from recorder.sync.uplink.ways import Ways
from recorder.sync.uplink.wire import HEAD_EVERY, LIMIT_BYTES, REPLACED_CODE, TOO_FAST_CODE, UNKNOWN_CODE
from tests.cloud.live_rig import head, message
from tests.services.broker_rig import taking
from tests.sync.uplink_rig import WAIT_S, listening, wait_for


class Taker(Protocol):
    """The other side, that a test can hear and kill."""

    def transport(self, ca_pem: str | None = None) -> Transport: ...

    def next(self) -> dict[str, Any]: ...

    def links(self) -> int:
        """How many connections it has told apart."""
        ...

    def refuse(self, code: int, why: str) -> None:
        """The newest connection."""
        ...

    def kill(self) -> None: ...

    def start(self) -> None: ...


WAYS: dict[str, Callable[[Path], AbstractContextManager[Taker]]] = {"websocket": listening, "broker": taking}
NEED_SERVERS = {"broker"}


@pytest.fixture(
    params=[pytest.param(w, marks=pytest.mark.services if w in NEED_SERVERS else ()) for w in sorted(WAYS)]
)
def taker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Taker]:
    with WAYS[request.param](tmp_path) as taker:
        yield taker


def nothing() -> None:
    """Nobody is waked."""


@contextmanager
def sending(taker: Taker) -> Iterator[Uplink]:
    link = Uplink("the service", Ways(taker.transport()), luck=lambda: 0.0)
    try:
        yield link
    finally:
        link.close()


def ends(link: Any, trials: int = 100) -> LinkEnded:
    """It is found out within a few messages."""
    with pytest.raises(LinkEnded) as found:
        for _ in range(trials):
            link.send("{}")
            time.sleep(0.05)
    return found.value


def test_messages_arrive_in_order(taker: Taker) -> None:
    link = taker.transport().open(nothing)
    for seq in range(25):
        link.send(json.dumps({"seq": seq}))
    assert [taker.next()["seq"] for _ in range(25)] == list(range(25))
    link.check()
    link.close()


def test_a_message_as_long_as_one_may_be_arrives_whole(taker: Taker) -> None:
    link = taker.transport().open(nothing)
    link.send(json.dumps({"more": "é" * (LIMIT_BYTES // 2 - 20)}, ensure_ascii=False))
    assert len(taker.next()["more"]) == LIMIT_BYTES // 2 - 20
    link.close()


def test_every_connection_is_told_from_the_one_before(taker: Taker) -> None:
    transport = taker.transport()
    for n in range(1, 4):
        link = transport.open(nothing)
        link.send("{}")
        taker.next()
        link.close()
        assert taker.links() == n


@pytest.mark.parametrize(
    ("code", "patient"), [(UNKNOWN_CODE, True), (REPLACED_CODE, True), (TOO_FAST_CODE, False)]
)
def test_what_the_service_says_ends_it_in_its_words(taker: Taker, code: int, patient: bool) -> None:
    link = taker.transport().open(nothing)
    link.send("{}")
    taker.next()
    taker.refuse(code, "this device was revoked; enrol it again")
    ended = ends(link)
    assert (ended.why, ended.patient, ended.told) == (
        "this device was revoked; enrol it again",
        patient,
        True,
    )
    link.close()


def test_one_that_dies_is_found_out_and_let_go_of(taker: Taker) -> None:
    link = taker.transport().open(nothing)
    link.send("{}")
    taker.next()
    taker.kill()
    ended = ends(link)
    assert ended.why and not ended.told and not ended.patient
    began_s = time.monotonic()
    link.close()
    assert time.monotonic() - began_s < 5


def test_nobody_there_is_said_in_words(taker: Taker) -> None:
    taker.kill()
    with pytest.raises(LinkEnded) as ended:
        taker.transport().open(nothing)
    assert ended.value.why and not ended.value.told


def test_an_authority_nobody_trusts_gets_nothing(taker: Taker, tmp_path: Path) -> None:
    other = tls.init(tmp_path / "other", ()).ca.read_text()
    with pytest.raises(LinkEnded) as ended:
        taker.transport(other).open(nothing)
    assert "certificate" in ended.value.why.lower()
    assert taker.links() == 0


def test_an_uplink_over_it_comes_back_by_itself_and_begins_with_who_it_is(taker: Taker) -> None:
    seqs = itertools.count(1)
    with sending(taker) as link:
        link.put(message(next(seqs)))
        assert "head" in taker.next()
        taker.kill()

        def tell_until(what: Callable[[], Any]) -> None:
            def tell() -> Any:
                link.put(message(next(seqs)))
                time.sleep(0.02)
                return what()

            wait_for(tell)

        tell_until(lambda: link.trouble)
        assert link.standing.way == "" and link.standing.why == link.trouble
        taker.start()
        tell_until(lambda: taker.links() == 2)
        assert "head" in taker.next()
        wait_for(lambda: link.trouble == "")


def test_head_and_footer_go_first_when_they_change_and_now_and_then(taker: Taker) -> None:
    who, told = head(), []
    with sending(taker) as link:
        for seq in range(HEAD_EVERY + 2):
            link.put(message(seq, head=who | {"hidden": True} if seq == 5 else who))
            told.append(taker.next())
    whole = [m["seq"] for m in told if "head" in m]
    assert whole == [0, 5, 6, HEAD_EVERY]
    assert WAIT_S > 0
