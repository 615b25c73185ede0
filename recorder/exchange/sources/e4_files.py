"""The files of one E4 session, out of a zip or a folder. Nothing is unpacked to disk and nothing there is changed."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from recorder.errors import RecordingUnreadable
from recorder.exchange.sources.channel_roles import says_simulated
from recorder.exchange.sources.source import Skipped

MAX_MEMBER_BYTES: Final = 256 * 2**20
MAX_TOTAL_BYTES: Final = 512 * 2**20
"""A day of recording is 60 MB of text; more than this is no session of one wristband."""

NAMES: Final = ("BVP.csv", "ACC.csv", "EDA.csv", "TEMP.csv", "HR.csv", "IBI.csv")
MAX_ABOUT_BYTES: Final = 1 << 22
_LOCKED: Final = 0x1
"""Flag of a zip's member that is encrypted."""
_DESCRIBE: Final = ("info.txt", "about.json")
_BY_LOWER: Final = {name.lower(): name for name in NAMES}
_TAGS: Final = re.compile(r"tags(_[\w-]+)?\.csv\Z", re.IGNORECASE)
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    RuntimeError,
    NotImplementedError,
    OSError,
    EOFError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class E4Files:
    """Texts by the name they have in an E4 session (``BVP.csv`` …, ``tags….csv``).

    Args:
        texts: as they are in the source.
        sha256: of the zip; of a folder, over the names and hashes of these files.
        skipped: files of a session that could not be read, and why.
        simulated: what describes the session says that no person was measured.
    """

    texts: Mapping[str, bytes]
    sha256: str
    skipped: tuple[Skipped, ...] = ()
    simulated: bool = False


def read_files(path: Path) -> E4Files:
    """The files of the one session in a zip or folder.

    Raises:
        RecordingUnreadable: no such file, no zip, a member that points outside or swells, or several sessions.
    """
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise RecordingUnreadable(f"{path}: there is no such file; choose an E4 zip or folder")
    if canonical(path.name):
        raise RecordingUnreadable(f"{path}: is one file of an E4 session; choose the folder it lies in")
    return _zip(path)


def looks_like(path: Path) -> bool:
    """A folder with at least one file of samples of an E4 session in it."""
    return path.is_dir() and any(canonical(p.name) in NAMES[:4] for p in path.iterdir() if p.is_file())


def _refuse_two_people(path: Path, names: Iterable[str]) -> None:
    """Button presses of S01 and of S02 in one place: whose samples are these?"""
    named = sorted({m[1] for name in names if (m := re.match(r"tags_([\w-]+)\.csv\Z", name, re.IGNORECASE))})
    if len(named) > 1:
        raise RecordingUnreadable(
            f"{path}: holds button presses of {' and of '.join(named)}, perhaps two subjects; "
            "keep the files of one of them together",
            advice="import-several",
        )


def _simulated(info: bytes, about: bytes) -> bool:
    """``info.txt`` says so in words; ``about.json``, which our own exports have, in its warning or of a device."""
    try:
        told = json.loads(about) if about else {}
        devices = [d for d in told.get("devices", ()) if isinstance(d, dict)]
        marked = says_simulated(str(told.get("warning", ""))) or any(
            d.get("simulated") is True for d in devices
        )
    except (ValueError, AttributeError, TypeError, RecursionError):
        marked = False
    return marked or says_simulated(info.decode("utf-8", "replace"))


def is_tags(name: str) -> bool:
    """Whether this is a file of button presses."""
    return bool(_TAGS.match(name))


def canonical(name: str) -> str | None:
    """The name a file has in an E4 session; None for a file that is none of it."""
    return name if is_tags(name) else _BY_LOWER.get(name.lower())


def _folder(path: Path) -> E4Files:
    try:
        files = sorted(p for p in path.iterdir() if p.is_file() and canonical(p.name))
        if not files:
            _refuse_nested(path)
        _refuse_two_people(path, (p.name for p in files))
        texts: dict[str, bytes] = {}
        skipped = []
        described = [_small(path / name) for name in _DESCRIBE]
        for file in files:
            name = canonical(file.name) or file.name
            if file.stat().st_size > MAX_MEMBER_BYTES:
                raise RecordingUnreadable(f"{file}: larger than any E4 session; choose an E4 session")
            if name in texts:
                skipped.append(Skipped(file.name, f"there is a second {name}; keep one of the two"))
                continue
            texts[name] = file.read_bytes()
    except OSError as error:
        raise RecordingUnreadable(f"{path}: cannot be read ({error.strerror}); check the folder") from error
    lines = [f"{name} {hashlib.sha256(text).hexdigest()}" for name, text in sorted(texts.items())]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return E4Files(texts, digest, tuple(skipped), _simulated(*described))


