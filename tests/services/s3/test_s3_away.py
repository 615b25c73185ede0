"""A store of blobs that goes away, is killed in the midst of it and comes back: nothing is lost, marked or promised."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from hemoview.bench import cloud_kills
from hemoview.bench.cloud_service import Running
from hemoview.cloud import tables
from hemoview.cloud.custody import contents, removal, s3, stocked
from hemoview.cloud.custody.backup import Order, back_up
from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.custody.restore import restore
from hemoview.cloud.custody.scrub import scrub
from hemoview.cloud.custody.stores import open_blobs
from hemoview.cloud.problems import Problem
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError, StorageError
from tests.cloud import databases
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.custody_rig import WHY, audited, on_disk
from tests.cloud.handover import SMALL, Sender
from tests.services.ceph_rig import Ceph
from tests.services.links import Link, through
from tests.services.s3.s3_rig import no_bucket, pieces, sha, whole

pytestmark = pytest.mark.services
KILLS = 10
BIG = os.urandom(3 * s3.RANGE + 5)


def test_while_it_is_away_nothing_is_lost_marked_or_promised(
    ceph: Ceph, rig: Rig, sender: Sender, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sender.hand_over()
    other = Sender(rig.http, sender.bedside, {"session.json": b'{"card": 2}'}, session_id="other")
    assert other.open().status_code == 201
    admin, researcher = rig.person("admin", ("admin", None)), rig.person("r", ("researcher", None))
    where, blob = f"/v1/sessions/{sender.session_id}", sender.blob("session.json").blob_sha256
    with ceph.away():
        for reply in (
            other.put("session.json"),
            researcher.get(f"{where}/download"),
            rig.http.get(f"/v1/blobs/{blob}", headers=sender.bedside.headers),
        ):
            assert (reply.status_code, reply.headers["retry-after"]) == (503, "5"), reply.text
            assert reply.headers["content-type"] == "application/problem+json"
            assert "the store that keeps the sessions does not answer" in reply.json()["detail"]
        ready = rig.http.get("/readyz")
        assert (ready.status_code, rig.http.get("/healthz").status_code) == (503, 200)
        assert "the store of blobs does not answer" in ready.text
        with pytest.raises(StoreAway):
            rig.call(scrub, rig.service, 1.0)
        with pytest.raises(Problem, match="does not answer"):
            rig.call(contents.unpack, rig.service, sender.session_id, tmp_path / "unpacked")
        with pytest.raises(StorageError, match="nothing was changed"):
            back_up(rig.service.settings, Order(tmp_path / "b", tmp_path / "keys", copy_blobs=True))
    assert audited(rig, "blob.damaged") == []
    assert len(rig.rows(tables.device_order)) == 0, "no bedside is asked for anything"
    assert other.put("session.json").status_code == 201
    found = rig.call(scrub, rig.service, 1.0)
    assert (found.read, found.damaged) == (3, ())
    assert researcher.get(f"{where}/download").status_code == 200
    assert admin.get(f"{where}/download").status_code == 403
    key = rig.service.settings.blobs_access.key()
    assert not [word for word in (key.secret, key.id, "Signature") if word in caplog.text]


def test_an_erasure_while_it_is_away_is_one_and_its_blobs_go_later(
    ceph: Ceph, rig: Rig, sender: Sender
) -> None:
    sender.hand_over()
    admin = rig.person("admin", ("admin", None))
    with ceph.away():
        reply = admin.post(f"/v1/sessions/{sender.session_id}/erase", json=WHY)
        assert reply.status_code == 200, reply.text
        with pytest.raises(Problem, match="erased"):
            rig.call(contents.contents_of, rig.service, sender.session_id)
        assert sender.open().status_code == 410
    assert len(on_disk(rig)) == 2
    assert len(rig.call(removal.finish, rig.service, 0)) == 2
    assert (on_disk(rig), len(rig.rows(tables.blob))) == (set(), 0)


def test_away_at_the_start_the_service_is_there_and_takes_sessions_when_it_is_back(
    ceph: Ceph, settings: Settings
) -> None:
    with ceph.away():
        told = asyncio.run(stocked.look(settings))
        assert "does not answer" in told and "The ward is shown" in told
        with running(settings, Clock()) as rig:
            rig.ward("A")
            sender = Sender(rig.http, rig.bedside("A-1"), dict(SMALL))
            assert rig.http.get("/healthz").status_code == 200
            assert sender.put("session.json").status_code == 503
            assert not list(settings.spool.iterdir())
            ceph.start()
            sender.hand_over()


def test_a_restore_begins_only_where_the_store_answers_and_takes_it(
    ceph: Ceph, rig: Rig, sender: Sender, tmp_path: Path
) -> None:
    sender.hand_over()
    order, again = Order(tmp_path / "b", tmp_path / "keys", copy_blobs=True), ceph.at(tmp_path / "again")
    assert back_up(rig.service.settings, order)["ok"]
    again.folder.mkdir()
    databases.lose(again.folder)
    with pytest.raises(ConfigError, match="no such bucket"):
        restore(no_bucket(again), order)
    with ceph.away(), pytest.raises(StorageError, match="nothing was changed"):
        restore(again, order)
    assert restore(again, order)["ok"]


def test_its_gateway_killed_while_the_service_receives_loses_nothing(
    ceph: Ceph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def victim(_: Running) -> None:
        ceph.kill()
        ceph.start()

    for name, value in ceph.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    found = cloud_kills.run(kills=KILLS, victim=victim)
    told = {name: found[name] for name in ("kills", "lost", "duplicate", "damaged")}
    assert told == {"kills": KILLS, "lost": 0, "duplicate": 0, "damaged": 0}
    assert found["sessions"] > 0


def test_the_service_killed_while_it_stores_loses_nothing(
    ceph: Ceph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ceph.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    found = cloud_kills.run(kills=KILLS)
    told = {name: found[name] for name in ("kills", "lost", "duplicate", "damaged")}
    assert told == {"kills": KILLS, "lost": 0, "duplicate": 0, "damaged": 0}
    assert found["sessions"] > 0
    assert found["back_s_max"] <= 5.0


def test_killed_in_the_midst_of_a_blob_it_is_away_and_the_blob_is_no_shorter(
    ceph: Ceph, settings: Settings
) -> None:
    async def run() -> None:
        blobs = open_blobs(settings)
        await blobs.put(sha(BIG), len(BIG), pieces(BIG))
        reader = blobs.read(sha(BIG))
        got = await anext(reader)
        await asyncio.to_thread(ceph.kill)
        try:
            with pytest.raises(StoreAway):
                async for piece in reader:
                    got += piece
        finally:
            await asyncio.to_thread(ceph.start)
        assert len(got) < len(BIG)
        assert await whole(blobs, sha(BIG)) == BIG

    asyncio.run(run())


def test_an_answer_that_breaks_off_is_no_short_blob(settings: Settings) -> None:
    content = os.urandom(1 << 20)

    async def run() -> None:
        await open_blobs(settings).put(sha(content), len(content), pieces(content))
        with through(settings, Link(most=300_000)) as cut:
            assert await whole(open_blobs(cut), sha(content)) == content, "it goes on where it broke off"
        with through(settings, Link(most=100_000)) as cut:
            with pytest.raises(StoreAway):
                await whole(open_blobs(cut), sha(content))
            with pytest.raises(FileNotFoundError):
                await whole(open_blobs(cut), sha(b"never"))

    asyncio.run(run())
