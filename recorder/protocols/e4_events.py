"""What the E4 streaming server and its clients say to each other, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Decimal = tuple[int, int]
"""(mantissa, places) of a decimal text, see :mod:`recorder.schema.decimals`."""

Subscription = Literal["bvp", "acc", "gsr", "tmp", "ibi", "bat", "tag"]
SUBSCRIPTIONS: Final[tuple[Subscription, ...]] = get_args(Subscription)
"""What a client may subscribe to; ``hr`` has none, it comes with ``ibi``."""

SampleKind = Literal["acc", "bvp", "gsr", "tmp", "ibi", "hr", "bat", "tag"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One data line.

    Args:
        kind: which stream.
        stamp_us: the server's stamp, Unix µs, exactly as sent.
        values: one decimal per field: x, y, z for ``acc`` (whole numbers, 1/64 g), none for ``tag``.
    """

    kind: SampleKind
    stamp_us: int
    values: tuple[Decimal, ...] = ()


@dataclass(frozen=True, slots=True)
class Band:
    """A wristband the server knows. ``allowed``: registered with the server's key."""

    serial: str
    allowed: bool = True


Outcome = Literal["ok", "error", "on", "off", "list", "other"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command. ``pause`` echoes its state (``on``/``off``) where others say OK.

    Args:
        command: as the server echoes it.
        outcome: what it said.
        argument: e.g. the stream of ``device_subscribe``; empty if none.
        message: rest of the line, for people: the wording varies between server versions.
        bands: of a list.
    """

    command: str
    outcome: Outcome
    argument: str = ""
    message: str = ""
    bands: tuple[Band, ...] = ()


NewsKind = Literal["link-lost", "link-back", "turned-off"]


@dataclass(frozen=True, slots=True)
class News:
    """Something the server tells unasked about a band."""

    kind: NewsKind
    serial: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is none of the above. ``excerpt`` is its printable beginning."""

    why: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Command:
    """A client's command line."""

    name: str
    arguments: tuple[str, ...] = ()


ServerEvent = Sample | Reply | News | Malformed
