"""``alignments/NNNN.json``: how the clocks of two devices of a session lie to each other; append-only, each version
signed with its own SHA-256. Samples are never rewritten; an undo is a further version that restores an earlier one.

This room keeps them and does not understand them: ``content`` is plain JSON of :mod:`hemoview.labels.alignment`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from recorder.errors import RecorderError, SessionError
from recorder.session.files import (
    is_signed,
    make_folder,
    read_json,
    sign_json,
    storage_errors,
    write_new,
)
from recorder.session.header import read_card, refuse_erased

ALIGNMENT_FOLDER: Final = "alignments"
KIND: Final = "hemoview-alignment"
_TRIES: Final = 50


@dataclass(frozen=True, slots=True)
class StoredAlignment:
    """One version.

    Args:
        version: its number, from 1.
        wall_ns: UTC when it was made, ns since 1970.
        made_by: operator code or program; never a name.
        software: name and version that made it.
        content: the alignment; empty = none, the state before the first.
        parent: the version it was made upon (the effective one), 0 = none; what an undo goes back to.
        restores: the version whose content this one repeats; None = a new one.
        why: reason given for a manual change or an undo.
    """

    version: int
    wall_ns: int
    made_by: str
    software: str
    content: dict[str, Any] = field(default_factory=dict, hash=False)
    parent: int = 0
    restores: int | None = None
    why: str = ""

    @property
    def effective(self) -> int:
        """The version this content was first stored as; 0 = none."""
        return self.version if self.restores is None else self.restores

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"kind": KIND, **asdict(self)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Inverse of :meth:`to_json`; unknown keys are ignored.

        Raises:
            ValueError, KeyError, TypeError: the value is not an alignment.
        """
        if value.get("kind") != KIND:
            raise ValueError("not an alignment")
        return cls(**{k: v for k, v in value.items() if k in cls.__dataclass_fields__})


def history(folder: Path) -> tuple[StoredAlignment, ...]:
    """Every whole version in order."""
    return tuple(found for found in _read(folder).values() if isinstance(found, StoredAlignment))


def current(folder: Path) -> StoredAlignment | None:
    """What holds: the newest version. None where there is none, where it was undone to none, and where the newest is
    damaged: an older one is never taken for it.
    """
    found = _read(folder)
    newest = found[max(found)] if found else None
    return newest if isinstance(newest, StoredAlignment) and newest.content else None


def damaged(folder: Path) -> list[tuple[str, str]]:
    """(file relative to the session, why) of every version that is not as it was written, or missing."""
    found = _read(folder)
    wrong = [(_name(n), why) for n, why in found.items() if isinstance(why, str)]
    missing = set(range(1, max(found, default=0) + 1)) - found.keys()
    return wrong + [(_name(n), "missing: a later version is there") for n in sorted(missing)]


def append(
    folder: Path,
    content: dict[str, Any],
    *,
    made_by: str,
    software: str,
    wall_ns: int,
    why: str = "",
    restores: int | None = None,
) -> StoredAlignment:
    """Store a further version; it is on disk when this returns. Two at once get numbers after each other.

    Raises:
        SessionError: no session here, or it was erased.
        StorageError: the folder is not writable.
    """
    read_card(folder)
    place = folder / ALIGNMENT_FOLDER
    with storage_errors(folder, "storing an alignment"):
        if not place.is_dir():
            make_folder(place)
        for _ in range(_TRIES):
            known = _read(folder)
            before = current(folder)
            parent = before.effective if before is not None else 0
            if restores is not None:
                parent = _parent_of(history(folder), restores)
            number = max(known, default=0) + 1
            version = StoredAlignment(number, wall_ns, made_by, software, content, parent, restores, why)
            if write_new(folder / _name(number), sign_json(version.to_json())):
                return version
    raise SessionError(f"{folder.name}: others store alignments all the time; try again")


def undo(folder: Path, *, made_by: str, software: str, wall_ns: int, why: str = "") -> StoredAlignment:
    """A further version that restores the one before what holds now; before the first there is none.

    Raises:
        SessionError: nothing to undo, or the one to go back to is damaged.
        StorageError: the folder is not writable.
    """
    refuse_erased(folder)
    known = {v.version: v for v in history(folder)}
    now = current(folder)
    if now is None:
        raise SessionError(f"{folder.name}: has no alignment that could be undone")
    back = now.parent
    if back and back not in known:
        raise SessionError(f"{folder.name}: {_name(back)} is damaged and cannot be restored; align again")
    content = known[back].content if back else {}
    return append(
        folder, content, made_by=made_by, software=software, wall_ns=wall_ns, why=why, restores=back
    )


def _parent_of(versions: tuple[StoredAlignment, ...], number: int) -> int:
    return next((v.parent for v in versions if v.version == number), 0)


def _name(number: int) -> str:
    return f"{ALIGNMENT_FOLDER}/{number:04d}.json"


def _read(folder: Path) -> dict[int, StoredAlignment | str]:
    """Version number -> the version, or what is wrong with its file; in order."""
    place = folder / ALIGNMENT_FOLDER
    if not place.is_dir():
        return {}
    files = sorted((int(p.stem), p) for p in place.glob("*.json") if p.stem.isdigit())
    return {number: _one(path, number) for number, path in files}


def _one(path: Path, number: int) -> StoredAlignment | str:
    try:
        value = read_json(path)
        if not is_signed(value):
            return "changed since it was written (hash differs); align again"
        found = StoredAlignment.from_json(value)
    except (RecorderError, OSError, ValueError, KeyError, TypeError):
        return "not readable, cut or overwritten; align again"
    return found if found.version == number else "renamed: it holds another version"
