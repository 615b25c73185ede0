"""Two things at the same moment: what arrives and what goes, what is erased and what must not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit, tables
from hemoview.cloud.custody import (
    damage,
    erase,
    erase_routes,
    erasures,
    manifests,
    removal,
    unclaimed,
)
from hemoview.cloud.custody.erasures import Erased
from hemoview.cloud.custody.ledger import Arrived, Removed
from hemoview.cloud.database import Database
from hemoview.cloud.keys import FILES
from hemoview.cloud.problems import Problem
from hemoview.cloud.service import open_service
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from tests.cloud.cloud_rig import Rig
from tests.cloud.custody_rig import WHY, on_disk
from tests.cloud.handover import SMALL, Sender


@pytest.fixture
def sender(rig: Rig) -> Sender:
    rig.ward("A")
    sender = Sender(rig.http, rig.bedside("A-1"), dict(SMALL))
    sender.hand_over()
    return sender


def hold_now(rig: Rig, session_id: str, why: str | None = "court order 12") -> None:
    async def write(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.session).where(tables.session.c.id == session_id).values(held=why))

    rig.do(write)


def test_a_hold_that_comes_while_an_erasure_is_asked_for_is_kept(
    rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a session and its erasure: then neither its key nor the list of erasures is touched."""
    admin = rig.person("admin", ("admin", None))
    look = erase_routes.state.of_one

    async def and_then_held(conn: AsyncConnection, *what: Any) -> Any:
        found = await look(conn, *what)
        async with rig.service.db.begin() as other:
            await other.execute(update(tables.session).values(held="court order 12"))
        return found

    monkeypatch.setattr(erase_routes.state, "of_one", and_then_held)
    reply = admin.post(f"/v1/sessions/{sender.session_id}/erase", json=WHY)
    assert (reply.status_code, "court order 12" in reply.json()["detail"]) == (409, True)
    assert erasures.remembered(rig.service.settings.keys) == [], "it would be erased at the next start"
    assert len(on_disk(rig)) == 2


def test_who_erases_second_is_told_and_the_bedside_gets_one_order(rig: Rig, sender: Sender) -> None:
    one = Erased(sender.session_id, 1, "admin", "withdrawn")
    entry = audit.Entry(1, "admin", "session.erase", sender.session_id, audit.OK, "", "")
    rig.call(erase.erase, rig.service, one, entry)
    with pytest.raises(Problem) as again:
        rig.call(erase.erase, rig.service, one, entry)
    assert again.value.status == 410
    assert len(rig.rows(tables.device_order)) == 1
    assert len(erasures.remembered(rig.service.settings.keys)) == 1


