"""``datasets.jsonl`` of the home folder: which dataset holds whom, append-only, so that a withdrawal finds them all."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from recorder.session import ledger
from recorder.session.files import storage_errors

FILE: Final = "datasets.jsonl"


@dataclass(frozen=True, slots=True)
class Registered:
    """A dataset that was built here.

    Args:
        folder: where it was written; absolute.
        version: its hash.
        name: what it is called.
        subjects: pseudonyms, sorted.
        sessions: session ids.
        wall_ns: when, UTC ns since 1970.
        software: that built it.
        simulated: some of it is.
        session_folders: where its sessions lay.
    """

    folder: str
    version: str
    name: str
    subjects: tuple[str, ...]
    sessions: tuple[str, ...]
    wall_ns: int
    software: str
    simulated: bool = False
    session_folders: tuple[str, ...] = ()

    def holds(self, pseudonym: str) -> bool:
        """Whether a subject is in it."""
        return pseudonym.casefold() in {s.casefold() for s in self.subjects}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of ``asdict``; unknown keys are ignored.

        Raises:
            TypeError: a field is missing.
        """
        known = {k: v for k, v in value.items() if k in cls.__dataclass_fields__}
        for name in ("subjects", "sessions", "session_folders"):
            known[name] = tuple(known.get(name) or ())
        return cls(**known)


def register(home: Path, built: Registered) -> None:
    """Add a dataset; it is on disk when this returns.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors(home, "recording a dataset"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ledger.append(home / FILE, "entry", asdict(built))


def registered(home: Path) -> tuple[list[Registered], list[str]]:
    """Every dataset in order, and what is wrong with each line that cannot be read."""
    found, wrong = ledger.read(home / FILE, "entry", Registered.from_json)
    return found, [f"{FILE} {each}" for each in wrong]
