"""What is wrong with a template: every mistake by table, row and field, in words and as an id for the screens."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WORDS: Final[dict[str, str]] = {
    "unknown": "unknown; known here are {known}",
    "missing": "is missing",
    "missing-entry": "number {place} is empty",
    "not-text": "{value} is no text",
    "too-long": "is longer than {most} characters",
    "too-many": "more than {most}",
    "not-number": "{value} is no number",
    "outside": "{value} is outside {low} to {high}",
    "not-flag": "{value} is neither true nor false",
    "not-table": "is no table; write {form}",
    "not-list": "is no list",
    "choice": "{value} is none of {known}",
    "twice": "{value} is there twice",
    "device-kind": "{value} is no device that this HemoView knows; it knows {known}. "
    "Choose one of these, or update HemoView",
    "device-id": "{value} is no id; use 1 to 32 letters, digits, '_' or '-'",
    "range": "write two numbers, the lower one first, e.g. [90, 140]",
    "no-device": "no device of this template has the id {value}",
    "refused": "{error}",
}
"""One text for each kind of mistake; ``hemoview.ui.words.pages.template`` has them in both languages."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake.

    Args:
        table: of the file; empty is the top.
        row: of a list of tables, from 1; None where there is one table.
        field: of the table; empty where the table as a whole is wrong.
        why: key of :data:`WORDS`.
        values: what its text names.
    """

    table: str
    row: int | None
    field: str
    why: str
    values: tuple[tuple[str, object], ...] = ()

    def line(self) -> str:
        """``[[phases]] 2: duration_min: -3 is outside 0.1 to 1440``."""
        place = f"[[{self.table}]] {self.row}: " if self.row else f"[{self.table}]: " if self.table else ""
        said = WORDS[self.why].format(**dict(self.values))
        return f"{place}{self.field}: {said}" if self.field else f"{place}{said}"


class TemplateFaults(ValueError):
    """A template cannot be used; ``faults`` are all the reasons."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.line() for fault in faults))
        self.faults = tuple(faults)


class Table:
    """One table, read field by field. A mistake is added to ``faults`` and the default is returned.

    Args:
        values: of the file.
        faults: shared by all tables of a template.
        name, row: where it stands.
    """

    def __init__(
        self, values: Mapping[str, Any], faults: list[Fault], name: str = "", row: int | None = None
    ) -> None:
        self.values, self.faults, self.name, self.row = values, faults, name, row

    def fault(self, field: str, why: str, **values: object) -> None:
        """Keep a mistake of a field."""
        self.faults.append(Fault(self.name, self.row, field, why, tuple(values.items())))

    def only(self, known: Collection[str]) -> None:
        """Every other field is a mistake."""
        for name in self.values:
            if name not in known:
                self.fault(str(name), "unknown", known=", ".join(sorted(known)))

    def text(self, field: str, *, needed: bool = False, most: int = 200) -> str:
        """A text, empty where there is none."""
        value = self.values.get(field)
        if value is not None and not _is_text(value):
            self.fault(field, "not-text", value=short(value))
            return ""
        value = (value or "").strip()
        if needed and not value:
            self.fault(field, "missing")
        if len(value) > most:
            self.fault(field, "too-long", most=most)
        return value

    def number(self, field: str, low: float, high: float) -> float | None:
        """A number, None where there is none."""
        value = self.values.get(field)
        if value is None:
            return None
        found = number(value)
        if found is None:
            self.fault(field, "not-number", value=short(value))
        elif not low <= found <= high:
            self.fault(field, "outside", value=f"{found:g}", low=f"{low:g}", high=f"{high:g}")
        else:
            return found
        return None

    def flag(self, field: str, *, default: bool = False) -> bool:
        """true or false."""
        value = self.values.get(field, default)
        if not isinstance(value, bool):
            self.fault(field, "not-flag", value=short(value))
            return default
        return value

    def texts(self, field: str, *, most: int, longest: int = 80) -> tuple[str, ...]:
        """A list of texts."""
        value = self.values.get(field, ())
        if not isinstance(value, list | tuple):
            self.fault(field, "not-list")
            return ()
        if len(value) > most:
            self.fault(field, "too-many", most=most)
        found = []
        for place, entry in enumerate(value[:most], 1):
            if not _is_text(entry):
                self.fault(field, "not-text", value=short(entry))
            elif len(entry) > longest:
                self.fault(field, "too-long", most=longest)
            elif not entry.strip():
                self.fault(field, "missing-entry", place=place)
            else:
                found.append(entry.strip())
        return tuple(found)

    def table(self, field: str) -> Table:
        """A table inside, empty where there is none."""
        value = self.values.get(field)
        if value is not None and not isinstance(value, Mapping):
            self.fault(field, "not-table", form=f"[{field}]")
            value = None
        return Table(value or {}, self.faults, field)

    def tables(self, field: str, *, most: int = 100) -> list[Table]:
        """A list of tables inside."""
        value = self.values.get(field, ())
        if not isinstance(value, list | tuple):
            self.fault(field, "not-table", form=f"[[{field}]]")
            return []
        if len(value) > most:
            self.fault(field, "too-many", most=most)
        found = []
        for row, entry in enumerate(value[:most], 1):
            if isinstance(entry, Mapping):
                found.append(Table(entry, self.faults, field, row))
            else:
                self.faults.append(Fault(field, row, "", "not-table", (("form", f"[[{field}]]"),)))
        return found


def _is_text(value: object) -> bool:
    """A text that can be written to a file: JSON may escape half a character."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def number(value: object) -> float | None:
    """A finite number that is no truth value, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def short(value: object) -> str:
    """A wrong value as quoted, cut."""
    said = repr(value)
    return said if len(said) <= 40 else f"{said[:37]}…"
