"""What goes wrong in each session of ``hemoview bench faults``, drawn from the seed. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal[
    "links",
    "silence",
    "corrupt",
    "killed",
    "clocks",
    "disk-full",
    "no-space",
    "power-cut",
    "matched",
    "swapped",
]

IN_FORTY: Final[tuple[tuple[Kind, int], ...]] = (
    ("links", 9),
    ("silence", 2),
    ("corrupt", 4),
    ("killed", 5),
    ("clocks", 5),
    ("disk-full", 3),
    ("no-space", 1),
    ("power-cut", 3),
    ("matched", 4),
    ("swapped", 4),
)
"""Sessions of each kind in every forty, in an order drawn anew."""
SPEED: Final[dict[Kind, float]] = {"silence": 4.0, "corrupt": 5.0, "matched": 10.0, "swapped": 10.0}
SECONDS: Final[dict[Kind, float]] = {"silence": 16.0, "matched": 84.0, "swapped": 84.0, "corrupt": 12.0}
USUAL_SPEED, USUAL_SECONDS = 8.0, 20.0

Span = tuple[float, float]
"""(at s, for s) of the session's clock, from when it was started."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One session; times in s of its clock after Start.

    Args:
        number, seed: which, and of everything random in it.
        kind: what is looked at; links may fail in every kind.
        speed, seconds: of the clock; how long it lasts.
        e4_away, adc_pulled, adc_dropouts: radio out, cable out, nothing converted.
        drops: the wristband's TCP connection breaks after so many chunks.
        stalls: nothing at all is sent; what was held back comes at once.
        kill_at: the recorder is killed, and another one started ``back_after`` later.
        disk_at: from here on the disk has nearly no room.
        suspends: the machine slept for so long.
        steps: the wall clock is set by so much at that time.
        rhythm: of the people of heart sessions.
    """

    number: int
    seed: int
    kind: Kind
    speed: float
    seconds: float
    e4_away: tuple[Span, ...] = ()
    adc_pulled: tuple[Span, ...] = ()
    adc_dropouts: tuple[Span, ...] = ()
    drops: tuple[int, ...] = ()
    stalls: tuple[Span, ...] = ()
    kill_at: float | None = None
    back_after: float = 0.0
    disk_at: float | None = None
    suspends: tuple[Span, ...] = ()
    steps: tuple[Span, ...] = ()
    rhythm: str = "sinus"
    corrupt: bool = field(default=False)

    @property
    def profile(self) -> str:
        """Bytes are damaged only where a checksum can tell."""
        return "lab-adc-1k" if self.corrupt else "lab-adc-ascii"


def draw(sessions: int, seed: int) -> list[Plan]:
    """The plans of a run."""
    rng = random.Random(seed)
    kinds: list[Kind] = []
    while len(kinds) < sessions:
        forty: list[Kind] = [kind for kind, n in IN_FORTY for _ in range(n)]
        rng.shuffle(forty)
        kinds += forty
    return [_plan(number, kind, rng.randrange(1 << 31)) for number, kind in enumerate(kinds[:sessions])]


def _plan(number: int, kind: Kind, seed: int) -> Plan:
    rng = random.Random(seed)
    seconds = SECONDS.get(kind, USUAL_SECONDS)

    def spans(most: int, longest_s: float) -> tuple[Span, ...]:
        n = rng.randint(0, most)
        return tuple(sorted((rng.uniform(1.0, seconds - 4.0), rng.uniform(0.5, longest_s)) for _ in range(n)))

    heart = kind in ("matched", "swapped")
    many = 2 if kind == "links" else 1
    kill = rng.uniform(3.0, seconds - 6.0) if kind == "killed" else None
    return Plan(
        number,
        seed,
        kind,
        SPEED.get(kind, USUAL_SPEED),
        seconds,
        e4_away=spans(many, 4.0),
        adc_pulled=() if kind == "corrupt" else spans(many, 3.0),
        adc_dropouts=spans(many, 1.5 if kind == "corrupt" else 3.0),
        drops=tuple(rng.randint(20, 200) for _ in range(rng.randint(0, 0 if heart else many))),
        stalls=((rng.uniform(2.0, 5.0), rng.uniform(7.0, 9.0)),) if kind == "silence" else (),
        kill_at=kill,
        back_after=rng.uniform(0.5, 5.0),
        disk_at=rng.uniform(4.0, seconds - 6.0) if kind == "disk-full" else None,
        suspends=((rng.uniform(3.0, seconds - 5.0), rng.choice([3.0, 40.0, 400.0])),)
        if kind == "clocks" and rng.random() < 0.7
        else (),
        steps=((rng.uniform(3.0, seconds - 5.0), rng.choice([-7200.0, -30.0, 30.0, 3600.0])),)
        if kind == "clocks" and rng.random() < 0.7
        else (),
        rhythm="atrial-fibrillation" if heart and rng.random() < 0.25 else "sinus",
        corrupt=kind == "corrupt",
    )
