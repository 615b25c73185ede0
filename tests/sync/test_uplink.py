"""The sender: waits for nobody, comes back by itself, tells what is of now."""

from __future__ import annotations

import itertools
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.cloud.identity import tls
from recorder.errors import ServiceUnreachable
from recorder.sync.uplink import passing as uplink
from recorder.sync.uplink import websocket as uplink_websocket
from recorder.sync.uplink.passing import HELD, LONGEST_S, Uplink, backoff_s
from recorder.sync.uplink.ways import Ways
from recorder.sync.uplink.websocket import WebSocketTransport
from recorder.sync.uplink.wire import HEAD_EVERY
from tests.cloud.live_rig import OTHER, head, message
from tests.sync.uplink_rig import Service, wait_for


def uplink_to(url: str, ca_pem: str, token: Callable[[], str]) -> Uplink:
    return Uplink("the service", Ways(WebSocketTransport(url, ca_pem, token)), luck=lambda: 0.0)


@contextmanager
def sending(port: int, token: Callable[[], str] = lambda: "t0ken") -> Iterator[Uplink]:
    link = uplink_to(f"http://127.0.0.1:{port}", "", token)
    try:
        yield link
    finally:
        link.close()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


def test_messages_arrive_in_order_with_the_token(service: Service) -> None:
    with sending(service.port) as link:
        for seq in range(1, 4):
            link.put(message(seq))
            assert service.next()["seq"] == seq
    assert service.tokens == ["Bearer t0ken"]
    assert (link.counts.sent, link.counts.dropped) == (3, 0)


def test_head_and_footer_go_first_when_they_change_and_now_and_then(service: Service) -> None:
    who = head()
    with sending(service.port) as link:
        told = []
        for seq in range(HEAD_EVERY + 2):
            changed = who | {"hidden": True} if seq == 5 else who
            link.put(message(seq, head=changed))
            told.append(service.next())
    whole = [m["seq"] for m in told if "head" in m]
    assert whole == [0, 5, 6, HEAD_EVERY]
    assert [m["seq"] for m in told if "footer" in m] == whole


def test_what_cannot_be_sent_is_dropped_oldest_first_and_counted() -> None:
    service = Service()
    port = service.port
    service.close()
    with sending(port) as link:
        for seq in range(20):
            link.put(message(seq))
        assert link.counts.dropped == 20 - HELD
        service = Service(port)
        try:
            told = [service.next()["seq"] for _ in range(HELD)]
        finally:
            service.close()
    assert told == list(range(20 - HELD, 20))


def told_until(link: Uplink, until: Callable[[], Any], **changed: Any) -> None:
    """A message every moment, as the recorder gives them."""
    seqs = itertools.count(100)

    def tell() -> Any:
        link.put(message(next(seqs), **changed))
        return until()

    wait_for(tell)


def test_it_comes_back_by_itself(service: Service) -> None:
    with sending(service.port) as link:
        link.put(message(1))
        assert service.next()["seq"] == 1
        service.close()
        told_until(link, lambda: link.trouble)
        for seq in range(HELD):  # what waited is of before
            link.put(message(seq, session_id=OTHER))
        again = Service(service.port)
        try:
            told_until(link, lambda: not again.got.empty(), session_id=OTHER)
            first = again.next()
            assert (first["session_id"], "head" in first) == (OTHER, True)
            assert (link.trouble, link.counts.connects) == ("", 2)
        finally:
            again.close()


def test_a_refusal_is_told_and_tried_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "LONGEST_S", 0.3)
    service.close_with = 4401
    told: list[str] = []
    pause = Uplink._pause

    def noted(link: Uplink, seconds: float) -> None:
        told.append(link.trouble)
        pause(link, seconds)

    monkeypatch.setattr(Uplink, "_pause", noted)
    with sending(service.port) as link:
        told_until(link, lambda: not service.got.empty())
    assert told == ["go away"]
    assert link.counts.connects == 2


def test_a_service_that_is_another_is_told_in_words() -> None:
    def token() -> str:
        raise ServiceUnreachable("ward.example: another service answers there")

    with sending(1, token) as link:
        wait_for(lambda: link.trouble == "ward.example: another service answers there")
        link.put(message(1))
        assert link.counts.connects == 0


def test_an_old_token_is_renewed_without_a_pause(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink_websocket, "RENEW_S", 0.2)
    tokens = iter(f"t{n}" for n in range(1000))
    with sending(service.port, lambda: next(tokens)) as link:
        seqs: list[int] = []
        for seq in range(12):
            link.put(message(seq))
            seqs.append(service.next()["seq"])
            time.sleep(0.05)
    assert seqs == list(range(12))
    assert len(set(service.tokens)) == len(service.tokens) >= 2


def test_only_the_pinned_authority_is_believed(tmp_path: Path) -> None:
    ours, other = tls.init(tmp_path / "ours", ()), tls.init(tmp_path / "other", ())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ours.cert, ours.key)
    service = Service(context=context)
    url = f"https://127.0.0.1:{service.port}"
    try:
        stranger = uplink_to(url, other.ca.read_text(), lambda: "secret")
        told_until(stranger, lambda: "certificate" in stranger.trouble.lower())
        stranger.close()
        assert service.tokens == [] and service.got.empty()
        friend = uplink_to(url, ours.ca.read_text(), lambda: "t0ken")
        told_until(friend, lambda: not service.got.empty())
        friend.close()
        assert service.tokens == ["Bearer t0ken"]
    finally:
        service.close()


@given(failures=st.integers(0, 10_000), luck=st.floats(0, 1))
def test_the_back_off_grows_to_a_limit_and_differs(failures: int, luck: float) -> None:
    wait_s = backoff_s(failures, luck)
    assert 0.5 <= wait_s <= LONGEST_S
    assert backoff_s(failures + 1, luck) >= wait_s
