"""Signing in: the first administrator, one-time passwords, cookies, locks that lock nobody's ward out."""

from __future__ import annotations

import asyncio
import io
import stat
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.asking import COOKIE, CSRF_HEADER, SECURE_COOKIE
from hemoview.cloud.identity import accounts, codes, first, passwords, signin, throttle
from hemoview.cloud.principals import Role
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.people import PASSWORD, account, browser, sign_in

pytestmark = pytest.mark.usefixtures("light_passwords")
REAL, NOBODYS = passwords._HASHER, passwords._NOBODYS
NEW = "another five quiet words"


def entries(rig: Rig, action: str) -> list[Any]:
    async def read(conn: AsyncConnection) -> list[Any]:
        query = select(tables.audit).where(tables.audit.c.action == action).order_by(tables.audit.c.no)
        return list((await conn.execute(query)).all())

    return rig.do(read)


# ---- the first administrator


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_first_start_makes_an_admin_who_must_change_the_password(tmp_path: Path, clock: Clock) -> None:
    settings = Settings(folder=tmp_path / "s")
    password = asyncio.run(first.first_admin(settings))
    assert password
    with running(settings, clock) as rig:
        me = sign_in(rig.http, "admin", password).json()
        assert me["must_change"]
        assert rig.http.get("/v1/me").json()["grants"][0]["role"] == "admin"
        rig.http.headers[CSRF_HEADER] = me["csrf"]
        changed = rig.http.post("/v1/password", json={"old": password, "new": NEW})
        assert (changed.status_code, changed.json()["must_change"]) == (200, False)
    assert asyncio.run(first.first_admin(settings)) is None


def test_an_admin_who_let_the_hour_pass_gets_another_at_the_next_start(tmp_path: Path, clock: Clock) -> None:
    settings = Settings(folder=tmp_path / "s")
    old = asyncio.run(first.first_admin(settings))
    assert old
    assert asyncio.run(first.first_admin(settings)) is None  # still good
    with running(settings, clock) as rig:
        clock.forward(3601)
        late = sign_in(rig.http, "admin", old)
        assert (late.status_code, "an hour" in late.json()["detail"]) == (401, True)
        clock.forward(-7202)

        async def age(conn: AsyncConnection) -> None:
            await conn.execute(tables.user_account.update().values(password_expires_us=clock()))

        rig.do(age)
    new = asyncio.run(first.first_admin(settings))
    assert new not in {None, old}


def test_a_one_time_password_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    settings = Settings(folder=tmp_path)
    terminal, pipe = Terminal(), io.StringIO()
    first.tell(settings, "admin", "SECRET", terminal)
    assert "SECRET" in terminal.getvalue()
    assert not list(tmp_path.iterdir())
    first.tell(settings, "admin", "SECRET", pipe)
    assert "SECRET" not in pipe.getvalue()
    (file,) = tmp_path.iterdir()
    assert str(file) in pipe.getvalue()
    assert "SECRET" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first.forget_file(settings, "admin")
    assert not file.exists()


def test_a_new_one_time_password_at_the_machine_itself(tmp_path: Path, clock: Clock) -> None:
    settings = Settings(folder=tmp_path / "s")
    with running(settings, clock) as rig:
        account(rig, "nurse")
        client = browser(rig)
        sign_in(client, "nurse")
        password = rig.http.portal and rig.call(first.new_password, settings, "Nurse")
        assert client.get("/v1/me").status_code == 401
        assert sign_in(client, "nurse", str(password)).json()["must_change"]
    with pytest.raises(ConfigError, match="nobody"):
        asyncio.run(first.new_password(settings, "nobody"))


# ---- signing in and out


def test_signing_in_and_out(rig: Rig) -> None:
    account(rig, "nurse", Role.OPERATOR)
    client = browser(rig)
    reply = sign_in(client, " Nurse ")
    assert reply.status_code == 200
    cookie = next(c for c in reply.headers.get_list("set-cookie") if c.startswith(f"{COOKIE}="))
    assert all(word in cookie.lower() for word in ("httponly", "samesite=lax", "path=/"))
    assert "secure" not in cookie.lower()
    assert client.get("/v1/me").json() == reply.json()
    assert "see-ward" in reply.json()["actions"]
    assert client.post("/v1/logout").status_code == 204
    assert client.get("/v1/me").status_code == 401
    assert [e.outcome for e in entries(rig, "login")] == ["ok"]


def test_over_tls_the_cookie_is_bound_to_this_host(tmp_path: Path, clock: Clock) -> None:
    settings = Settings(folder=tmp_path / "s", public_url="https://ward.example")
    with running(settings, clock) as rig:
        account(rig, "nurse")
        client = browser(rig)
        client.base_url = "https://ward.example"
        reply = sign_in(client, "nurse")
        for cookie in reply.headers.get_list("set-cookie"):
            assert cookie.startswith("__Host-")
            assert "Secure" in cookie
        assert SECURE_COOKIE in client.cookies
        assert client.get("/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("name", "password"), [("nurse", "wrong"), ("nobody", PASSWORD), ("' OR 1=1 --", "' OR 1=1 --")]
)
def test_who_gives_wrong_words_learns_nothing(rig: Rig, name: str, password: str) -> None:
    account(rig, "nurse")
    reply = sign_in(browser(rig), name, password)
    assert (reply.status_code, reply.json()["detail"]) == (401, "the name or the password is wrong")
    assert "set-cookie" not in reply.headers
    (entry,) = entries(rig, "login")
    assert (entry.outcome, entry.actor) == ("refused", "nobody")
    assert password not in str(entry)  # a password typed into the wrong field is not written down


