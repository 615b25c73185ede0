"""Two versions drafted of one signed report: one of them is signed, whoever is first."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from hemoview.cloud import tables
from tests.cloud.cloud_rig import Rig
from tests.cloud.handover import SMALL, Sender

FACTS = "0" * 64


def put_report(rig: Rig, session_id: str, state: str, version: int, replaces: str | None = None) -> str:
    report_id = str(uuid4())
    kept = {"manifest_rev": 1, "language": "en", "facts": "{}", "facts_sha256": FACTS, "files": "{}"}
    about = {"session_id": session_id, "state": state, "version": version, "replaces": replaces}
    rig.put(tables.report, id=report_id, created_by="user:x", created_us=rig.clock(), **kept, **about)
    return report_id


@pytest.mark.parametrize(
    ("state", "words"), [("amended", "another version"), ("withdrawn", "withdrawn by now")]
)
def test_a_version_is_signed_only_in_place_of_one_that_counts(rig: Rig, state: str, words: str) -> None:
    ward = rig.ward("A")
    sender = Sender(rig.http, rig.bedside("A-1"), dict(SMALL))
    sender.hand_over()
    first = put_report(rig, sender.session_id, state, 1)
    third = put_report(rig, sender.session_id, "draft", 3, first)
    http: Any = rig.person("clin", ("clinician", ward))
    body = {"facts_sha256": FACTS, "assessment": "a", "recommendations": "r"}
    reply = http.post(f"/v1/reports/{third}/sign", json=body)
    assert reply.status_code == 409 and words in reply.json()["detail"]
    assert http.get(f"/v1/reports/{third}").json()["state"] == "draft"
