"""What a file or folder is, so that a person need not say: the sources an import is made of."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from recorder.errors import RecordingUnreadable
from recorder.exchange import e4_files, wfdb_record
from recorder.exchange.importing import Wanted

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
            wanted = source_of(path)
        except RecordingUnreadable as error:
            refused.append((path, error))
        else:
            found.setdefault((wanted.kind, wanted.path.absolute()), wanted)
    return tuple(found.values()), tuple(refused)


def source_of(path: Path) -> Wanted:
    """The source one file or folder stands for.

    Raises:
        RecordingUnreadable: it is none; the message says what would be.
    """
    try:
        header = wfdb_record.find_header(path) or _header_beside(path)
        if header is not None:
            return Wanted("wfdb", header)
        if path.is_dir():
            return _of_folder(path)
        if path.is_file():
            return _of_file(path)
    except OSError as error:
        raise RecordingUnreadable(f"{path}: cannot be read ({error.strerror}); check the disk") from error
    raise RecordingUnreadable(f"{path}: there is no such file; choose {KNOWN}", advice="import-unknown")


def _of_folder(path: Path) -> Wanted:
    if e4_files.looks_like(path):
        return Wanted("e4", path)
    beats = sorted(p for p in path.iterdir() if p.is_file() and _part(p) == "beats")
    if len(beats) == 1:
        return Wanted("cnap", beats[0])
    headers = _records(sorted(p for p in path.iterdir() if p.suffix.lower() == ".hea"))
    if len(headers) == 1:
        return Wanted("wfdb", headers[0])
    several = beats or headers
    if several:
        names = ", ".join(p.name for p in several[:4]) + (", …" if len(several) > 4 else "")
        raise RecordingUnreadable(
            f"{path}: holds {len(several)} recordings ({names}); choose one of them", advice="import-several"
        )
    e4_files.read_files(path)  # a folder of sessions names them
    raise RecordingUnreadable(f"{path}: holds no recording; choose {KNOWN}", advice="import-unknown")


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
    header = path.with_suffix(".hea")
    return header if path.suffix.lower() in (".dat", ".atr", ".mat") and header.is_file() else None


def _is_npz(path: Path) -> bool:
    if path.suffix.lower() == ".npz":
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(archive.namelist()) and all(name.endswith(".npy") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False
