"""What a bed of ``bench cloud`` tells: a live message as large as a real one, of numbers drawn by chance."""

from __future__ import annotations

import base64
import random
import time
from typing import Any

import numpy as np

from recorder.schema import PARAMETERS


def message(number: int, luck: random.Random) -> dict[str, Any]:
    """What a bed with a wristband and a pressure monitor tells: two waves, ten estimates, eight streams."""
    now_us = time.time_ns() // 1000
    return {
        "v": 1,
        "session_id": f"{number:08x}" * 4,
        "seq": 0,
        "t_us": now_us,
        "head": {
            "pseudonym": f"P-{number:03d}",
            "template": "Rest 10 min",
            "started_us": now_us,
            "operator": "op1",
            "simulated": True,
            "training": False,
            "hidden": False,
            "confirmed": True,
            "devices": [{"id": "e4", "name": "Empatica E4", "serial": f"A{number:05d}"}],
        },
        "state": {
            "recording": True,
            "phase": "",
            "needs": [],
            "disk_hours": 41.2,
            "battery": {"e4": 0.62},
            "calibration_age_s": 312.0,
            "personalised_age_s": 61.5,
            "sync": {"waiting": 0, "total": 41, "last_success_us": now_us},
            "streams": [
                {
                    "id": f"e4.stream{n}",
                    "state": "streaming",
                    "age_s": 0.213,
                    "rate_hz": 63.998,
                    "received": 123_456,
                    "on_disk": 123_400,
                }
                for n in range(8)
            ],
        },
        "numerics": {p: _numeric(luck) for p in PARAMETERS},
        "waves": {"ppg": _wave(luck, 64), "cnap": _wave(luck, 250)},
        "footer": "Research estimate. Learned from arterial line, EV1000, finger, 8–21 subjects. Not checked against "
        "Empatica E4, CNAP by ADC. Not for treatment or alarms.",
    }


def _numeric(luck: random.Random) -> dict[str, Any]:
    est = round(luck.uniform(60, 180), 3)
    band = {"lo": round(est - 8.123, 3), "hi": round(est + 9.456, 3)}
    return {"est": est, **band, "why": None, "sim": False, "ref": round(est + 1.5, 1), "ref_valid": True}


def _wave(luck: random.Random, rate_hz: int) -> dict[str, Any]:
    samples = np.array([luck.randrange(-32_000, 32_000) for _ in range(rate_hz)], "<i2")
    text = base64.b64encode(samples.tobytes()).decode()
    t0_us = time.time_ns() // 1000
    return {
        "rate_hz": float(rate_hz),
        "t0_us": t0_us,
        "scale": 0.0123456789,
        "offset": 1.23456789,
        "unit": "mmHg",
        "i16": text,
    }
