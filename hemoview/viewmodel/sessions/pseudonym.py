"""How a pseudonym is trusted, and what is asked about one that looks wrong (safety rule 2). Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hemoview.viewmodel.messages import Message, say
from recorder.schema import carries_check
from recorder.schema.check_character import CheckScheme

How = Literal["scanned", "typed-twice", "check-character", ""]
"""What vouches for the characters; empty: nothing yet."""

YEAR_NS = 365.25 * 86400 * 1e9
HEIGHT_DIFFERS_CM = 3.0
"""Two measurements of one person lie this close; more is asked about."""

_DATE = re.compile(r"(19|20)\d{6}|\d{4}(19|20)\d\d|\d{4}[.-]\d\d?[.-]\d\d?|\d\d?[.-]\d\d?[.-]\d{4}")
_NATIONAL = re.compile(r"\d{9,}[xX]?")
"""Nine digits or more, with or without what groups them: AHV 756.1234.5678.97, SSN 123-45-6789."""
_GROUPING = re.compile(r"[._-]")
_NAME = re.compile(r"[A-Z]?[a-z]{2,}([._-]?[A-Z]?[a-z]{2,})?")


@dataclass(frozen=True, slots=True)
class Question:
    """Something that only a person can answer before Start.

    Args:
        key: what an answer is filed under; holds the values asked about, so that another entry is asked about anew.
        message: the question.
        answer: what is ticked.
    """

    key: str
    message: Message
    answer: Message


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier sessions of this home say about a pseudonym.

    Args:
        pseudonym: that was asked about.
        sessions: how many there are.
        sex, age_y, height_cm: of the newest, as corrected; None where it does not say.
        created_wall_ns: when that was, UTC ns since 1970.
    """

    pseudonym: str
    sessions: int = 0
    sex: str | None = None
    age_y: int | None = None
    height_cm: float | None = None
    created_wall_ns: int = 0


def half_width(typed: str) -> str:
    """A pseudonym as a Chinese or Japanese input method may have typed it, ``Ｐ－０１４``, in plain characters."""
    return unicodedata.normalize("NFKC", typed).strip()


def known_from(pseudonym: str, answer: Mapping[str, Any]) -> Known:
    """The recorder's answer to ``known_subject``."""
    last = answer.get("last")
    if not last:
        return Known(pseudonym)
    subject = last["subject"]
    return Known(
        pseudonym,
        int(answer["sessions"]),
        subject.get("sex"),
        subject.get("age_y"),
        subject.get("height_cm"),
        int(last["created_wall_ns"]),
    )


def how_entered(pseudonym: str, again: str, scanned: str, scheme: CheckScheme) -> How:
    """What vouches for a pseudonym: a scanner, its check character, or two equal entries."""
    if not pseudonym:
        return ""
    if scheme != "none":
        return "check-character" if carries_check(pseudonym, scheme) else ""
    if scanned == pseudonym:
        return "scanned"
    return "typed-twice" if again == pseudonym else ""


def pseudonym_warnings(pseudonym: str) -> tuple[Message, ...]:
    """A pseudonym that looks like a name, a date of birth or a national number is warned about."""
    looks = {
        "date": _DATE.fullmatch(pseudonym),
        "number": _NATIONAL.fullmatch(_GROUPING.sub("", pseudonym)),
        "name": _NAME.fullmatch(pseudonym),
    }
    found = next((kind for kind, match in looks.items() if match), None)
    return () if found is None else (say(f"pseudonym-looks-like-{found}", pseudonym=pseudonym),)


def looks_questions(pseudonym: str) -> tuple[Question, ...]:
    """To be answered before a pseudonym that looks like none is used."""
    return tuple(
        Question(f"looks:{pseudonym}", message, say("answer-is-pseudonym", pseudonym=pseudonym))
        for message in pseudonym_warnings(pseudonym)
    )


def known_questions(
    known: Known | None,
    pseudonym: str,
    *,
    sex: str,
    age_y: int | None,
    height_cm: float | None,
    wall_ns: int,
) -> tuple[Question, ...]:
    """To be answered where earlier sessions of the pseudonym say otherwise: sex, age by the years between, height."""
    if known is None or known.pseudonym != pseudonym or not known.sessions:
        return ()
    told = sex not in ("", "unknown") and known.sex not in (None, "unknown")
    differs = (
        (told and sex != known.sex)
        or _age_differs(known, age_y, wall_ns)
        or _apart_cm(known.height_cm, height_cm) > HEIGHT_DIFFERS_CM
    )
    if not differs:
        return ()
    question = say(
        "known-other",
        pseudonym=pseudonym,
        then=_facts(known.sex, known.age_y, known.height_cm),
        now=_facts(sex, age_y, height_cm),
    )
    key = f"known:{pseudonym}:{sex}:{age_y}:{height_cm}"
    return (Question(key, question, say("answer-same-person", pseudonym=pseudonym)),)


def _facts(sex: str | None, age_y: int | None, height_cm: float | None) -> Message:
    return say(
        "known-facts",
        sex=say(f"choice-{sex or 'unknown'}"),
        age="–" if age_y is None else age_y,
        height="–" if height_cm is None else f"{height_cm:g}",
    )


def _apart_cm(then: float | None, now: float | None) -> float:
    return 0.0 if then is None or now is None else abs(then - now)


def _age_differs(known: Known, age_y: int | None, wall_ns: int) -> bool:
    if known.age_y is None or age_y is None:
        return False
    years = max(0.0, (wall_ns - known.created_wall_ns) / YEAR_NS)
    oldest = known.age_y + int(years) + 1
    return not known.age_y <= age_y <= max(oldest, known.age_y)
