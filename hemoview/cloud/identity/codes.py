"""What a person reads from one screen and types into another: one-time passwords and enrolment codes.

Without 0, 1, I, L and O, in groups of four; the last is a check character (ISO/IEC 7064 MOD 37,36, as for pseudonyms),
so that a typing mistake is told from a wrong code, at the bedside already. 15 free characters of 31 are 74 bits.
"""

from __future__ import annotations

import secrets
from typing import Final

from recorder.schema import carries_check, check_character

ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_FREE: Final = 15
_GROUP: Final = 4
_CHECK: Final = "mod37-36"


def new_code() -> str:
    """Such as ``7QK2-M9XA-4TFD-HW3E``."""
    while True:
        body = "".join(secrets.choice(ALPHABET) for _ in range(_FREE))
        code = body + check_character(body, _CHECK)
        if code[-1] in ALPHABET:
            return "-".join(code[i : i + _GROUP] for i in range(0, len(code), _GROUP))


def plain(typed: str) -> str:
    """A code as typed without blanks, hyphens and small letters; this form is hashed."""
    return "".join(c for c in typed.upper() if c.isalnum())


def is_well_typed(typed: str) -> bool:
    """Length, characters and check character are those of a code."""
    code = plain(typed)
    return len(code) == _FREE + 1 and set(code) <= set(ALPHABET) and carries_check(code, _CHECK)
