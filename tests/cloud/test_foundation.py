"""What the service stands on: settings, tables, keys, audit chain, principals, problems, armour."""

from __future__ import annotations

import asyncio
import json
import stat
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from fastapi import APIRouter, Depends
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.armour import BODY_LIMIT
from hemoview.cloud.asking import Bedside, Person, require
from hemoview.cloud.keys import FileKeys, public_bytes
from hemoview.cloud.principals import Action, Grant, Principal, Role, session_filter, ward_filter
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from tests.cloud import databases
from tests.cloud.cloud_rig import Clock, Rig, running

probe = APIRouter()


@probe.get("/t/person")
async def person_only(who: Person) -> str:
    return who.name


@probe.post("/t/person")
async def person_writes(who: Person) -> str:
    return who.name


@probe.get("/t/bedside")
async def bedside_only(who: Bedside) -> str:
    return who.id


@probe.get("/t/manage", dependencies=[Depends(require(Action.MANAGE))])
async def managers_only() -> str:
    return "yes"


@probe.post("/t/body")
async def takes_body(body: dict[str, Any]) -> int:
    return len(body)


@probe.get("/t/fault")
async def fault() -> None:
    raise ZeroDivisionError


@pytest.fixture
def probed(rig: Rig) -> Rig:
    rig.app.include_router(probe)
    return rig


# ---- settings


SHARED = {
    "database_url": "postgresql:///h",
    "blobs_url": "s3://hemoview",
    "bus_url": "mqtt://localhost",
    "jobs": "procrastinate",
}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"host": "0.0.0.0"}, "in the clear"),
        ({"host": "ward.example"}, "in the clear"),
        ({"port": 70000}, "port"),
        ({"port": "many"}, "port"),
        ({"colour": "red"}, "colour"),
        ({"production": "perhaps"}, "production"),
        ({"tls_cert": Path("/nowhere.pem")}, "go together"),
        ({"replicas": True}, "database_url and blobs_url and bus_url"),
        ({"replicas": True} | SHARED, "keys_folder"),
    ],
)
def test_unsafe_or_unknown_settings_are_refused(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Settings.read(None, told, {})


def test_flags_override_environment_overrides_file(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('host = "::1"\nport = 1\nidle_minutes = 5')
    settings = Settings.read(file, {"port": 3, "host": None}, {"HEMOVIEW_SERVE_PORT": "2", "HOME": "x"})
    assert (settings.host, settings.port, settings.idle_minutes) == ("::1", 3, 5.0)


def test_a_settings_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("host = ")
    with pytest.raises(ConfigError, match=r"s\.toml"):
        Settings.read(file, {}, {})


# ---- tables and keys


def test_the_migrations_make_the_tables(rig: Rig) -> None:
    async def differences(conn: AsyncConnection) -> list[Any]:
        return await conn.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), tables.metadata)
        )

    assert rig.do(differences) == []


