"""Reports of the service: made from custody, read in scope, signed once, amended, withdrawn, erased with sessions."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from hemoview.cloud import tables
from hemoview.cloud.reports import making
from hemoview.cloud.settings import Settings
from recorder.sync import wire
from recorder.sync.canonical import as_bytes
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.handover import Sender
from tests.cloud.report_rig import change, handed_over, made, scripted_endpoint, signed, until


@pytest.fixture
def ward(rig: Rig) -> str:
    return rig.ward("A")


def clinician(rig: Rig, name: str = "clin") -> Any:
    return rig.person(name, ("clinician", rig.wards["A"]))


@pytest.mark.slow
def test_a_report_is_made_read_signed_and_then_never_changes(rig: Rig, ward: str, tmp_path: Path) -> None:
    sender = handed_over(rig, tmp_path / "told1")
    http = clinician(rig)
    draft = made(rig, http, sender.session_id)
    assert (draft["state"], draft["version"], draft["manifest_rev"]) == ("draft", 1, 1), draft
    where = f"/v1/reports/{draft['report_id']}"
    page = http.get(f"{where}.html")
    assert page.status_code == 200 and "151.7" in page.text and "HemoView writes nothing here" in page.text
    assert "sandbox" in page.headers["content-security-policy"]
    assert http.get(f"{where}.pdf").content.startswith(b"%PDF")
    assert "summary" in openpyxl.load_workbook(io.BytesIO(http.get(f"{where}.xlsx").content)).sheetnames
    assert not list((rig.service.settings.folder / making.WORK).iterdir())  # nothing stays unpacked

    other = {**draft, "facts_sha256": "0" * 64}
    assert signed(http, other).status_code == 409
    for empty in ("", " \n", "a\x00b", "a\x1b[2J"):
        assert signed(http, draft, empty).status_code == 422
    final = signed(http, draft, "Stable <b>.").json()
    assert (final["state"], final["signed_by"]) == ("final", "clin")
    assert "Stable &lt;b&gt;." in http.get(f"{where}.html").text
    assert final["files"] != draft["files"] and final["facts_sha256"] == draft["facts_sha256"]
    assert signed(http, draft).status_code == 409
    assert http.get(where).json() == final

    amendment = http.post(f"{where}/amend").json()
    second = until(rig, http, amendment["report_id"])
    assert (second["version"], second["replaces"]) == (2, draft["report_id"])
    assert http.get(where).json()["state"] == "final"  # until the other is signed
    rival = until(rig, http, http.post(f"{where}/amend").json()["report_id"])
    assert signed(http, second).status_code == 200 and http.get(where).json()["state"] == "amended"
    assert "Stable &lt;b&gt;." in http.get(f"{where}.html").text
    assert signed(http, rival).status_code == 409  # two that both count would contradict each other

    assert http.post(f"{where}/withdraw", json={"reason": "wrong subject"}).json()["state"] == "withdrawn"
    assert http.get(f"{where}.html").status_code == 410
    done = [(row.action, row.outcome) for row in rig.rows(tables.audit)]
    for action in (
        "report.make",
        "report.made",
        "report.sign",
        "report.amend",
        "report.withdraw",
        "report.download",
    ):
        assert (action, "ok") in done
    assert ("report.sign", "refused") in done


def test_nothing_of_a_report_is_readable_in_the_database_and_erasing_takes_it(
    rig: Rig, ward: str, tmp_path: Path
) -> None:
    sender = handed_over(rig, tmp_path / "told2")
    http, admin = clinician(rig), rig.person("root", ("admin", None))
    draft = made(rig, http, sender.session_id)
    signed(http, draft, "A sentence nobody else may read")
    row = rig.rows(tables.report)[0]
    text = json.dumps([row.facts, row.files, row.assessment, row.recommendations])
    assert "151.7" not in text and "P-014" not in text and "nobody else" not in text
    reply = admin.post(f"/v1/sessions/{sender.session_id}/erase", json={"reason": "consent withdrawn"})
    assert reply.status_code in (200, 202), reply.text
    row = rig.rows(tables.report)[0]
    assert (row.facts, row.files, row.assessment) == (None, None, None)
    assert http.get(f"/v1/reports/{draft['report_id']}.html").status_code in (404, 410)
    assert http.post("/v1/reports", json={"session_id": sender.session_id}).status_code in (404, 410)


def test_who_may(rig: Rig, ward: str, tmp_path: Path) -> None:
    sender = handed_over(rig, tmp_path / "told3")
    rig.ward("B")
    researcher = rig.person("res", ("researcher", rig.wards["A"]))
    draft = made(rig, researcher, sender.session_id)
    where = f"/v1/reports/{draft['report_id']}"
    stranger = rig.person("other", ("clinician", rig.wards["B"]))
    rater = rig.person("rater", ("annotator", rig.wards["A"]))
    nurse = rig.person("nurse", ("operator", rig.wards["A"]))
    for path in ("", ".html", ".pdf", ".xlsx"):
        assert rig.http.get(where + path).status_code == 401
        assert rig.http.get(where + path, headers=sender.bedside.headers).status_code == 403
        assert stranger.get(where + path).status_code == 404
        assert rater.get(where + path).status_code == 403
        assert nurse.get(where + path).status_code == 200
    assert stranger.get("/v1/reports").json() == {"reports": []}
    assert nurse.post("/v1/reports", json={"session_id": sender.session_id}).status_code == 403
    assert stranger.post("/v1/reports", json={"session_id": sender.session_id}).status_code == 404
    assert signed(researcher, draft).status_code == 403 and signed(stranger, draft).status_code == 404
    assert clinician(rig).post(f"{where}/amend").status_code == 409  # only a final one


@pytest.mark.slow
def test_a_hidden_session_gives_a_report_without_estimates(rig: Rig, ward: str, tmp_path: Path) -> None:
    sender = handed_over(rig, tmp_path / "told4", hidden=True)
    http = clinician(rig)
    draft = made(rig, http, sender.session_id)
    page = http.get(f"/v1/reports/{draft['report_id']}.html").text
    assert "Estimates of this session are hidden" in page and "151.7" not in page and "118.0" in page
    # one made while its estimates were shown is not shown any more once they are hidden
    shown = handed_over(rig, tmp_path / "told5", bed="A-2")
    draft = made(rig, http, shown.session_id)
    change(rig, tables.session, tables.session.c.id == shown.session_id, hidden=True)
    assert http.get(f"/v1/reports/{draft['report_id']}.html").status_code == 403
    assert signed(http, draft).status_code == 403


def test_a_session_that_cannot_be_read_says_so_in_its_report(rig: Rig, ward: str) -> None:
    files = {"session.json": b'{"card": 1}'}
    sender = Sender(rig.http, rig.bedside("A-1"), files)
    sender.hand_over()
    http = clinician(rig)
    failed = made(rig, http, sender.session_id)
    assert failed["state"] == "failed" and "session.json" in failed["error"]
    assert str(rig.service.settings.folder) not in failed["error"] and making.WORK not in failed["error"]
    assert http.get(f"/v1/reports/{failed['report_id']}.html").status_code == 404
    assert [row.state for row in rig.rows(tables.job)] == ["failed"]


def test_feedback_reaches_the_bedside_once_and_is_kept(rig: Rig, ward: str, tmp_path: Path) -> None:
    sender = handed_over(rig, tmp_path / "told6")
    http = clinician(rig)
    said = {"session_id": sender.session_id, "text": "Finger cuff slipped?\nPlease look.", "marker_us": 7}
    assert http.post("/v1/feedback", json=said).status_code == 201

    def beat(*done: wire.Acknowledgement) -> wire.HeartbeatAnswer:
        told = wire.Heartbeat(rig.clock(), 1, "recorder 0.1.0", None, done)
        reply = rig.http.post(
            "/v1/devices/me/heartbeat", content=as_bytes(told), headers=sender.bedside.headers
        )
        return wire.HeartbeatAnswer.from_json(reply.json())

    order = beat().orders[0]
    assert (order.kind, order.text, order.author, order.marker_us) == ("message", said["text"], "clin", 7)
    assert beat(wire.Acknowledgement(order.order_id, "done")).orders == ()
    kept = http.get("/v1/feedback", params={"session_id": sender.session_id}).json()["feedback"]
    assert [f["text"] for f in kept] == [said["text"]] and kept[0]["done_us"]
    silent = handed_over(rig, tmp_path / "told7", scopes=("record", "upload"), bed="A-2")
    refused = http.post("/v1/feedback", json={"session_id": silent.session_id, "text": "x"})
    assert refused.status_code == 409 and "consent" in refused.json()["detail"]
    assert rig.person("n", ("operator", ward)).post("/v1/feedback", json=said).status_code == 403


@pytest.mark.slow
def test_a_summary_in_sentences_is_checked_and_signed_as_it_was_read(tmp_path: Path, clock: Clock) -> None:
    with scripted_endpoint.running() as scripted:
        scripted.says("SBP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mean].")
        settings = Settings(folder=tmp_path / "service", narrator_url=scripted.url, narrator_model="tiny")
        with running(settings, clock) as rig:
            rig.ward("A")
            sender = handed_over(rig, tmp_path / "told8")
            http = clinician(rig)
            draft = made(rig, http, sender.session_id)
            where = f"/v1/reports/{draft['report_id']}.html"
            assert "SBP by the estimate: mean 127.0 mmHg." in http.get(where).text
            scripted.says("Give fluids [fact:SBP.estimate.mean].")
            assert signed(http, draft).status_code == 200 and len(scripted.asked) == 1
            page = http.get(where).text
            assert "mean 127.0 mmHg." in page and "Machine-written by tiny" in page
            second = made(rig, http, sender.session_id)
            page = http.get(f"/v1/reports/{second['report_id']}.html").text
            assert "Give fluids" not in page and "by fixed sentences" in page
