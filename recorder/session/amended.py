"""The header with its corrections: ``session.json`` stays as it was written at Start, amendments are laid over it.

Fields that can be corrected are named below, by the path they have in the header. The folder keeps its name, which
holds the pseudonym of Start: names are what backups, exports and manifests know a session by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, get_args

from recorder.errors import ConfigError, SessionError
from recorder.schema import Amendment, Consent
from recorder.schema.rules import ESTIMATES_HIDDEN
from recorder.schema.subject import Sex
from recorder.session import amendments
from recorder.session.files import storage_errors
from recorder.session.header import SessionHeader, read_card, refuse_erased
from recorder.session.lock import FolderLock

_TEXT, _FLAG, _NUMBER = (str,), (bool,), (int, float, type(None))
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "subject.pseudonym": _TEXT,
    "subject.sex": _TEXT,
    "subject.age_y": (int, type(None)),
    "subject.height_cm": _NUMBER,
    "subject.weight_kg": _NUMBER,
    "subject.cvp_mmhg": _NUMBER,
    "consent.version": _TEXT,
    "consent.date": _TEXT,
    "consent.upload": _FLAG,
    "consent.reuse_for_training": _FLAG,
    "consent.feedback": _FLAG,
    "notes": _TEXT,
}
HIDDEN: Final = f"template.rules.{ESTIMATES_HIDDEN}"
"""The rule of a finished session that its estimates are shown to nobody; lifted by :func:`recorder.session.unhide`."""
AMENDABLE: Final = tuple(_KINDS)
"""``consent.record`` is not among them: who withdraws the consent to record has the session erased."""
_WAIT_S: Final = 1.0
"""Longer than the correction of another window; a recorder holds the lock as long as it records."""
CONSENT: Final = "consent"
"""The whole consent, of a session that was imported without one: version, date and scopes in one amendment."""


def value_of(header: SessionHeader, field: str) -> Any:
    """What a header says in one of :data:`AMENDABLE`, or :data:`CONSENT`; None where that part of it is missing.

    Raises:
        ConfigError: the field cannot be amended.
    """
    if field == CONSENT:
        return None if header.consent is None else asdict(header.consent)
    if field not in AMENDABLE:
        raise ConfigError(f"amendment of {field!r}: only {', '.join(AMENDABLE)} can be amended")
    part, _, name = field.rpartition(".")
    return getattr(getattr(header, part), name, None) if part else getattr(header, name)


def with_amendment(header: SessionHeader, field: str, new: Any) -> SessionHeader:
    """The header with one field corrected.

    Raises:
        ConfigError: the field cannot be amended, the header has no such part, or the value cannot be taken.
    """
    value_of(header, field)
    part, _, name = field.rpartition(".")
    try:
        if field == CONSENT:
            return replace(header, consent=_first_consent(header, new))
        _check_kind(field, new)
        changed: dict[str, Any] = {name: new}
        if part:
            old = getattr(header, part)
            if old is None:
                raise ValueError(f"this session has no {part}")
            changed = {part: replace(old, **{name: new})}
        return replace(header, **changed)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"amendment of {field}: {error}; correct it and send again") from None


def _first_consent(header: SessionHeader, new: Any) -> Consent:
    if header.consent is not None:
        raise ValueError("this session has one; correct its parts")
    if not isinstance(new, dict):
        raise ValueError(f"{new!r} is no consent: version, date and scopes are wanted")
    for name, value in new.items():
        if f"{CONSENT}.{name}" not in AMENDABLE:
            raise ValueError(f"a consent has no {name!r}")
        _check_kind(f"{CONSENT}.{name}", value)
    return Consent(**new)


def _check_kind(field: str, new: Any) -> None:
    fits = isinstance(new, _KINDS[field]) and (bool in _KINDS[field] or not isinstance(new, bool))
    if not fits:
        raise ValueError(f"{new!r} is not of the kind that is kept there")
    if field == "subject.sex" and new not in get_args(Sex):
        raise ValueError(f"sex {new!r} is none of {', '.join(get_args(Sex))}")


def amended(header: SessionHeader, found: Iterable[Amendment]) -> SessionHeader:
    """The header as corrected, in the order given. One that cannot be taken, of a field this version does not amend,
    is passed over: it stays in the list that the reader gives.
    """
    for amendment in found:
        if amendment.field == HIDDEN:
            header = _shown(header) if amendment.new is False else header
            continue
        try:
            header = with_amendment(header, amendment.field, amendment.new)
        except ConfigError:
            continue
    return header


def _shown(header: SessionHeader) -> SessionHeader:
    """Without the rule that hides its estimates."""
    rules = {**(header.template.get("rules") or {}), ESTIMATES_HIDDEN: False}
    return replace(header, template={**header.template, "rules": rules})


def amended_fields(found: Iterable[Amendment]) -> tuple[str, ...]:
    """Fields of the header that were corrected, each once."""
    return tuple(dict.fromkeys(a.field for a in found if a.field in (*AMENDABLE, CONSENT, HIDDEN)))


def correction(header: SessionHeader, field: str, new: Any, *, who: str, why: str, wall_ns: int) -> Amendment:
    """The amendment that puts ``new`` in the place of what ``header`` says.

    Raises:
        ConfigError: it cannot be taken, nobody signs it, no reason is given, or it changes nothing.
    """
    old = value_of(header, field)
    with_amendment(header, field, new)
    if not who.strip():
        raise ConfigError(f"amendment of {field}: no operator code; say who corrects it")
    if not why.strip():
        raise ConfigError(f"amendment of {field}: no reason; say why it is corrected")
    if new == old:
        raise ConfigError(f"amendment of {field}: it says {new} already; nothing was changed")
    return Amendment(field, old, new, who.strip(), why.strip(), wall_ns)


def read_header(folder: Path) -> SessionHeader:
    """Header of a session folder with its corrections, without looking at a sample.

    Raises:
        SessionError: no session here, erased, damaged or of a newer format.
    """
    return amended(read_card(folder).header, amendments.read(folder)[0])


def amend(path: Path | str, changes: dict[str, Any], *, who: str, why: str, wall_ns: int) -> list[Amendment]:
    """Correct a session that is not being recorded; each amendment is on disk when this returns.

    Args:
        path: session folder.
        changes: field of :data:`AMENDABLE`, or :data:`CONSENT`, → what it should say. All of them or none.
        who: operator code.
        why: reason.
        wall_ns: when, UTC ns since 1970.

    Raises:
        ConfigError: one of them cannot be taken.
        SessionError: no session here, or a recorder is writing it: correct it in the window, live.
        StorageError: the folder is not writable.
    """
    folder = Path(path)
    with storage_errors(folder, "writing an amendment"):
        read_header(folder)  # before a lock file is put anywhere
    return store(folder, lambda: corrections(read_header(folder), changes, who=who, why=why, wall_ns=wall_ns))


def store(folder: Path, made: Callable[[], list[Amendment]]) -> list[Amendment]:
    """Append amendments to a session that is not being recorded; on disk when this returns.

    Args:
        folder: session folder.
        made: makes them of what stands there when nobody else can write it any more: who corrects the same field at
            the same moment corrects what the first has just written, and is told if that cannot be.

    Raises:
        SessionError: a recorder is writing it, or it was erased.
        StorageError: the folder is not writable.
    """
    try:
        lock = FolderLock(folder, wait_s=_WAIT_S)
    except SessionError as error:
        if error.advice != "session-in-use":
            raise
        raise SessionError(
            f"{folder.name}: is being recorded; correct it on the Record page", advice="session-in-use"
        ) from None
    with lock, storage_errors(folder, "writing an amendment"):
        refuse_erased(folder)
        found = made()
        for amendment in found:
            amendments.append(folder, amendment)
        return found


def corrections(
    header: SessionHeader, changes: dict[str, Any], *, who: str, why: str, wall_ns: int
) -> list[Amendment]:
    """Several corrections at once; all can be taken, or none.

    Raises:
        ConfigError: one of them cannot be taken, or there is none.
    """
    if not changes:
        raise ConfigError("amendment: nothing was changed")
    found = []
    for field, new in changes.items():
        found.append(correction(header, field, new, who=who, why=why, wall_ns=wall_ns))
        header = with_amendment(header, field, new)
    return found
