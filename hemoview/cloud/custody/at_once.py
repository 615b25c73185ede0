"""How many bodies one device may have on their way: each has its room on the disk booked before it came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from hemoview.cloud.problems import Problem

BODIES: Final = 16
"""A bedside sends four at once; those that a network broke off stay for a while beside them. Sixteen of the largest are
1 GiB: a device that begins bodies and never sends them cannot have all the disk kept for itself."""
AGAIN_S: Final = 10


class BodiesAtOnce:
    """Of every device."""

    def __init__(self) -> None:
        self._of: Counter[str] = Counter()

    @contextmanager
    def one_more(self, device_id: str) -> Iterator[None]:
        """Around one body.

        Raises:
            Problem: 429, there are as many as may be.
        """
        if self._of[device_id] >= BODIES:
            why = f"nothing was stored: {BODIES} bodies of this device are on their way; later again"
            raise Problem(429, why, headers={"Retry-After": str(AGAIN_S)})
        self._of[device_id] += 1
        try:
            yield
        finally:
            self._of[device_id] -= 1
            if not self._of[device_id]:
                del self._of[device_id]
