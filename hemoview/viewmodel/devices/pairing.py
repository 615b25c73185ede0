"""Pairing by button: what stands on the screen while the bands in reach are listened to (safety rule 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hemoview.viewmodel.messages import Message, say
from recorder.host.pairing import BandState

LIT_S: Final = 20.0
"""The band that answered stays lit so long: time to compare it with the wrist and to touch the screen."""


@dataclass(frozen=True, slots=True)
class BandRow:
    """One band. ``lit``: its button was the newest one pressed; ``can_use``: it may be chosen."""

    serial: str
    title: Message
    state: Message
    level: str
    lit: bool
    can_use: bool


@dataclass(frozen=True, slots=True)
class PairView:
    """Rows in the order they were found; ``advice`` says what to do now."""

    rows: tuple[BandRow, ...]
    advice: Message
    level: str = "text"


def resolve_pairing(
    states: Sequence[BandState], *, now_ns: int, in_use: str = "", locked: Message | None = None
) -> PairView:
    """What the pairing screen shows now.

    Args:
        states: of every band that is listened to.
        now_ns: host time.
        in_use: serial that this station uses already.
        locked: why another band cannot be chosen now; who answers is shown all the same.
    """
    pressed = [s for s in states if s.pressed_ns is not None and now_ns - s.pressed_ns <= LIT_S * 1e9]
    newest = max(pressed, key=lambda s: s.pressed_ns or 0, default=None)
    rows = tuple(_row(s, lit=s is newest, in_use=in_use, locked=locked) for s in states)
    advice = _advice(states, newest, in_use, locked)
    other = advice.id in ("pair-held", "pair-other-answered", "pair-other-locked")
    return PairView(rows, advice, "warn" if other else "ok" if newest is not None else "text")


def _advice(
    states: Sequence[BandState], newest: BandState | None, in_use: str, locked: Message | None
) -> Message:
    if not states:
        return say("pair-none")
    if newest is None:
        return say("pair-press" if len(states) == 1 else "pair-press-one-of", n=len(states))
    serial = newest.band.serial
    if newest.band.holder is not None:
        return say("pair-held", serial=serial, station=newest.band.holder.station)
    if in_use and _is_own(newest, in_use):
        return say("pair-own-answered", serial=serial)
    if locked is not None:
        return say("pair-other-locked", serial=serial, own=in_use, why=locked) if in_use else locked
    return say("pair-other-answered" if in_use else "pair-answered", serial=serial, own=in_use)


def _is_own(state: BandState, in_use: str) -> bool:
    return state.band.serial.lower() == in_use.lower()


def _row(state: BandState, *, lit: bool, in_use: str, locked: Message | None) -> BandRow:
    band = state.band
    holder = band.holder
    strength = say("pair-strength", dbm=band.rssi_dbm) if band.rssi_dbm is not None else ""
    charge = say("device-battery", percent=f"{100 * state.battery:.0f}") if state.battery is not None else ""
    title = say("pair-band", serial=band.serial, strength=strength, battery=charge)
    own = bool(in_use) and _is_own(state, in_use)
    free = locked is None and not own and (holder is None or not holder.recording)
    if lit:
        said, level = say("pair-this-own" if own else "pair-this-one", times=state.presses), "ok"
    elif holder is not None:
        said = say("pair-recording-at" if holder.recording else "pair-used-at", station=holder.station)
        level = "warn"
    elif own:
        said, level = say("pair-own"), "info"
    elif state.state == "refused":
        said, level = say("pair-refused", why=state.said), "warn"
    else:
        said, level = say(f"pair-{state.state}"), "quiet"
    return BandRow(band.serial, title, said, level, lit, free and state.presses > 0)
