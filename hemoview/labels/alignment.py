"""How the clocks of the pulse and of the reference of a session lie to each other, with its evidence.

A session without one is not aligned, also where one host stamped both devices: nobody has looked. A refusal is an
alignment too (``locked`` false): it says why, and bars the session from training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp import time_map
from hemoview.dsp.time_map import Piece
from recorder.errors import ConfigError
from recorder.session import alignments
from recorder.session.alignments import StoredAlignment

Times = NDArray[np.float64]

REFUSED: Final = {
    "no-pulse": "unsynchronised: the session has no pulse wave",
    "no-reference": "unsynchronised: the session has no pressure wave",
    "too-few-beats": "unsynchronised: too few usable beats in both devices at once",
    "ambiguous": "unsynchronised: several shifts fit alike (an even rhythm); a tap on both sensors would tell",
    "unsure": "unsynchronised: no shift fits well enough",
    "not-the-same-heart": "not the same heart: no shift makes the beats of both devices agree "
    "(another person, or another time)",
    "unlocked": "unsynchronised: unlocked by hand, with a reason",
}
"""Code of a refusal -> what it means; every one bars the session from training."""
NUDGE_MS: Final = 5_000.0
"""Largest manual nudge: more is no nudge but another alignment."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """A versioned answer: locked with pieces, or refused with a reason.

    Args:
        version: number of the stored version, 0 = not stored.
        locked: the pieces hold.
        pieces: in order of reference time; between them nothing is known.
        method: ``beats``, ``beats+events``, with ``+nudge`` where somebody moved it.
        evidence: plain JSON: what was tried and what spoke for and against it.
        refused_because: a code of :data:`REFUSED`, empty where locked.
        made_by: operator code or program.
        wall_ns: UTC when it was made.
        software: that made it.
        why: reason given for a manual change or an undo.
        restores: the version that an undo went back to; None = a new one.

    Raises:
        ValueError: locked without pieces, or refused without a reason.
    """

    version: int
    locked: bool
    pieces: tuple[Piece, ...]
    method: str
    evidence: dict[str, Any] = field(default_factory=dict, hash=False)
    refused_because: str = ""
    made_by: str = ""
    wall_ns: int = 0
    software: str = ""
    why: str = ""
    restores: int | None = None

    def __post_init__(self) -> None:
        if self.locked != bool(self.pieces) or self.locked == bool(self.refused_because):
            raise ValueError("an alignment is locked with pieces, or refused with a reason")
        if any(b.t0_s < a.t1_s for a, b in zip(self.pieces[:-1], self.pieces[1:], strict=True)):
            raise ValueError("pieces of an alignment must follow each other")

    @property
    def offset_s(self) -> float:
        """Pulse time − reference time at the beginning of the longest piece; NaN where refused."""
        return self._longest.offset_s if self.locked else float("nan")

    @property
    def drift_ppm(self) -> float:
        """Of the longest piece; NaN where refused."""
        return self._longest.drift_ppm if self.locked else float("nan")

    @property
    def drift_error_ppm(self) -> float:
        """95 % bound of the clocks' own drift, of the longest piece; NaN where refused or not told."""
        told = self._longest.drift_error_ppm if self.locked else None
        return float("nan") if told is None else told

    @property
    def residual_ms(self) -> float:
        """Of all pieces, weighted by their beats; NaN where refused."""
        return self._mean([p.residual_ms for p in self.pieces])

    @property
    def matched_fraction(self) -> float:
        """Of all pieces, weighted by their beats; NaN where refused."""
        return self._mean([p.matched_fraction for p in self.pieces])

    @property
    def _longest(self) -> Piece:
        return max(self.pieces, key=lambda p: p.t1_s - p.t0_s)

    def _mean(self, values: Sequence[float]) -> float:
        if not self.locked:
            return float("nan")
        return float(np.average(values, weights=[max(p.n_beats, 1) for p in self.pieces]))

    def content(self) -> dict[str, Any]:
        """What is stored: plain JSON."""
        return {
            "locked": self.locked,
            "pieces": [asdict(p) for p in self.pieces],
            "method": self.method,
            "evidence": self.evidence,
            "refused_because": self.refused_because,
        }

    @classmethod
    def of(cls, stored: StoredAlignment) -> Self:
        """A stored version. Unknown keys are ignored.

        Raises:
            ValueError, KeyError, TypeError: its content is no alignment.
        """
        content = stored.content
        known = Piece.__dataclass_fields__
        pieces = tuple(Piece(**{k: v for k, v in p.items() if k in known}) for p in content["pieces"])
        return cls(
            stored.version,
            bool(content["locked"]),
            pieces,
            str(content["method"]),
            dict(content["evidence"]),
            str(content["refused_because"]),
            stored.made_by,
            stored.wall_ns,
            stored.software,
            stored.why,
            stored.restores,
        )


