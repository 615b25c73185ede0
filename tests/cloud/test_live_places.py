"""Sites, wards, beds, studies; which session a bed shows; and what machines ask."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.live.bindings import Binding, bind, confirm
from hemoview.cloud.live.board import NEEDS
from hemoview.cloud.live.room import Live
from recorder.host import places
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.cloud_rig import Rig


def admin(rig: Rig) -> Any:
    return rig.person("boss", ("admin", None))


def test_a_hospital_is_built_and_seen(rig: Rig) -> None:
    boss = admin(rig)
    site = boss.post("/v1/sites", json={"name": " General "}).json()
    ward = boss.post("/v1/wards", json={"site_id": site["id"], "name": "ICU"}).json()
    beds = [
        boss.post("/v1/beds", json={"ward_id": ward["id"], "label": f"{n}", "place": n}).json()
        for n in (2, 1)
    ]
    assert boss.post("/v1/studies", json={"name": "S1"}).status_code == 201
    tree = boss.get("/v1/sites").json()
    assert [s["name"] for s in tree["sites"]] == ["General"]
    assert [b["place"] for b in tree["beds"]] == [1, 2]
    nurse = rig.person("n", ("operator", ward["id"]))
    assert nurse.get("/v1/wards").json()["wards"] == [
        {"id": ward["id"], "name": "ICU", "site_id": site["id"], "site": "General", "beds": 2}
    ]
    assert [b["id"] for b in nurse.get(f"/v1/wards/{ward['id']}").json()["beds"]] == [
        beds[1]["id"],
        beds[0]["id"],
    ]
    changed = boss.patch(f"/v1/beds/{beds[0]['id']}", json={"label": "window"}).json()
    assert (changed["label"], changed["place"]) == ("window", 2)

    async def actions(conn: AsyncConnection) -> list[str]:
        return list((await conn.execute(select(tables.audit.c.action))).scalars())

    assert {"site.add", "ward.add", "bed.add", "study.add", "bed.change"} <= set(rig.do(actions))


def test_what_would_mix_beds_up_is_refused(rig: Rig) -> None:
    boss = admin(rig)
    ward_id = rig.ward("A", beds=1)
    taken = {"ward_id": ward_id, "label": "other", "place": 1}
    assert boss.post("/v1/beds", json=taken).status_code == 409
    assert boss.post("/v1/beds", json=taken | {"label": "A-1", "place": 2}).status_code == 409
    assert boss.post("/v1/beds", json=taken | {"ward_id": "none", "place": 2}).status_code == 404
    second = boss.post("/v1/beds", json=taken | {"place": 2}).json()
    assert boss.patch(f"/v1/beds/{second['id']}", json={"place": 1}).status_code == 409
    assert boss.patch("/v1/beds/none", json={"label": "x"}).status_code == 404
    assert boss.patch(f"/v1/beds/{second['id']}", json={"ward_id": "other"}).status_code == 422
    for name in ("", "  ", "x" * 121, "a\nb", 5):
        assert boss.post("/v1/sites", json={"name": name}).status_code == 422


@pytest.mark.parametrize("path", ["/v1/sites", "/v1/studies"])
def test_places_are_for_administrators(rig: Rig, path: str) -> None:
    rig.ward("A")
    nurse, device = rig.person("n", ("operator", None)), rig.bedside("A-1")
    for method in ("GET", "POST"):
        body = {"json": {"name": "x"}} if method == "POST" else {}
        assert rig.http.request(method, path, **body).status_code == 401
        assert nurse.request(method, path, **body).status_code == 403
        assert rig.http.request(method, path, headers=device.headers, **body).status_code == 403


def test_wards_of_others_are_not_there(rig: Rig) -> None:
    a, b = rig.ward("A"), rig.ward("B")
    nurse = rig.person("n", ("operator", a))
    assert [w["id"] for w in nurse.get("/v1/wards").json()["wards"]] == [a]
    for path in (f"/v1/wards/{b}", f"/v1/wards/{b}/state", "/v1/wards/none"):
        assert nurse.get(path).status_code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_a_bed_may_need_has_words_and_a_rank(language: str) -> None:
    pages = places.resources_dir() / "web" / "js"
    words, order = (
        (pages / f"words_{language}.js").read_text("utf-8"),
        (pages / "needs.js").read_text("utf-8"),
    )
    for need in (*uplink_wire.NEEDS, *NEEDS):
        assert f'"need-{need}":' in words
        assert f'"{need}"' in order.partition("];")[0]


# ---- bindings

SESSIONS = st.sampled_from(["", "s1", "s2"])
DEVICES = st.sampled_from(["d1", "d2"])


@given(steps=st.lists(st.tuples(SESSIONS, DEVICES, st.booleans(), st.booleans()), max_size=12))
def test_no_session_is_confirmed_by_a_device_nobody_saw_at_the_bed(steps: Any) -> None:
    """Whatever happens: a binding is confirmed by a person, or by a device a person confirmed here, without another
    device in between.
    """
    now: Binding | None = None
    seen: str | None = None
    for at_us, (session_id, device_id, started, confirms) in enumerate(steps):
        if now is not None and now.device_id != device_id:
            seen = None
        now = bind(now, session_id, device_id, started=started, at_us=at_us)
        assert (now.session_id, now.device_id) == (session_id, device_id)
        if now.confirmed_us is not None:
            assert seen == device_id
        elif session_id:
            assert now.asks
        if confirms and session_id:
            now, seen = confirm(now, "user:n", at_us), device_id
        if session_id and now.confirmed_us is None:
            seen = None


# ---- for machines


def test_prometheus_is_answered_on_this_machine_only(rig: Rig) -> None:
    assert rig.http.get("/metrics").status_code == 404  # the test's client says it is "testclient"
    here = TestClient(rig.app, client=("127.0.0.1", 1))
    here.portal = rig.http.portal
    page = here.get("/metrics")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/plain")
    for name in (
        "live_messages_total",
        "live_gaps_total",
        "live_dropped",
        "live_clients",
        "blobs",
        "blob_bytes",
    ):
        assert f"hemoview_{name}" in page.text
    assert "hemoview_audit_refusals" in page.text


def test_ready_is_said_until_something_is_wrong(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rig.http.get("/readyz").json() == {"ok": True}
    monkeypatch.setattr("hemoview.cloud.live.ready.READY_S", -1.0)
    reply = rig.http.get("/readyz")
    assert (reply.status_code, reply.headers["content-type"]) == (503, "application/problem+json")
    assert "written" in reply.json()["detail"]
    assert rig.service.part(Live).board.beds == {}
