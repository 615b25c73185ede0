"""What can be done with the alignment of a session folder: read, compute, and append versions. Runs in the panel's
thread; every function opens the session itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from hemoview.labels import alignment as labels
from hemoview.labels.align.session import align_session
from hemoview.labels.alignment import Alignment
from hemoview.labels.signals.kept_beats import pressure_beats, pulse_beats
from hemoview.labels.signals.session_signals import pressure_stream, pulse_stream
from hemoview.viewmodel.review.align_child import in_child
from recorder import __version__
from recorder import session as store
from recorder.clock import Clock
from recorder.errors import ConfigError
from recorder.schema import StreamInfo
from recorder.session import alignments
from recorder.session.alignments import StoredAlignment

Floats = NDArray[np.float64]
Tell = Callable[[float], None]
Deed = Callable[[Path], "Known"]

SOFTWARE: Final = f"hemoview {__version__}"
_KEPT_SESSIONS: Final = 3
_STAGES: Final = {
    "beats of the pulse": (0.0, 0.45),
    "beats of the pressure": (0.45, 0.9),
    "taps": (0.9, 0.95),
}
"""Stages of :func:`align_session` and what part of the time each takes."""
UNLOCKED: Final = "unlocked"
"""Code of a refusal made by hand; :data:`hemoview.labels.alignment.REFUSED` has its meaning."""


@dataclass(frozen=True, slots=True)
class Known:
    """The alignment that holds, every version that was stored, in order, and names of files that cannot be believed."""

    current: Alignment | None
    history: tuple[StoredAlignment, ...]
    damaged: tuple[str, ...] = ()

    @property
    def lockable(self) -> int | None:
        """The version that was unlocked by hand and may be locked again; None where there is none."""
        current = self.current
        if current is None or current.refused_because != UNLOCKED:
            return None
        return int(current.evidence.get("unlocked_version", 0)) or None


@dataclass(frozen=True, slots=True, eq=False)
class Beats:
    """Beats of both devices in elapsed session time, ``(n,)`` and ``(m,)`` s, and where each has no samples."""

    pulse_s: Floats
    pressure_s: Floats
    pulse_gaps: tuple[tuple[float, float], ...] = ()
    pressure_gaps: tuple[tuple[float, float], ...] = ()


class Deeds(Protocol):
    """What the panel's thread does; :class:`StoredDeeds` is one."""

    def known(self, path: Path) -> Known: ...  # noqa: D102
    def beats(self, path: Path, tell: Tell) -> Beats: ...  # noqa: D102
    def align(self, path: Path, who: str, tell: Tell) -> Known: ...  # noqa: D102
    def nudge(self, by_ms: float, who: str) -> Deed: ...  # noqa: D102
    def lock(self, who: str, why: str) -> Deed: ...  # noqa: D102
    def unlock(self, who: str, why: str) -> Deed: ...  # noqa: D102
    def undo(self, who: str) -> Deed: ...  # noqa: D102


class StoredDeeds:
    """Deeds on session folders. Whatever changes something reads what holds anew: somebody else may have aligned."""

    def __init__(self) -> None:
        self._beats: OrderedDict[Path, Beats] = OrderedDict()

    def known(self, path: Path) -> Known:
        """What holds and what was; quick."""
        damaged = tuple(name for name, _ in alignments.damaged(path))
        return Known(labels.current(path), alignments.history(path), damaged)

    def align(self, path: Path, who: str, tell: Tell) -> Known:
        """Compute an alignment and keep it, a refusal as well."""
        found = in_child(compute, path, tell=tell)
        labels.store(path, found, made_by=who, software=SOFTWARE, wall_ns=_now_ns())
        return self.known(path)

    def beats(self, path: Path, tell: Tell) -> Beats:
        """Beats of both devices; of the sessions looked at last they are kept."""
        if path not in self._beats:
            self._beats[path] = in_child(read_beats, path, tell=tell)
            while len(self._beats) > _KEPT_SESSIONS:
                self._beats.popitem(last=False)
        return self._beats[path]

    def nudge(self, by_ms: float, who: str) -> Deed:
        """Move every piece; positive: the pressure later."""

        def deed(path: Path) -> Known:
            held = _held(path)
            why = f"{by_ms:+g} ms".replace("-", "−")
            return self._append(path, labels.nudged(held, by_ms), who, why, held)

        return deed

    def unlock(self, who: str, why: str) -> Deed:
        """No longer believe what holds; its pieces stay in the version before."""

        def deed(path: Path) -> Known:
            held = _held(path)
            evidence = {**held.evidence, "unlocked_version": held.version}
            opened = replace(held, locked=False, pieces=(), evidence=evidence, refused_because=UNLOCKED)
            return self._append(path, opened, who, why, held)

        return deed

    def lock(self, who: str, why: str) -> Deed:
        """Believe again what was unlocked by hand; what the search itself refused is never locked by hand."""

        def deed(path: Path) -> Known:
            known = self.known(path)
            back = next((a for a in labels.history(path) if a.version == known.lockable and a.locked), None)
            if back is None:
                raise ConfigError(
                    f"{path.name}: nothing was unlocked by hand that could be locked again; align first"
                )
            return self._append(path, back, who, why, known.current)

        return deed

    def undo(self, who: str) -> Deed:
        """Back to the version before, as a version of its own."""

        def deed(path: Path) -> Known:
            alignments.undo(path, made_by=who, software=SOFTWARE, wall_ns=_now_ns())
            return self.known(path)

        return deed

    def _append(self, path: Path, made: Alignment, who: str, why: str, upon: Alignment | None) -> Known:
        labels.store(path, made, made_by=who, software=SOFTWARE, wall_ns=_now_ns(), why=why, upon=upon)
        return self.known(path)


def _held(path: Path) -> Alignment:
    held = labels.current(path)
    if held is None or not held.locked:
        raise ConfigError(f"{path.name}: there is no locked alignment any more; somebody else changed it")
    return held


def _now_ns() -> int:
    return Clock.from_environment().wall_ns()


def compute(path: Path, tell: Tell) -> Alignment:
    """Align a session, or refuse to; nothing is stored."""

    def told(stage: str, share: float) -> None:
        start, end = _STAGES.get(stage, (0.95, 0.95))
        tell(start + share * (end - start))

    with store.open(path) as session:
        return align_session(session, told)


def read_beats(path: Path, tell: Tell) -> Beats:
    """Find the beats of both devices of a session, in stretches; ``tell`` hears how far it is, 0 to 1."""
    with store.open(path) as session:
        whole_s = 2 * max(session.duration_s, 1.0)
        pulse = pulse_beats(session, lambda t_s: tell(min(t_s / whole_s, 0.5)))
        pressure = pressure_beats(session, lambda t_s: tell(min(0.5 + t_s / whole_s, 1.0)))
        gaps = [_gaps(session, found) for found in (pulse_stream(session), pressure_stream(session))]
    return Beats(pulse.time_s, pressure.time_s, *gaps)


def _gaps(session: store.Session, info: StreamInfo | None) -> tuple[tuple[float, float], ...]:
    return () if info is None else tuple((g.t0_s, g.t1_s) for g in session.gaps(info.stream_id))
