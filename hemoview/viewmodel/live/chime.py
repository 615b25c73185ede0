"""When a sound is due: something technical has just gone wrong, or still is and nobody came. Pure.

A technical chime says that the recording needs a hand. It never speaks of a person's values: two soft tones, none of
the alarm patterns of IEC 60601-1-8.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hemoview.viewmodel.live.record_view import Banner

AGAIN_S = 60.0
"""While it lasts, once a minute."""
APART_S = 3.0
"""Two troubles that come together are one chime."""


@dataclass(frozen=True, slots=True)
class Chime:
    """What has been chimed for.

    Args:
        keys: banners that stood when it was last looked.
        at_s: of the last chime.
    """

    keys: frozenset[str] = frozenset()
    at_s: float | None = None

    def look(self, banners: Iterable[Banner], now_s: float, *, recording: bool) -> tuple[Chime, bool]:
        """What stands now; whether to chime. Only while recording: before it, somebody is at the bed."""
        keys = frozenset(b.key for b in banners if b.level == "danger") if recording else frozenset()
        new = bool(keys - self.keys) and (self.at_s is None or now_s - self.at_s >= APART_S)
        again = bool(keys) and self.at_s is not None and now_s - self.at_s >= AGAIN_S
        sounds = new or again
        waiting = keys if sounds or not keys - self.keys else keys & self.keys
        return Chime(waiting, now_s if sounds else self.at_s), sounds
