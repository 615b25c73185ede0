"""``withdrawals.jsonl`` of the home folder: subjects who took their consent back, append-only (safety rule 15).

A pseudonym that stands here is barred from every new dataset, however its session is spelled: capitals and small
letters are the same.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from recorder.errors import StorageError
from recorder.session import ledger
from recorder.session.files import storage_errors

FILE: Final = "withdrawals.jsonl"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal, with what became of everything that held the subject.

    Args:
        subject: pseudonym.
        wall_ns: when, UTC ns since 1970.
        why: reason, empty where none was given: nobody has to give one.
        who: operator code of who entered it.
        erased: what was deleted, as text.
        marked: what stays and is marked "contains withdrawn subject".
        software: version that did it.
    """

    subject: str
    wall_ns: int
    why: str = ""
    who: str = ""
    erased: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    software: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; unknown keys are ignored.

        Raises:
            TypeError: a field is missing.
        """
        known = {k: v for k, v in value.items() if k in cls.__dataclass_fields__}
        for name in ("erased", "marked"):
            known[name] = tuple(known.get(name) or ())
        return cls(**known)


def append(home: Path, withdrawal: Withdrawal) -> None:
    """Add one; it is on disk when this returns.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors(home, "recording a withdrawal"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ledger.append(home / FILE, "entry", withdrawal.to_json())


def read(home: Path) -> list[Withdrawal]:
    """Every withdrawal in order.

    Raises:
        StorageError: a line cannot be read: nobody may guess whose it was.
    """
    found, wrong = ledger.read(home / FILE, "entry", Withdrawal.from_json)
    if wrong:
        raise StorageError(
            f"{home / FILE}: {'; '.join(wrong)}; whose withdrawal it was is not known, so nothing is "
            "built or deleted: restore the file from a backup, or take that line out and enter the withdrawal again"
        )
    return found


def pseudonyms(home: Path) -> frozenset[str]:
    """Of everybody who has withdrawn, casefolded.

    Raises:
        StorageError: a line cannot be read.
    """
    return frozenset(w.subject.casefold() for w in read(home))


def is_withdrawn(withdrawals: list[Withdrawal], pseudonym: str) -> bool:
    """Whether a pseudonym stands among them."""
    return any(w.subject.casefold() == pseudonym.casefold() for w in withdrawals)
