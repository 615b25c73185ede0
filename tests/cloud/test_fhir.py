"""FHIR R4: valid by fhir.resources, scoped, signed reports only, and no estimate coded as a measurement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from hemoview.cloud import tables
from hemoview.cloud.fhir import codes, resources
from hemoview.cloud.fhir.resources import Signed
from hemoview.report.session.facts import UNITS
from hemoview.report.session.read import read_facts
from recorder import session as sessions
from tests.cloud.cloud_rig import Rig
from tests.cloud.report_rig import change, handed_over, made, signed, told_sessions


def valid(resource: dict[str, Any]) -> dict[str, Any]:
    """As R4 has it; fhir.resources checks fields, cardinality and value sets of required bindings."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource


def systems(resource: dict[str, Any]) -> set[str]:
    return {coding["system"] for coding in resource["code"]["coding"]}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    folder = told_sessions.make(tmp_path_factory.mktemp("fhir") / "s1")
    with sessions.open(folder) as session:
        facts = read_facts(session)
    return Signed("r-1", "s1", 1, "final", "d-1", "P-014", 1_790_001_000_000_000, "Dr. A", facts, "Stable.")


def test_every_resource_is_valid_r4(told: Signed) -> None:
    observations = [valid(o) for o in resources.observations(told)]
    report = valid(resources.diagnostic_report(told))
    assert [r["reference"] for r in report["result"]] == [f"Observation/{o['id']}" for o in observations]
    valid(resources.model_device("told-1"))
    valid(resources.bedside_device("d-1", "Bed 1", "recorder 0.1.0", active=True))
    valid(resources.bundle("Observation", observations, {"identifier": "s1"}))
    valid(resources.capability("0.1.0", 0))
    gone = Signed("r-1", "s1", 1, "entered-in-error", "d-1", "P-014", 0, "Dr. A", None)
    assert "result" not in valid(resources.diagnostic_report(gone)) and not list(resources.observations(gone))


def test_an_estimate_is_never_coded_as_a_measurement(told: Signed) -> None:
    by = {o["id"].partition(".")[2]: o for o in resources.observations(told)}
    estimate, reference = by["sbp.est"], by["sbp.ref"]
    assert systems(estimate) == {codes.OWN} and estimate["valueQuantity"]["value"] == 127.0
    assert estimate["method"]["coding"][0]["code"] == "method.estimate"
    assert "Not for treatment or alarms" in estimate["note"][0]["text"]
    assert estimate["device"] == {"reference": "Device/model.told-1"}
    assert all(c["system"] == codes.OWN for c in estimate["category"][0]["coding"])
    assert systems(reference) == {codes.LOINC, codes.MDC, codes.OWN}
    assert tuple(
        next(c["code"] for c in reference["code"]["coding"] if c["system"] == s)
        for s in (codes.MDC, codes.LOINC)
    ) == ("150021", "8480-6")
    for name, found in by.items():
        if name.endswith(".est"):
            assert "8480-6" not in json.dumps(found) and "MDC_" not in json.dumps(found)
        assert "ART" not in json.dumps(found["code"])  # a finger cuff is no arterial line
    line = codes.code_of("SBP", "reference", codes.LINE_KIND)
    assert {"system": codes.MDC, "code": "150033", "display": "MDC_PRESS_BLD_ART_SYS"} in line["coding"]


def test_every_parameter_has_a_ucum_unit_and_a_name() -> None:
    assert set(codes.UNITS) == set(codes.NAMES) == set(UNITS)


def test_only_signed_reports_of_sessions_that_hide_nothing_and_only_in_scope(
    rig: Rig, tmp_path: Path
) -> None:
    ward = rig.ward("A")
    rig.ward("B")
    sender = handed_over(rig, tmp_path / "told1")
    http, stranger = rig.person("c", ("clinician", ward)), rig.person("s", ("clinician", rig.wards["B"]))
    draft = made(rig, http, sender.session_id)
    assert http.get("/fhir/R4/DiagnosticReport").json()["total"] == 0  # a draft is nobody's finding
    signed(http, draft)
    reply = http.get(
        "/fhir/R4/DiagnosticReport", params={"identifier": f"{codes.SESSION}|{sender.session_id}"}
    )
    assert reply.headers["content-type"].startswith("application/fhir+json")
    report = valid(valid(reply.json())["entry"][0]["resource"])
    assert report["conclusion"] == "Stable.\n\nNone." and report["status"] == "final"
    bundle = valid(http.get("/fhir/R4/Observation").json())
    one = bundle["entry"][0]["resource"]
    assert http.get(f"/fhir/R4/Observation/{one['id']}").json() == one
    assert http.get(f"/fhir/R4/DiagnosticReport/{report['id']}").json() == report
    devices = {o["resource"]["device"]["reference"].partition("/")[2] for o in bundle["entry"]}
    assert devices == {sender.bedside.id, "model.told-1"}
    lines = len(rig.rows(tables.audit))
    for device in devices:
        valid(http.get(f"/fhir/R4/Device/{device}").json())
    assert len(rig.rows(tables.audit)) == lines  # nobody's data was told
    paths = [
        f"Observation/{one['id']}",
        f"DiagnosticReport/{report['id']}",
        *(f"Device/{d}" for d in devices),
    ]
    for path in paths:
        assert rig.http.get(f"/fhir/R4/{path}").status_code == 401
        assert stranger.get(f"/fhir/R4/{path}").status_code == 404
    for kind in ("Observation", "DiagnosticReport"):
        assert stranger.get(f"/fhir/R4/{kind}").json()["total"] == 0
    read = [row for row in rig.rows(tables.audit) if row.action == "fhir.read"]
    assert read and {row.object for row in read} == {sender.session_id}
    assert rig.http.get("/fhir/R4/metadata").json()["fhirVersion"] == "4.0.1"

    change(rig, tables.session, tables.session.c.id == sender.session_id, hidden=True)
    assert http.get("/fhir/R4/DiagnosticReport").json()["total"] == 0
    assert all(http.get(f"/fhir/R4/{path}").status_code == 404 for path in paths[:2])
    change(rig, tables.session, tables.session.c.id == sender.session_id, hidden=False)

    http.post(f"/v1/reports/{draft['report_id']}/withdraw", json={"reason": "wrong subject"})
    gone = valid(http.get(f"/fhir/R4/DiagnosticReport/{report['id']}").json())
    assert gone["status"] == "entered-in-error" and "result" not in gone
    assert http.get("/fhir/R4/Observation").json()["total"] == 0