def test_the_kept_hash_is_memory_hard() -> None:
    assert (REAL.memory_cost, REAL.time_cost, REAL.type.name) == (65536, 3, "ID")
    kept = REAL.hash(PASSWORD)
    assert passwords._verify(kept, PASSWORD)
    assert not passwords._verify(kept, PASSWORD + " ")
    assert passwords.is_outdated(kept)  # here, where the parameters are lighter ones


def test_a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = account(rig, "nurse")
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert sign_in(browser(rig), "nurse").status_code == 200

    async def kept(conn: AsyncConnection) -> str:
        row = await accounts.by_id(conn, user_id)
        assert row is not None
        return str(row.password_hash)

    assert "m=16,t=2" in rig.do(kept)
    assert sign_in(browser(rig), "nurse").status_code == 200


def test_an_unknown_name_takes_the_same_work(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    account(rig, "nurse")
    asked: list[str] = []

    def verify(kept: str, password: str) -> bool:
        asked.append(kept)
        return False

    monkeypatch.setattr(passwords, "_verify", verify)
    for name in ("nurse", "nobody"):
        sign_in(browser(rig), name, "wrong")
    assert len(asked) == 2
    assert asked[1] == passwords._NOBODYS
    assert not REAL.check_needs_rehash(NOBODYS)


def test_another_sites_page_cannot_sign_anybody_in(rig: Rig) -> None:
    account(rig, "nurse")
    body = {"name": "nurse", "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert browser(rig).post("/v1/login", json=body, headers=headers).status_code == 403
    same = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert browser(rig).post("/v1/login", json=body, headers=same).status_code == 200
    form = browser(rig).post("/v1/login", content='{"name":"nurse"}', headers={"content-type": "text/plain"})
    assert form.status_code == 422


def test_a_log_in_gets_a_new_secret_each_time_and_the_old_one_ends(rig: Rig) -> None:
    account(rig, "nurse")
    client = browser(rig)
    sign_in(client, "nurse")
    old = client.cookies[COOKIE]
    sign_in(client, "nurse")
    assert client.cookies[COOKIE] != old
    thief = browser(rig)
    thief.cookies.set(COOKIE, old)
    assert thief.get("/v1/me").status_code == 401


def test_with_a_one_time_password_nothing_else_can_be_done(rig: Rig) -> None:
    account(rig, "chief", Role.ADMIN, one_time=True)
    client = browser(rig)
    sign_in(client, "chief")
    refused = client.get("/v1/users")
    assert (refused.status_code, refused.json()["must_change"]) == (403, True)


# ---- the password


def test_a_changed_password_ends_every_log_in_but_a_new_one_here(rig: Rig) -> None:
    account(rig, "nurse")
    here, there = browser(rig), browser(rig)
    for client in (here, there):
        sign_in(client, "nurse")
    reply = here.post("/v1/password", json={"old": PASSWORD, "new": NEW})
    assert reply.status_code == 200
    assert here.get("/v1/me").json()["csrf"] == reply.json()["csrf"]
    assert there.get("/v1/me").status_code == 401
    assert sign_in(there, "nurse").status_code == 401
    assert sign_in(there, "nurse", NEW).status_code == 200


@pytest.mark.parametrize(
    "new",
    ["short", PASSWORD, "x" * 129, "aaaaaaaaaaaaaaaa", "Password12345678", "nurse-nurse-1", "hemoview2026!!"],
)
def test_poor_passwords_are_refused_in_words(rig: Rig, new: str) -> None:
    account(rig, "nurse")
    client = browser(rig)
    sign_in(client, "nurse")
    reply = client.post("/v1/password", json={"old": PASSWORD, "new": new})
    assert reply.status_code == 422
    assert "password" in reply.json()["detail"]
    assert client.get("/v1/me").status_code == 200


def test_an_open_screen_does_not_give_the_password_away(rig: Rig) -> None:
    account(rig, "nurse")
    client = browser(rig)
    sign_in(client, "nurse")
    for _ in range(throttle.BROWSER.free):
        assert client.post("/v1/password", json={"old": "guess", "new": NEW}).status_code == 403
    assert client.post("/v1/password", json={"old": PASSWORD, "new": NEW}).status_code == 429


@given(st.text(min_size=12, max_size=60))
def test_any_password_is_kept_or_refused_in_words(text: str) -> None:
    wrong = passwords.wrong_with(text, "nurse", "old")
    assert wrong is None or "password" in wrong


# ---- locks


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


# ---- codes


@given(st.integers(0, 15), st.sampled_from(codes.ALPHABET))
def test_one_wrong_character_of_a_code_is_noticed(place: int, other: str) -> None:
    code = codes.plain(codes.new_code())
    assert codes.is_well_typed(code.lower())
    changed = code[:place] + other + code[place + 1 :]
    assert codes.is_well_typed(changed) == (changed == code)


def test_codes_hold_more_than_sixty_bits() -> None:
    assert len(codes.ALPHABET) ** 15 > 2**60
    assert len({codes.new_code() for _ in range(100)}) == 100
