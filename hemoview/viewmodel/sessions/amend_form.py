"""Correcting what was written about a session: the fields as they stand, what was changed, and why. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.sessions.pseudonym import pseudonym_warnings
from recorder.errors import ConfigError
from recorder.schema.check_character import carries_check, scheme_of
from recorder.session import SessionHeader
from recorder.session.amended import AMENDABLE, CONSENT, value_of, with_amendment

Typed = str | bool
_OF_CONSENT: Final = tuple(name for name in AMENDABLE if name.startswith(f"{CONSENT}."))
_SCOPES: Final = frozenset(_OF_CONSENT) - {"consent.version", "consent.date"}


@dataclass(frozen=True, slots=True)
class AmendForm:
    """What stands in the fields.

    Args:
        header: as it stands now, earlier corrections included.
        typed: field of the header → text or tick; those not there are as in the header.
        pseudonym_again: a corrected pseudonym is typed twice,
        scanned: or scanned.
        operator, why: who corrects it, and the reason.
    """

    header: SessionHeader
    typed: Mapping[str, Typed] = field(default_factory=dict, hash=False)
    pseudonym_again: str = ""
    scanned: str = ""
    operator: str = ""
    why: str = ""

    def shown(self, name: str) -> Typed:
        """What stands in a field."""
        if name in self.typed:
            return self.typed[name]
        value = value_of(self.header, name)
        if isinstance(value, bool) or name in _SCOPES:
            return bool(value)
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    def with_typed(self, name: str, value: Typed) -> AmendForm:
        """Another entry."""
        return replace(self, typed={**self.typed, name: value})


@dataclass(frozen=True, slots=True)
class AmendView:
    """The examined form: fields with what is wrong with them, and the request once it may be sent. ``remarks`` stand
    beside a field and bar nothing.
    """

    problems: tuple[tuple[str, Message], ...]
    changed: tuple[str, ...]
    needs_again: bool
    request: dict[str, Any] | None
    remarks: tuple[tuple[str, Message], ...] = ()


def fields_of(header: SessionHeader) -> tuple[str, ...]:
    """Fields that can be corrected: those this session has, and a consent that it was imported without."""
    return tuple(n for n in AMENDABLE if header.subject is not None or not n.startswith("subject."))


def examine(form: AmendForm) -> AmendView:
    """Judge the fields."""
    changes: dict[str, Any] = {}
    problems: list[tuple[str, Message]] = []
    first_consent = form.header.consent is None
    for name in fields_of(form.header):
        if first_consent and name in _OF_CONSENT:
            continue
        try:
            new = _value(form, name)
        except ValueError:
            problems.append((name, say("field-not-a-number")))
            continue
        if new == value_of(form.header, name):
            continue
        changes[name] = new
        try:
            with_amendment(form.header, name, new)
        except ConfigError as error:
            why = str(error).removeprefix(f"amendment of {name}: ").partition(";")[0]
            problems.append((name, say("field-refused", why=why)))
    if first_consent and (consent := _consent_typed(form)):
        changes[CONSENT] = consent
        problems += _consent_problems(form.header, consent)
    pseudonym = changes.get("subject.pseudonym")
    scheme = scheme_of((form.header.template.get("rules") or {}).get("pseudonym_check"))
    needs_again = pseudonym is not None and form.scanned != pseudonym and scheme == "none"
    if needs_again and form.pseudonym_again != pseudonym:
        problems.append(("pseudonym_again", say("pseudonym-differs")))
    if pseudonym is not None and scheme != "none" and not carries_check(pseudonym, scheme):
        problems.append(("subject.pseudonym", say("pseudonym-check-wrong")))
    problems += [
        (name, say("field-required")) for name in ("operator", "why") if not getattr(form, name).strip()
    ]
    request = {"changes": changes, "who": form.operator.strip(), "why": form.why.strip()}
    remarks = pseudonym_warnings(pseudonym) if pseudonym is not None else ()
    return AmendView(
        tuple(problems),
        tuple(changes),
        needs_again,
        request if changes and not problems else None,
        tuple(("subject.pseudonym", remark) for remark in remarks),
    )


def _consent_typed(form: AmendForm) -> dict[str, Any]:
    """A consent where the session has none: whatever was typed of it, or nothing."""
    typed = {name.partition(".")[2]: _value(form, name) for name in _OF_CONSENT}
    return typed if any(typed.values()) else {}


def _consent_problems(header: SessionHeader, consent: dict[str, Any]) -> list[tuple[str, Message]]:
    needed = ("version", "date")
    missing = [(f"{CONSENT}.{n}", say("field-required")) for n in needed if not consent[n]]
    if missing:
        return missing
    try:
        with_amendment(header, CONSENT, consent)
    except ConfigError as error:
        why = str(error).removeprefix(f"amendment of {CONSENT}: ").partition(";")[0]
        return [("consent.date", say("field-refused", why=why))]
    return []


def _value(form: AmendForm, name: str) -> Any:
    shown = form.shown(name)
    if isinstance(shown, bool):
        return shown
    text = shown.strip()
    if name == "subject.age_y":
        return int(text) if text else None
    if name.startswith("subject.") and name.endswith(("_cm", "_kg", "_mmhg")):
        return float(text.replace(",", ".")) if text else None
    return text
