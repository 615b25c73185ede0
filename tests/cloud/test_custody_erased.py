"""What is erased stays erased; what is damaged is found, named and asked for again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.custody import contents, erase, erasures, scrub, unclaimed
from hemoview.cloud.custody.erasures import Erased
from hemoview.cloud.problems import Problem
from recorder.errors import ConfigError
from recorder.sync import signing, wire
from tests.cloud.cloud_rig import Rig
from tests.cloud.custody_rig import WHY, audited, beat, on_disk, refusals
from tests.cloud.handover import SMALL, Sender
from tests.cloud.stores import InBucket, lying


@pytest.fixture
def sender(rig: Rig) -> Sender:
    rig.ward("A")
    sender = Sender(rig.http, rig.bedside("A-1"), dict(SMALL))
    sender.hand_over()
    return sender


def stored(rig: Rig, sender: Sender, name: str) -> Path | InBucket:
    return lying(rig.service.settings, sender.blob(name).blob_sha256)


# ---- erased


def test_an_erased_session_cannot_be_read_by_anybody(rig: Rig, sender: Sender) -> None:
    admin, researcher = rig.person("admin", ("admin", None)), rig.person("r", ("researcher", None))
    where = f"/v1/sessions/{sender.session_id}"
    assert researcher.get(f"{where}/download").status_code == 200
    receipt = rig.http.get(f"{where}/receipt", headers=sender.bedside.headers).json()
    reply = admin.post(f"{where}/erase", json=WHY)
    assert reply.status_code == 200, reply.text
    assert [(u["what"], u["who"]) for u in reply.json()["unreachable"]] == [("session.download", "user:r")]
    assert (on_disk(rig), len(rig.rows(tables.blob)), len(rig.rows(tables.session_file))) == (set(), 0, 0)
    assert len(rig.rows(tables.subject)) == 0
    assert researcher.get(f"{where}/download").status_code == 410
    with pytest.raises(Problem):
        rig.call(contents.contents_of, rig.service, sender.session_id)

    async def look(conn: AsyncConnection) -> Any:
        return (await conn.execute(select(tables.session))).one()

    row = rig.do(look)
    assert (row.state, row.wrapped_key, row.opening) == ("erased", None, "{}")
    assert len(audited(rig, "session.erase")) == 1
    signed = wire.SignedReceipt.from_json(receipt)
    public = rig.http.get("/v1/hello").json()["signing_public_key"]
    signing.verify(public, signing.RECEIPT, signed.receipt.to_json(), signed.signature)


def test_the_bedside_is_told_to_erase_and_cannot_send_it_again(rig: Rig, sender: Sender) -> None:
    rig.person("admin", ("admin", None)).post(f"/v1/sessions/{sender.session_id}/erase", json=WHY)
    (order,) = beat(rig, sender.bedside).orders
    assert (order.kind, order.session_id, order.text) == ("erase", sender.session_id, "consent withdrawn")
    admin = rig.person("chief", ("admin", None))
    assert admin.get("/v1/erasures").json()["erasures"][0]["bedside_us"] is None
    assert beat(rig, sender.bedside, wire.Acknowledgement(order.order_id, "done")).orders == ()
    (listed,) = admin.get("/v1/erasures").json()["erasures"]
    assert (listed["session_id"], listed["bedside_us"] > 0) == (sender.session_id, True)
    for reply in (sender.open(), sender.commit(sender.manifest(2, "0" * 64))):
        assert (reply.status_code, reply.json()["type"]) == (410, wire.SESSION_ERASED)


def test_a_copy_at_a_revoked_bedside_is_out_of_reach(rig: Rig, sender: Sender) -> None:
    async def revoke(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.device).values(revoked_us=rig.clock()))

    rig.do(revoke)
    admin = rig.person("admin", ("admin", None))
    told = admin.post(f"/v1/sessions/{sender.session_id}/erase", json=WHY).json()
    assert [one["what"] for one in told["unreachable"]] == ["the copy at the bedside"]
    sender.bedside = rig.bedside("A-2")  # enrolled anew, it comes with the copy
    for _ in range(2):
        assert sender.open().status_code == 410
    (order,) = beat(rig, sender.bedside).orders
    assert (order.kind, order.session_id) == ("erase", sender.session_id)


def test_only_an_administrator_with_a_reason_erases_and_only_once(rig: Rig, sender: Sender) -> None:
    where = f"/v1/sessions/{sender.session_id}/erase"
    admin = rig.person("admin", ("admin", None))
    assert rig.http.post(where, json=WHY).status_code == 401
    assert rig.person("r", ("researcher", None)).post(where, json=WHY).status_code == 403
    assert rig.http.post(where, json=WHY, headers=sender.bedside.headers).status_code == 403
    rig.ward("B")
    assert rig.person("b", ("admin", rig.wards["B"])).post(where, json=WHY).status_code == 404
    assert admin.post(where, json={"reason": " "}).status_code == 422
    assert admin.post(where, json=WHY).status_code == 200
    assert admin.post(where, json=WHY).status_code == 410


def test_a_legal_hold_forbids_erasing(rig: Rig, sender: Sender) -> None:
    where = f"/v1/sessions/{sender.session_id}"
    admin = rig.person("admin", ("admin", None))
    assert admin.put(f"{where}/hold", json={"reason": "court order 12"}).status_code == 204
    reply = admin.post(f"{where}/erase", json=WHY)
    assert (reply.status_code, "court order 12" in reply.json()["detail"]) == (409, True)
    assert len(on_disk(rig)) == 2
    assert admin.delete(f"{where}/hold").status_code == 204
    assert admin.post(f"{where}/erase", json=WHY).status_code == 200


def test_a_subject_withdraws_from_every_session_in_scope(rig: Rig, sender: Sender) -> None:
    rig.ward("B")
    sessions = {"held": ("A-1", "S-07"), "there": ("B-1", "S-07"), "other": ("A-2", "S-08")}
    for name, (bed, pseudonym) in sessions.items():
        Sender(rig.http, rig.bedside(bed), dict(SMALL), session_id=name, pseudonym=pseudonym).hand_over()
    everywhere, here = rig.person("admin", ("admin", None)), rig.person("a", ("admin", rig.wards["A"]))
    assert everywhere.put("/v1/sessions/held/hold", json={"reason": "court order 12"}).status_code == 204
    told = {"pseudonym": "S-07", "reason": "consent withdrawn"}
    found = here.post("/v1/subjects/withdraw", json=told).json()
    assert [one["session_id"] for one in found["erased"]] == [sender.session_id]
    assert found["held"] == [{"session_id": "held", "why": "court order 12"}]
    states = {s["session_id"]: s["state"] for s in everywhere.get("/v1/sessions").json()["sessions"]}
    assert states == {sender.session_id: "erased", "held": "sealed", "there": "sealed", "other": "sealed"}
    assert (
        rig.person("b", ("admin", rig.wards["B"])).post("/v1/subjects/withdraw", json=told).status_code == 200
    )
    nobody = told | {"pseudonym": "S-99"}
    assert everywhere.post("/v1/subjects/withdraw", json=nobody).status_code == 404
    assert rig.person("r", ("researcher", None)).post("/v1/subjects/withdraw", json=told).status_code == 403
    half = b'{"pseudonym": "S-07", "reason": "a\\ud800bc"}'
    headers = {"content-type": "application/json"}
    assert everywhere.post("/v1/subjects/withdraw", content=half, headers=headers).status_code == 422


def test_an_interrupted_erasure_is_finished(rig: Rig, sender: Sender) -> None:
    async def half(conn: AsyncConnection) -> None:
        await conn.execute(update(tables.session).values(state="erased", wrapped_key=None))

    rig.do(half)
    assert len(on_disk(rig)) == 2
    rig.call(erase.finish, rig.service)
    assert (on_disk(rig), len(rig.rows(tables.blob))) == (set(), 0)


def test_what_the_list_names_is_erased_again_and_what_is_not_here_is_refused(
    rig: Rig, sender: Sender
) -> None:
    for session_id in (sender.session_id, "never-seen"):
        erasures.remember(rig.service.settings.keys, Erased(session_id, 1, "user:admin", "withdrawn"))
    assert rig.call(erase.apply_again, rig.service) == [sender.session_id]
    assert rig.call(erase.apply_again, rig.service) == []
    assert on_disk(rig) == set()
    other = Sender(rig.http, sender.bedside, dict(SMALL), session_id="never-seen")
    assert other.open().status_code == 410


def test_a_cut_last_line_of_the_list_is_no_erasure_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    assert erasures.remembered(tmp_path) == []
    first = Erased("a", 1, "user:x", "withdrawn")
    erasures.remember(tmp_path, first)
    path = tmp_path / erasures.FILE
    path.write_bytes(path.read_bytes() + b'{"session_id": "b", "at')
    assert erasures.remembered(tmp_path) == [first]
    path.write_bytes(b"{}\n")
    with pytest.raises(ConfigError, match="line 1"):
        erasures.remembered(tmp_path)


# ---- damaged


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
def test_a_damaged_blob_is_found_named_and_mended_by_the_bedside(rig: Rig, sender: Sender, how: str) -> None:
    name = "segments/e4.bvp-0.parquet"
    path = stored(rig, sender, name)
    content = bytearray(path.read_bytes())
    content[7] ^= 1
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes(content if how == "flipped" else content[:-1]))
    found = rig.call(scrub.scrub, rig.service, 1.0)
    sha256 = sender.blob(name).blob_sha256
    assert (found.read, found.damaged) == (2, (sha256,))
    assert rig.call(scrub.scrub, rig.service, 1.0).damaged == ()
    (line,) = audited(rig, "blob.damaged")
    assert line[0] == sha256
    assert json.loads(line[1])["files"] == [f"{sender.session_id}/{name}"]
    admin = rig.person("admin", ("admin", None))
    assert admin.get(f"/v1/sessions/{sender.session_id}").json()["damaged"] == [name]
    assert admin.get("/v1/custody").json()["damaged"][0]["name"] == name
    local = TestClient(rig.app, client=("127.0.0.1", 1))  # Prometheus reads on the same machine only
    local.portal = rig.http.portal
    assert "hemoview_blobs_damaged 1.0" in local.get("/metrics").text
    researcher = rig.person("r", ("researcher", None))
    assert researcher.get(f"/v1/sessions/{sender.session_id}/download").status_code == 503

    (order,) = beat(rig, sender.bedside).orders
    assert (order.kind, order.session_id) == ("resend", sender.session_id)
    assert sender.missing() == [sha256]
    assert sender.put(name).status_code == 201
    assert sender.missing() == []
    assert admin.get("/v1/custody").json()["damaged"] == []
    assert researcher.get(f"/v1/sessions/{sender.session_id}/download").status_code == 200


def test_damage_met_while_reading_is_told_too(rig: Rig, sender: Sender) -> None:
    stored(rig, sender, "session.json").write_bytes(b"x" * 27)
    sha256 = sender.blob("session.json").blob_sha256

    async def read() -> None:
        found = await contents.contents_of(rig.service, sender.session_id)
        for file in found.files:
            await contents.plain(rig.service, found, file)

    with pytest.raises(Problem, match=r"session\.json"):
        rig.call(read)
    assert [object_ for object_, _ in audited(rig, "blob.damaged")] == [sha256]
    assert refusals(rig)[0][0] == "blob.damaged"


def test_scrubbing_begins_with_the_longest_unread(rig: Rig, sender: Sender) -> None:
    rig.clock.forward(60)
    first = rig.call(scrub.scrub, rig.service, 0.5)
    second = rig.call(scrub.scrub, rig.service, 0.5)
    assert (first.read, second.read) == (1, 1)

    async def look(conn: AsyncConnection) -> list[int]:
        return list((await conn.execute(select(tables.blob.c.verified_us))).scalars())

    assert min(rig.do(look)) > rig.clock() - 50_000_000


def test_an_administrator_can_have_everything_read_again(rig: Rig, sender: Sender) -> None:
    admin = rig.person("admin", ("admin", None))
    assert admin.post("/v1/custody/scrub", json={}).json()["read"] == 2
    assert admin.post("/v1/custody/scrub", json={"share": 2}).status_code == 422
    assert len(audited(rig, "custody.scrub")) == 1


# ---- never named


def test_blobs_that_no_manifest_named_go_after_a_month(rig: Rig, sender: Sender) -> None:
    sender.files = {"amendments.jsonl": b"one", "annotations/a.jsonl": b"two"}
    sender.put_all()
    assert rig.call(unclaimed.discard, rig.service) == 0
    rig.clock.forward((unclaimed.KEPT_DAYS + 1) * 86_400)
    assert sender.put("annotations/a.jsonl").status_code == 200
    assert rig.call(unclaimed.discard, rig.service) == 1
    assert sender.missing() == [sender.blob("amendments.jsonl").blob_sha256]
    assert len(on_disk(rig)) == 3, "those of the session stay, and the one that came again"
    assert rig.call(scrub.scrub, rig.service, 1.0).damaged == ()
    assert sender.put("amendments.jsonl").status_code == 201


def test_a_bedside_that_missed_its_order_is_told_of_the_erasure_before_it_sends_a_thing(
    rig: Rig, sender: Sender
) -> None:
    """Its first question is for the receipt; with one it would send what is missing and call the session safe."""
    admin = rig.person("admin", ("admin", None))
    where = f"/v1/sessions/{sender.session_id}"
    assert admin.post(f"{where}/erase", json=WHY).status_code == 200
    reply = rig.http.get(f"{where}/receipt", headers=sender.bedside.headers)
    assert (reply.status_code, reply.json()["type"]) == (410, wire.SESSION_ERASED)
