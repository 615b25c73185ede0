"""Signing in: the first administrator, one-time passwords, cookies, codes."""

from __future__ import annotations

import asyncio
import io
import stat
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.asking import COOKIE, CSRF_HEADER, SECURE_COOKIE
from hemoview.cloud.identity import accounts, codes, first, passwords, throttle
from hemoview.cloud.principals import Role
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.people import PASSWORD, account, browser, entries, sign_in

pytestmark = pytest.mark.usefixtures("light_passwords")


REAL, NOBODYS = passwords._HASHER, passwords._NOBODYS


NEW = "another five quiet words"


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
