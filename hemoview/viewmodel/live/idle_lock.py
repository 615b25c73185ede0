"""Hides an untouched screen while the recording goes on (safety rule 22). Pure but for the random salt of a new PIN."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from recorder.errors import StorageError
from recorder.host import platform
from recorder.private_folder import make_private

PIN_DIGITS: Final = (4, 12)
WRONG_BEFORE_WAIT: Final = 3
WAIT_S: Final = 30.0
"""After three wrong PINs half a minute each, so that ten thousand take days."""
_SCRYPT: Final = {"n": 2**14, "r": 8, "p": 1}
"""RFC 7914's parameters for interactive use: 16 MiB and some 50 ms."""


@dataclass(frozen=True, slots=True)
class IdleLock:
    """Whether the screen is hidden.

    Args:
        touched_s: when somebody last touched it.
        locked: hidden until unlocked.
        wrong: PINs in a row. ``wait_until_s``: before then no further one is looked at.
    """

    touched_s: float
    locked: bool = False
    wrong: int = 0
    wait_until_s: float = 0.0

    def touched(self, now_s: float) -> IdleLock:
        """A key, a finger, a pointer; a hidden screen stays hidden."""
        return self if self.locked else replace(self, touched_s=now_s)

    def look(self, now_s: float, after_min: int) -> IdleLock:
        """Time passes; ``after_min`` 0 = never hide."""
        due = bool(after_min) and now_s - self.touched_s >= 60 * after_min
        return replace(self, locked=True) if due else self

    def tried(self, now_s: float, *, right: bool) -> IdleLock:
        """A PIN was typed, or, where there is none, the button was pressed."""
        if now_s < self.wait_until_s:
            return self
        if right:
            return IdleLock(now_s)
        wrong = self.wrong + 1
        return replace(self, wrong=wrong, wait_until_s=now_s + WAIT_S if wrong >= WRONG_BEFORE_WAIT else 0.0)


def acceptable(pin: str) -> bool:
    """4 to 12 digits."""
    return pin.isascii() and pin.isdigit() and PIN_DIGITS[0] <= len(pin) <= PIN_DIGITS[1]


def keep_pin(path: Path, pin: str) -> None:
    """Store what proves a PIN, owner-only; an empty one takes it away.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        if not pin:
            path.unlink(missing_ok=True)
            return
        salt = os.urandom(16)
        make_private(path.parent)
        platform.write_owner_only(path, json.dumps({"salt": salt.hex(), "proof": _proof(pin, salt)}).encode())
    except OSError as error:
        raise StorageError(
            f"PIN {path}: cannot be kept ({error.strerror}); check the folder's rights"
        ) from error


def has_pin(path: Path) -> bool:
    """Whether a PIN is asked for. A file that cannot be read counts as one: the screen is not opened by breaking it."""
    return path.exists()


def is_pin(path: Path, pin: str) -> bool:
    """Whether ``pin`` is the one kept; anything is where none is kept."""
    if not has_pin(path):
        return True
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return hmac.compare_digest(kept["proof"], _proof(pin, bytes.fromhex(kept["salt"])))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _proof(pin: str, salt: bytes) -> str:
    return hashlib.scrypt(pin.encode(), salt=salt, **_SCRYPT).hex()
