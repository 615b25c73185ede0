"""What a language model said of facts, clause by clause against them; one wrong number, unit or word refuses all. Pure.

A sentence is about one parameter and one source. Each of its clauses ends with the fact it tells and holds one number:
that fact's, as it is shown, with its unit, under the word for its kind. Words come from a short list, so that nothing
can be said that is not a fact: no "normal", no "should", no diagnosis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hemoview.report.session.facts import DIGITS, Facts, Summary
from hemoview.report.session.words import Language

MOST_SENTENCES: Final = 24
MOST_LETTERS: Final = 400

KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "duration": ("duration", "时长"),
    "mean": ("mean", "均值"),
    "median": ("median", "中位数"),
    "lowest": ("lowest", "最低"),
    "highest": ("highest", "最高"),
    "valid": ("valid", "有效"),
    "above": ("above", "高于"),
    "below": ("below", "低于"),
}
"""Kind of a fact → the word a clause must say it with."""
SOURCES: Final[Mapping[str, tuple[str, str]]] = {
    "estimate": ("estimate", "估计值"),
    "reference": ("reference", "参考值"),
}
_ENGLISH: Final = frozenset((
    "a", "and", "as", "at", "by", "for", "from", "had", "has", "in", "is", "its", "of", "on", "s", "session",
    "range", "recording", "share", "template", "the", "this", "time", "to", "was", "were", "whole", "with",
))  # fmt: skip
_CHINESE: Final = frozenset("的为是在共本次记录于和与及其按占时间模板范围全部整个由，、：；。（）")
_REFERENCE: Final = re.compile(r"\[fact:([A-Za-z0-9.]{1,64})\]")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_DASHES: Final = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "\u2009": " ", "\u202f": " "})


class Refused(ValueError):
    """It says something that is not in the facts, or not in the form that was asked for."""


@dataclass(frozen=True, slots=True)
class Told:
    """A fact as it may be told.

    Args:
        id: ``SBP.estimate.mean``.
        parameter, source: empty of the session itself.
        kind: of :data:`KINDS`.
        value: as it is shown.
        unit: as it is shown.
    """

    id: str
    parameter: str
    source: str
    kind: str
    value: str
    unit: str

    def kind_word(self, language: Language) -> str:
        """Its kind in words."""
        return KINDS[self.kind][language == "zh"]


def told_of(facts: Facts) -> tuple[Told, ...]:
    """Facts as numbers with ids: no name, no id of anybody, no date, no free text."""
    found = [Told("session.duration", "", "", "duration", f"{facts.session.duration_s / 60:.1f}", "min")]
    for fact in facts.parameters:
        for source, summary in (("estimate", fact.estimate), ("reference", fact.reference)):
            if summary is not None and summary.n:
                found += _of_summary(fact.parameter, source, fact.unit, summary)
    for one in facts.findings:
        if one.side != "within":
            place = (f"{one.parameter}.{one.source}.{one.side}", one.parameter, one.source, one.side)
            found.append(Told(*place, f"{one.seconds / 60:.1f}", "min"))
    return tuple(found)


def _of_summary(parameter: str, source: str, unit: str, summary: Summary) -> list[Told]:
    numbers = {
        "mean": summary.mean,
        "median": summary.median,
        "lowest": summary.lowest,
        "highest": summary.highest,
    }
    shown = {k: f"{v:.{DIGITS.get(parameter, 1)}f}" for k, v in numbers.items() if v is not None}
    found = [Told(f"{parameter}.{source}.{k}", parameter, source, k, v, unit) for k, v in shown.items()]
    return [
        *found,
        Told(f"{parameter}.{source}.valid", parameter, source, "valid", f"{100 * summary.valid:.0f}", "%"),
    ]


def vocabulary(language: Language) -> str:
    """The words that may be used beside parameters, sources and kinds."""
    return "".join(sorted(_CHINESE)) if language == "zh" else " ".join(sorted(_ENGLISH))


def checked(sentences: Sequence[object], told: Sequence[Told], language: Language) -> tuple[str, ...]:
    """The sentences without their references, if everything in them is in the facts.

    Raises:
        Refused: says what is wrong, without repeating what was said.
    """
    if not 1 <= len(sentences) <= MOST_SENTENCES:
        raise Refused(f"{len(sentences)} sentences")
    by_id = {each.id: each for each in told}
    return tuple(_sentence(said, by_id, language) for said in sentences)


def _sentence(said: object, by_id: Mapping[str, Told], language: Language) -> str:
    if not isinstance(said, str) or len(said) > MOST_LETTERS:
        raise Refused("a sentence that is none, or too long")
    text = said.translate(_DASHES)
    marks = list(_REFERENCE.finditer(text))
    if not marks:
        raise Refused("a sentence without a fact")
    told = []
    for mark in marks:
        if mark.group(1) not in by_id:
            raise Refused("a fact that is none")
        told.append(by_id[mark.group(1)])
    if len({(t.parameter, t.source) for t in told}) != 1:
        raise Refused("a sentence about more than one parameter or source")
    at = 0
    for mark, fact in zip(marks, told, strict=True):
        _clause(text[at : mark.start()], fact, language, first=at == 0)
        at = mark.end()
    _words(text[at:], told[-1], language, kind="", first=False)
    return " ".join(_REFERENCE.sub("", text).split()).replace(" ,", ",").replace(" .", ".").replace(" ;", ";")


def _clause(clause: str, fact: Told, language: Language, *, first: bool) -> None:
    """One number, the fact's own, with its unit right behind it, and the word for its kind before it."""
    rest = clause.rstrip()
    if not rest.endswith(fact.unit):
        raise Refused("a value with another unit, or none")
    rest = rest[: len(rest) - len(fact.unit)].rstrip()
    number = re.search(r"[+-]?\d+(?:\.\d+)?\Z", rest)
    if number is None or number.group() != fact.value:
        raise Refused("a number that is not the fact's")
    before = rest[: number.start()]
    if _NUMBER.search(before):
        raise Refused("a number without a fact")
    _words(before, fact, language, kind=fact.kind, first=first)


def _words(text: str, fact: Told, language: Language, *, kind: str, first: bool) -> None:
    """Only words of the list; the kind's own and no other kind's; whose they are, said in the first clause."""
    if language == "zh":
        _chinese(text, fact, kind, first=first)
        return
    words = re.findall(r"[^\W\d_]+", text)
    if re.search(r"[^\w\s,.:;()'’-]|\d|_", text):
        raise Refused("a sign that has no place here")
    lower = [word.lower() for word in words]
    wanted = {KINDS[kind][0]} if kind else set()
    if fact.parameter and first and (fact.parameter not in words or fact.source not in lower):
        raise Refused("a sentence that does not say of what it is")
    known = _ENGLISH | wanted | {fact.source, fact.parameter.lower()}
    if strangers := [word for word in lower if word not in known]:
        raise Refused(f"{len(strangers)} words that are not in the list")
    if not wanted <= set(lower):
        raise Refused("a value without the word for its kind")


def _chinese(text: str, fact: Told, kind: str, *, first: bool) -> None:
    rest = text
    for word in (
        KINDS[kind][1] if kind else "",
        SOURCES[fact.source][1] if fact.source else "",
        fact.parameter,
    ):
        needed = word and (word == (KINDS[kind][1] if kind else "") or first)
        if needed and word not in rest:
            raise Refused("a value without the word for its kind, or of what it is")
        if word:
            rest = rest.replace(word, "")
    if set(rest) - _CHINESE - set(" ,.:;()"):
        raise Refused("words that are not in the list")
