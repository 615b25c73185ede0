"""A label scheme while it is edited: rows as typed, what is wrong with them, and the scheme they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hemoview.labels.raters.scheme import KEYS, PALETTE, LabelChoice, Scheme
from hemoview.viewmodel.messages import Message, say
from recorder.errors import ConfigError
from recorder.schema.labelling import AnnotationKind
from recorder.session.annotations import path_of

Named = Callable[[str], str]
"""Label → what the screen calls it."""
MOST = 18
"""Labels that can still be seen at once."""


@dataclass(frozen=True, slots=True)
class SchemeRow:
    """A label as typed. ``label`` is None until a new one is saved under the name it has then."""

    label: str | None
    typed: str
    kind: AnnotationKind
    key: int | None
    colour: str


@dataclass(frozen=True, slots=True)
class SchemeForm:
    """All rows, what the scheme is called, and what is not edited here."""

    name: str
    rows: tuple[SchemeRow, ...]
    hide_suggestions: bool = False


def is_set_name(typed: str) -> bool:
    """Whether a label set can have this name, which is a file's too."""
    try:
        path_of(Path(), typed)
    except ConfigError:
        return False
    return True


def form_of(scheme: Scheme, named: Named) -> SchemeForm:
    """A scheme as rows to edit."""
    rows = (SchemeRow(c.label, c.name or named(c.label), c.kind, c.key, c.colour) for c in scheme.labels)
    return SchemeForm(scheme.name, tuple(rows), scheme.hide_suggestions)


def with_row(form: SchemeForm, place: int, row: SchemeRow) -> SchemeForm:
    """One row changed; a key that another row has is taken from it."""
    rows = [replace(r, key=None) if row.key is not None and r.key == row.key else r for r in form.rows]
    rows[place] = row
    return replace(form, rows=tuple(rows))


def with_new_row(form: SchemeForm) -> SchemeForm:
    """A row to be named, with the first free key and the next colour."""
    if len(form.rows) >= MOST:
        return form
    taken = {row.key for row in form.rows}
    key = next((k for k in KEYS if k not in taken), None)
    colour = PALETTE[len(form.rows) % len(PALETTE)]
    return replace(form, rows=(*form.rows, SchemeRow(None, "", "span", key, colour)))


def without_row(form: SchemeForm, place: int) -> SchemeForm:
    """One label fewer to choose from; what was labelled with it stays."""
    return replace(form, rows=(*form.rows[:place], *form.rows[place + 1 :]))


def problem_of(form: SchemeForm, named: Named) -> Message | None:
    """What is wrong, None where it can be saved."""
    if not form.rows:
        return say("labels.scheme-none")
    names = [row.typed.strip() for row in form.rows]
    for place, name in enumerate(names, 1):
        if not name:
            return say("labels.scheme-unnamed", row=place)
        if names.count(name) > 1:
            return say("labels.scheme-twice", name=name)
    try:
        scheme_of(form, named)
    except ConfigError as error:
        return say("labels.scheme-wrong", why=str(error))
    return None


def scheme_of(form: SchemeForm, named: Named) -> Scheme:
    """The scheme that the rows make. A name that is the screen's own stays in every language.

    Raises:
        ConfigError: it cannot be one; :func:`problem_of` says what to do.
    """
    made = []
    for row in form.rows:
        typed = row.typed.strip()
        label = row.label or typed
        name = "" if typed == named(label) else typed
        made.append(LabelChoice(label, row.kind, row.key, row.colour, name))
    return Scheme(form.name, tuple(made), form.hide_suggestions)
