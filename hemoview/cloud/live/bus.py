"""The live bus between the replicas of a service: what one tells, all others are told, late or not at all.

A port. Nobody who tells ever waits, and nobody hears their own words. What is lost stays lost: the board shows the gap
(:mod:`hemoview.cloud.live.board`), and what matters longer is read from the database (:meth:`Upkeep.check`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from hemoview.cloud.live.words import Word

log = logging.getLogger(__name__)

Take = Callable[[Word], None]
"""What a replica does with a word of another; must not wait."""


@dataclass(slots=True)
class Traffic:
    """Words, for counters: told and heard, those given up unsent (old, or too many), those missing by their numbers,
    payloads that were none, and words that a fault of ours kept from being taken."""

    told: int = 0
    heard: int = 0
    given_up: int = 0
    missed: int = 0
    ignored: int = 0
    faults: int = 0


def take_one(take: Take, word: Word, traffic: Traffic) -> None:
    """One word of another; a fault in it is ours, is logged, and ends nothing else."""
    traffic.heard += 1
    try:
        take(word)
    except Exception:
        traffic.faults += 1
        log.exception("a word of another replica was not taken")


class LiveBus(Protocol):
    """As one replica has it."""

    traffic: Traffic

    @property
    def is_shared(self) -> bool:
        """There may be others: it is worth making words."""
        ...

    @property
    def away(self) -> str:
        """Why nothing reaches others now, in words; empty where it does."""
        ...

    async def open(self, take: Take) -> None:
        """Begin; comes back at once, also where nobody can be reached yet."""
        ...

    async def close(self) -> None:
        """End; nothing is taken afterwards."""
        ...

    def tell(self, word: Word) -> None:
        """To all others."""
        ...


@dataclass(slots=True, eq=False)
class InProcessBus:
    """Between replicas within one process, if there are any: a service by itself has nobody to tell.

    Args:
        ring: whom the replicas of one service share; empty for a service by itself.
    """

    ring: list[InProcessBus] | None = field(default=None, repr=False)
    traffic: Traffic = field(default_factory=Traffic)
    _take: Take | None = None

    @property
    def is_shared(self) -> bool:
        """In one process only where a ring was given."""
        return self.ring is not None

    @property
    def away(self) -> str:
        """Never."""
        return ""

    async def open(self, take: Take) -> None:
        """Join the ring."""
        self._take = take
        if self.ring is not None:
            self.ring.append(self)

    async def close(self) -> None:
        """Leave it."""
        self._take = None
        if self.ring is not None:
            self.ring[:] = [one for one in self.ring if one is not self]

    def tell(self, word: Word) -> None:
        """To all others of the ring."""
        self.traffic.told += 1
        for other in self.ring or ():
            if other is not self and other._take is not None:
                take_one(other._take, word, other.traffic)
