"""Beats of a session's pulse and pressure, found once and kept beside it (:mod:`recorder.session.derived`).

A day of both takes minutes of computing; kept they open at once, for the alignment panel, ``hemoview align``, labels
and reports alike. What is kept is what would be found: its key is over the recording, over the streams taken and over
the versions of everything that finds and judges beats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from hemoview.dsp import abp_beats, beat_train, ppg_beats
from hemoview.dsp.beat_train import EMPTY, BeatTrain
from hemoview.labels.signals import session_signals
from hemoview.labels.signals.session_signals import Tell, motion_stream, pressure_stream, pulse_stream
from recorder.schema import StreamInfo
from recorder.session import Session, derived

PULSE: Final = "beats-pulse"
PRESSURE: Final = "beats-pressure"
_COLUMNS: Final = ("time_s", "quality", "usable", "run", "part", "pressure")


def pulse_beats(session: Session, tell: Tell = lambda _: None) -> BeatTrain:
    """:func:`hemoview.labels.signals.session_signals.pulse_beats`, found or kept."""
    pulse, motion = pulse_stream(session), motion_stream(session)
    facts = {
        "detector": [ppg_beats.DETECTOR, ppg_beats.VERSION],
        "motion": None if motion is None else motion.stream_id,
        "still_g": beat_train.STILL_G,
    }
    return _kept(session, PULSE, pulse, facts, lambda: session_signals.pulse_beats(session, tell))


def pressure_beats(session: Session, tell: Tell = lambda _: None) -> BeatTrain:
    """:func:`hemoview.labels.signals.session_signals.pressure_beats`, found or kept."""
    facts = {"detector": [abp_beats.DETECTOR, abp_beats.VERSION]}
    found = pressure_stream(session)
    return _kept(session, PRESSURE, found, facts, lambda: session_signals.pressure_beats(session, tell))


def _kept(
    session: Session,
    name: str,
    info: StreamInfo | None,
    facts: dict[str, Any],
    find: Callable[[], BeatTrain],
) -> BeatTrain:
    if info is None:
        return EMPTY
    told = {
        **facts,
        "stream": info.stream_id,
        "rises": beat_train.VERSION,
        "least_quality": beat_train.LEAST_QUALITY,
        "numpy": np.__version__.split(".")[0],
    }
    key = derived.key_of(session.path, told)
    known = None if key is None else derived.read(session.path, name, key)
    train = None if known is None else _train(known)
    if train is not None:
        return train
    found = find()
    if key is not None and not session.damaged:
        derived.write(session.path, name, key, {column: getattr(found, column) for column in _COLUMNS})
    return found


def _train(known: derived.Arrays) -> BeatTrain | None:
    """None where the columns are no beats."""
    try:
        return BeatTrain(*(known[column] for column in _COLUMNS))
    except (KeyError, ValueError):
        return None
