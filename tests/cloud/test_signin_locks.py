"""Guessing at passwords is slowed down, and locks nobody of the ward out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from hemoview.cloud import audit
from hemoview.cloud.identity import passwords, signin, throttle
from tests.cloud.cloud_rig import Clock, Rig
from tests.cloud.people import PASSWORD, account, browser, entries, sign_in

pytestmark = pytest.mark.usefixtures("light_passwords")


def guess(rig: Rig, name: str, times: int, origin: str) -> list[int]:
    attacker = browser(rig, origin)
    return [sign_in(attacker, name, "wrong").status_code for _ in range(times)]


def test_guesses_at_one_account_are_slowed_down_more_and_more(rig: Rig, clock: Clock) -> None:
    account(rig, "nurse")
    free = throttle.ACCOUNT.free
    assert guess(rig, "nurse", free + 1, "10.0.0.1") == [401] * free + [429]
    assert guess(rig, "nurse", 1, "10.0.0.2") == [429]  # from elsewhere too
    waits = []
    for _ in range(8):
        reply = sign_in(browser(rig, "10.0.0.3"), "nurse", "wrong")
        assert reply.status_code == 429
        waits.append(int(reply.headers["retry-after"]))
        clock.forward(waits[-1])
        assert guess(rig, "nurse", 1, "10.0.0.3") == [401]
    assert waits == sorted(waits)
    assert waits[-1] == throttle.ACCOUNT.longest_s
    assert guess(rig, "nobody", free + 1, "10.0.0.4") == [401] * free + [429]  # unknown names just so


def test_a_lock_leaves_the_ward_in(rig: Rig) -> None:
    account(rig, "nurse")
    account(rig, "doctor")
    tablet, signed_in = browser(rig, "10.0.0.1"), browser(rig, "10.0.0.1")
    sign_in(tablet, "nurse")
    sign_in(signed_in, "nurse")
    tablet.post("/v1/logout")
    assert guess(rig, "nurse", 20, "10.0.0.1").count(429) > 10  # behind the same address
    assert signed_in.get("/v1/me").status_code == 200
    assert sign_in(tablet, "nurse").status_code == 200
    assert sign_in(browser(rig, "10.0.0.1"), "doctor").status_code == 200
    assert sign_in(browser(rig, "10.0.0.1"), "nurse").status_code == 429  # a browser never seen waits


def test_one_address_that_tries_many_names_is_slowed_down(rig: Rig) -> None:
    attacker = browser(rig, "10.0.0.9")
    replies = [sign_in(attacker, f"user{n}", "wrong").status_code for n in range(throttle.ADDRESS.free + 1)]
    assert replies[-1] == 429
    assert set(replies[:-1]) == {401}


@pytest.mark.parametrize(
    ("origin", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::abcd:1:2:3", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_one_machine_is_counted_once_however_its_address_is_written(origin: str, network: str) -> None:
    assert signin.network_of(origin) == network


def test_a_known_browser_is_counted_too_and_another_persons_is_not_known(rig: Rig) -> None:
    account(rig, "nurse")
    account(rig, "doctor")
    tablet = browser(rig)
    sign_in(tablet, "doctor")
    tablet.post("/v1/logout")
    assert [sign_in(tablet, "nurse", "wrong").status_code for _ in range(6)][-1] == 429
    sign_in(tablet, "doctor")
    replies = [sign_in(tablet, "doctor", "wrong").status_code for _ in range(throttle.BROWSER.free + 1)]
    assert replies[-1] == 429


def test_a_tablet_that_a_ward_shares_knows_all_who_use_it(rig: Rig) -> None:
    names = [f"nurse{n}" for n in range(4)]
    tablet = browser(rig, "10.0.0.1")
    for name in names:
        account(rig, name)
        assert sign_in(tablet, name).status_code == 200
        assert tablet.post("/v1/logout").status_code == 204
    assert guess(rig, "nurse0", 20, "10.0.0.7").count(429) > 10
    assert sign_in(tablet, "nurse0").status_code == 200  # though three others came after


def test_one_persons_wrong_tries_at_a_shared_tablet_are_not_anothers(rig: Rig) -> None:
    tablet = browser(rig)
    for name in ("nurse", "doctor"):
        account(rig, name)
        assert sign_in(tablet, name).status_code == 200
        tablet.post("/v1/logout")
    replies = [sign_in(tablet, "nurse", "wrong").status_code for _ in range(throttle.BROWSER.free + 1)]
    assert replies[-1] == 429
    assert sign_in(tablet, "doctor").status_code == 200


def test_many_at_once_are_no_wrong_tries(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    account(rig, "nurse")
    client = browser(rig)
    with monkeypatch.context() as busy:
        busy.setattr(passwords, "_WAITING", 0)
        replies = {sign_in(client, "nurse").status_code for _ in range(throttle.ACCOUNT.free + 3)}
        assert replies == {503}
    assert sign_in(client, "nurse").status_code == 200


def test_a_one_time_password_is_changed_within_its_hour_or_not_at_all(rig: Rig, clock: Clock) -> None:
    account(rig, "newcomer", one_time=True)
    client = browser(rig)
    assert sign_in(client, "newcomer").status_code == 200
    for _ in range(3):  # the log-in itself goes on
        clock.forward(1250)
        assert client.get("/v1/me").status_code == 200
    reply = client.post("/v1/password", json={"old": PASSWORD, "new": "five other quiet words"})
    assert reply.status_code == 401 and "good for an hour" in reply.json()["detail"]


def test_a_scanner_does_not_fill_the_audit_log(rig: Rig, clock: Clock) -> None:
    attacker = browser(rig, "10.0.0.9")
    for n in range(25):
        sign_in(attacker, f"user{n}", "wrong")
    assert len(entries(rig, "login")) == 10
    clock.forward(3600)
    sign_in(attacker, "user", "wrong")
    assert '"left_out_before":15' in entries(rig, "login")[-1].detail


def test_without_space_for_the_log_a_refusal_stands(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    account(rig, "nurse")
    client = browser(rig)
    monkeypatch.setattr(audit, "append", full)
    assert sign_in(client, "nurse", "wrong").status_code == 401


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10**9)), max_size=60))
def test_a_sieve_lets_no_more_through_than_its_rates(asked: list[tuple[str, int]]) -> None:
    sieve, now_us, written = throttle.Sieve(burst=3, per_s=0.01, all_burst=5, all_per_s=0.02), 0, 0
    told = 0
    for key, later_us in asked:
        now_us += later_us
        left_out = sieve.take(key, now_us)
        if left_out is not None:
            written += 1
            told += left_out
    assert written <= 5 + now_us / 1e6 * 0.02 + 1
    assert written + told <= len(asked)
