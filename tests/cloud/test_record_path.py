"""The record path: what is promised is kept, what is refused leaves nothing but its line in the audit log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.custody import blob_routes
from recorder.sync import custody, signing, wire
from recorder.sync.canonical import as_bytes
from tests.cloud.cloud_rig import Clock, Rig
from tests.cloud.custody_rig import on_disk, refusals
from tests.cloud.handover import SMALL, Sender


@pytest.fixture
def sender(rig: Rig) -> Sender:
    rig.ward("A")
    return Sender(rig.http, rig.bedside("A-1"), dict(SMALL))


# ---- as it should be


def test_a_session_handed_over_has_a_receipt_that_verifies(rig: Rig, sender: Sender) -> None:
    assert len(sender.missing()) == 2
    receipt = sender.hand_over().receipt
    assert (receipt.rev, receipt.files) == (1, 2)
    assert sender.missing() == []
    told = rig.http.get(f"/v1/sessions/{sender.session_id}/receipt", headers=sender.bedside.headers)
    assert told.json()["receipt"] == receipt.to_json()
    assert refusals(rig) == []


def test_everything_again_changes_nothing(rig: Rig, sender: Sender) -> None:
    first = sender.hand_over()
    assert sender.open().status_code == 200
    assert sender.put("session.json").status_code == 200
    manifest = sender.manifest(created_us=0)
    again = sender.commit(manifest)
    assert again.status_code == 409, "another body of the same revision"
    rows = [len(rig.rows(t)) for t in (tables.session, tables.blob, tables.manifest, tables.session_file)]
    assert rows == [1, 2, 1, 2]
    assert len(on_disk(rig)) == 2
    assert first.receipt.rev == 1


def test_the_same_manifest_again_has_the_same_receipt(rig: Rig, sender: Sender) -> None:
    sender.open()
    sender.put_all()
    manifest = sender.manifest()
    one, two = sender.commit(manifest), sender.commit(manifest)
    assert (one.status_code, two.status_code) == (201, 200)
    assert one.json() == two.json()


def test_a_new_revision_adds_files_and_what_is_known_of_the_session(rig: Rig, sender: Sender) -> None:
    before = sender.hand_over().receipt
    sender.files["amendments.jsonl"] = b"{}\n"
    sender.files["session.json"] = b'{"card": 2}'
    sender.put_all()
    about = wire.About("S-08", hidden=True, scopes=("record", "upload"))
    manifest = sender.manifest(2, before.manifest_sha256, about=about)
    assert sender.verified(sender.commit(manifest).json(), manifest).receipt.rev == 2
    researcher = rig.person("r", ("researcher", rig.wards["A"]))
    seen = researcher.get(f"/v1/sessions/{sender.session_id}").json()
    assert (seen["pseudonym"], seen["hidden"], seen["rev"], seen["files"]) == ("S-08", True, 2, 3)
    assert [r["rev"] for r in seen["revisions"]] == [1, 2]


@pytest.mark.parametrize("size", [0, 1, 1_048_576, 5_000_000])
def test_blobs_of_any_size_come_back_as_they_were(rig: Rig, sender: Sender, size: int) -> None:
    content = hashlib.shake_128(b"x").digest(size)
    where = f"/v1/blobs/{hashlib.sha256(content).hexdigest()}"
    headers = sender.bedside.headers
    assert rig.http.get(where, headers=headers).status_code == 404
    assert rig.http.put(where, content=content, headers=headers).status_code == 201
    assert rig.http.get(where, headers=headers).content == content
    head = rig.http.head(where, headers=headers)
    assert (head.status_code, head.headers["content-length"]) == (200, str(size))


def test_a_station_enrolled_anew_goes_on_with_its_sessions(rig: Rig, sender: Sender) -> None:
    before = sender.hand_over().receipt
    old, sender.bedside = sender.bedside, rig.bedside("A-2")
    assert sender.open().status_code == 404, "the first device is not revoked"

    async def revoke(conn: AsyncConnection) -> None:
        await conn.execute(
            update(tables.device).where(tables.device.c.id == old.id).values(revoked_us=rig.clock())
        )

    rig.do(revoke)
    assert sender.open().status_code == 200
    assert sender.missing() == []
    sender.files["amendments.jsonl"] = b"{}\n"
    sender.put("amendments.jsonl")
    assert sender.commit(sender.manifest(2, before.manifest_sha256)).status_code == 201


# ---- blobs that are refused


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"other content", {}, 422),
        (b"", {}, 422),
        (b"x", {"content-length": str(wire.BLOB_BYTES_MAX + 1)}, 413),
        (b"x", {"content-length": "many"}, 411),
    ],
)
def test_a_blob_that_is_not_what_it_says_leaves_nothing(
    rig: Rig, sender: Sender, content: bytes, headers: dict[str, str], status: int
) -> None:
    where = f"/v1/blobs/{hashlib.sha256(b'content').hexdigest()}"
    reply = rig.http.put(where, content=content, headers=sender.bedside.headers | headers)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert (on_disk(rig), len(rig.rows(tables.blob))) == (set(), 0)
    assert [r[0] for r in refusals(rig)] == ["blob.put"]


def test_a_blob_without_a_length_is_refused(rig: Rig, sender: Sender) -> None:
    def body() -> Iterator[bytes]:
        yield b"content"

    where = f"/v1/blobs/{hashlib.sha256(b'content').hexdigest()}"
    assert rig.http.put(where, content=body(), headers=sender.bedside.headers).status_code == 411
    assert (on_disk(rig), len(refusals(rig))) == (set(), 1)


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "A" * 64, "0" * 63, "g" * 64])
def test_a_blob_name_that_is_no_hash_is_refused(rig: Rig, sender: Sender, name: str) -> None:
    reply = rig.http.put(f"/v1/blobs/{name}", content=b"x", headers=sender.bedside.headers)
    assert reply.status_code in (404, 422)
    assert on_disk(rig) == set()


def test_blobs_of_another_device_do_not_exist(rig: Rig, sender: Sender) -> None:
    sender.hand_over()
    other = Sender(rig.http, rig.bedside("A-2"), dict(SMALL))
    ids = [sender.blob(name).blob_sha256 for name in SMALL]
    assert other.missing(*ids) == ids
    for sha256 in ids:
        assert rig.http.get(f"/v1/blobs/{sha256}", headers=other.bedside.headers).status_code == 404


# ---- sessions that are refused


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"simulated": True}, 403),
        ({"training": True}, 403),
        ({"scopes": ("record",)}, 403),
        ({"wrapping_key_id": "another"}, 422),
        ({"wrapped_key": "00" * 80}, 422),
        ({"session_id": "another"}, 422),
    ],
)
def test_an_opening_that_must_not_be_kept(
    rig: Rig, sender: Sender, changes: dict[str, Any], status: int
) -> None:
    reply = sender.open(replace(sender.opening, **changes))
    assert reply.status_code == status, reply.text
    assert len(rig.rows(tables.session)) == 0
    assert [r[0] for r in refusals(rig)] == ["session.open"]


def test_a_session_announced_otherwise_stays_as_first_said(rig: Rig, sender: Sender) -> None:
    sender.open()
    reply = sender.open(replace(sender.opening, pseudonym="S-99"))
    assert (reply.status_code, reply.json()["type"]) == (409, wire.OPENING_DIFFERS)
    assert len(refusals(rig)) == 1


def test_a_session_of_another_device_does_not_exist(rig: Rig, sender: Sender) -> None:
    sender.hand_over()
    other = Sender(rig.http, rig.bedside("A-2"), dict(SMALL))
    assert other.open().status_code == 404
    other.put_all()
    assert other.commit(other.manifest()).status_code == 404
    headers = other.bedside.headers
    assert rig.http.get(f"/v1/sessions/{other.session_id}/receipt", headers=headers).status_code == 404
    assert rig.http.get(f"/v1/sessions/{other.session_id}", headers=headers).status_code == 404
    assert len(rig.rows(tables.manifest)) == 1


# ---- manifests that are refused


def test_missing_blobs_are_named(rig: Rig, sender: Sender) -> None:
    sender.open()
    sender.put("session.json")
    reply = sender.commit(sender.manifest())
    assert (reply.status_code, reply.json()["type"]) == (409, wire.MISSING_BLOBS)
    assert reply.json()["missing"] == [sender.blob("segments/e4.bvp-0.parquet").blob_sha256]
    assert len(rig.rows(tables.manifest)) == 0


def test_a_forged_signature_is_refused(rig: Rig, sender: Sender) -> None:
    sender.open()
    sender.put_all()
    assert sender.commit(sender.manifest(), signing.new_key()).status_code == 422
    signed = signing.sign_manifest(sender.bedside.key, sender.manifest())
    changed = replace(signed, manifest=replace(signed.manifest, state="open"))
    assert sender.send(as_bytes(changed)).status_code == 422
    assert sender.send(as_bytes(signed)[:-40]).status_code == 422
    assert len(rig.rows(tables.manifest)) == 0
    assert [r[0] for r in refusals(rig)] == ["session.manifest"] * 3


def test_a_manifest_of_another_session_or_device_is_refused(rig: Rig, sender: Sender) -> None:
    sender.open()
    sender.put_all()
    for changes in ({"session_id": "another"}, {"device_id": "another"}):
        assert sender.commit(replace(sender.manifest(), **changes)).status_code == 422


@pytest.mark.parametrize(("rev", "prev"), [(1, ""), (2, "0" * 64), (3, "0" * 64)])
def test_a_revision_that_does_not_follow_is_refused(rig: Rig, sender: Sender, rev: int, prev: str) -> None:
    last = sender.hand_over().receipt
    sender.files["session.json"] = b"other"
    sender.put_all()
    reply = sender.commit(sender.manifest(rev, prev))
    assert (reply.status_code, reply.json()["type"]) == (409, wire.REVISION_TAKEN)
    assert (reply.json()["rev"], reply.json()["manifest_sha256"]) == (1, last.manifest_sha256)


def test_a_first_revision_is_number_one(rig: Rig, sender: Sender) -> None:
    sender.open()
    sender.put_all()
    assert sender.commit(sender.manifest(2, "0" * 64)).status_code == 409


@pytest.mark.parametrize("now", [None, b"other rows"])
def test_a_revision_keeps_every_segment(rig: Rig, sender: Sender, now: bytes | None) -> None:
    last = sender.hand_over().receipt
    sender.files["segments/e4.bvp-1.parquet"] = b"more"
    if now is None:
        del sender.files["segments/e4.bvp-0.parquet"]
    else:
        sender.files["segments/e4.bvp-0.parquet"] = now
    sender.put_all()
    reply = sender.commit(sender.manifest(2, last.manifest_sha256))
    assert reply.status_code == 409
    assert "segments/e4.bvp-0.parquet" in reply.json()["detail"]


def test_a_blob_of_another_length_than_the_manifest_says_is_refused(rig: Rig, sender: Sender) -> None:
    sender.open()
    sender.put_all()
    good = sender.manifest()
    wrong = replace(good.files[0], plain_bytes=1, blob_bytes=1 + custody.TAG_BYTES)
    assert sender.commit(replace(good, files=(wrong, *good.files[1:]))).status_code == 422


# ---- who sees what


def test_sessions_are_seen_in_scope_alone(rig: Rig, sender: Sender, clock: Clock) -> None:
    rig.ward("B")
    sender.hand_over()
    other = Sender(rig.http, rig.bedside("B-1"), dict(SMALL), session_id="b" * 32, pseudonym="S-11")
    other.hand_over()

    def seen(who: Any) -> set[str]:
        return {s["session_id"] for s in who.get("/v1/sessions").json()["sessions"]}

    a, b = rig.person("a", ("researcher", rig.wards["A"])), rig.person("b", ("clinician", rig.wards["B"]))
    assert (seen(a), seen(b)) == ({sender.session_id}, {other.session_id})
    assert seen(rig.person("all", ("admin", None))) == {sender.session_id, other.session_id}
    assert seen(rig.person("auditor", ("auditor", None))) == set()
    assert a.get(f"/v1/sessions/{other.session_id}").status_code == 404
    assert rig.http.get("/v1/sessions").status_code == 401
    sha256 = sender.blob("session.json").blob_sha256
    assert a.get(f"/v1/blobs/{sha256}").status_code == 200
    assert b.get(f"/v1/blobs/{sha256}").status_code == 404


def test_a_revoked_device_is_out_within_a_minute(rig: Rig, sender: Sender, clock: Clock) -> None:
    sender.hand_over()

    async def revoke(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.device).values(revoked_us=clock()))

    rig.do(revoke)
    clock.forward(59)
    for reply in (sender.open(), sender.put("session.json"), sender.commit(sender.manifest(2, "0" * 64))):
        assert reply.status_code == 401


def test_a_device_that_is_revoked_while_it_sends_is_not_listened_to_till_the_end(
    rig: Rig, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow body may take hours; its token was looked at when it began."""
    sender.open()
    store, put = type(rig.service.blobs), type(rig.service.blobs).put

    async def revoked_meanwhile(self: Any, sha256: str, size: int, chunks: Any) -> None:
        async with rig.service.db.begin() as conn:
            await conn.execute(update(tables.device).values(revoked_us=rig.clock()))
        await put(self, sha256, size, chunks)

    monkeypatch.setattr(blob_routes, "LOOK_S", 0.0)
    assert sender.put("session.json").status_code == 201
    monkeypatch.setattr(store, "put", revoked_meanwhile)
    assert sender.put("segments/e4.bvp-0.parquet").status_code == 401
    assert len(on_disk(rig)) == 1


def test_pages_of_sessions_that_began_in_the_same_moment_leave_none_out(rig: Rig, sender: Sender) -> None:
    senders = [replace(sender, session_id=f"{n:032x}") for n in range(5)]
    for one in senders:
        assert one.open().status_code == 201
    nurse, seen, after = rig.person("n", ("operator", None)), [], ""
    while page := nurse.get(f"/v1/sessions?limit=2{after}").json()["sessions"]:
        seen += [one["session_id"] for one in page]
        after = f"&after={seen[-1]}"
    assert sorted(seen) == sorted(one.session_id for one in senders) and len({*seen}) == len(seen)
    foreign = rig.person("b", ("operator", rig.ward("B")))
    assert foreign.get(f"/v1/sessions?after={seen[0]}").json() == {"sessions": []}


def test_the_database_has_the_pseudonym_in_one_place(rig: Rig, sender: Sender) -> None:
    sender.open()

    async def look(conn: AsyncConnection) -> str:
        return str((await conn.execute(select(tables.session.c.opening))).scalar_one())

    assert "S-07" not in rig.do(look)
