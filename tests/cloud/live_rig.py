"""Live messages of a bedside that never was, and ways to say them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from starlette.testclient import WebSocketTestSession

from hemoview.cloud.live.room import Live
from recorder.schema import PARAMETERS
from tests.cloud.cloud_rig import Bedside, Rig

ORIGIN = {"Origin": "http://testserver"}
SESSION = "0f" * 16
OTHER = "1e" * 16


def head(**changed: Any) -> dict[str, Any]:
    return {
        "pseudonym": "P-001",
        "template": "rest",
        "started_us": time.time_ns() // 1000,
        "operator": "op1",
        "simulated": False,
        "training": False,
        "hidden": False,
        "confirmed": True,
        "devices": [{"id": "e4", "name": "Empatica E4", "serial": "A0123"}],
    } | changed


def state(**changed: Any) -> dict[str, Any]:
    return {
        "recording": True,
        "phase": "baseline",
        "needs": [],
        "disk_hours": 41.0,
        "battery": {"e4": 0.62},
        "calibration_age_s": 120.0,
        "personalised_age_s": 60.0,
        "sync": {"waiting": 0, "total": 41, "last_success_us": time.time_ns() // 1000},
        "streams": [
            {
                "id": "e4.bvp",
                "state": "streaming",
                "age_s": 0.2,
                "rate_hz": 64.0,
                "received": 640,
                "on_disk": 600,
            }
        ],
    } | changed


def numeric(est: float | None = 122.0, **changed: Any) -> dict[str, Any]:
    band = {"lo": est - 8, "hi": est + 9, "why": None} if est is not None else {"lo": None, "hi": None}
    return {"est": est, "why": "motion", "sim": False, "ref": 124.0, "ref_valid": True, **band} | changed


def wave(n: int = 64, rate_hz: float = 64.0) -> dict[str, Any]:
    values = (np.sin(np.arange(n) / rate_hz * 2 * np.pi) * 2000).astype("<i2")
    i16 = base64.b64encode(values.tobytes()).decode()
    t0_us = time.time_ns() // 1000 - 1_000_000
    return {"rate_hz": rate_hz, "t0_us": t0_us, "scale": 0.01, "offset": 0.0, "unit": "1", "i16": i16}


def message(seq: int = 1, session_id: str = SESSION, **changed: Any) -> dict[str, Any]:
    return {
        "v": 1,
        "session_id": session_id,
        "seq": seq,
        "t_us": time.time_ns() // 1000,
        "head": head(),
        "state": state(),
        "numerics": {p: numeric(100.0 + i) for i, p in enumerate(PARAMETERS)},
        "waves": {"ppg": wave(), "cnap": wave(100, 100.0)},
        "footer": "Research estimate. Not for treatment or alarms.",
    } | changed


@contextmanager
def ingest(rig: Rig, bedside: Bedside) -> Iterator[WebSocketTestSession]:
    with rig.http.websocket_connect("/v1/live/ingest", headers=bedside.headers) as socket:
        yield socket


def say(socket: WebSocketTestSession, **told: Any) -> None:
    socket.send_text(json.dumps(message(**told)))


def hear(socket: WebSocketTestSession, kind: str, most: int = 400) -> dict[str, Any]:
    """The next server message of a kind."""
    for _ in range(most):
        told: dict[str, Any] = json.loads(socket.receive_text())
        if told["type"] == kind:
            return told
    raise AssertionError(f"no {kind} among {most} messages")


def watching(rig: Rig, ward: str, *grants: Any) -> Any:
    nurse = rig.person("nurse", *(grants or (("operator", ward),)))
    return nurse.websocket_connect(f"/v1/live?ward={ward}", headers=ORIGIN)


def flush(rig: Rig) -> None:
    live = rig.service.part(Live)
    rig.call(live.store.flush)


def count(rig: Rig, name: str) -> float:
    page = rig.service.part(Live).counts._registry.get_sample_value(name)
    return page or 0.0


def hear_state(rig: Rig, ward: str, nurse: Any, until: Any) -> dict[str, Any]:
    for _ in range(200):
        told: dict[str, Any] = nurse.get(f"/v1/wards/{ward}/state").json()
        if until(told):
            return told
    raise AssertionError("it never came")
