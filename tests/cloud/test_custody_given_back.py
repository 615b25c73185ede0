"""What custody gives back: whole sessions to researchers in scope, orders to bedsides."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.custody import orders
from hemoview.cloud.custody.contents import unpack
from recorder import session as store
from recorder.sync import wire
from tests.cloud.cloud_rig import Rig
from tests.cloud.custody_rig import beat
from tests.cloud.handover import SMALL, Sender, golden


@pytest.fixture
def sender(rig: Rig) -> Sender:
    rig.ward("A")
    files = golden()
    session_id = json.loads(files["session.json"])["header"]["session_id"]
    return Sender(rig.http, rig.bedside("A-1"), files, session_id=session_id)


def test_a_downloaded_session_is_the_one_that_was_recorded(rig: Rig, sender: Sender, tmp_path: Path) -> None:
    sender.hand_over()
    researcher = rig.person("r", ("researcher", rig.wards["A"]))
    reply = researcher.get(f"/v1/sessions/{sender.session_id}/download")
    assert reply.status_code == 200
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / sender.session_id
    assert {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    } == sender.files
    report = store.verify(folder)
    assert (report.ok, report.damaged) == (True, ())
    with store.open(folder) as session:
        assert session.streams

    async def look(conn: AsyncConnection) -> list[str]:
        return list((await conn.execute(select(tables.audit.c.action))).scalars())

    assert rig.do(look).count("session.download") == 1


def test_unpacked_for_a_report_it_is_the_owners_alone(rig: Rig, sender: Sender, tmp_path: Path) -> None:
    sender.hand_over()
    found = rig.call(unpack, rig.service, sender.session_id, tmp_path / "s")
    assert found.rev == 1
    assert store.verify(tmp_path / "s").ok
    assert {p.stat().st_mode & 0o077 for p in (tmp_path / "s").rglob("*")} == {0}


def test_who_may_not_read_samples_gets_none(rig: Rig, sender: Sender) -> None:
    rig.ward("B")
    sender.hand_over()
    where = f"/v1/sessions/{sender.session_id}/download"
    assert rig.http.get(where).status_code == 401
    assert rig.http.get(where, headers=sender.bedside.headers).status_code == 403
    asked = {
        "clinician": (("clinician", rig.wards["A"]), 403),
        "admin": (("admin", None), 403),
        "elsewhere": (("researcher", rig.wards["B"]), 404),
        "rater": (("annotator", rig.wards["A"]), 403),
    }
    for name, (grant, status) in asked.items():
        reply = rig.person(name, grant).get(where)
        assert (name, reply.status_code) == (name, status)
        assert reply.headers["content-type"] == "application/problem+json"


def test_hidden_estimates_are_not_downloaded(rig: Rig, sender: Sender) -> None:
    last = sender.hand_over().receipt
    about = wire.About("S-07", hidden=True, scopes=("record", "upload"))
    sender.commit(sender.manifest(2, last.manifest_sha256, about=about))
    researcher = rig.person("r", ("researcher", None))
    assert researcher.get(f"/v1/sessions/{sender.session_id}/download").status_code == 403


def test_a_session_without_a_revision_cannot_be_downloaded(rig: Rig, sender: Sender) -> None:
    sender.open()
    researcher = rig.person("r", ("researcher", None))
    assert researcher.get(f"/v1/sessions/{sender.session_id}/download").status_code == 404


# ---- heartbeats


def test_a_heartbeat_tells_the_clock_and_what_waits(rig: Rig, sender: Sender) -> None:
    sender.files = dict(SMALL)
    sender.hand_over()
    answer = beat(rig, sender.bedside, t_us=rig.clock() - 90_000_000)
    assert abs(answer.server_us - rig.clock()) < 60_000_000
    admin = rig.person("admin", ("admin", None))
    seen = admin.get(f"/v1/sessions/{sender.session_id}").json()
    assert seen["queue"]["waiting"] == 3

    async def look(conn: AsyncConnection) -> Any:
        return (
            await conn.execute(select(tables.device).where(tables.device.c.id == sender.bedside.id))
        ).one()

    row = rig.do(look)
    assert row.skew_ms == pytest.approx(-90_000, abs=30_000)
    assert (row.software, row.last_seen_us > 0) == ("recorder 0.1.0", True)


def test_an_order_comes_until_it_is_done(rig: Rig) -> None:
    rig.ward("A")
    mine, other = rig.bedside("A-1"), rig.bedside("A-2")
    order = wire.Order("x", "message", "s1", "Look at 14:02", "Dr A", rig.clock())
    order_id = rig.do(lambda conn: orders.give(conn, mine.id, order))
    for _ in range(2):
        (got,) = beat(rig, mine).orders
        assert (got.order_id, got.kind, got.text, got.author) == (
            order_id,
            "message",
            "Look at 14:02",
            "Dr A",
        )
    assert beat(rig, other, wire.Acknowledgement(order_id, "done")).orders == ()
    assert len(beat(rig, mine, wire.Acknowledgement(order_id, "failed", "disk")).orders) == 1
    assert beat(rig, mine, wire.Acknowledgement(order_id, "done")).orders == ()
    assert beat(rig, mine, wire.Acknowledgement(order_id, "done")).orders == ()

    async def look(conn: AsyncConnection) -> list[tuple[str, str]]:
        rows = await conn.execute(select(tables.audit).where(tables.audit.c.action == "order.message"))
        return [(row.object, row.outcome) for row in rows]

    assert rig.do(look) == [("s1", "refused"), ("s1", "ok")]
