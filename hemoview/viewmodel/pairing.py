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
    return PairView(rows, _advice(states, newest, locked))


def _advice(states: Sequence[BandState], newest: BandState | None, locked: Message | None) -> Message:
    if not states:
        return say("pair-none")
    if newest is None:
        return say("pair-press" if len(states) == 1 else "pair-press-one-of", n=len(states))
    if newest.band.holder is not None:
        return say("pair-held", serial=newest.band.serial, station=newest.band.holder.station)
    return locked if locked is not None else say("pair-answered", serial=newest.band.serial)


def _row(state: BandState, *, lit: bool, in_use: str, locked: Message | None) -> BandRow:
    band = state.band
    holder = band.holder
    strength = say("pair-strength", dbm=band.rssi_dbm) if band.rssi_dbm is not None else ""
    title = say("pair-band", serial=band.serial, strength=strength)
    own = bool(in_use) and band.serial.lower() == in_use.lower()
    free = locked is None and not own and (holder is None or not holder.recording)
    if lit:
        said, level = say("pair-this-one", times=state.presses), "ok"
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
