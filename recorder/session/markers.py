"""Markers set or taken back after the session: amendments like any other, read as if they had been made live.

A session that was imported without the moment its reference was calibrated is given it so; samples and stored events
stay as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final
from uuid import uuid4

from recorder.errors import ConfigError
from recorder.schema import Amendment
from recorder.session import amendments
from recorder.session.afterwards import MARKER
from recorder.session.amended import store
from recorder.session.reader import Session, open_session

LONGEST_LABEL: Final = 120


def place_marker(path: Path | str, label: str, t_s: float, *, who: str, why: str, wall_ns: int) -> Amendment:
    """Set a marker at an elapsed time; on disk when this returns.

    Args:
        path: session folder.
        label: what happened, e.g. :data:`recorder.schema.REFERENCE_CALIBRATED`.
        t_s: elapsed seconds.
        who: operator code.
        why: reason.
        wall_ns: when it was set, UTC ns since 1970.

    Raises:
        ConfigError: no label, nobody signs it, no reason, or a time outside the session.
        SessionError: no session here, or a recorder is writing it: set it on the Record page.
        StorageError: the folder is not writable.
    """
    folder, label = Path(path), label.strip()
    _check_signed(who, why)
    if not 0 < len(label) <= LONGEST_LABEL:
        raise ConfigError(f"marker: say what happened in 1 to {LONGEST_LABEL} characters")
    with open_session(folder) as session:
        if not 0 <= t_s <= session.duration_s:
            raise ConfigError(
                f"marker at {t_s:g} s: {folder.name} lasts {session.duration_s:.0f} s; choose a time within it"
            )
        t_host_ns, era = session.moment(t_s)
    new = {"event_id": str(uuid4()), "label": label, "t_host_ns": t_host_ns, "era": era}
    return store(folder, lambda: [Amendment(MARKER, None, new, who.strip(), why.strip(), wall_ns)])[0]


def take_marker_back(path: Path | str, event_id: str, *, who: str, why: str, wall_ns: int) -> Amendment:
    """Take back a marker, made live or afterwards; on disk when this returns. It stays stored.

    Raises:
        ConfigError: there is no such marker (any more), nobody signs it, or no reason.
        SessionError: no session here, or a recorder is writing it: undo it on the Record page.
        StorageError: the folder is not writable.
    """
    folder = Path(path)
    _check_signed(who, why)
    with open_session(folder) as session:
        label = standing_markers(session).get(event_id)
    old = {"event_id": event_id, "label": label}

    def made() -> list[Amendment]:
        meanwhile = any(a.field == MARKER and a.old == old for a in amendments.read(folder)[0])
        if label is None or meanwhile:
            raise ConfigError(
                f"{folder.name}: no such marker, or it was taken back already; nothing was changed"
            )
        return [Amendment(MARKER, old, None, who.strip(), why.strip(), wall_ns)]

    return store(folder, made)[0]


def standing_markers(session: Session) -> dict[str, str]:
    """Id → label of every marker that was not undone."""
    undone = {e.payload.get("event_id") for e in session.events("marker-undone")}
    return {
        e.event_id: str(e.payload.get("label", ""))
        for e in session.events("marker")
        if e.event_id not in undone
    }


def _check_signed(who: str, why: str) -> None:
    if not who.strip():
        raise ConfigError("marker: no operator code; say who sets or takes back a marker")
    if not why.strip():
        raise ConfigError("marker: no reason; say why")
