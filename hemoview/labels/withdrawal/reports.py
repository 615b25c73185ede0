"""Whom a report is about, what of it can go, and a subject's windows taken out of what stays."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hemoview.labels.withdrawal.places import EVALUATION, SESSION_REPORT, is_session_report, json_of

VALUES: Final = EVALUATION[1]
_FILES: Final = (*EVALUATION, SESSION_REPORT, "report.html", "report.pdf", "report.xlsx", "withdrawn.json")
"""What makes a report, in the order it is deleted; tables beside a report of a session go as well."""
OF_SESSION: Final = "session "
"""How an evaluation of one session names its dataset."""


@dataclass(frozen=True, slots=True)
class ReportOf:
    """Whom a report is about.

    Args:
        subjects: pseudonyms; None = it does not say whom.
        sessions: folder names or ids of sessions it names.
        version: of the windows it judged, empty where it does not say.
    """

    subjects: frozenset[str] | None
    sessions: frozenset[str]
    version: str


def report_of(folder: Path) -> ReportOf:
    """Read a report's own files."""
    if is_session_report(folder):
        session = json_of(folder / SESSION_REPORT).get("session")
        told: dict[str, Any] = session if isinstance(session, dict) else {}
        who, which = str(told.get("pseudonym") or ""), str(told.get("session_id") or "")
        return ReportOf(frozenset({who} if who else ()), frozenset({which} if which else ()), "")
    figures = json_of(folder / EVALUATION[0])
    name = str(figures.get("dataset") or "")
    sessions = frozenset({name.removeprefix(OF_SESSION)} if name.startswith(OF_SESSION) else ())
    return ReportOf(_subjects(folder), sessions, str(figures.get("dataset_version") or ""))


def _subjects(folder: Path) -> frozenset[str] | None:
    try:
        with np.load(folder / VALUES, allow_pickle=False) as stored:
            return frozenset(str(who) for who in np.unique(stored["subject"]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def delete_report(folder: Path) -> None:
    """Only files of a report: what somebody else put there stays."""
    tables = sorted(folder.glob("*.csv")) if is_session_report(folder) else []
    for path in (*tables, *(folder / name for name in _FILES)):
        path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def without_windows(folder: Path, subject: str) -> None:
    """Take a subject's windows out of ``predictions.npz``; the file is the old one or the new one, never half of it."""
    path = folder / VALUES
    if _subjects(folder) is None:  # not there, or nothing in it says whose: the list has said so
        return
    with np.load(path, allow_pickle=False) as stored:
        columns = {name: stored[name] for name in stored.files}
    whose = np.char.lower(columns["subject"].astype(np.str_))
    kept = whose != subject.lower()
    n = len(whose)
    cut = {name: v[kept] if v.ndim and len(v) == n else v for name, v in columns.items()}
    part = path.with_suffix(".npz.part")
    with part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **cut)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