def test_commits_of_the_database_are_on_the_disk_before_they_return(rig: Rig) -> None:
    asked = {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": 2, "PRAGMA foreign_keys": 1}
    if databases.SERVER:
        asked = dict.fromkeys(("SHOW synchronous_commit", "SHOW fsync"), "on")

    async def told(conn: AsyncConnection) -> dict[str, Any]:
        return {query: (await conn.execute(text(query))).scalar() for query in asked}

    assert rig.do(told) == asked


def test_id_and_keys_stay_over_a_restart_and_are_the_owners_alone(tmp_path: Path, clock: Clock) -> None:
    settings = Settings(folder=tmp_path / "s")
    told = []
    for _ in range(2):
        with running(settings, clock) as rig:
            told.append(rig.http.get("/v1/hello").json() | {"server_us": 0, "signature": ""})
    assert told[0] == told[1]
    for file in settings.keys.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("others", [False, True])
def test_keys_of_another_service_are_refused_and_none_are_made(
    tmp_path: Path, clock: Clock, others: bool
) -> None:
    settings = Settings(folder=tmp_path / "s", keys_folder=tmp_path / "keys")
    with running(settings, clock):
        pass
    settings.keys.rename(tmp_path / "elsewhere")
    if others:
        FileKeys(settings.keys)
    with pytest.raises(ConfigError, match="no session"), running(settings, clock):
        pass
    assert settings.keys.exists() == others


def test_a_damaged_key_is_refused_by_name(tmp_path: Path) -> None:
    first = FileKeys(tmp_path)
    assert len(public_bytes(first.signing)) == 32
    (tmp_path / "signing.pem").write_text("no key")
    with pytest.raises(ConfigError, match=r"signing\.pem"):
        FileKeys(tmp_path)


# ---- audit


async def _three(conn: AsyncConnection) -> None:
    for n in range(3):
        await audit.append(conn, audit.Entry(n, "user:a", "login", f"o{n}"))


def test_the_audit_chain_holds(rig: Rig) -> None:
    rig.do(_three)
    verdict = rig.do(audit.verify)
    assert (verdict.entries, verdict.broken_at) == (3, None)


@pytest.mark.parametrize(
    "tampering",
    [
        update(tables.audit).where(tables.audit.c.no == 2).values(actor="user:b"),
        update(tables.audit).where(tables.audit.c.no == 2).values(hash="0" * 64),
        delete(tables.audit).where(tables.audit.c.no == 2),
    ],
)
def test_a_changed_or_missing_entry_breaks_it_where_it_was(rig: Rig, tampering: Any) -> None:
    rig.do(_three)

    async def tamper(conn: AsyncConnection) -> None:
        await conn.execute(tampering)

    with pytest.raises(IntegrityError, match="only added to"):
        rig.do(tamper)
    rig.do(databases.unlock_audit)
    rig.do(tamper)
    assert rig.do(audit.verify).broken_at == 2


# ---- principals


def test_who_has_not_signed_in_is_told_so(probed: Rig) -> None:
    for path in ("/t/person", "/t/bedside", "/t/manage"):
        reply = probed.http.get(path)
        assert (reply.status_code, reply.headers["content-type"]) == (401, "application/problem+json")


def test_devices_and_people_keep_to_their_own_routes(probed: Rig) -> None:
    probed.ward("A")
    bedside, nurse = probed.bedside("A-1"), probed.person("nurse", ("operator", None))
    assert probed.http.get("/t/bedside", headers=bedside.headers).json() == bedside.id
    assert probed.http.get("/t/person", headers=bedside.headers).status_code == 403
    assert nurse.get("/t/person").json() == "user:nurse"
    assert nurse.get("/t/bedside").status_code == 403
    assert nurse.get("/t/manage").status_code == 403


def test_a_persons_unsafe_request_needs_the_token_of_its_log_in(probed: Rig) -> None:
    nurse = probed.person("nurse", ("operator", None))
    assert nurse.post("/t/person").status_code == 200
    for wrong in ("", "other", "ü"):
        headers = {"X-HemoView-CSRF": wrong.encode("latin-1")}
        assert nurse.post("/t/person", headers=headers).status_code == 403


def test_a_log_in_ends_without_use(probed: Rig, clock: Clock) -> None:
    nurse = probed.person("nurse", ("operator", None))
    for _ in range(3):
        clock.forward(20 * 60)
        assert nurse.get("/t/person").status_code == (200 if _ < 2 else 401)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"audience": "another service"}, "somebody else"),
        ({"seconds": 3600}, "too long"),
        ({"seconds": -1}, "too long"),
        ({"iss": "another device"}, "somebody else"),
        ({"iat": "now"}, "without times"),
    ],
)
def test_tokens_that_prove_nothing_are_refused(probed: Rig, claims: dict[str, Any], why: str) -> None:
    probed.ward("A")
    token = probed.bedside("A-1").token(**claims)
    reply = probed.http.get("/t/bedside", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 401
    assert why in reply.json()["detail"]


def test_a_token_of_another_key_is_refused(probed: Rig) -> None:
    probed.ward("A")
    one, two = probed.bedside("A-1"), probed.bedside("A-2")
    two.id = one.id
    assert probed.http.get("/t/bedside", headers=two.headers).status_code == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30", "…", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_refused(probed: Rig, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    assert probed.http.get("/t/bedside", headers=headers).status_code == 401


@pytest.mark.parametrize("kid", ["\ud800", "a\0b", "a b", "", "x" * 65, ["a"], None, {"a": 1}])
def test_a_token_of_no_device_is_refused_before_anybody_is_looked_for(probed: Rig, kid: Any) -> None:
    parts = ({"alg": "Ed25519", "kid": kid}, {"iss": "x"})
    words = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (*parts, "x")]
    headers = {"Authorization": f"Bearer {'.'.join(words)}"}
    reply = probed.http.get("/t/bedside", headers=headers)
    assert reply.status_code == 401, reply.text


