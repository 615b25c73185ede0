"""``made.jsonl`` of the home folder: where reports and training runs were written, so that a withdrawal finds them."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from recorder.errors import StorageError
from recorder.session import ledger
from recorder.session.files import storage_errors

FILE: Final = "made.jsonl"
MadeKind = Literal["report", "run"]


@dataclass(frozen=True, slots=True)
class Made:
    """A folder that was written here.

    Args:
        kind: of what.
        folder: where; absolute.
        wall_ns: when, UTC ns since 1970.
    """

    kind: str
    folder: str
    wall_ns: int

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of ``asdict``; unknown keys are ignored.

        Raises:
            TypeError: a field is missing.
        """
        return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})


def remember(home: Path, kind: MadeKind, folder: Path) -> None:
    """Note a folder once; where the list cannot be written the report or run is there all the same."""
    where = str(folder.absolute())
    if any(m.kind == kind and m.folder == where for m in made(home)):
        return
    with contextlib.suppress(StorageError, OSError), storage_errors(home, "recording what was made"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ledger.append(home / FILE, "entry", asdict(Made(kind, where, time.time_ns())))


def made(home: Path) -> list[Made]:
    """Every folder in order; a line that cannot be read is left out: it names a place, and nobody."""
    return ledger.read(home / FILE, "entry", Made.from_json)[0]
