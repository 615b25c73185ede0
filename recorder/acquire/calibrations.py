"""Calibrations of a template: a study's volt → mmHg, found once with the ADC it always uses.

::

    [[calibrations]]
    stream = "adc.wave"
    channel = "adc0"
    points = [[0.5, 40.0], [1.7, 160.0]]   # volt, mmHg; or gain_mmhg_per_v = 100.0 and offset_mmhg = -10.0
    date = 2026-11-20                      # when it was found
    operator = "OP1"
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, Final

from recorder.devices import calibration
from recorder.errors import ConfigError
from recorder.schema import Calibration

_NEEDED: Final = ("stream", "channel", "date", "operator")
_LINE: Final = ("gain_mmhg_per_v", "offset_mmhg")
_KNOWN: Final = frozenset({*_NEEDED, *_LINE, "points"})


def calibrations_from(tables: Any, device_ids: Sequence[str]) -> tuple[Calibration, ...]:
    """The template's ``[[calibrations]]``.

    Args:
        tables: as read from the file.
        device_ids: of the template; a stream is named ``device.stream``.

    Raises:
        ValueError: names table and field.
    """
    if not isinstance(tables, list):
        raise ValueError("calibrations: is not a list of tables; write [[calibrations]]")
    found = []
    for number, table in enumerate(tables, 1):
        try:
            found.append(_calibration(table, device_ids))
        except ValueError as error:
            raise ValueError(f"[[calibrations]] {number}: {error}") from None
    places = [(c.stream_id, c.channel) for c in found]
    twice = sorted({f"{s} {c}" for s, c in places if places.count((s, c)) > 1})
    if twice:
        raise ValueError(f"[[calibrations]]: channel {', '.join(twice)} is there twice")
    return tuple(found)


def _calibration(table: Any, device_ids: Sequence[str]) -> Calibration:
    if not isinstance(table, dict):
        raise ValueError("is not a table")
    _check_fields(table)
    stream_id = _text(table, "stream")
    if stream_id.partition(".")[0] not in device_ids:
        raise ValueError(f"stream {stream_id!r} is of no device of this template")
    channel, operator, wall_ns = _text(table, "channel"), _text(table, "operator"), _wall_ns(table["date"])
    if "points" in table:
        low, high = _points(table["points"])
        try:
            found = calibration.two_point(stream_id, channel, low, high, wall_ns=wall_ns, operator=operator)
        except ConfigError as error:
            raise ValueError(f"points: {str(error).removeprefix('Calibration: ')}") from None
    else:
        gain, offset = (_number(table[name], name) for name in _LINE)
        if gain <= 0:
            raise ValueError(f"gain_mmhg_per_v: {gain:g} is not above 0")
        found = Calibration("", stream_id, channel, gain, offset, "entered", wall_ns, operator)
    return replace(found, calibration_id=_id(found))


def _check_fields(table: Mapping[str, Any]) -> None:
    unknown = sorted(set(table) - _KNOWN)
    missing = [name for name in _NEEDED if name not in table]
    if unknown or missing:
        raise ValueError(f"{', '.join(unknown)}: unknown" if unknown else f"{', '.join(missing)}: missing")
    line = [name for name in _LINE if name in table]
    if ("points" in table) == bool(line) or len(line) == 1:
        raise ValueError(f"points: give either points or both {' and '.join(_LINE)}")


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table[name]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name}: {value!r} is no name")
    return value.strip()


def _points(value: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    if not isinstance(value, list) or [len(p) if isinstance(p, list) else 0 for p in value] != [2, 2]:
        raise ValueError("points: give two of [volt, mmHg], e.g. [[0.5, 40.0], [1.7, 160.0]]")
    (v0, p0), (v1, p1) = ([_number(x, "points") for x in point] for point in value)
    return (v0, p0), (v1, p1)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name}: {value!r} is no number")
    return float(value)


def _wall_ns(value: Any) -> int:
    """A TOML date or time, or ISO text; without a zone it is UTC, a date alone is its noon."""
    try:
        if isinstance(value, str):
            value = (
                datetime.fromisoformat(value) if "T" in value or " " in value else date.fromisoformat(value)
            )
        moment = value if isinstance(value, datetime) else datetime.combine(value, time(12))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(aware.timestamp()) * 1_000_000_000
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"date: {value!r} is no date, e.g. 2026-11-20") from None


def _id(found: Calibration) -> str:
    """The same table is the same record, in whatever session it is used."""
    words = json.dumps([found.to_json() | {"calibration_id": ""}], sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:32]