def test_a_manifest_beside_an_erasure_does_not_bring_the_session_back(
    rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where transactions run side by side the erasure may be committed after the manifest looked."""
    first = manifests.accept

    async def erased_since(conn: AsyncConnection, *what: Any) -> Any:
        await conn.execute(update(tables.session).values(state="erased", wrapped_key=None))
        return await first(conn, *what)

    async def seen_before(*_: Any) -> None:
        return None

    monkeypatch.setattr(manifests, "accept", erased_since)
    monkeypatch.setattr(manifests, "_must_be_open", seen_before)
    where = f"/v1/sessions/{sender.session_id}/receipt"
    prev = rig.http.get(where, headers=sender.bedside.headers).json()["receipt"]["manifest_sha256"]
    sender.files = {**sender.files, "amendments.jsonl": b"one"}
    sender.put_all()
    reply = sender.commit(sender.manifest(2, prev))
    assert reply.status_code == 410, reply.text
    assert len(rig.rows(tables.manifest)) == 1


def test_a_blob_that_is_sent_again_while_the_old_one_is_removed_is_never_promised_and_gone(
    rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order: with a row there is a file, for a receipt may name it the moment it is answered."""
    sender.files = {"amendments.jsonl": b"one"}
    sender.put_all()
    blob = sender.blob("amendments.jsonl")
    rig.clock.forward((unclaimed.KEPT_DAYS + 1) * 86_400)
    service = rig.service
    store, remove = type(service.blobs), type(service.blobs).delete

    async def pieces() -> AsyncIterator[bytes]:
        yield blob.content

    async def arrived() -> Arrived:
        before = service.ledger.removals
        await service.blobs.put(blob.blob_sha256, len(blob.content), pieces())
        return Arrived(blob.blob_sha256, len(blob.content), sender.bedside.id, 5, before)

    late: list[Arrived] = []

    async def between(self: Any, ids: Sequence[str]) -> None:
        assert await service.ledger.known(ids, sender.bedside.id) == set()
        with pytest.raises(Removed):
            await service.ledger.add(await arrived())
        late.append(await arrived())
        await remove(self, ids)

    monkeypatch.setattr(store, "delete", between)
    rig.call(unclaimed.discard, service)
    with pytest.raises(Removed):  # its file went with the old one, its row would have come after it
        rig.call(service.ledger.add, late[0])
    assert sender.missing() == [blob.blob_sha256]
    monkeypatch.undo()
    assert sender.put("amendments.jsonl").status_code == 201


def test_the_route_refuses_what_was_removed_between_its_file_and_its_row(
    rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.files = {"amendments.jsonl": b"one"}
    sender.put_all()
    rig.clock.forward((unclaimed.KEPT_DAYS + 1) * 86_400)
    store, put = type(rig.service.blobs), type(rig.service.blobs).put

    async def and_then_gone(self: Any, sha256: str, size: int, chunks: Any) -> None:
        await put(self, sha256, size, chunks)
        assert await unclaimed.discard(rig.service) == 1

    monkeypatch.setattr(store, "put", and_then_gone)
    assert sender.put("amendments.jsonl").status_code == 503
    monkeypatch.undo()
    assert len(sender.missing()) == 1
    assert sender.put("amendments.jsonl").status_code == 201


def test_a_removal_that_was_cut_off_is_finished_and_nothing_is_promised_meanwhile(
    rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.files = {"amendments.jsonl": b"one"}
    sender.put_all()
    rig.clock.forward((unclaimed.KEPT_DAYS + 1) * 86_400)

    async def killed(*_: Any) -> None:
        raise OSError

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(type(rig.service.blobs), "delete", killed)
        rig.call(unclaimed.discard, rig.service)
    assert sender.put("amendments.jsonl").status_code == 503
    assert rig.call(removal.finish, rig.service) == [], "another process may still be at it"
    rig.clock.forward(removal.CUT_OFF_S)
    assert rig.call(removal.finish, rig.service) == [sender.blob("amendments.jsonl").blob_sha256]
    assert sender.put("amendments.jsonl").status_code == 201


def test_scrubbing_beside_an_erasure_asks_no_bedside_for_what_was_erased(rig: Rig, sender: Sender) -> None:
    async def half(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.session).values(state="erased", wrapped_key=None))

    rig.do(half)
    rig.call(damage.found, rig.service, sender.blob("session.json").blob_sha256, "it is gone")
    assert len(rig.rows(tables.device_order)) == 0


def test_an_erasure_after_one_that_a_crash_cut_off_is_remembered(tmp_path: Path) -> None:
    """Joined to the torn line it would be no line at all, and the service would refuse to start."""
    erasures.remember(tmp_path, Erased("one", 1, "admin", "withdrawn"))
    path = tmp_path / erasures.FILE
    path.write_bytes(path.read_bytes() + b'{"at_us":2,"by":"adm')
    erasures.remember(tmp_path, Erased("two", 3, "admin", "withdrawn"))
    assert [one.session_id for one in erasures.remembered(tmp_path)] == ["one", "two"]


def test_a_database_of_a_newer_hemoview_is_refused_with_words_and_left_as_it_is(
    tmp_path: Path,
) -> None:
    async def newer() -> None:
        db = Database(Settings(folder=tmp_path).database)
        await db.upgrade()
        async with db.begin() as conn:
            await conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(ConfigError, match="newer HemoView"):
            await db.upgrade()
        await db.close()

    asyncio.run(newer())


@pytest.mark.parametrize("lost", FILES)
def test_a_service_whose_key_is_lost_does_not_make_another(tmp_path: Path, lost: str) -> None:
    """With a new one every session was closed for ever, and every bedside would call it another service."""
    settings = Settings(folder=tmp_path)

    async def opened() -> None:
        await (await open_service(settings)).close()

    asyncio.run(opened())
    asyncio.run(opened())
    content = (settings.keys / lost).read_bytes()
    (settings.keys / lost).unlink()
    with pytest.raises(ConfigError, match="put the backup of the keys back"):
        asyncio.run(opened())
    assert not (settings.keys / lost).exists()
    (settings.keys / lost).write_bytes(content)
    asyncio.run(opened())
