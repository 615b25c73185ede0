"""What becomes of what holds a subject who has withdrawn: deleted where nobody else is in it, else marked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hemoview.labels.datasets.folder import (
    FACTS,
    HOLDS_WITHDRAWN,
    LABELS,
    META,
    PPG,
    SPLITS,
    WITHDRAWN,
)
from hemoview.labels.withdrawal.reports import delete_report, without_windows
from recorder import session as sessions
from recorder.session.files import write_whole

MARK: Final = HOLDS_WITHDRAWN
CARD: Final = "card.html"
_DATASET_FILES: Final = (FACTS, SPLITS, META, LABELS, PPG, CARD, WITHDRAWN)
"""In the order they are deleted: without the first it is no dataset any more."""


def delete(kind: str, paths: Sequence[Path]) -> None:
    """Delete a holding: of a session a tombstone is left, of a folder what is not its own.

    Raises:
        RecorderError, OSError: something of it could not be deleted.
    """
    for path in paths:
        if kind == "session":
            sessions.erase(path, why="the subject was withdrawn")
        elif kind == "dataset":
            _delete_dataset(path)
        elif kind == "report":
            delete_report(path)
        elif path.is_dir():
            for inner in sorted(path.rglob("*"), reverse=True):
                inner.rmdir() if inner.is_dir() else inner.unlink()
            path.rmdir()
        else:
            path.unlink(missing_ok=True)


def _delete_dataset(folder: Path) -> None:
    """Only files of a dataset: what somebody else put there stays."""
    for name in _DATASET_FILES:
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def mark(kind: str, paths: Sequence[Path], subject: str) -> None:
    """Note beside a holding that the subject was withdrawn; of a report its windows go. One at a time.

    Raises:
        OSError: it could not be written; what is there is as it was.
    """
    for path in paths:
        if kind == "report":
            without_windows(path, subject)
        if path.is_dir():
            known = withdrawn_from(path)
            told = {MARK: sorted({*known, subject})}
            write_whole(path / WITHDRAWN, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())


def withdrawn_from(folder: Path) -> list[str]:
    """Subjects of a dataset or a model who were withdrawn since."""
    try:
        value = json.loads((folder / WITHDRAWN).read_text("utf-8"))
        return [str(each) for each in value[MARK]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
