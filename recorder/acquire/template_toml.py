"""Writes the few shapes a template has as TOML; the standard library only reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+\Z")


def dumps(value: Mapping[str, Any]) -> str:
    """TOML of a table of texts, numbers, truth values, lists and tables; a list of tables becomes ``[[name]]``.

    Raises:
        TypeError: something else is in it.
    """
    plain = {k: v for k, v in value.items() if not isinstance(v, Mapping) and not _is_tables(v)}
    lines = [f"{_key(k)} = {_value(v)}" for k, v in plain.items()]
    for name, part in value.items():
        if isinstance(part, Mapping):
            lines += ["", f"[{_key(name)}]", *_fields(part)]
        elif _is_tables(part):
            for row in part:
                lines += ["", f"[[{_key(name)}]]", *_fields(row)]
    return "\n".join(lines).lstrip("\n") + "\n"


def _fields(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(k)} = {_value(v)}" for k, v in table.items()]


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _key(name: str) -> str:
    return name if _BARE.match(name) else _text(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(v) for v in value) + "]"
    raise TypeError(f"{value!r} has no place in a template")


def _text(text: str) -> str:
    """A basic string; its escapes are those of JSON, and DEL must be escaped as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
