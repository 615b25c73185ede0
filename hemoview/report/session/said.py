"""How the hemodynamic report says what it has words for: lists, reasons, corrected fields, durations."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hemoview.report.session.words import CHINESE, ENGLISH, Language

Say = Callable[..., str]
"""``say("finding.above", parameter="SBP", …)``"""


def speaker(language: Language) -> Say:
    """What says things in a language."""
    texts = CHINESE if language == "zh" else ENGLISH

    def say(message_id: str, **values: object) -> str:
        return texts[message_id].format(**{name: _told(value) for name, value in values.items()})

    def _told(value: object) -> object:
        return listed(say, value) if isinstance(value, list | tuple) else value

    return say


def listed(say: Say, members: Iterable[object]) -> str:
    """``SBP, MAP, HR`` as the language writes a list; ``say`` does so with every value that is one."""
    return say("joint").join(map(str, members))


def clauses(say: Say, members: Iterable[str]) -> str:
    """The same of what has commas of its own."""
    return say("joint-clauses").join(members)


def reason(say: Say, why: str) -> str:
    """A reason of abstention in words; one of another version is told as it is."""
    return say(f"why-{why}") if f"why-{why}" in ENGLISH else why


def field(say: Say, name: str) -> str:
    """A corrected field in words; one of another version is told as it is."""
    return say(f"amend-{name}") if f"amend-{name}" in ENGLISH else name


def elapsed(t_s: float, *, seconds: bool) -> str:
    """``1:04`` or ``1:04:10`` from the beginning, in hours."""
    whole = int(max(t_s, 0.0))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}" + (f":{rest % 60:02d}" if seconds else "")


def offset(seconds: int) -> str:
    """``UTC+02:00``."""
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"


def duration(say: Say, seconds: float) -> str:
    """``4 min 10 s``, ``1 h 5 min``, ``3 days``: never more than two units."""
    whole = max(0, round(seconds))
    if whole >= 2 * 86_400:
        return say("unit.d", n=whole // 86_400)
    if whole >= 3600:
        hours, minutes = divmod(whole // 60, 60)
        parts = [("h", hours), ("min", minutes)]
    else:
        parts = [("min", whole // 60), ("s", whole % 60)]
    said = [say(f"unit.{unit}", n=n) for unit, n in parts if n]
    return " ".join(said) or say("unit.s", n=0)
