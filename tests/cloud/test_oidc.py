"""Signing in at an identity provider: which tokens are believed, and the whole way with a certified provider."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.asking import CSRF_HEADER
from hemoview.cloud.identity.oidc import Asked, OidcRefused, Provider
from hemoview.cloud.principals import Role
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.people import account, browser, sign_in

ISSUER = "https://login.example/realm"
NOW_S = 1_800_000_000
ASKED = Asked("state", "nonce", "verifier")
KEY = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
TOLD = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth?realm=x",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


def claims(**changed: Any) -> dict[str, Any]:
    told = {"iss": ISSUER, "aud": "hemoview", "sub": "u-1", "nonce": "nonce"}
    return told | {"iat": NOW_S, "exp": NOW_S + 300} | changed


def believed(token: Any, told: dict[str, Any] | None = None, key: RSAKey = KEY) -> str:
    """The subject of a token that the provider gives for a code."""
    provider = Provider(ISSUER, "hemoview", "secret", "https://ward.example/v1/oidc/callback")
    answers = {
        f"{ISSUER}/.well-known/openid-configuration": TOLD | (told or {}),
        f"{ISSUER}/keys": {"keys": [key.as_dict(private=False)]},
        f"{ISSUER}/token": {"id_token": token},
    }

    async def answer(method: str, url: str, **_: Any) -> dict[str, Any]:
        return dict(answers[url])

    provider._json = answer  # type: ignore[method-assign]
    return asyncio.run(provider.finish(ASKED, "code", NOW_S * 1_000_000))


def signed(alg: str = "RS256", key: Any = KEY, **changed: Any) -> str:
    return jwt.encode({"alg": alg, "kid": "one"}, claims(**changed), key, algorithms=[alg])


def test_a_token_made_for_us_is_believed() -> None:
    assert believed(signed()) == "u-1"
    assert believed(signed(aud=["hemoview", "other"], azp="hemoview")) == "u-1"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "https://evil.example"}, "another provider"),
        ({"aud": "other"}, "somebody else"),
        ({"aud": ["hemoview", "other"]}, "for several"),
        ({"azp": "other"}, "for several"),
        ({"nonce": "another"}, "another request"),
        ({"nonce": None}, "another request"),
        ({"exp": NOW_S - 121}, "expired"),
        ({"iat": NOW_S + 121}, "future"),
        ({"exp": "soon"}, "without times"),
        ({"sub": ""}, "nobody"),
        ({"sub": 7}, "nobody"),
    ],
)
def test_a_token_for_anything_else_is_not(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(OidcRefused, match=why):
        believed(signed(**changed))


def test_a_signature_of_another_key_or_kind_is_not_believed() -> None:
    other = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
    secret = OctKey.import_key("a-secret-of-the-client-that-is-long-enough")
    for token in (signed(key=other), signed("HS256", secret), "a.b.c", "e30.e30.", None, signed() + "x"):
        with pytest.raises(OidcRefused):
            believed(token)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"token_endpoint": "http://login.example/token"}, "https"),
        ({"jwks_uri": "file:///etc/passwd"}, "https"),
        ({"authorization_endpoint": ""}, "https"),
    ],
)
def test_a_provider_that_is_another_or_in_the_clear_is_refused(told: dict[str, Any], why: str) -> None:
    with pytest.raises(OidcRefused, match=why):
        believed(signed(), told)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"oidc_issuer": "http://login.example"}, "https"),
        ({"oidc_issuer": ISSUER}, "oidc_client_id"),
    ],
)
def test_settings_that_would_not_do_are_refused(tmp_path: Path, told: dict[str, str], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Settings.read(None, {"folder": tmp_path} | told, {})


def test_what_is_kept_in_the_browser_comes_back() -> None:
    asked = Asked.new("CODE")
    assert Asked.read(asked.written()) == asked
    assert asked.is_answered_by(asked.state)
    assert not asked.is_answered_by(asked.state + "x")
    assert [Asked.read(wrong) for wrong in ("", "a.b", "a.b..d", "a.b.c.d.e")] == [None] * 4


def test_without_a_provider_there_is_none(rig: Rig) -> None:
    assert rig.http.get("/v1/oidc").json() == {"offered": False}
    for path in ("start", "callback"):
        assert rig.http.get(f"/v1/oidc/{path}").status_code == 404


# ---- the whole way


@pytest.fixture(scope="module")
def issuer(request: pytest.FixtureRequest) -> Iterator[str]:
    """npm's certified oidc-provider; installed once into pytest's cache folder."""
    npm, node = shutil.which("npm"), shutil.which("node")
    assert npm and node, "this test runs a certified OpenID provider: install Node.js 20 or newer (node, npm)"
    cache = request.config.cache
    assert cache is not None
    here, folder = Path(__file__).parent / "oidc", cache.mkdir("oidc-provider")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(here / name, folder)
    subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    callback = "http://127.0.0.1:8440/v1/oidc/callback"
    words = [node, str(here / "provider.mjs"), str(port), callback, str(folder / "node_modules")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "READY"
        yield f"http://127.0.0.1:{port}"
        process.terminate()


@pytest.fixture
def tied(issuer: str, tmp_path: Path, clock: Clock) -> Iterator[Rig]:
    """A service whose people sign in there."""
    secret = tmp_path / "secret"
    secret.write_text("a-secret-of-the-test\n")
    settings = Settings(folder=tmp_path / "s", oidc_issuer=issuer, oidc_client_id="hemoview")
    with running(replace(settings, oidc_secret_file=secret), clock) as rig:
        yield rig


def there(where: str, person: str) -> str:
    """Sign in at the provider as a browser does, form by form; the address it sends back to."""
    with httpx.Client(trust_env=False) as http:
        reply = http.get(where)
        for _ in range(20):
            if reply.is_redirect:
                target = str(reply.next_request.url) if reply.next_request else ""
                if "/v1/oidc/callback" in target:
                    return target
                reply = http.get(target)
            else:
                assert reply.status_code == 200, reply.text
                action = re.findall(r'action="([^"]+)"', reply.text)[0]
                form = dict(re.findall(r'name="(prompt)" value="([^"]+)"', reply.text))
                reply = http.post(
                    str(reply.url.join(action)), data=form | {"login": person, "password": "any"}
                )
    raise AssertionError("the provider never sends back")


def go(rig: Rig, client: TestClient, person: str, link: str = "") -> Any:
    """The whole way; the service's answer to the one who comes back."""
    begun = client.get("/v1/oidc/start", params={"link": link} if link else {}, follow_redirects=False)
    assert begun.status_code == 303
    back = urlsplit(there(begun.headers["location"], person))
    return client.get(f"{back.path}?{back.query}", follow_redirects=False)


