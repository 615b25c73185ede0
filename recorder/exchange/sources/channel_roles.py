"""What a foreign signal is for, by its name and unit, and how its stream is called. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_MMHG: Final = frozenset({"mmhg", "mm hg"})
_VOLTS: Final = frozenset({"mv", "uv", "µv", "v", "nv", "1", ""})
_ROLES: Final = (
    ("ppg", re.compile(r"pleth|ppg|bvp|spo2 ?wave"), None),
    ("cvp", re.compile(r"cvp"), _MMHG),
    ("abp_wave", re.compile(r"abp|art\b|art_|artp|ibp|bp\b|bp_|pressure|cnap|fin(a|ger)"), _MMHG),
    ("resp", re.compile(r"resp|imped|thor|abdo"), None),
    ("acc", re.compile(r"acc"), None),
    ("ecg", re.compile(r"(ecg|ekg|mlii?|mcl\d?|v\d?|i{1,3}|av[rlf])(\b|_|$)"), _VOLTS),
)
"""Role, what a name begins with, and the units without which it is none (None = any)."""


_OUR_DEVICE: Final = re.compile(r"[a-z0-9-]+\.(?=[a-z])")
_OUR_TAGS: Final = re.compile(r"( est\.| SIM)+\Z")
"""What our own exports put before and behind a signal's name: ``e4.bvp SIM``."""


def plain_name(name: str) -> str:
    """The name without the tags of our own exports; whether it is simulated the session says."""
    return _OUR_TAGS.sub("", name.strip())


def role_of(name: str, unit: str) -> str:
    """Role of a stream, empty where neither name nor unit tells one. A pressure must be in mmHg to be one."""
    plain, unit = plain_name(name).lower(), unit.strip().lower()
    for told in dict.fromkeys((plain, _OUR_DEVICE.sub("", plain, count=1))):
        for role, named, units in _ROLES:
            if named.match(told):
                return role if units is None or unit in units else ""
    return ""


def slug(name: str, taken: Collection[str] = ()) -> str:
    """``name`` as a part of a stream id; numbered where it is taken."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "signal"
    found, k = plain, 2
    while found in taken:
        found, k = f"{plain}_{k}", k + 1
    return found


def says_simulated(*texts: str) -> bool:
    """Whether a source says of itself that no person was measured."""
    return any(re.search(r"\bsimulated\b", text, re.IGNORECASE) for text in texts)
