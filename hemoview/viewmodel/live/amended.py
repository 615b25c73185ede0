"""Which fields of a session were corrected, and from what to what, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hemoview.viewmodel.messages import Message, say
from recorder.schema import Amendment
from recorder.session.afterwards import MARKER
from recorder.session.amended import AMENDABLE, CONSENT, HIDDEN


@dataclass(frozen=True, slots=True)
class Correction:
    """What was written about the session and is no longer so (safety rule 4)."""

    field: str
    old: str | Message
    new: str | Message
    who: str
    why: str
    wall_ns: int


def corrections_of(amendments: Iterable[Amendment]) -> tuple[Correction, ...]:
    """In their order."""
    return tuple(
        Correction(a.field, corrected_text(a.old), corrected_text(a.new), a.who, a.why, a.wall_ns)
        for a in amendments
        if a.field in (*AMENDABLE, CONSENT, HIDDEN, MARKER)
    )


def amended_words(fields: Sequence[str]) -> Message | None:
    """``pseudonym, height``; None where nothing was corrected."""
    names = [say(f"amend-{field}") for field in fields]
    if not names:
        return None
    said = names[-1]
    for name in reversed(names[:-1]):
        said = say("amend-two", first=name, more=said)
    return said


def corrected_text(value: object) -> str | Message:
    """What an amendment says, for a screen: yes and no in words, a whole consent as its form, date and scopes."""
    if isinstance(value, bool):
        return say("correction-yes" if value else "correction-no")
    if isinstance(value, dict) and "event_id" in value:
        return str(value.get("label", ""))
    if isinstance(value, dict):
        scopes = amended_words(
            [f"consent.{n}" for n, allowed in value.items() if allowed is True and n != "record"]
        )
        form = {"version": str(value.get("version", "")), "date": str(value.get("date", ""))}
        return (
            say("correction-consent-with", **form, scopes=scopes)
            if scopes
            else say("correction-consent", **form)
        )
    return "–" if value in (None, "") else str(value)
