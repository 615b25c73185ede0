"""Instants both devices saw by themselves: three taps on the sensors, a tag beside a marker. They tell the absolute
offset of the clocks, which beats cannot: beats carry the way of the pulse and the delays of both devices with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TAP_G: Final = 0.35
"""Least jump of the acceleration from sample to sample; an arm that moves stays under it."""
TAP_NOISE: Final = 8.0
"""Times the usual jump around it, in either wave."""
ONE_S: Final = 0.18
"""What rings for so long is one tap."""
BETWEEN_S: Final = (0.22, 1.2)
"""Between two taps of a group."""
QUIET_S: Final = 1.5
"""Nothing else for so long before and after: movement makes spikes too, but not three and then none."""
TAPS: Final = 3
ALIKE_S: Final = 0.05
"""Gaps between taps agree this closely in both devices: a sample of 32 Hz on either side."""
LAG_S: Final = (-0.15, 0.45)
"""Where the beats may lie beside the taps: the way from finger to wrist and the delays of both devices."""
_USUAL_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class SyncEvent:
    """An instant in both devices' times.

    Args:
        kind: ``taps`` or ``tag``.
        pulse_s, reference_s: when, in each device's time.
        spread_ms: how well the single taps agree; 0 for a tag.
    """

    kind: str
    pulse_s: float
    reference_s: float
    spread_ms: float = 0.0

    @property
    def offset_s(self) -> float:
        """Pulse time − reference time."""
        return self.pulse_s - self.reference_s


def taps_in_motion(time_s: Array, acc_g: NDArray[np.floating]) -> list[Array]:
    """Groups of three taps in an acceleration ``(n, 3)`` in g: their times ``(3,)``, s."""
    if time_s.size < 8:
        return []
    jump = np.linalg.norm(np.diff(np.asarray(acc_g, dtype=np.float64), axis=0), axis=1)
    return groups_of_three(_spikes(time_s[1:], jump, TAP_G))


def taps_in_pressure(time_s: Array, wave: NDArray[np.floating]) -> list[Array]:
    """The same in a pressure wave ``(n,)``: what no artery does, a second difference far over the usual."""
    if time_s.size < 8:
        return []
    bend = np.abs(np.diff(np.asarray(wave, dtype=np.float64), n=2))
    return groups_of_three(_spikes(time_s[1:-1], bend, 0.0))


def _spikes(time_s: Array, size: Array, least: float) -> Array:
    """Times of what is far over the usual around it; ringing counts once, at its beginning."""
    size = np.nan_to_num(size)
    step_s = float(np.median(np.diff(time_s))) if time_s.size > 1 else 1.0
    width = max(8, round(_USUAL_S / max(step_s, 1e-3)))
    usual = np.empty(size.size)
    for first in range(0, size.size, width):
        part = slice(first, min(first + width, size.size))
        usual[part] = np.quantile(size[part], 0.9)
    at = time_s[size > np.maximum(least, TAP_NOISE * usual)]
    if not at.size:
        return at
    return np.asarray(at[np.concatenate(([True], np.diff(at) > ONE_S))])


def groups_of_three(spikes_s: Array) -> list[Array]:
    """Exactly three, evenly enough, and nothing else around."""
    if not spikes_s.size:
        return []
    cuts = np.flatnonzero(np.diff(spikes_s) > QUIET_S) + 1
    groups = np.split(spikes_s, cuts)
    low, high = BETWEEN_S
    return [g for g in groups if g.size == TAPS and all(low <= b - a <= high for a, b in pairwise(g))]


def paired_taps(pulse: Sequence[Array], reference: Sequence[Array]) -> list[SyncEvent]:
    """Groups of both devices with the same rhythm. Where a group fits several, it tells nothing."""
    fits = [
        (n, m)
        for n, ours in enumerate(pulse)
        for m, theirs in enumerate(reference)
        if float(np.abs(np.diff(ours) - np.diff(theirs)).max()) <= ALIKE_S
    ]
    ours_of, theirs_of = [n for n, _ in fits], [m for _, m in fits]
    found = []
    for n, m in fits:
        if ours_of.count(n) == 1 and theirs_of.count(m) == 1:
            off = pulse[n] - reference[m]
            spread_ms = 1000.0 * float(off.max() - off.min())
            found.append(SyncEvent("taps", float(pulse[n][0]), float(reference[m][0]), spread_ms))
    return found


def anchor_s(events: Sequence[SyncEvent]) -> float | None:
    """The absolute offset by taps; None without any, or where they contradict each other."""
    offsets = [e.offset_s for e in events if e.kind == "taps"]
    if not offsets or max(offsets) - min(offsets) > 2 * ALIKE_S:
        return None
    return float(np.median(offsets))


def beside(
    tags_s: Sequence[float], markers_s: Sequence[float], offset_s: float, within_s: float = 2.0
) -> list[SyncEvent]:
    """Tags of the wristband beside markers of the reference, given how the clocks lie."""
    found = []
    for tag_s in tags_s:
        near = [m for m in markers_s if abs(tag_s - m - offset_s) <= within_s]
        if len(near) == 1:
            found.append(SyncEvent("tag", tag_s, near[0]))
    return found
