"""A store of blobs that will not have us, is full, empty or shared: who is told what, and what is believed of it."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hemoview.cloud import tables
from hemoview.cloud.custody import removal, s3, stocked
from hemoview.cloud.custody.blobstore import StoreAway, Stored
from hemoview.cloud.custody.s3 import S3Blobs
from hemoview.cloud.custody.scrub import scrub
from hemoview.cloud.custody.stores import open_blobs
from hemoview.cloud.identity import first, tls
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.custody_rig import WHY, audited, on_disk
from tests.cloud.handover import SMALL, Sender
from tests.services.ceph_rig import Ceph
from tests.services.links import Link, through
from tests.services.s3.s3_rig import no_bucket, pieces, sha, whole

pytestmark = pytest.mark.services


def wrong_secret(settings: Settings) -> Settings:
    assert settings.blobs_credentials_file is not None
    told = settings.blobs_credentials_file.read_text()
    path = settings.folder.parent / "wrong"
    path.write_text(told.replace(settings.blobs_access.key().secret, "wrong-secret"))
    return replace(settings, blobs_credentials_file=path)


def unknown_key(settings: Settings) -> Settings:
    path = settings.folder.parent / "unknown"
    path.write_text("[default]\naws_access_key_id = NOBODY\naws_secret_access_key = wrong-secret\n")
    return replace(settings, blobs_credentials_file=path)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (wrong_secret, "refuses the secret.*blobs_credentials_file"),
        (unknown_key, "does not know the key"),
        (no_bucket, "no such bucket; make the bucket, or check blobs_url"),
    ],
)
def test_settings_that_are_wrong_are_said_at_the_start(
    settings: Settings, broken: Callable[[Settings], Settings], why: str
) -> None:
    asyncio.run(first.first_admin(settings))
    with pytest.raises(ConfigError, match=why) as told:
        asyncio.run(stocked.look(broken(settings)))
    assert "wrong-secret" not in str(told.value)


def test_they_are_said_before_anything_listens(ceph: Ceph, tmp_path: Path) -> None:
    told_to = os.environ | ceph.environment(tmp_path)
    told_to |= {"HEMOVIEW_SERVE_BLOBS_URL": "s3://no-such-bucket", "HEMOVIEW_SERVE_DATABASE_URL": ""}
    words = [sys.executable, "-m", "hemoview.cli", "serve", "--folder", str(tmp_path / "s"), "--port", "0"]
    told = subprocess.run(words, env=told_to, capture_output=True, text=True, timeout=60, check=False)
    assert (told.returncode, told.stdout) == (1, "")
    assert "no such bucket" in told.stderr and "Traceback" not in told.stderr


@pytest.mark.parametrize("broken", [wrong_secret, no_bucket])
def test_what_does_not_take_us_later_is_away_and_never_damaged(
    settings: Settings, rig: Rig, sender: Sender, broken: Callable[[Settings], Settings]
) -> None:
    """A bucket that is gone answers for every blob that it is not there."""
    sender.hand_over()
    assert "The ward is shown" in asyncio.run(stocked.look(broken(settings))), (
        "it would start again without it"
    )
    rig.service.blobs = open_blobs(broken(settings))
    assert sender.put("session.json").status_code == 503
    blob = sender.blob("session.json").blob_sha256
    assert rig.http.get(f"/v1/blobs/{blob}", headers=sender.bedside.headers).status_code == 503
    with pytest.raises((StoreAway, ConfigError)):
        rig.call(scrub, rig.service, 1.0)
    assert audited(rig, "blob.damaged") == []
    assert "does not take this service" in rig.http.get("/readyz").text


def test_a_new_key_in_its_file_counts_without_a_restart(
    ceph: Ceph, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(s3, "_KEY_FOR", s3._KEY_FOR * 0)
    path = tmp_path / "credentials"
    words = ("--uid=hemoview", "--key-type=s3", "--access-key=ROTATED", "--secret-key=of-the-rotated-key")
    ceph.admin("key", "create", *words)
    form = "[default]\naws_access_key_id = ROTATED\naws_secret_access_key = {}\n"
    path.write_text(form.format("of-the-rotated-key"))

    async def run() -> None:
        blobs = open_blobs(replace(settings, blobs_credentials_file=path))
        await blobs.check()
        path.write_text(form.format("a-slip-of-the-pen"))
        with pytest.raises(ConfigError, match="refuses the secret"):
            await blobs.check()
        path.unlink()
        with pytest.raises(StoreAway):
            await blobs.check()
        path.write_text(form.format("of-the-rotated-key"))
        await blobs.check()

    asyncio.run(run())


def test_a_key_that_may_not_delete_is_told_and_the_blobs_are_still_owed(
    ceph: Ceph, rig: Rig, sender: Sender
) -> None:
    """The store answers such an order with 200 and a refusal for each name."""
    sender.hand_over()
    ceph.admin("user", "modify", "--uid=hemoview", "--op-mask=read,write")
    try:
        admin = rig.person("admin", ("admin", None))
        assert admin.post(f"/v1/sessions/{sender.session_id}/erase", json=WHY).status_code == 200
        with pytest.raises(StoreAway, match="may not do this"):
            rig.call(removal.finish, rig.service, 0)
        assert (len(on_disk(rig)), len(rig.rows(tables.blob))) == (2, 2)
    finally:
        ceph.admin("user", "modify", "--uid=hemoview", "--op-mask=read,write,delete")
    assert len(rig.call(removal.finish, rig.service, 0)) == 2
    assert on_disk(rig) == set()


def test_a_full_store_is_507_and_the_copy_stays_at_the_bedside(ceph: Ceph, rig: Rig, sender: Sender) -> None:
    assert sender.open().status_code == 201
    scope = ("--quota-scope=user", "--uid=hemoview")
    ceph.admin("quota", "set", *scope, "--max-size=1")
    ceph.admin("quota", "enable", *scope)
    try:
        reply = sender.put("session.json")
        assert (reply.status_code, "is full" in reply.json()["detail"]) == (507, True), reply.text
        assert rig.call(rig.service.blobs.check) is None, "it is there all the same"
        assert len(sender.missing()) == 2
        assert not list(rig.service.settings.spool.iterdir())
    finally:
        ceph.admin("quota", "disable", *scope)
    sender.hand_over()


def test_an_empty_prefix_is_not_believed(ceph: Ceph, settings: Settings, tmp_path: Path) -> None:
    """A prefix mistyped: every blob would be gone, and every bedside asked for all it ever sent."""
    with running(settings, Clock()) as rig:
        rig.ward("A")
        Sender(rig.http, rig.bedside("A-1"), dict(SMALL)).hand_over()
    with (
        pytest.raises(ConfigError, match="is empty, and the database lists 2 blobs"),
        running(replace(settings, blobs_url=settings.blobs_url + "x"), Clock()),
    ):
        pass
    with running(settings, Clock()) as rig:
        assert rig.call(scrub, rig.service, 1.0).damaged == ()


def test_two_services_in_one_bucket_do_not_see_each_other(ceph: Ceph, tmp_path: Path) -> None:
    async def run() -> None:
        one, other = (open_blobs(ceph.at(tmp_path / name)) for name in ("one", "other"))
        within = S3Blobs(
            f"{ceph.at(tmp_path).blobs_url}/a", ceph.at(tmp_path).blobs_access, tmp_path / "spool"
        )
        for blobs, content in ((one, b"1"), (one, b"both"), (other, b"2"), (other, b"both"), (within, b"3")):
            await blobs.put(sha(content), len(content), pieces(content))
        await one.delete([sha(b"both"), sha(b"2"), sha(b"3")])
        assert {stored async for stored in one.walk()} == {Stored(sha(b"1"), 1)}
        assert {stored.sha256 async for stored in other.walk()} == {sha(b"2"), sha(b"both")}
        assert await within.size(sha(b"3")) == 1

    asyncio.run(run())


def test_a_store_is_used_by_tls_where_its_authority_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")  # what is set is not overruled
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of another key")
    tls.init(tmp_path / "tls", ("127.0.0.1",))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "tls" / "server.pem", tmp_path / "tls" / "server.key")
    content = os.urandom(100_000)

    async def run(told: Settings) -> None:
        blobs = open_blobs(told)
        await blobs.check()
        await blobs.put(sha(content), len(content), pieces(content))
        assert await whole(blobs, sha(content)) == content

    with through(settings, Link(tls=context)) as told:
        assert told.blobs_endpoint.startswith("https://")
        with pytest.raises(ConfigError, match=r"vouches for its certificate.*blobs_ca"):
            asyncio.run(run(told))
        asyncio.run(run(replace(told, blobs_ca=tmp_path / "tls" / "ca.pem")))


def test_what_is_changed_on_the_way_is_not_stored(settings: Settings) -> None:
    """The store compares it with the hash that was signed."""
    content = os.urandom(100_000)

    async def run() -> None:
        with through(settings, Link(flips=50_000)) as told, pytest.raises(StoreAway):
            await open_blobs(told).put(sha(content), len(content), pieces(content))
        assert await open_blobs(settings).size(sha(content)) is None

    asyncio.run(run())
