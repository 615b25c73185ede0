"""A service that holds one real session, and ways to wait for its jobs."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from hemoview.cloud import tables
from recorder.sync import wire
from tests.cloud.cloud_rig import Rig
from tests.cloud.handover import Sender

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "report"))

import scripted_endpoint
import told_sessions

__all__ = [
    "change",
    "handed_over",
    "made",
    "scripted_endpoint",
    "signed",
    "told_sessions",
    "until",
]

SCOPES = ("record", "upload", "feedback")


def handed_over(
    rig: Rig,
    folder: Path,
    *,
    hidden: bool = False,
    scopes: tuple[str, ...] = SCOPES,
    bed: str = "A-1",
    pseudonym: str = "P-014",
    **made: Any,
) -> Sender:
    """A session of known numbers, recorded at a bed and in custody."""
    template = {**told_sessions.RANGES, "rules": {"estimates_hidden": hidden}}
    told_sessions.make(folder, template=template, **made)
    names = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    files = {name: path.read_bytes() for name, path in names.items() if wire.kind_of(name)}
    sender = Sender(rig.http, rig.bedside(bed), files, session_id=folder.name, pseudonym=pseudonym)
    sender.opening = replace(sender.opening, hidden=hidden, scopes=scopes)
    assert sender.open().status_code == 201
    sender.put_all()
    about = wire.About(pseudonym, hidden=hidden, scopes=scopes)
    assert sender.commit(sender.manifest(about=about)).status_code == 201
    return sender


def until(rig: Rig, http: Any, report_id: str, *, seconds: float = 60.0) -> dict[str, Any]:
    """What a report is once it is no longer being made."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        told: dict[str, Any] = http.get(f"/v1/reports/{report_id}").json()
        if told["state"] != "making":
            return told
        time.sleep(0.1)
    raise AssertionError(rig.rows(tables.job))


def made(rig: Rig, http: Any, session_id: str, **more: Any) -> dict[str, Any]:
    """A draft."""
    reply = http.post("/v1/reports", json={"session_id": session_id, **more})
    assert reply.status_code == 202, reply.text
    return until(rig, http, reply.json()["report_id"])


def signed(http: Any, draft: dict[str, Any], assessment: str = "Stable.") -> Any:
    body = {"facts_sha256": draft["facts_sha256"], "assessment": assessment, "recommendations": "None."}
    return http.post(f"/v1/reports/{draft['report_id']}/sign", json=body)


def change(rig: Rig, table: Any, where: Any, **values: Any) -> None:
    async def run(conn: AsyncConnection) -> None:
        await conn.execute(update(table).where(where).values(**values))

    rig.do(run)
