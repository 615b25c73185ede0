"""Once in a while: how the bedside is, and what the service wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from recorder.sync.fields import Body, body, choice, hexadecimal, lines, of, optional, several, text, whole
from recorder.sync.wire.words import ID, LABEL, ORDERS_MAX, SESSION_ID, TIME_US

EVERY_SESSION: Final = "every-session"


@dataclass(frozen=True, slots=True)
class Queue(Body):
    """What waits at the bedside: files and bytes not yet under a receipt, of so many that may travel."""

    waiting: int = of(whole())
    total: int = of(whole())
    bytes_waiting: int = of(whole())
    last_success_us: int | None = of(optional(TIME_US), default=None)


@dataclass(frozen=True, slots=True)
class Order(Body):
    """Something the service wants of the bedside; asked again until it is acknowledged.

    Args:
        order_id: acknowledged by it.
        kind: ``erase`` (the local copy of ``session_id``; the tombstone stays), ``message`` (feedback on it) or
            ``resend`` (a blob of it was damaged at the service: ask once more which are missing).
        session_id: which session; :data:`EVERY_SESSION` with ``resend`` after the service was restored from a backup.
        text: the message, or why it is to be erased.
        author: who says so, as the bedside may show it.
        at_us: when, service's clock.
        marker_us: the moment in the session that a message is about, bedside clock, UTC; None: the whole.
        signature: of the service, for one device (:func:`recorder.sync.signing.sign_order`); empty until it is given
            out, and from services of before there was one, whose orders are refused.
    """

    OPEN: ClassVar[bool] = True
    order_id: str = of(ID)
    kind: str = of(choice("erase", "message", "resend"))
    session_id: str = of(SESSION_ID)
    text: str = of(lines(4_000), default="")
    author: str = of(LABEL, default="")
    at_us: int = of(TIME_US, default=0)
    marker_us: int | None = of(optional(TIME_US), default=None)
    signature: str = of(hexadecimal(0, 64), default="")


@dataclass(frozen=True, slots=True)
class Acknowledgement(Body):
    """What became of an order: ``done``, ``absent`` (no such session here), or ``failed`` (``detail`` says why)."""

    order_id: str = of(ID)
    outcome: str = of(choice("done", "absent", "failed"))
    detail: str = of(text(400), default="")


@dataclass(frozen=True, slots=True)
class Heartbeat(Body):
    """The bedside is alive. Clock skew is told by ``t_us``; a clock that was set, by ``monotonic_ns`` beside it."""

    t_us: int = of(TIME_US)
    monotonic_ns: int = of(whole())
    software: str = of(LABEL)
    queue: Queue | None = of(optional(body(Queue)), default=None)
    acknowledged: tuple[Acknowledgement, ...] = of(several(body(Acknowledgement), ORDERS_MAX), default=())


@dataclass(frozen=True, slots=True)
class HeartbeatAnswer(Body):
    """What the service wants, and its clock."""

    OPEN: ClassVar[bool] = True
    server_us: int = of(TIME_US)
    orders: tuple[Order, ...] = of(several(body(Order), ORDERS_MAX), default=())
