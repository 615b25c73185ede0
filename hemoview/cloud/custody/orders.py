"""What a bedside is told at its heartbeats, until it says that it was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import uuid4

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import audit
from hemoview.cloud.tables import device_order
from recorder.sync import wire
from recorder.sync.canonical import as_bytes, read_json

ERASE: Final = "erase"
MESSAGE: Final = "message"
RESEND: Final = "resend"
AT_ONCE: Final = 100
"""Orders in one answer; the others come with the next."""


async def give(conn: AsyncConnection, device_id: str, order: wire.Order) -> str:
    """Write an order down for a device; its id. The one in ``order`` is not used."""
    order_id = str(uuid4())
    body = as_bytes(replace(order, order_id=order_id)).decode()
    await conn.execute(
        insert(device_order).values(
            id=order_id, device_id=device_id, kind=order.kind, body=body, created_us=order.at_us
        )
    )
    return order_id


async def waiting(conn: AsyncConnection, device_id: str, now_us: int) -> tuple[wire.Order, ...]:
    """The oldest that are not done; written down as delivered."""
    query = (
        select(device_order.c.id, device_order.c.body, device_order.c.delivered_us)
        .where(device_order.c.device_id == device_id, device_order.c.done_us.is_(None))
        .order_by(device_order.c.created_us)
        .limit(AT_ONCE)
    )
    rows = (await conn.execute(query)).all()
    new = [row.id for row in rows if row.delivered_us is None]
    if new:
        delivered = update(device_order).where(device_order.c.id.in_(new)).values(delivered_us=now_us)
        await conn.execute(delivered)
    return tuple(wire.Order.from_json(read_json(row.body.encode())) for row in rows)


async def give_unless_waiting(conn: AsyncConnection, device_id: str, order: wire.Order) -> None:
    """The same order once, until it is done."""
    query = select(device_order.c.body).where(
        device_order.c.device_id == device_id,
        device_order.c.kind == order.kind,
        device_order.c.done_us.is_(None),
    )
    bodies = (await conn.execute(query)).scalars()
    if order.session_id not in {read_json(body.encode())["session_id"] for body in bodies}:
        await give(conn, device_id, order)


async def erased_at_bedsides(conn: AsyncConnection) -> dict[str, int | None]:
    """Session → when its bedside said that its copy is erased; None: not yet."""
    query = select(device_order.c.body, device_order.c.done_us).where(device_order.c.kind == ERASE)
    rows = await conn.execute(query.order_by(device_order.c.created_us))
    return {str(read_json(row.body.encode())["session_id"]): row.done_us for row in rows}


async def settle(
    conn: AsyncConnection, device_id: str, now_us: int, told: Sequence[wire.Acknowledgement]
) -> None:
    """What became of orders; each is audited. One that failed stays, and is asked for again."""
    for one in told:
        mine = (
            device_order.c.id == one.order_id,
            device_order.c.device_id == device_id,
            device_order.c.done_us.is_(None),
        )
        row = (await conn.execute(select(device_order.c.kind, device_order.c.body).where(*mine))).first()
        if row is None:
            continue
        if one.outcome != "failed":
            await conn.execute(update(device_order).where(*mine).values(done_us=now_us))
        order = wire.Order.from_json(read_json(row.body.encode()))
        outcome = audit.REFUSED if one.outcome == "failed" else audit.OK
        detail = wire_detail(one.outcome, one.order_id)
        action = f"order.{row.kind}"
        entry = audit.Entry(now_us, f"device:{device_id}", action, order.session_id, outcome, "", detail)
        await audit.append(conn, entry)


def wire_detail(outcome: str, order_id: str) -> str:
    """For the audit log; never the bedside's own words, which may hold a path with a name in it."""
    return f'{{"outcome": "{outcome}", "order": "{order_id}"}}'
