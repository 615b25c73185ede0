"""Folders looked through whole: what in them is a session, dataset, model or report, by the files that make it so."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hemoview.labels.datasets.folder import FACTS
from recorder.session.header import SESSION_FILE

CARDS: Final = ("card.json", "config.json")
EVALUATION: Final = ("evaluation.json", "predictions.npz")
SESSION_REPORT: Final = "facts.json"
SESSION_REPORT_KIND: Final = "hemoview-session-report"
DEEPEST: Final = 8
"""Folders below one that was named; deeper nobody keeps them, and a disk has no end."""


@dataclass(slots=True)
class Seen:
    """What lies in the folders, by kind, and which of them could not be read."""

    sessions: list[Path] = field(default_factory=list)
    datasets: list[Path] = field(default_factory=list)
    cards: list[Path] = field(default_factory=list)
    reports: list[Path] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def look_through(tops: Iterable[Path], beside: Iterable[Path] = ()) -> Seen:
    """Walk folders, links not followed; a folder that cannot be read is named.

    Args:
        tops: looked through whole.
        beside: looked at with what lies directly in them: they may be anywhere, and others' files around them.
    """
    seen = Seen()
    done: set[Path] = set()
    for top, deepest in [*((t, DEEPEST) for t in tops), *((t, 1) for t in beside)]:
        if not top.is_dir():
            seen.unread.append(f"{top}: is not there")
            continue
        for folder, names in _walk(top.absolute(), deepest, seen):
            if folder in done:
                continue
            done.add(folder)
            _sort(folder, names, seen)
    return seen


def _walk(top: Path, deepest: int, seen: Seen) -> Iterator[tuple[Path, set[str]]]:
    def refused(error: OSError) -> None:
        seen.unread.append(f"{error.filename}: {error.strerror}")

    for path, folders, names in os.walk(top, onerror=refused):
        here = Path(path)
        inside = SESSION_FILE in names or len(here.relative_to(top).parts) >= deepest
        folders[:] = [] if inside else sorted(f for f in folders if not f.startswith("."))
        yield here, set(names)


def _sort(folder: Path, names: set[str], seen: Seen) -> None:
    if SESSION_FILE in names:
        seen.sessions.append(folder)
        return
    if FACTS in names:
        seen.datasets.append(folder)
    seen.cards += [folder / card for card in CARDS if card in names]
    if names & set(EVALUATION) or (SESSION_REPORT in names and is_session_report(folder)):
        seen.reports.append(folder)


def is_session_report(folder: Path) -> bool:
    """Whether ``facts.json`` is of a report on a session."""
    return json_of(folder / SESSION_REPORT).get("kind") == SESSION_REPORT_KIND


def json_of(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
