"""How often somebody may try: waiting times that grow with failures, kept in memory and bounded. Replicas keep them in
their database as well (:mod:`.tries`), where all count the same.

A lock-out must not lock a ward out. So (1) a lock is a waiting time, never a state somebody has to end; (2) it never
ends a log-in that is there; (3) a browser where this very person has signed in before is counted by itself: who guesses
from elsewhere, even from behind the same address, slows down only who was never seen.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from hemoview.cloud.identity.passwords import Mill

_KEPT: Final = 10_000
JUDGED_S: Final = 60.0
"""A try that nobody has judged by then never will be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``free`` failures cost nothing; then ``first_s``, doubled each time up to ``longest_s``; all is forgotten
    ``forget_s`` after the last."""

    free: int
    first_s: float
    longest_s: float
    forget_s: float

    def wait_s(self, failures: int) -> float:
        """Seconds after the last of so many failures."""
        if failures < self.free:
            return 0.0
        return float(min(self.longest_s, self.first_s * 2.0 ** min(failures - self.free, 30)))


ACCOUNT: Final = Rule(free=5, first_s=30, longest_s=900, forget_s=86_400)
"""About a hundred guesses a day at one account from browsers it was never used in."""
ADDRESS: Final = Rule(free=30, first_s=10, longest_s=300, forget_s=3_600)
"""A whole hospital may stand behind one address."""
BROWSER: Final = Rule(free=10, first_s=30, longest_s=900, forget_s=86_400)


class Throttle:
    """Failures by key; the one not seen for longest is forgotten when there are too many.

    Args:
        rule: of waiting.
        name: what the failures are of, where replicas share them.
    """

    def __init__(self, rule: Rule, name: str = "") -> None:
        self.rule, self.name = rule, name
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._judging: OrderedDict[str, list[int]] = OrderedDict()

    def wait_s(self, key: str, now_us: int) -> float:
        """Seconds until the next try is listened to; 0 = now."""
        failures, last_us = self._failures.get(key, (0, now_us))
        return max(0.0, self.rule.wait_s(failures) - (now_us - last_us) / 1e6)

    def tried(self, key: str, now_us: int) -> None:
        """Count a try as failed *before* it is judged, so that a hundred at once are not all free."""
        failures, last_us = self._failures.pop(key, (0, now_us))
        if now_us - last_us > self.rule.forget_s * 1e6:
            failures = 0
        self._failures[key] = (failures + 1, now_us)
        self._judging.setdefault(key, []).append(now_us)
        for kept in (self._failures, self._judging):
            if len(kept) > _KEPT:
                kept.popitem(last=False)

    def learn(self, key: str, failures: int, last_us: int, now_us: int) -> None:
        """What all replicas together have counted; what is judged here just now is not among it."""
        judging = [at_us for at_us in self._judging.get(key, ()) if now_us - at_us < JUDGED_S * 1e6]
        if failures or judging:
            self._failures[key] = (failures + len(judging), max(last_us, *judging) if judging else last_us)
        else:
            self._failures.pop(key, None)

    def judged(self, key: str) -> None:
        """One try is no longer on its way; it stays counted."""
        judging = self._judging.get(key, [])
        if judging:
            judging.pop(0)
        if not judging:
            self._judging.pop(key, None)

    def passed(self, key: str) -> None:
        """It was right: nothing is held against it."""
        self.judged(key)
        self._failures.pop(key, None)

    def undo(self, key: str) -> None:
        """It was not even judged, or right where others failed: one failure less."""
        self.judged(key)
        failures, last_us = self._failures.get(key, (0, 0))
        if failures > 1:
            self._failures[key] = (failures - 1, last_us)
        else:
            self._failures.pop(key, None)


class Sieve:
    """Which refusals go into the audit log, so that a scanner cannot fill the disk: some at once, then a trickle.

    Args:
        burst, per_s: of one key.
        all_burst, all_per_s: of all that nobody is known behind together; 0.1/s are 3 MB a day at most.
    """

    def __init__(
        self, burst: float = 10, per_s: float = 1 / 60, all_burst: float = 100, all_per_s: float = 0.1
    ) -> None:
        self._one, self._all = (burst, per_s), (all_burst, all_per_s)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._everything: tuple[float, int] = (all_burst, 0)
        self._forgotten = 0

    def take(self, key: str, now_us: int, *, known: bool = False) -> int | None:
        """None: leave this one out. Else how many of this key were left out since its last one that was written.

        Args:
            known: somebody who proved who they are. A crowd of strangers must not hide what they try.
        """
        before = self._buckets.pop(key, _Bucket(self._one[0], now_us, 0))
        mine = _filled((before.level, before.at_us), self._one, now_us)
        everything = _filled(self._everything, self._all, now_us)
        passes = mine >= 1 and (known or everything >= 1)
        self._buckets[key] = _Bucket(mine - passes, now_us, 0 if passes else before.left_out + 1)
        self._everything = (everything - (passes and not known), now_us)
        if len(self._buckets) > _KEPT:
            _, gone = self._buckets.popitem(last=False)
            self._forgotten += gone.left_out
        return before.left_out if passes else None

    def forgotten(self) -> int:
        """How many were left out of keys that are remembered no longer, since this was asked last."""
        said, self._forgotten = self._forgotten, 0
        return said


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Of one key of a :class:`Sieve`."""

    level: float
    at_us: int
    left_out: int


class Looks:
    """Who has looked at what within the last hour: written down once, however often a page asks for it again."""

    def __init__(self, every_us: int = 3_600_000_000) -> None:
        self._every_us = every_us
        self._seen: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def is_new(self, who: str, action: str, what: str, now_us: int) -> bool:
        """Whether it is to be written down."""
        at_us = self._seen.get((who, action, what))
        return at_us is None or not 0 <= now_us - at_us < self._every_us

    def written(self, who: str, action: str, what: str, now_us: int) -> None:
        """It was."""
        self._seen[who, action, what] = now_us
        self._seen.move_to_end((who, action, what))
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)


def _filled(bucket: tuple[float, int], rate: tuple[float, float], now_us: int) -> float:
    level, at_us = bucket
    return min(rate[0], level + max(0, now_us - at_us) / 1e6 * rate[1])


@dataclass(slots=True)
class Doors:
    """What stands between the service and whoever knocks; one of each, for all requests."""

    mill: Mill = field(default_factory=Mill)
    accounts: Throttle = field(default_factory=lambda: Throttle(ACCOUNT, "account"))
    addresses: Throttle = field(default_factory=lambda: Throttle(ADDRESS, "address"))
    browsers: Throttle = field(default_factory=lambda: Throttle(BROWSER, "browser"))
    enrolments: Throttle = field(default_factory=lambda: Throttle(ADDRESS, "enrolment"))
    certificates: Throttle = field(default_factory=lambda: Throttle(ADDRESS, "certificate"))
    sieve: Sieve = field(default_factory=Sieve)
    looks: Looks = field(default_factory=Looks)
