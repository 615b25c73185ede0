"""How a card's fields are read: the value at a dotted path, of its kind, or a refusal that names the field."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from recorder.errors import ConfigError

NUMBER: Final = (int, float)


def check(value: Mapping[str, Any], path: str, kind: Any, who: str, inside: str = "") -> Any:
    """The value at a dotted path, of this kind.

    Args:
        value: the object that has it.
        kind: ``str``, ``int``, ``list``, ``dict`` or :data:`NUMBER`.
        who: named in errors, e.g. ``bundle lsm2oe-student-0.2.1``.
        inside: where ``value`` itself stands in the card.

    Raises:
        ConfigError: it is missing or of another kind.
    """
    found: Any = value
    named = f"{inside}.{path}" if inside else path
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            raise wrong(who, named, "is missing")
        found = found[key]
    if not is_kind(found, kind):
        names = (
            "number"
            if kind is NUMBER
            else {str: "text", int: "whole number", list: "list", dict: "object"}[kind]
        )
        raise wrong(who, named, f"must be a {names}, got {type(found).__name__}")
    return found


def is_kind(value: Any, kind: Any) -> bool:
    """Like isinstance, but true, NaN and infinity are no numbers."""
    finite = not isinstance(value, float) or math.isfinite(value)
    return isinstance(value, kind) and not isinstance(value, bool) and finite


def wrong(who: str, field: str, what: str) -> ConfigError:
    """The refusal of one field."""
    return ConfigError(
        f"{who}: card.json, {field}: {what}; install the bundle again or build it anew",
        advice="model-bundle-refused",
    )
