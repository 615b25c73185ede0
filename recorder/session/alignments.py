"""``alignments/NNNN.json``: how the clocks of two devices of a session lie to each other; append-only, each version
signed with its own SHA-256. Samples are never rewritten; an undo is a further version that restores an earlier one.

This room keeps them and does not understand them: ``content`` is plain JSON of :mod:`hemoview.labels.alignment`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
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
from recorder.session.header import TOMBSTONE_FILE, read_card, refuse_erased

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
    return _holds(_read(folder))


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
    upon: int | None = None,
) -> StoredAlignment:
    """Store a further version; it is on disk when this returns. Two at once get numbers after each other.

    Args:
        folder: session folder.
        content: the alignment; empty = none.
        made_by, software, wall_ns, why, restores: see :class:`StoredAlignment`.
        upon: the :attr:`StoredAlignment.effective` version that ``content`` was made of, 0 = none: where another holds
            by now nothing is stored. None: it was made of the samples alone.

    Raises:
        SessionError: no session here, it was erased, or another version than ``upon`` holds.
        StorageError: the folder is not writable.
    """
    read_card(folder)
    place = folder / ALIGNMENT_FOLDER
    with storage_errors(folder, "storing an alignment"):
        if not place.is_dir():
            make_folder(place, parents=False)
        for _ in range(_TRIES):
            known = _read(folder)
            before = _holds(known)
            parent = before.effective if before is not None else 0
            if upon is not None and upon != parent:
                raise SessionError(
                    f"{folder.name}: its alignment was changed meanwhile; look at it and try again"
                )
            if restores is not None:
                parent = _parent_of(known, restores)
            number = max(known, default=0) + 1
            version = StoredAlignment(number, wall_ns, made_by, software, content, parent, restores, why)
            if write_new(folder / _name(number), sign_json(version.to_json())):
                _refuse_erased_meanwhile(folder)
                return version
    raise SessionError(f"{folder.name}: others store alignments all the time; try again")


def undo(folder: Path, *, made_by: str, software: str, wall_ns: int, why: str = "") -> StoredAlignment:
    """A further version that restores the one before what holds now; before the first there is none.

    Raises:
        SessionError: nothing to undo, the one to go back to is damaged, or another was stored at this moment.
        StorageError: the folder is not writable.
    """
    refuse_erased(folder)
    known = _read(folder)
    now = _holds(known)
    if now is None:
        raise SessionError(f"{folder.name}: has no alignment that could be undone")
    back = known.get(now.parent) if now.parent else None
    if now.parent and not isinstance(back, StoredAlignment):
        raise SessionError(
            f"{folder.name}: {_name(now.parent)} is damaged and cannot be restored; align again"
        )
    return append(
        folder,
        back.content if isinstance(back, StoredAlignment) else {},
        made_by=made_by,
        software=software,
        wall_ns=wall_ns,
        why=why,
        restores=now.parent,
        upon=now.effective,
    )


def _refuse_erased_meanwhile(folder: Path) -> None:
    """What was stored while the session was being erased goes as well."""
    if (folder / TOMBSTONE_FILE).exists():
        shutil.rmtree(folder / ALIGNMENT_FOLDER, ignore_errors=True)
        refuse_erased(folder)


def _holds(found: Mapping[int, StoredAlignment | str]) -> StoredAlignment | None:
    newest = found[max(found)] if found else None
    return newest if isinstance(newest, StoredAlignment) and newest.content else None


def _parent_of(found: Mapping[int, StoredAlignment | str], number: int) -> int:
    known = found.get(number)
    return known.parent if isinstance(known, StoredAlignment) else 0


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