def _small(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() and path.stat().st_size < MAX_ABOUT_BYTES else b""


def _refuse_nested(path: Path) -> None:
    """A folder of sessions is not one session: say which there are."""
    inside = [p for p in sorted(path.iterdir()) if looks_like(p) or p.suffix.lower() == ".zip"]
    if inside:
        names = ", ".join(p.name for p in inside[:6]) + (", …" if len(inside) > 6 else "")
        raise RecordingUnreadable(
            f"{path}: holds {len(inside)} sessions ({names}), each perhaps of another subject; "
            "import them one by one, each with its own subject",
            advice="import-several",
        )


def _zip(path: Path) -> E4Files:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and "__MACOSX" not in m.filename]
            for member in members:
                if _escapes(member.filename):
                    raise RecordingUnreadable(
                        f"{path}: member {member.filename!r} points outside; do not use this file"
                    )
            wanted = [m for m in members if canonical(PurePosixPath(m.filename).name)]
            _refuse_zips(path, wanted, members)
            _refuse_several(path, wanted)
            _refuse_two_people(path, (PurePosixPath(m.filename).name for m in wanted))
            if any(m.flag_bits & _LOCKED for m in wanted):
                raise RecordingUnreadable(
                    f"{path}: is locked with a password; unpack it with the password and choose the folder"
                )
            texts, skipped = _members(path, archive, wanted)
            described = [_small_member(archive, members, name) for name in _DESCRIBE]
        return E4Files(texts, _sha256_of(path), tuple(skipped), _simulated(*described))
    except _DAMAGE as error:
        if isinstance(error, RecordingUnreadable):
            raise
        if not path.stat().st_size:
            raise RecordingUnreadable(f"{path}: is empty; fetch it again") from error
        raise RecordingUnreadable(
            f"{path}: cannot be read as a zip ({error}); while it is still copied wait, else fetch it again"
        ) from error


def _small_member(archive: zipfile.ZipFile, members: Iterable[zipfile.ZipInfo], name: str) -> bytes:
    for member in members:
        if PurePosixPath(member.filename).name.lower() == name and member.file_size < MAX_ABOUT_BYTES:
            try:
                return archive.read(member)
            except _DAMAGE:
                return b""
    return b""


def _refuse_zips(path: Path, wanted: list[zipfile.ZipInfo], members: list[zipfile.ZipInfo]) -> None:
    """Sessions that were packed once more, as from a download of several, are not looked for inside."""
    inside = sorted(m.filename for m in members if m.filename.lower().endswith(".zip"))
    if inside and not wanted:
        raise RecordingUnreadable(
            f"{path}: holds other zips ({', '.join(inside[:6])}{', …' if len(inside) > 6 else ''}) and no file of a "
            "session; unzip it and choose one of them",
            advice="import-several",
        )


def _refuse_several(path: Path, wanted: Iterable[zipfile.ZipInfo]) -> None:
    folders = defaultdict(list)
    for member in wanted:
        folders[str(PurePosixPath(member.filename).parent)].append(member.filename)
    if len(folders) > 1:
        names = ", ".join(sorted(folders)[:6])
        raise RecordingUnreadable(
            f"{path}: holds {len(folders)} sessions ({names}), each perhaps of another subject; "
            "unzip it and choose one folder at a time",
            advice="import-several",
        )


def _members(
    path: Path, archive: zipfile.ZipFile, wanted: list[zipfile.ZipInfo]
) -> tuple[dict[str, bytes], list[Skipped]]:
    texts: dict[str, bytes] = {}
    skipped: list[Skipped] = []
    total = 0
    for member in wanted:
        name = canonical(PurePosixPath(member.filename).name) or member.filename
        if name in texts:
            skipped.append(Skipped(member.filename, f"there is a second {name}; the first was taken"))
            continue
        try:
            with archive.open(member) as file:
                text = file.read(MAX_MEMBER_BYTES + 1)
        except _DAMAGE as error:
            skipped.append(Skipped(member.filename, f"damaged in the zip ({error})"))
            continue
        total += len(text)
        if len(text) > MAX_MEMBER_BYTES or total > MAX_TOTAL_BYTES:
            raise RecordingUnreadable(
                f"{path}: {member.filename} unpacks to more than any E4 session; not read"
            )
        texts[name] = text
    return texts, skipped


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _escapes(name: str) -> bool:
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in plain.split("/") or ":" in plain.split("/")[0]
