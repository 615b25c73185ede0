"""Estimates of a session as the live room keeps them, and ways to ask for their trend."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from hemoview.cloud.live.store import MINUTE_US, SECOND_US
from tests.cloud.cloud_rig import Rig
from tests.cloud.live_rig import SESSION

START_US = 1_790_000_040_000_000 // MINUTE_US * MINUTE_US


def put_session(rig: Rig, ward_id: str, session_id: str = SESSION, **changed: Any) -> None:
    kept = {
        "id": session_id,
        "device_id": "d",
        "bed_id": "b",
        "ward_id": ward_id,
        "first_us": START_US,
        "last_us": START_US,
    }
    rig.put(tables.live_session, **(kept | changed))


def put_rows(rig: Rig, seconds: Any, session_id: str = SESSION, parameter: str = "SBP") -> None:
    rows = [
        {
            "session_id": session_id,
            "at_us": START_US + s * SECOND_US,
            "parameter": parameter,
            "est": 100.0 + s,
            "lo": 90.0 + s,
            "hi": 110.0 + s,
            "ref": 101.0 + s,
        }
        for s in seconds
    ]

    async def run(conn: AsyncConnection) -> None:
        await conn.execute(insert(tables.estimate), rows)

    rig.do(run)


def ask(client: Any, from_s: float, to_s: float, **more: Any) -> Any:
    query = {
        "parameter": "SBP",
        "from_us": START_US + round(from_s * SECOND_US),
        "to_us": START_US + round(to_s * SECOND_US),
    }
    return client.get(f"/v1/sessions/{SESSION}/trend", params=query | more)
