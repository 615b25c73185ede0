"""Codes of what is told by FHIR. An estimate has codes of our own only: nothing may read it as a measurement.

LOINC and IEEE 11073-10101 (MDC) codes are given where they are sure, for the reference alone: the finger cuff as
non-invasive pressure, an arterial line as arterial pressure. Other quantities carry our own code and words.
"""

from __future__ import annotations

from typing import Any, Final

LOINC: Final = "http://loinc.org"
MDC: Final = "urn:iso:std:iso:11073:10101"
UCUM: Final = "http://unitsofmeasure.org"
OWN: Final = "urn:hemoview:codes"
"""What the service itself defines: ``estimate.SBP``, ``reference.CO``, ``method.estimate`` …"""
PSEUDONYM: Final = "urn:hemoview:pseudonym"
SESSION: Final = "urn:hemoview:session"
CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"

UNITS: Final = {
    "SBP": "mm[Hg]",
    "MAP": "mm[Hg]",
    "DBP": "mm[Hg]",
    "HR": "/min",
    "CO": "L/min",
    "CI": "L/min/m2",
    "SV": "mL",
    "SI": "mL/m2",
    "SVR": "dyn.s/cm5",
    "SVRI": "dyn.s.m2/cm5",
    "PPV": "%",
    "SVV": "%",
}
"""UCUM."""
NAMES: Final = {
    "SBP": "Systolic blood pressure",
    "MAP": "Mean blood pressure",
    "DBP": "Diastolic blood pressure",
    "HR": "Heart rate",
    "CO": "Cardiac output",
    "CI": "Cardiac index",
    "SV": "Stroke volume",
    "SI": "Stroke volume index",
    "SVR": "Systemic vascular resistance",
    "SVRI": "Systemic vascular resistance index",
    "PPV": "Pulse pressure variation",
    "SVV": "Stroke volume variation",
}
_LOINC: Final = {"SBP": "8480-6", "MAP": "8478-0", "DBP": "8462-4", "HR": "8867-4"}
_NON_INVASIVE: Final = {
    "SBP": ("150021", "MDC_PRESS_BLD_NONINV_SYS"),
    "DBP": ("150022", "MDC_PRESS_BLD_NONINV_DIA"),
    "MAP": ("150023", "MDC_PRESS_BLD_NONINV_MEAN"),
}
_ARTERIAL: Final = {
    "SBP": ("150033", "MDC_PRESS_BLD_ART_SYS"),
    "DBP": ("150034", "MDC_PRESS_BLD_ART_DIA"),
    "MAP": ("150035", "MDC_PRESS_BLD_ART_MEAN"),
}
LINE_KIND: Final = "arterial-line"


def code_of(parameter: str, source: str, reference_kind: str) -> dict[str, Any]:
    """A CodeableConcept.

    Args:
        source: ``estimate`` or ``reference``.
        reference_kind: as the facts have it; only :data:`LINE_KIND` is arterial.
    """
    own = {"system": OWN, "code": f"{source}.{parameter}", "display": f"{NAMES[parameter]}, {source}"}
    if source == "estimate":
        return {"coding": [own], "text": f"{NAMES[parameter]}: research estimate, not a measurement"}
    coding = []
    if parameter in _LOINC:
        coding.append({"system": LOINC, "code": _LOINC[parameter], "display": NAMES[parameter]})
    table = _ARTERIAL if reference_kind == LINE_KIND else _NON_INVASIVE
    if parameter in table:
        code, display = table[parameter]
        coding.append({"system": MDC, "code": code, "display": display})
    return {"coding": [*coding, own], "text": f"{NAMES[parameter]}, {reference_kind or 'reference'}"}


def method_of(source: str, reference_kind: str) -> dict[str, Any]:
    """How the value came about: of an estimate always said to be one."""
    if source == "estimate":
        text = "Estimated from a pulse wave by a learned model; mean of medians of ten seconds"
        return {"coding": [{"system": OWN, "code": "method.estimate"}], "text": text}
    text = f"{reference_kind or 'Reference monitor'}; mean of medians of ten seconds"
    return {"coding": [{"system": OWN, "code": "method.reference"}], "text": text}


def quantity(parameter: str, value: float) -> dict[str, Any]:
    """With its UCUM unit."""
    unit = UNITS[parameter]
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}
