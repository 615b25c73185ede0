"""``recorder quarantine list | restore | purge``: what was discarded, and for how long it can be had back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from recorder import session as store
from recorder.clock import Clock
from recorder.errors import RecorderError
from recorder.host import places


def folder_of(home: Path | None, folder: Path | None) -> Path:
    """The folder of sessions that is meant."""
    return folder or places.sessions_dir(home)


def list_all(folder: Path) -> dict[str, Any]:
    """Every session in quarantine, with the moment from which it may be erased."""
    return {"folder": str(folder), "sessions": [each.to_json() for each in store.quarantined(folder)]}


def restore(folder: Path, name: str, operator: str, why: str) -> dict[str, Any]:
    """Take one back."""
    wall_ns = Clock.from_environment().wall_ns()
    return {"restored": str(store.restore(folder, name, who=operator, why=why, wall_ns=wall_ns))}


def purge(folder: Path, name: str | None, *, sure: bool) -> dict[str, Any]:
    """Erase those whose 30 days are over, or one at once.

    Raises:
        RecorderError: the name was not typed.
    """
    asks = name is not None and sys.stdin.isatty() and not sure
    if asks and input(f"Erase {name} for ever? Type its name: ").strip() != name:
        raise RecorderError(f"{name}: nothing was erased; type its name, or give --yes")
    stones = store.purge(folder, Clock.from_environment().wall_ns(), name=name)
    return {"erased": [stone.to_json() for stone in stones]}