def chief_of(rig: Rig) -> TestClient:
    account(rig, "chief", Role.ADMIN)
    chief = browser(rig)
    sign_in(chief, "chief")
    return chief


@pytest.mark.slow
@pytest.mark.usefixtures("light_passwords")
def test_a_person_tied_by_a_code_signs_in_with_roles_of_ours(tied: Rig) -> None:
    chief = chief_of(tied)
    made = chief.post(
        "/v1/users", json={"name": "nurse", "display": "Nurse", "one_time_password": False}
    ).json()
    client = browser(tied)
    assert go(tied, client, "alice").headers["location"] == "/?refused=unknown"
    assert client.get("/v1/me").status_code == 401
    code = chief.post(f"/v1/users/{made['id']}/link-code").json()["code"]
    assert go(tied, client, "alice", code).headers["location"] == "/"
    me = client.get("/v1/me").json()
    assert (me["name"], me["grants"], me["must_change"]) == (
        "nurse",
        [],
        False,
    )  # "role": "admin" is only claimed
    client.headers[CSRF_HEADER] = me["csrf"]
    assert client.post("/v1/password", json={"old": "x", "new": "y"}).status_code == 409
    assert client.post("/v1/logout").status_code == 204
    assert go(tied, client, "alice").headers["location"] == "/"
    assert go(tied, browser(tied), "bob", code).headers["location"] == "/?refused=link"  # used up
    chief.patch(f"/v1/users/{made['id']}", json={"disabled": True})
    assert go(tied, browser(tied), "alice").headers["location"] == "/?refused=off"


@pytest.mark.slow
@pytest.mark.usefixtures("light_passwords")
def test_a_person_tied_by_an_administrator_signs_in(tied: Rig) -> None:
    chief = chief_of(tied)
    one = chief.post("/v1/users", json={"name": "one", "display": "One"}).json()
    two = chief.post("/v1/users", json={"name": "two", "display": "Two"}).json()
    told = chief.patch(f"/v1/users/{one['id']}", json={"oidc_subject": "carol"}).json()
    assert (told["oidc_linked"], told["must_change"], told["has_password"]) == (True, False, False)
    assert chief.patch(f"/v1/users/{two['id']}", json={"oidc_subject": "carol"}).status_code == 409
    client = browser(tied)
    assert go(tied, client, "carol").headers["location"] == "/"
    assert client.get("/v1/me").json()["name"] == "one"


@pytest.mark.slow
def test_an_answer_put_into_another_browser_or_given_twice_signs_nobody_in(tied: Rig) -> None:
    client, other = browser(tied), browser(tied)
    begun = client.get("/v1/oidc/start", follow_redirects=False)
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == ["http://127.0.0.1:8440/v1/oidc/callback"]
    back = urlsplit(there(begun.headers["location"], "alice"))
    path = f"{back.path}?{back.query}"
    assert other.get(path, follow_redirects=False).headers["location"] == "/?refused=again"
    assert client.get(path, follow_redirects=False).headers["location"] == "/?refused=unknown"
    assert client.get(path, follow_redirects=False).headers["location"] == "/?refused=again"
    again = client.get("/v1/oidc/start", follow_redirects=False)
    state = parse_qs(urlsplit(again.headers["location"]).query)["state"][0]
    forged = client.get(f"/v1/oidc/callback?code=guess&state={state}", follow_redirects=False)
    assert forged.headers["location"] == "/?refused=provider"

    async def refusals(conn: AsyncConnection) -> list[str]:
        log = tables.audit.c
        return list((await conn.execute(select(log.detail).where(log.outcome == "refused"))).scalars())

    assert len(tied.do(refusals)) == 2


@pytest.mark.slow
def test_a_provider_that_is_down_is_told_at_the_sign_in_page(tmp_path: Path, clock: Clock) -> None:
    settings = Settings(folder=tmp_path, oidc_issuer="http://127.0.0.1:9", oidc_client_id="hemoview")
    with running(settings, clock) as rig:
        assert rig.http.get("/v1/oidc").json() == {"offered": True}
        reply = rig.http.get("/v1/oidc/start", follow_redirects=False)
        assert reply.headers["location"] == "/?refused=provider"
