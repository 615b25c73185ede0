"""Words of replicas as bytes: a line of JSON that says what, of whom and which, and after it what a bedside said. Pure.

What comes is believed as little as any input, though only replicas may write there: it is a word, or it is counted.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from hemoview.cloud.live.words import (
    Changed,
    Confirmed,
    Connected,
    Ended,
    Erased,
    Heard,
    Placed,
    Word,
)
from recorder.sync.uplink.wire import LIMIT_BYTES as MESSAGE_BYTES


@dataclass(frozen=True, slots=True)
class Here:
    """Of the bus itself: a replica has come, and may speak."""


VERSION: Final = 1
LIMIT_BYTES: Final = MESSAGE_BYTES + 4096
_SHORT: Final = 400
_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__.lower(): kind
    for kind in (Heard, Connected, Ended, Placed, Confirmed, Erased, Changed, Here)
}


class Unreadable(ValueError):
    """Not a word of a replica."""


def to_bytes(word: Word | Here, sender: str, number: int) -> bytes:
    """A word as it travels.

    Args:
        sender: the replica's id.
        number: counts the words of this sender.
    """
    told = asdict(word)
    body = told.pop("text", "")
    head = {"v": VERSION, "from": sender, "no": number, "word": type(word).__name__.lower(), **told}
    return f"{json.dumps(head, separators=(',', ':'))}\n{body}".encode()


def from_bytes(payload: bytes) -> tuple[str, int, Word | Here]:
    """Sender, number, word.

    Raises:
        Unreadable: too long, of another version, or anything else.
    """
    if len(payload) > LIMIT_BYTES:
        raise Unreadable(f"longer than {LIMIT_BYTES} bytes")
    first, _, body = payload.partition(b"\n")
    try:
        told = json.loads(first)
        text = body.decode()
    except (ValueError, RecursionError) as error:
        raise Unreadable("not a line of JSON and a text") from error
    if not isinstance(told, dict) or told.get("v") != VERSION:
        raise Unreadable(f"version {VERSION} is wanted")
    sender, number = _text(told, "from"), _whole(told, "no")
    kind = _KINDS.get(_text(told, "word"))
    if kind is None:
        raise Unreadable("of a kind that nobody knows here")
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name == "text":
            values["text"] = text
        else:
            values[field.name] = (_whole if str(field.type).startswith("int") else _text)(told, field.name)
    return sender, number, kind(**values)


def _text(told: dict[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or len(value) > _SHORT or not value.isprintable():
        raise Unreadable(f"{name}: a short text is wanted")
    return value


def _whole(told: dict[str, Any], name: str) -> int:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 2**53:
        raise Unreadable(f"{name}: a whole number is wanted")
    return value
