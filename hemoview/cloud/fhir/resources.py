"""Facts of a report as FHIR R4 resources. Pure: what a route sends is made here, and tested here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from hemoview.cloud.fhir import codes
from hemoview.report.session.facts import Facts, ParameterFact, Summary
from hemoview.report.session.text import Text
from recorder.session.timeline import is_dated

Resource = dict[str, Any]

STATUS: Final = {"final": "final", "amended": "final", "withdrawn": "entered-in-error"}
"""State of a report → status in FHIR; drafts are told to nobody. One in whose place another stands (``amended`` here)
was final and is found by its id alone; the other is the ``amended`` one of FHIR.
"""
SOURCES: Final = {"est": "estimate", "ref": "reference"}


@dataclass(frozen=True, slots=True)
class Signed:
    """A report as the database has it, opened.

    Args:
        status: of FHIR.
        facts: None of one that was withdrawn.
        device_id: the bedside.
        conclusion: the clinician's own words.
    """

    report_id: str
    session_id: str
    version: int
    status: str
    device_id: str
    pseudonym: str
    issued_us: int
    signed_by: str
    facts: Facts | None
    conclusion: str = ""

    @property
    def effective(self) -> Resource:
        """When the session was; nothing where nobody knows."""
        if self.facts is None or not is_dated(self.facts.session.start_wall_ns):
            return {}
        session = self.facts.session
        start_us = session.start_wall_ns // 1000
        end_us = start_us + round(session.duration_s * 1e6)
        return {"effectivePeriod": {"start": instant(start_us), "end": instant(end_us)}}


def instant(at_us: int) -> str:
    """UTC, to the second."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def diagnostic_report(signed: Signed) -> Resource:
    """One that was withdrawn says that and no more."""
    made: Resource = {
        "resourceType": "DiagnosticReport",
        "id": signed.report_id,
        "identifier": [{"system": codes.SESSION, "value": signed.session_id}],
        "meta": {"versionId": str(signed.version), "lastUpdated": instant(signed.issued_us)},
        "status": signed.status,
        "code": {
            "coding": [{"system": codes.OWN, "code": "hemodynamic-report"}],
            "text": "Hemodynamic report of one session, research use only",
        },
    }
    if signed.facts is None:
        return made
    observed = [observation["id"] for observation in observations(signed)]
    return made | {
        "subject": _subject(signed),
        **signed.effective,
        "issued": instant(signed.issued_us),
        "performer": [{"display": signed.signed_by}],
        "result": [{"reference": f"Observation/{i}"} for i in observed],
        "conclusion": signed.conclusion,
        "presentedForm": [
            {
                "contentType": "application/pdf",
                "url": f"/v1/reports/{signed.report_id}.pdf",
                "title": "Hemodynamic report",
            }
        ],
    }


def observations(signed: Signed) -> Iterator[Resource]:
    """The mean of every source of every parameter that has a value; none of a session whose estimates are hidden
    is an estimate, for its facts hold none.
    """
    if signed.facts is None:
        return
    for fact in signed.facts.parameters:
        for short, source in SOURCES.items():
            summary: Summary | None = getattr(fact, source)
            if summary is not None and summary.mean is not None:
                yield _observation(signed, signed.facts, fact, short, summary)


def _observation(signed: Signed, facts: Facts, fact: ParameterFact, short: str, summary: Summary) -> Resource:
    source, name = SOURCES[short], fact.parameter
    made: Resource = {
        "resourceType": "Observation",
        "id": f"{signed.report_id}.{name.lower()}.{short}",
        "identifier": [{"system": codes.SESSION, "value": signed.session_id}],
        "status": signed.status,
        "code": codes.code_of(name, source, facts.reference_kind),
        "method": codes.method_of(source, facts.reference_kind),
        "subject": _subject(signed),
        **signed.effective,
        "issued": instant(signed.issued_us),
        "valueQuantity": codes.quantity(name, summary.mean or 0.0),
        "device": {"reference": f"Device/{signed.device_id}"},
        "component": list(_components(name, summary)),
    }
    if source == "estimate":
        made["category"] = [{"coding": [{"system": codes.OWN, "code": "research-estimate"}]}]
        made["note"] = [{"text": Text(facts, "en").footer}]
        if facts.learned is not None:
            made["device"] = {"reference": f"Device/{model_id(facts.learned.model)}"}
    else:
        made["category"] = [{"coding": [{"system": codes.CATEGORY, "code": "vital-signs"}]}]
    if summary.simulated:
        made["note"] = [*made.get("note", []), {"text": "SIM: learned from simulation alone"}]
    return made


def _components(name: str, summary: Summary) -> Iterator[Resource]:
    told = {"minimum": summary.lowest, "maximum": summary.highest, "median": summary.median}
    if summary.width is not None:
        told["interval-width-90"] = summary.width
    for code, value in told.items():
        if value is not None:
            coding = [{"system": codes.OWN, "code": code}]
            yield {"code": {"coding": coding}, "valueQuantity": codes.quantity(name, value)}
    share = {"value": round(100 * summary.valid, 1), "unit": "%", "system": codes.UCUM, "code": "%"}
    yield {"code": {"coding": [{"system": codes.OWN, "code": "valid"}]}, "valueQuantity": share}


def _subject(signed: Signed) -> Resource:
    """By pseudonym alone; who that is, this service does not know."""
    return {"identifier": {"system": codes.PSEUDONYM, "value": signed.pseudonym or "none"}}


def model_id(model: str) -> str:
    """Id of a model's Device: letters, digits, '-' and '.', 64 of them at most."""
    allowed = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-.") else "-" for letter in model
    )
    return f"model.{allowed}"[:64]


def model_device(model: str) -> Resource:
    """The model behind estimates."""
    name = [{"name": f"HemoView estimate by {model}", "type": "model-name"}]
    return {
        "resourceType": "Device",
        "id": model_id(model),
        "status": "active",
        "deviceName": name,
        "type": {"text": "Software: research estimate from a pulse wave. Not a medical device"},
        "version": [{"value": model}],
    }


def bedside_device(device_id: str, name: str, software: str, *, active: bool) -> Resource:
    """A bedside station; serials of what hangs on it are nobody's business here."""
    made: Resource = {
        "resourceType": "Device",
        "id": device_id,
        "status": "active" if active else "inactive",
        "deviceName": [{"name": name, "type": "user-friendly-name"}],
        "type": {"text": "HemoView bedside station"},
    }
    return made | {"version": [{"value": software}]} if software else made


def bundle(kind: str, resources: Sequence[Resource], query: dict[str, str]) -> Resource:
    """What a search found."""
    link = f"/fhir/R4/{kind}" + (f"?{urlencode(query)}" if query else "")
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "link": [{"relation": "self", "url": link}],
        "entry": [
            {
                "fullUrl": f"/fhir/R4/{r['resourceType']}/{r['id']}",
                "resource": r,
                "search": {"mode": "match"},
            }
            for r in resources
        ],
    }


def capability(software: str, at_us: int) -> Resource:
    """What can be asked for."""
    kinds = {"DiagnosticReport": ["identifier"], "Observation": ["identifier"], "Device": []}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(at_us),
        "kind": "instance",
        "software": {"name": "HemoView service", "version": software},
        "implementation": {"description": "Research use only: never for treatment, never for alarms"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "resource": [
                    {
                        "type": kind,
                        "interaction": [{"code": "read"}, {"code": "search-type"}],
                        **({"searchParam": [{"name": n, "type": "token"} for n in names]} if names else {}),
                    }
                    for kind, names in kinds.items()
                ],
            }
        ],
    }
