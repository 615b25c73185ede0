"""Passwords: what is accepted, and Argon2id at the side of the event loop.

Parameters are RFC 9106's second recommendation (64 MiB, three passes) with one lane: 0.14 s of one core on the machine
this was measured on, and at most :data:`AT_ONCE` of them run, so that people who sign in cannot take the memory or the
cores that the record path needs.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from hemoview.cloud.problems import Problem

T = TypeVar("T")

SHORTEST: Final = 12
LONGEST: Final = 128
AT_ONCE: Final = 2
_WAITING: Final = 24
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
_NOBODYS: Final = (
    "$argon2id$v=19$m=65536,t=3,p=1$8b/lAQifvJYGFhS4b9anAA$aUvTASW71uIAEAz1bzMiDgwaAE1582XkQo5rludfC4A"
)
"""Compared with where there is no account, so that an unknown name takes as long as a wrong password."""
_COMMON: Final = (
    *("password", "passwort", "qwertyuiop", "letmein", "welcome", "hemoview", "hospital", "changeme"),
    *("administrator", "1234567890", "0987654321", "abcdefgh", "iloveyou"),
)
"""Begin most of the longer passwords in published lists."""


class Mill:
    """Where hashes are made: few at once, a short queue, never on the event loop."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    async def hash(self, password: str) -> str:
        """What is kept of a password.

        Raises:
            Problem: 503, too many at this moment.
        """
        return await self._run(lambda: _HASHER.hash(_normal(password)))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is that password; takes as long where nothing is ``kept``.

        Raises:
            Problem: 503, too many at this moment.
        """
        right = await self._run(lambda: _verify(kept or _NOBODYS, password))
        return right and kept is not None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._inside >= _WAITING:
            raise Problem(
                503, "many are signing in; try again in a few seconds", headers={"Retry-After": "3"}
            )
        self._inside += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._inside -= 1


def hash_now(password: str) -> str:
    """:meth:`Mill.hash` where no loop runs."""
    return _HASHER.hash(_normal(password))


def is_outdated(kept: str) -> bool:
    """It was made with other parameters: make it again when the password is at hand."""
    return _HASHER.check_needs_rehash(kept)


def wrong_with(password: str, name: str, old: str) -> str | None:
    """Why a new password is refused; None: it is not. Length counts, kinds of characters do not (NIST SP 800-63B)."""
    told = _normal(password)
    folded = told.casefold()
    if len(told) < SHORTEST:
        return f"a password has at least {SHORTEST} characters; several words are easy to keep in mind"
    if len(told) > LONGEST:
        return f"a password has at most {LONGEST} characters"
    if told == _normal(old):
        return "the new password is the old one"
    if len(set(folded)) < 5 or any(folded.startswith(word) for word in _COMMON):
        return "this password is among the first that somebody would try; take several words"
    if name.casefold() in folded and len(told) - len(name) < SHORTEST:
        return "the password holds the log-in name; take several other words"
    return None


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _verify(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, _normal(password))
    except (Argon2Error, InvalidHashError):
        return False
