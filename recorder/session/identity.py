"""Which session, exactly: a hash of everything that was recorded or said about it, and what was made of it since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recorder.errors import SessionError
from recorder.session import amendments
from recorder.session import annotations as label_store
from recorder.session.annotated import LabelFold
from recorder.session.header import read_card
from recorder.session.manifest import read_manifest


def session_hash(folder: Path) -> str:
    """SHA-256 over what ``session.json`` says, the hashes of every segment, and the amendments.

    The same recording keeps it wherever it is copied to; one byte of a segment, or one amendment more, changes it.
    Labels and alignments are not in it: :func:`revision` has those.

    Raises:
        SessionError: no session here, erased, or not closed yet: it still grows.
        SessionDamaged: its card or manifest cannot be trusted.
    """
    told = {**_recorded(folder), "amendments": [a.to_json() for a in amendments.read(folder)[0]]}
    return hashlib.sha256(_canonical(told)).hexdigest()


def recording_hash(folder: Path) -> str:
    """The same without the amendments: what was recorded, and nothing anybody said of it since.

    Raises:
        SessionError, SessionDamaged: as :func:`session_hash`.
    """
    return hashlib.sha256(_canonical(_recorded(folder))).hexdigest()


def _recorded(folder: Path) -> dict[str, Any]:
    card, manifest = read_card(folder), read_manifest(folder)
    if manifest.state != "sealed":
        raise SessionError(
            f"{folder.name}: is not closed yet, so it has no hash; stop it, or run recorder recover"
        )
    return {
        "card": card.to_json(),
        "segments": sorted([row.name, row.sha256] for row in manifest.segments),
    }


@dataclass(frozen=True, slots=True)
class Revision:
    """What was made of a session after it was recorded.

    Args:
        alignment: version number of the alignment that holds, 0 = none.
        label_sets: label set → version of its effective labels.
    """

    alignment: int = 0
    label_sets: dict[str, str] = field(default_factory=dict, hash=False)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"alignment": self.alignment, "label_sets": dict(sorted(self.label_sets.items()))}


def revision(folder: Path) -> Revision:
    """Versions of the alignment and of the label sets that lie beside the samples.

    Raises:
        StorageError: they cannot be read.
    """
    return Revision(_alignment(folder), label_versions(folder))


def label_versions(folder: Path) -> dict[str, str]:
    """Label set → version; sets without a label are left out."""
    folds = {name: LabelFold(label_store.read(folder, name).deeds) for name in label_store.sets_of(folder)}
    return {name: fold.version() for name, fold in folds.items() if fold.annotations()}


def _alignment(folder: Path) -> int:
    """Number of the newest alignment; the store names its files by it."""
    place = folder / "alignments"
    numbers = [int(p.stem) for p in place.glob("*.json") if p.stem.isdigit()] if place.is_dir() else []
    return max(numbers, default=0)


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()
