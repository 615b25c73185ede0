"""``…_summary.csv`` of a CNAP monitor's stick: how it was set, and who lay there. Facts: devices.md §D.2.

Name, ID# and serial numbers identify: they leave this module only as :attr:`CnapSummary.identifying`, to be searched
for in other texts and taken out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from recorder.protocols.cnap_csv import lines_of, number

_NAME, _VALUE = "Entry Name", "Entry Value"
_KEPT: Final = {
    "category": "category",
    "cnap software version": "cnap_software",
    "software version": "monitor_software",
    "monitor version": "monitor",
    "cuff size": "cuff_size",
    "cnap interval": "nbp_interval",
    "nbp measurement type": "nbp_type",
    "beat averaging": "beat_averaging",
    "body surface area": "body_surface_area",
}
_SUBJECT: Final = ("age", "gender", "sex", "height", "weight")
_PRIVATE = re.compile(r"name|\bid\b|id#|serial|birth", re.IGNORECASE)
_OF_THINGS = re.compile(r"serial", re.IGNORECASE)
_SEXES: Final = {
    "female": ("f", "female", "w", "weiblich"),
    "male": ("m", "male", "männlich", "maennlich"),
}
_LIMITS: Final = {"height": (40.0, 250.0), "weight": (2.0, 400.0)}
_PER: Final = {"in": 2.54, "inch": 2.54, "lb": 0.45359237, "lbs": 0.45359237, "m": 100.0}
_SHORT: Final = 2
_MOST_Y: Final = 130
_OLDEST_Y: Final = 90
"""90 stands for "90 or older" (safety rule 16)."""


@dataclass(frozen=True, slots=True)
class CnapSummary:
    """What is known of set-up and subject; never who it is.

    Args:
        settings: of the monitor, as texts.
        age_y, sex, height_cm, weight_kg: of the subject, None where the file does not tell or tells nonsense.
        identifying: texts that must not be found anywhere afterwards.
        person: those of them that tell who it is; to compare recordings with one another, never to be kept.
        n_rows: rows below the header.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    age_y: int | None = None
    sex: str | None = None
    height_cm: float | None = None
    weight_kg: float | None = None
    identifying: frozenset[str] = field(default_factory=frozenset, repr=False)
    person: frozenset[str] = field(default_factory=frozenset, repr=False)
    n_rows: int = 0


def parse_summary(octets: bytes) -> CnapSummary:
    """Octets in, facts out. Of an entry told twice the later one counts; unknown entries are left out.

    Raises:
        NotCnap: the header is another's.
    """
    lines = lines_of(octets)
    name, value = lines.need(_NAME), lines.need(_VALUE)
    told: dict[str, str] = {}
    private: set[str] = set()
    person: set[str] = set()
    n_rows = 0
    for line in chain.from_iterable(lines.parts()):
        n_rows += 1
        parts = lines.fields(line)
        if parts is None:
            continue
        entry, text = (parts[place].strip().strip('"').strip() for place in (name, value))
        if _PRIVATE.search(entry):
            private.add(text)
            if not _OF_THINGS.search(entry) and text:
                person.add(text.casefold())
        elif text:
            told[entry.lower()] = text
    subject = {entry: told[entry] for entry in _SUBJECT if entry in told}
    return CnapSummary(
        settings={key: told[entry][:60] for entry, key in _KEPT.items() if entry in told},
        age_y=_age(subject.get("age", "")),
        sex=_sex(subject.get("gender", subject.get("sex", ""))),
        height_cm=_measure("height", subject.get("height", "")),
        weight_kg=_measure("weight", subject.get("weight", "")),
        identifying=frozenset(text for text in private if len(text) > 1),
        person=frozenset(person),
        n_rows=n_rows,
    )


def without_identity(text: str, identifying: frozenset[str]) -> str:
    """``text`` with everything that identifies taken out, in any capitals: whole, and each of the words in it."""
    words = {
        word
        for told in identifying
        for word in re.split(r"\W+", told)
        if word.isalpha() and len(word) > _SHORT
    }
    words |= identifying
    for word in sorted(words, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return text


def _age(text: str) -> int | None:
    found = re.match(r"\s*(\d{1,3})\s*(y\w*|jahre?)?\s*\Z", text, re.IGNORECASE)
    age = int(found[1]) if found else None
    return None if age is None or age > _MOST_Y else min(age, _OLDEST_Y)


def _sex(text: str) -> str | None:
    return next((sex for sex, words in _SEXES.items() if text.strip().lower() in words), None)


def _measure(what: str, text: str) -> float | None:
    found = re.match(r"\s*([\d.,]+)\s*([a-zA-Z]*)\s*\Z", text)
    value = number(found[1]) if found else None
    if found is None or value is None:
        return None
    value *= _PER.get(found[2].lower(), 1.0)
    low, high = _LIMITS[what]
    return round(value, 1) if low <= value <= high else None
