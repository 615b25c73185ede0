"""Python's collector of cycles runs when nothing moves, not in the middle of a frame.

With a day and ten thousand labels in memory one pass of it takes longer than a frame may.
"""

from __future__ import annotations

import gc
import weakref
from typing import Final

MOST_PENDING: Final = 200_000
"""Objects made since the last pass; above it, it runs all the same: playback never rests."""

_moving: weakref.WeakSet[IdleSweep] = weakref.WeakSet()


def may_collect() -> bool:
    """No picture moves, or so much is pending that it may not wait: for who collects by a clock."""
    return not _moving or gc.get_count()[0] > MOST_PENDING


class IdleSweep:
    """Holds the collector back from the first move until the picture rests. One page at a time shows a picture."""

    def __init__(self) -> None:
        self._held = False

    def hold(self) -> None:
        """The picture moves."""
        _moving.add(self)
        if not self._held and gc.isenabled():
            gc.disable()
            self._held = True
        elif self._held and gc.get_count()[0] > MOST_PENDING:
            gc.collect(0)

    def rest(self) -> None:
        """Nothing moves: what is due is done now."""
        _moving.discard(self)
        if self._held:
            gc.enable()
            self._held = False
            gc.collect(1)
