"""JSON that is hashed and signed: one text for one value, and read so that no two readers differ. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from recorder.errors import WireError
from recorder.sync.fields import Body

JSON_BYTES_MAX: Final = 32 * 2**20
"""Of one JSON body; the longest manifest stays below it."""


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: keys in order, no blanks, UTF-8; what is hashed and signed.

    Raises:
        WireError: no finite number, or nothing JSON knows.
    """
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError(f"not to be written as JSON: {error}") from error


def read_json(content: bytes) -> dict[str, Any]:
    """A JSON object, strictly: no NaN, no name twice, at most :data:`JSON_BYTES_MAX`.

    Raises:
        WireError: it is none.
    """
    if len(content) > JSON_BYTES_MAX:
        raise WireError(f"{len(content)} bytes of JSON; {JSON_BYTES_MAX} are allowed")
    try:
        value = json.loads(content, object_pairs_hook=_each_once, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise WireError(f"no JSON: {error}") from error
    if not isinstance(value, dict):
        raise WireError("no JSON object")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise WireError("a name stands twice in one object")
    return value


def _refuse(word: str) -> Any:
    raise WireError(f"{word} is no number in JSON")


def as_bytes(content: Body | Mapping[str, Any]) -> bytes:
    """What is sent: the canonical JSON of a body."""
    return canonical(content.to_json() if isinstance(content, Body) else dict(content))
