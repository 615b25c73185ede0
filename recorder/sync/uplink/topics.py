"""The live path over a broker: topics, and the word by which the service ends a connection. Pure, for both sides.

A device publishes under its own topic and nothing else; the broker knows it by the common name of its certificate,
which says the device and its key (:func:`name_of`): a certificate of before the device got a new key opens nothing. No
topic names a person, a bed or a ward. A broker hides connections from its readers, so each message of a bedside carries
the name of its own in the user property :data:`LINK`: a new name is a new connection, as a new WebSocket would be.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Final

DEVICES: Final = "hv/v1/devices/"
LIVE_OF_ALL: Final = f"{DEVICES}+/live"
LINK: Final = "link"
EXPIRES_S: Final = 10
"""What the broker could not hand on for so long is of no use any more."""
_LINK: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_REFUSAL_BYTES: Final = 4096
_KEY_LETTERS: Final = 16
"""Of the hash of a key: only the service signs names, so nobody can look for a key that has the same."""


def name_of(device_id: str, public_key: bytes) -> str:
    """Of a device with this key (Ed25519, 32 bytes) at the broker."""
    return f"{device_id}.{hashlib.sha256(public_key).hexdigest()[:_KEY_LETTERS]}"


def is_name_of(name: str, device_id: str, public_key: bytes) -> bool:
    """It is this device's, by the key that it has now."""
    return name == name_of(device_id, public_key)


def device_of(name: str) -> str:
    """Whose :func:`name_of` this is; empty where it is none."""
    return name.rpartition(".")[0]


def live_topic(name: str) -> str:
    """Where a bedside tells."""
    return f"{DEVICES}{name}/live"


def refused_topic(name: str) -> str:
    """Where the service says why it listens no longer."""
    return f"{DEVICES}{name}/refused"


def teller_of(topic: str) -> str:
    """Whose :func:`live_topic` this is; empty where it is none."""
    parts = topic.split("/")
    return parts[3] if len(parts) == 5 and topic == live_topic(parts[3]) else ""


def is_link(name: object) -> bool:
    """It can be the name of a connection."""
    return isinstance(name, str) and _LINK.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a WebSocket would close with.

    Args:
        code: of :mod:`recorder.sync.uplink.wire`.
        why: in words.
        link: which connection it is about; empty = all of the device.
    """

    code: int
    why: str
    link: str = ""

    def to_bytes(self) -> bytes:
        """As it travels."""
        return json.dumps({"code": self.code, "why": self.why[:120], "link": self.link}).encode()


def read_refusal(payload: bytes) -> Refusal | None:
    """Inverse of :meth:`Refusal.to_bytes`; None where it is none."""
    try:
        told = json.loads(payload) if len(payload) <= _REFUSAL_BYTES else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    code, why, link = told.get("code"), told.get("why"), told.get("link", "")
    if not isinstance(code, int) or not isinstance(why, str) or not isinstance(link, str):
        return None
    return Refusal(code, "".join(c for c in why[:120] if c.isprintable()), link)
