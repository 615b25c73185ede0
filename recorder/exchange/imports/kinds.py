"""What a file or folder is, so that a person need not say: the sources an import is made of."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from recorder.errors import RecordingUnreadable
from recorder.exchange.imports.importing import Wanted
from recorder.exchange.sources import e4_files, wfdb_record
from recorder.exchange.sources.source import SourceKind

_CNAP: Final = re.compile(r"(?P<stem>.*)_(?P<part>beats|waveform|summary)\.csv\Z", re.IGNORECASE)
KNOWN: Final = (
    "an E4 zip or folder, a CNAP recording (…_beats.csv), a WFDB record (.hea), an EDF or BDF file, "
    "or a …_waves.npz"
)


def sources_of(
    paths: Iterable[Path],
) -> tuple[tuple[Wanted, ...], tuple[tuple[Path, RecordingUnreadable], ...]]:
    """The sources a choice of files stands for, each once, and what is none, with why.

    Files that belong together – the trio of a CNAP recording, the files of a WFDB record – are one source.
    """
    found: dict[tuple[str, Path], Wanted] = {}
    refused: list[tuple[Path, RecordingUnreadable]] = []
    for path in paths:
        try:
            several = sources_in(path)
        except RecordingUnreadable as error:
            refused.append((path, error))
        else:
            for wanted in several:
                found.setdefault((wanted.kind, wanted.path.absolute()), wanted)
    return tuple(found.values()), tuple(refused)


def source_of(path: Path) -> Wanted:
    """The one source a file or folder stands for.

    Raises:
        RecordingUnreadable: it is none, or more than one; the message says what would be.
    """
    found = sources_in(path)
    if len(found) > 1:
        raise _several(path, [wanted.path for wanted in found])
    return found[0]


def sources_in(path: Path) -> tuple[Wanted, ...]:
    """The source a file stands for, or those of a folder: one of each kind, as both devices of one subject are kept.

    Raises:
        RecordingUnreadable: there is none, or two of one kind; the message says what would be.
    """
    try:
        header = wfdb_record.find_header(path) or _header_beside(path)
        if header is not None:
            return (Wanted("wfdb", header),)
        if path.is_dir():
            return _of_folder(path)
        if path.is_file():
            return (_of_file(path),)
    except OSError as error:
        raise RecordingUnreadable(f"{path}: cannot be read ({error.strerror}); check the disk") from error
    raise RecordingUnreadable(f"{path}: there is no such file; choose {KNOWN}", advice="import-unknown")


def taken_for(wanted: Wanted) -> Wanted | None:
    """What a source is that was named as one of another kind; None where it is of its kind, or of none.

    A reader that is given another's file can only say that it is broken.
    """
    try:
        found = sources_in(wanted.path)
    except RecordingUnreadable:
        return None
    return None if any(one.kind == wanted.kind for one in found) else found[0]


def _of_folder(path: Path) -> tuple[Wanted, ...]:
    inside = sorted(path.iterdir())
    files = [p for p in inside if p.is_file()]
    bands = (
        [path]
        if e4_files.looks_like(path)
        else [p for p in inside if e4_files.looks_like(p) or _is_e4_zip(p)]
    )
    of_kind: dict[SourceKind, list[Path]] = {
        "e4": bands,
        "cnap": [p for p in files if _part(p) == "beats"],
        "wfdb": _records([p for p in files if p.suffix.lower() == ".hea"]),
        "edf": [p for p in files if p.suffix.lower() in (".edf", ".bdf")],
    }
    for paths in of_kind.values():
        if len(paths) > 1:
            raise _several(path, paths)
    found = tuple(Wanted(kind, paths[0]) for kind, paths in of_kind.items() if paths)
    if not found:
        raise RecordingUnreadable(f"{path}: holds no recording; choose {KNOWN}", advice="import-unknown")
    return found


def _several(path: Path, inside: list[Path]) -> RecordingUnreadable:
    names = ", ".join(p.name for p in inside[:4]) + (", …" if len(inside) > 4 else "")
    return RecordingUnreadable(
        f"{path}: holds {len(inside)} recordings ({names}), each perhaps of another subject; choose one of them",
        advice="import-several",
    )


def _is_e4_zip(path: Path) -> bool:
    """A zip with a file of samples of an E4 session in it; one that cannot be read is taken, and says why itself."""
    if path.suffix.lower() != ".zip" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name).name for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError):
        return True
    return any(e4_files.canonical(name) in e4_files.NAMES[:4] for name in names)


def _of_file(path: Path) -> Wanted:
    with path.open("rb") as file:
        head = file.read(8)
    if head[:4] == b"PK\x03\x04" or path.suffix.lower() == ".zip":
        return Wanted("surgery-npz" if _is_npz(path) else "e4", path)
    if path.suffix.lower() in (".edf", ".bdf") or head in (b"0       ", b"\xffBIOSEMI"):
        return Wanted("edf", path)
    named = _CNAP.match(path.name)
    if named is not None:
        beats = [p for p in path.parent.iterdir() if p.name.lower() == f"{named['stem']}_beats.csv".lower()]
        if beats:
            return Wanted("cnap", beats[0])
        raise RecordingUnreadable(
            f"{path}: the file of its beats is not beside it; choose {named['stem']}_beats.csv"
        )
    if e4_files.canonical(path.name) in e4_files.NAMES:
        return Wanted("e4", path.parent)
    raise RecordingUnreadable(
        f"{path}: is no recording that can be imported; choose {KNOWN}", advice="import-unknown"
    )


def _records(headers: list[Path]) -> list[Path]:
    """Headers of whole records: neither of a segment of another nor of the numerics beside one (``…n``)."""
    stems = {p.stem for p in headers}
    inside: set[str] = {stem for stem in stems if stem[-1:] == "n" and stem[:-1] in stems}
    for header in headers:
        with header.open("rb") as file:
            lines = file.read(1 << 20).decode("latin-1").splitlines()
        told = [line for line in lines if line.strip() and not line.startswith("#")]
        if told and "/" in told[0].split()[0]:
            inside |= {line.split()[0] for line in told[1:]}
    return [p for p in headers if p.stem not in inside]


def _part(path: Path) -> str:
    found = _CNAP.match(path.name)
    return "" if found is None else found["part"].lower()


def _header_beside(path: Path) -> Path | None:
    header = path.parent / f"{path.stem}.hea"  # a folder such as "." has no name to change
    return header if path.suffix.lower() in (".dat", ".atr", ".mat") and header.is_file() else None


def _is_npz(path: Path) -> bool:
    if path.suffix.lower() == ".npz":
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(archive.namelist()) and all(name.endswith(".npy") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False