def locked(pieces: Sequence[Piece], method: str, evidence: dict[str, Any]) -> Alignment:
    """One that holds, not stored yet."""
    return Alignment(0, locked=True, pieces=tuple(pieces), method=method, evidence=evidence)


def refused(because: str, method: str = "beats", evidence: dict[str, Any] | None = None) -> Alignment:
    """One that does not, not stored yet; ``because``: a code of :data:`REFUSED`."""
    return Alignment(
        0, locked=False, pieces=(), method=method, evidence=evidence or {}, refused_because=because
    )


def to_pulse_time(alignment: Alignment, t_ref_s: Times) -> Times:
    """Elapsed pulse time of elapsed reference times, same shape; NaN outside every piece."""
    return time_map.to_pulse(alignment.pieces, np.asarray(t_ref_s, dtype=np.float64))


def to_reference_time(alignment: Alignment, t_pulse_s: Times) -> Times:
    """Elapsed reference time of elapsed pulse times, same shape; NaN outside every piece."""
    return time_map.to_reference(alignment.pieces, np.asarray(t_pulse_s, dtype=np.float64))


def residual_ms_at(alignment: Alignment, t_ref_s: Times) -> Times:
    """Residual of the piece each reference time lies in; NaN outside every piece."""
    t = np.asarray(t_ref_s, dtype=np.float64)
    out: Times = np.full(t.shape, np.nan)
    for piece in alignment.pieces:
        out[(t >= piece.t0_s) & (t <= piece.t1_s)] = piece.residual_ms
    return out


def nudged(alignment: Alignment, by_ms: float) -> Alignment:
    """The same with every piece's pulse time moved; the method says so.

    Raises:
        ConfigError: refused alignments have nothing to move; a move of 0 or over :data:`NUDGE_MS`.
    """
    if not alignment.locked:
        raise ConfigError("there is no locked alignment to nudge; align first")
    if not 0 < abs(by_ms) <= NUDGE_MS:
        raise ConfigError(f"a nudge of {by_ms:g} ms; give -{NUDGE_MS:g} to {NUDGE_MS:g}, not 0")
    pieces = tuple(replace(p, offset_s=p.offset_s + by_ms / 1000.0) for p in alignment.pieces)
    method = alignment.method if alignment.method.endswith("+nudge") else f"{alignment.method}+nudge"
    total_ms = float(alignment.evidence.get("nudged_ms", 0.0)) + by_ms
    return replace(
        alignment, pieces=pieces, method=method, evidence={**alignment.evidence, "nudged_ms": total_ms}
    )


def current(folder: Path) -> Alignment | None:
    """What holds for a session folder; None = never aligned, undone to none, or the newest version is damaged."""
    stored = alignments.current(folder)
    return None if stored is None else _readable(stored)


def history(folder: Path) -> tuple[Alignment, ...]:
    """Every version that holds an alignment, in order."""
    found = [_readable(stored) for stored in alignments.history(folder) if stored.content]
    return tuple(a for a in found if a is not None)


def _readable(stored: StoredAlignment) -> Alignment | None:
    try:
        return Alignment.of(stored)
    except (ValueError, KeyError, TypeError):
        return None


def store(
    folder: Path,
    alignment: Alignment,
    *,
    made_by: str,
    software: str,
    wall_ns: int,
    why: str = "",
    upon: Alignment | None = None,
) -> Alignment:
    """Append a version.

    Args:
        folder: session folder.
        alignment: to keep.
        made_by, software, wall_ns, why: as of :class:`Alignment`.
        upon: what it was made of by hand: where another holds by now nothing is stored. None: of the samples alone.

    Raises:
        SessionError: no session here, it was erased, or another than ``upon`` holds.
        StorageError: the folder is not writable.
    """
    effective = None if upon is None else upon.version if upon.restores is None else upon.restores
    stored = alignments.append(
        folder,
        alignment.content(),
        made_by=made_by,
        software=software,
        wall_ns=wall_ns,
        why=why,
        upon=effective,
    )
    return Alignment.of(stored)
