"""Which recordings of a CNAP stick are whole by now: told what lies in a folder again and again, pure.

A stick is slow and may be pulled out at any time, and files may still be on their way. A recording is handed out once
its files have not changed for a while and none is missing any more, or has been missing for long; once only, unless
a file of it changes afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from recorder.exchange.sources.cnap_names import PARTS, name_of

QUIET_S: Final = 6.0
"""A file that has not changed for so long is whole: copying from a slow stick stalls for a second or two."""
WAIT_S: Final = 60.0
"""So long a recording waits for the part that is missing."""

Place = tuple[str, str]
"""Folder of a recording, and its name in it with what stands before: two sticks may hold the same name."""
Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it is now."""

    size: int
    mtime_ns: int


Listing = Mapping[Path, Seen]


@dataclass(frozen=True, slots=True)
class Found:
    """A recording that can be read.

    Args:
        recording: name as its monitor made it.
        parts: ``beats``, ``waveform``, ``summary`` -> file; those that are there.
        changed: it was handed out before, and its files are others now.
    """

    recording: str
    parts: Mapping[str, Path] = field(hash=False)
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Stick:
    """The folder came or went."""

    state: Literal["there", "gone"]


@dataclass(slots=True)
class _Known:
    """What is remembered of a recording: since when it looks as it does, and how it looked when it was handed out."""

    signature: Signature
    since_s: float
    given: Signature | None = None


@dataclass(slots=True)
class StickWatch:
    """Remembers what it was told.

    Args:
        quiet_s, wait_s: see :data:`QUIET_S`, :data:`WAIT_S`.
    """

    quiet_s: float = QUIET_S
    wait_s: float = WAIT_S
    _known: dict[Place, _Known] = field(default_factory=dict)
    _there: bool | None = None

    def look(self, listing: Listing | None, now_s: float) -> list[Stick | Found]:
        """What is new.

        Args:
            listing: every file in the folder; None: there is no folder, the stick was pulled out.
            now_s: any clock that only goes forward.
        """
        told: list[Stick | Found] = []
        if self._there is not (listing is not None):
            self._there = listing is not None
            told.append(Stick("there" if self._there else "gone"))
        for place, parts in sorted(_recordings(listing or {}).items()):
            found = self._whole(place, parts, listing or {}, now_s)
            if found is not None:
                told.append(found)
        return told

    def again(self, found: Found) -> None:
        """It could not be read because it was gone meanwhile: hand it out again when it is back."""
        for known in self._known.values():
            if known.given is not None and known.given == known.signature and _names(known) == _paths(found):
                known.given = None

    def _whole(self, place: Place, parts: dict[str, Path], listing: Listing, now_s: float) -> Found | None:
        signature = tuple((str(p), listing[p].size, listing[p].mtime_ns) for _, p in sorted(parts.items()))
        known = self._known.setdefault(place, _Known(signature, now_s))
        if known.signature != signature:
            known.signature, known.since_s = signature, now_s
        if known.given == signature or any(size == 0 for _, size, _ in signature):
            return None
        quiet_s = now_s - known.since_s
        if quiet_s < (self.quiet_s if len(parts) == len(PARTS) else self.wait_s):
            return None
        changed, known.given = known.given is not None, signature
        named = name_of(place[1])
        return Found(named.recording if named else place[1], dict(parts), changed)


def _recordings(listing: Listing) -> dict[Place, dict[str, Path]]:
    """Files of a stick by recording; anything else, and a copy that goes by another name until it is whole, is not."""
    found: dict[Place, dict[str, Path]] = defaultdict(dict)
    for path in listing:
        named = name_of(path.name)
        if named is not None and named.part and path.name.lower().endswith(f"_{named.part}.csv"):
            stem = path.name[: -len(f"_{named.part}.csv")]
            found[str(path.parent), stem][named.part] = path
    return found


def _names(known: _Known) -> set[str]:
    return {path for path, _, _ in known.signature}


def _paths(found: Found) -> set[str]:
    return {str(path) for path in found.parts.values()}
