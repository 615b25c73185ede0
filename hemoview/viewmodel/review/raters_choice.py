"""Which raters see suggestions: kept beside the sessions, so that it returns with the rater."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from recorder.errors import SessionError
from recorder.session.files import write_whole
from recorder.session.lock import FolderLock


def place_of(session: Path) -> Path:
    """The file for a session of this home."""
    return session.parent.parent / "settings" / "raters.json"


def suggests_to(place: Path, rater: str) -> bool:
    """Did this rater switch suggestions on? Not before he did: labels are independent unless asked otherwise."""
    return _read(place).get(rater) is True


def remember(place: Path, rater: str, *, on: bool) -> None:
    """Keep it, where that is possible: a session opened from elsewhere has no settings beside it."""
    if place.parent.is_dir():
        # another window keeps what another rater chose at the same moment
        with contextlib.suppress(SessionError), FolderLock(place.parent, "raters.lock", wait_s=1.0):
            write_whole(place, json.dumps({**_read(place), rater: on}, sort_keys=True).encode())


def _read(place: Path) -> dict[str, object]:
    try:
        found = json.loads(place.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