def test_an_expired_token_and_a_revoked_device_are_refused(probed: Rig, clock: Clock) -> None:
    probed.ward("A")
    bedside = probed.bedside("A-1")
    headers = bedside.headers
    assert probed.http.get("/t/bedside", headers=headers).status_code == 200
    clock.forward(3600)
    assert probed.http.get("/t/bedside", headers=headers).status_code == 401

    async def revoke(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.device).values(revoked_us=clock()))

    headers = bedside.headers
    assert probed.http.get("/t/bedside", headers=headers).status_code == 200
    probed.do(revoke)
    clock.forward(61)
    reply = probed.http.get("/t/bedside", headers=headers)
    assert (reply.status_code, reply.json()["revoked"]) == (401, True)


def test_filters_show_a_principal_its_own_wards_and_sessions_alone(rig: Rig) -> None:
    a, b = rig.ward("A"), rig.ward("B")
    study = "study-1"
    rig.put(tables.study, id=study, name="One")
    bedside = rig.bedside("A-1")
    for number, (ward_id, study_id) in enumerate([(a, None), (a, study), (b, study), (b, None)]):
        rig.put(
            tables.session,
            id=f"s{number}",
            device_id=bedside.id,
            ward_id=ward_id,
            study_id=study_id,
            created_us=0,
            received_us=0,
            state="open",
            opening="{}",
            opening_sha256="",
            wrapping_key_id="",
        )

    def seen(*grants: Grant) -> tuple[set[str], set[str]]:
        who = Principal("user", "u", "user:u", grants)

        async def look(conn: AsyncConnection) -> tuple[set[str], set[str]]:
            sessions = select(tables.session.c.id).where(session_filter(who, Action.SEE_SESSION))
            wards = select(tables.ward.c.id).where(ward_filter(who, Action.SEE_WARD))
            return set((await conn.execute(sessions)).scalars()), set((await conn.execute(wards)).scalars())

        return rig.do(look)

    assert seen() == (set(), set())
    assert seen(Grant(Role.CLINICIAN, a)) == ({"s0", "s1"}, {a})
    assert seen(Grant(Role.RESEARCHER, None, study)) == ({"s1", "s2"}, set())
    assert seen(Grant(Role.OPERATOR, b, study)) == ({"s2"}, set())
    assert seen(Grant(Role.CLINICIAN)) == ({"s0", "s1", "s2", "s3"}, {a, b})
    assert seen(Grant(Role.AUDITOR)) == (set(), set())


# ---- every reply


def test_a_body_beyond_the_limit_is_refused(probed: Rig) -> None:
    reply = probed.http.post("/t/body", content=b'{"a":"' + b"x" * BODY_LIMIT + b'"}')
    assert (reply.status_code, reply.json()["status"]) == (413, 413)


def test_a_fault_of_ours_says_nothing_of_itself(tmp_path: Path, clock: Clock) -> None:
    with running(Settings(folder=tmp_path / "s"), clock) as rig:
        rig.app.include_router(probe)
        rig.http._transport.raise_server_exceptions = False  # type: ignore[attr-defined]
        reply = rig.http.get("/t/fault")
    assert reply.status_code == 500
    assert "Zero" not in reply.text


def test_replies_tell_browsers_what_not_to_do(rig: Rig) -> None:
    headers = rig.http.get("/healthz").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_what_is_not_there_is_a_problem_too(rig: Rig) -> None:
    reply = rig.http.get("/v1/nowhere")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


def test_two_writers_wait_for_each_other(rig: Rig) -> None:
    async def add(name: str) -> None:
        async with rig.service.db.begin() as conn:
            count = len((await conn.execute(select(tables.fact))).all())
            await asyncio.sleep(0.001)
            await conn.execute(insert(tables.fact).values(name=name, value=str(count)))

    async def many() -> set[str]:
        await asyncio.gather(*(add(f"n{i}") for i in range(20)))
        async with rig.service.db.read() as conn:
            return set((await conn.execute(select(tables.fact.c.value))).scalars())

    values = rig.call(many)
    assert {str(n) for n in range(2, 22)} <= values  # the service's own two were there
