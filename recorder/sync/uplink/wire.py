"""The live message: what a bedside tells the service once a second, and how bytes become one or are refused.

One JSON text, at most :data:`LIMIT_BYTES`. It is to be looked at, never the record: nothing is repeated, what is lost
stays lost and shows as a jump of ``seq``. Pure; the service imports this module. Keys nobody knows are dropped, so that
a newer bedside can speak to an older service; what is known must be of its kind and size, or all of it is refused.

Waves are int16, little-endian, base64; :data:`MISSING` stands where a sample is missing, else
``value = i16 · scale + offset``.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from recorder.schema import PARAMETERS

VERSION: Final = 1
LIMIT_BYTES: Final = 64 * 1024
MISSING: Final = -32768
WAVE_BYTES_MAX: Final = 8192
"""Of one wave in one message: 4 s at 1 kHz."""
HEAD_EVERY: Final = 10
"""``head`` and ``footer`` go with the first message of a connection, whenever they change, and with every tenth."""

REFUSED_CODE: Final = 4400
"""The message was none."""
UNKNOWN_CODE: Final = 4401
"""The token has run out, or the device was revoked: come again with a new token."""
NO_BED_CODE: Final = 4404
"""This device stands at no bed."""
REPLACED_CODE: Final = 4408
"""Another connection of the same device took over."""
ELSEWHERE_CODE: Final = 4409
"""The session belongs to another device."""
TOO_FAST_CODE: Final = 4429
"""More messages than one a second."""

NEEDS: Final = (
    "confirm-subject",
    "hearts-differ",
    "device-lost",
    "poor-contact",
    "disk-low",
    "battery-low",
    "old-calibration",
    "uncalibrated",
    "no-consent",
)
"""Ids of what a bedside asks a person to look at; the service adds its own, and passes on those it does not know."""

Reader = Callable[[str, Any], Any]

_SESSION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}\Z")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_YEAR_2000_US, _YEAR_2200_US = 946_684_800_000_000, 7_258_118_400_000_000


class LiveRefused(ValueError):
    """Not a live message; which field, and what is wanted."""


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """A message that was found right.

    Args:
        session_id: empty while nothing is recorded.
        seq: counts the messages of one run of the uplink.
        t_us: UTC µs of the bedside's clock, end of the second it is about.
        head: who and what; None where it was left out.
        state: what the recorder does, what a person should look at, streams, disk, sync.
        numerics: parameter → ``est, lo, hi, why, sim, ref, ref_valid``.
        waves: name → ``rate_hz, t0_us, scale, offset, unit, i16``.
        footer: what the estimates may claim (safety rule 6); None where it was left out.
    """

    session_id: str
    seq: int
    t_us: int
    head: Mapping[str, Any] | None
    state: Mapping[str, Any]
    numerics: Mapping[str, Mapping[str, Any]]
    waves: Mapping[str, Mapping[str, Any]]
    footer: str | None

    def to_json(self) -> dict[str, Any]:
        """As it travels; what was left out is left out again."""
        told: dict[str, Any] = {
            "v": VERSION,
            "session_id": self.session_id,
            "seq": self.seq,
            "t_us": self.t_us,
            "state": self.state,
            "numerics": self.numerics,
            "waves": self.waves,
        }
        return told | {n: v for n, v in (("head", self.head), ("footer", self.footer)) if v is not None}

    def without_estimates(self) -> LiveMessage:
        """What may be shown of a session whose estimates are hidden (safety rule 13): the reference stays."""
        bare = {
            name: {"est": None, "lo": None, "hi": None, "why": "hidden", "sim": False}
            | {k: told[k] for k in ("ref", "ref_valid")}
            for name, told in self.numerics.items()
        }
        state = {**self.state, "personalised_age_s": None}
        return replace(self, numerics=bare, state=state)


def read(text: str | bytes) -> LiveMessage:
    """A message from its JSON text.

    Raises:
        LiveRefused: too long, not JSON, another version, or a field that is not what it should be.
    """
    if len(text) > LIMIT_BYTES or (
        isinstance(text, str) and len(text.encode("utf-8", "replace")) > LIMIT_BYTES
    ):
        raise LiveRefused(f"longer than {LIMIT_BYTES} bytes")
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise LiveRefused("not JSON") from error
    if not isinstance(value, dict):
        raise LiveRefused("a JSON object is wanted")
    if value.get("v") != VERSION:
        raise LiveRefused(f"v: only version {VERSION} is understood here")
    return LiveMessage(**{name: reader(name, value.get(name)) for name, reader in _MESSAGE.items()})


# ---- readers


def _no_number(word: str) -> Any:
    raise LiveRefused(f"{word} is no number of JSON")


def _number(low: float = -1e12, high: float = 1e12) -> Reader:
    def read_number(where: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise LiveRefused(f"{where}: a number from {low:g} to {high:g} is wanted")
        if not math.isfinite(value):
            raise LiveRefused(f"{where}: a finite number is wanted")
        return value

    return read_number


def _whole(low: int = 0, high: int = 2**53) -> Reader:
    def read_whole(where: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise LiveRefused(f"{where}: a whole number from {low} to {high} is wanted")
        return value

    return read_whole


def _text(longest: int = 120) -> Reader:
    def read_text(where: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or _CONTROL.search(value):
            raise LiveRefused(f"{where}: a text of at most {longest} characters in one line is wanted")
        return value

    return read_text


def _word(where: str, value: Any) -> str:
    if not isinstance(value, str) or not _WORD.match(value):
        raise LiveRefused(f"{where}: a short name is wanted")
    return value


def _flag(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise LiveRefused(f"{where}: true or false is wanted")
    return value


def _session_id(where: str, value: Any) -> str:
    if value != "" and (not isinstance(value, str) or not _SESSION_ID.match(value)):
        raise LiveRefused(f"{where}: the id of a session is wanted, or an empty text")
    return str(value)


def _optional(reader: Reader) -> Reader:
    return lambda where, value: None if value is None else reader(where, value)


def _list(reader: Reader, most: int) -> Reader:
    def read_list(where: str, value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > most:
            raise LiveRefused(f"{where}: a list of at most {most} is wanted")
        return [reader(where, one) for one in value]

    return read_list


def _fields(**readers: Reader) -> Reader:
    """An object; what it lacks is read as null, what nobody knows is dropped."""

    def read_fields(where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise LiveRefused(f"{where}: an object is wanted")
        return {name: reader(f"{where}.{name}", value.get(name)) for name, reader in readers.items()}

    return read_fields


def _table(reader: Reader, most: int, names: frozenset[str] | None = None) -> Reader:
    """An object of named values; ``names``: which there may be."""

    def read_table(where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > most:
            raise LiveRefused(f"{where}: an object of at most {most} is wanted")
        for name in value:
            if name not in names if names is not None else not _WORD.match(name):
                raise LiveRefused(f"{where}: a name in it is none")
        return {name: reader(f"{where}.{name}", one) for name, one in value.items()}

    return read_table


def _plain(where: str, value: Any) -> Any:
    return _text(200)(where, value) if isinstance(value, str) else _number()(where, value)


def _i16(where: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > WAVE_BYTES_MAX * 4 // 3 + 4:
        raise LiveRefused(f"{where}: base64 of at most {WAVE_BYTES_MAX} bytes is wanted")
    try:
        raw = binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeError) as error:
        raise LiveRefused(f"{where}: not base64") from error
    if len(raw) % 2 or len(raw) > WAVE_BYTES_MAX:
        raise LiveRefused(f"{where}: 16-bit samples of at most {WAVE_BYTES_MAX} bytes are wanted")
    return value


_TIME: Final = _whole(_YEAR_2000_US, _YEAR_2200_US)
_AGE: Final = _optional(_number(-1e9, 1e9))
_HEAD: Final = _fields(
    pseudonym=_text(64),
    template=_text(),
    started_us=_optional(_TIME),
    operator=_text(64),
    simulated=_flag,
    training=_flag,
    hidden=_flag,
    confirmed=_flag,
    devices=_list(_fields(id=_word, name=_text(), serial=_optional(_text(64))), 32),
)
_SYNC: Final = _fields(waiting=_whole(), total=_whole(), last_success_us=_optional(_TIME))
_STREAM: Final = _fields(
    id=_word,
    state=_word,
    age_s=_AGE,
    rate_hz=_optional(_number(0, 1e6)),
    received=_whole(),
    on_disk=_whole(),
)
_STATE: Final = _fields(
    recording=_flag,
    phase=_text(),
    needs=_list(_fields(id=_word, values=_table(_plain, 8)), 32),
    disk_hours=_optional(_number(0, 1e9)),
    battery=_table(_optional(_number(0, 1)), 32),
    calibration_age_s=_AGE,
    personalised_age_s=_AGE,
    sync=_optional(_SYNC),
    streams=_list(_STREAM, 64),
)
_NUMERIC: Final = _fields(
    est=_optional(_number()),
    lo=_optional(_number()),
    hi=_optional(_number()),
    why=_optional(_word),
    sim=_flag,
    ref=_optional(_number()),
    ref_valid=_flag,
)
_WAVE: Final = _fields(
    rate_hz=_number(1e-3, 1e5),
    t0_us=_TIME,
    scale=_number(),
    offset=_number(),
    unit=_text(16),
    i16=_i16,
)
_MESSAGE: Final[Mapping[str, Reader]] = {
    "session_id": _session_id,
    "seq": _whole(),
    "t_us": _TIME,
    "head": _optional(_HEAD),
    "state": _STATE,
    "numerics": _table(_NUMERIC, len(PARAMETERS), frozenset(PARAMETERS)),
    "waves": _table(_WAVE, 4),
    "footer": _optional(_text(1000)),
}
