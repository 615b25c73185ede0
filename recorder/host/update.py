"""A site's installation: every version in a folder of its own, one of them current; back is one rename away.

::

    ROOT/versions/<name>/     a virtual environment each, named by version and hash, with its own bin/hemoview
    ROOT/current              link to the one in use; what start menus and units name
    ROOT/history.jsonl        what was switched when, from what to what, and why

A new version is made whole beside the old one and proves itself before it becomes current, so an update that fails
changes nothing. Never while a station records, or might: a recorder that does not answer counts as recording.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from recorder.errors import ConfigError, RecorderError, StationError
from recorder.host import lock, places

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]
_NAME: Final = re.compile(r"hemoview-([A-Za-z0-9.+!]{1,40})-[^-]+-[^-]+-[^-]+\.whl\Z")
_PROOFS: Final = {"bedside": ("models", "verify", "--json"), "service": ("serve", "--help")}
"""What a new version must be able to do, by what is installed: a service has no model to run."""
KINDS: Final = tuple(_PROOFS)
_TAIL: Final = 600


@dataclass(frozen=True, slots=True)
class Switch:
    """One line of the history; ``before`` is empty for the first version of a site."""

    at_s: float
    before: str
    after: str
    why: str


def recording_stations(home: Path | None = None) -> list[str]:
    """Stations of ``home`` that record, or whose recorder lives and does not say whether it does."""
    folders = (home or places.home()) / "stations"
    names = sorted(f.name for f in folders.iterdir() if f.is_dir()) if folders.is_dir() else []
    return [name for name in names if lock.is_held(name, home) and _may_record(name, home)]


def _may_record(station: str, home: Path | None) -> bool:
    from recorder.host.client import StationClient  # noqa: PLC0415 – help needs no bus

    try:
        with StationClient(station, home, name="update") as client:
            state = client.call("status", 3.0)["status"]["session"]["state"]
    except RecorderError:
        return True
    return state not in {"none", "sealed"}


def refuse_while_recording(home: Path | None = None) -> None:
    """Raise where an update would get between somebody and a recording.

    Raises:
        StationError: names the stations.
    """
    if busy := recording_stations(home):
        raise StationError(f"station {', '.join(busy)}: is recording or does not answer; update after Stop")


def install(
    root: Path,
    wheel: Path,
    *,
    kind: str = "bedside",
    python: str = sys.executable,
    home: Path | None = None,
    run: Run | None = None,
) -> Switch:
    """Make the version of ``wheel`` beside the others, let it prove itself, and switch to it.

    Args:
        root: the site's folder.
        wheel: ``hemoview-<version>-….whl``.
        kind: ``bedside`` or ``service``: whose locked packages are installed, each by its hash.
        python: makes the environment.
        home: whose stations must not be recording.
        run: runs a command; for tests.

    Raises:
        ConfigError: no such wheel, or it carries no lock; a step that failed (the version in use stays).
        StationError: a station is recording.
    """
    run = run or _run
    name = _name_of(wheel, kind)
    _locked(wheel, kind)
    refuse_while_recording(home)
    folder = root / "versions" / name
    if not (folder / "proved").is_file():
        _make(folder, wheel, kind, python, run)
    refuse_while_recording(home)  # making it took minutes
    return _switch(root, name, f"update to {wheel.name}")


def rollback(root: Path, *, why: str, home: Path | None = None) -> Switch:
    """Back to the version that was current before the last switch.

    Raises:
        ConfigError: there is none, or it was deleted.
        StationError: a station is recording.
    """
    found = history(root)
    before = found[-1].before if found else ""
    if not before or not (root / "versions" / before / "proved").is_file():
        raise ConfigError(f"{root}: there is no version to go back to; versions lie in {root / 'versions'}")
    refuse_while_recording(home)
    return _switch(root, before, why.strip() or "rollback")


def current(root: Path) -> str:
    """Name of the version in use; empty where there is none."""
    link = root / "current"
    return link.readlink().name if link.is_symlink() else ""


def history(root: Path) -> list[Switch]:
    """Every switch in order; a line that is none is passed over."""
    try:
        lines = (root / "history.jsonl").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(Switch(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def _name_of(wheel: Path, kind: str) -> str:
    """Version and a piece of hash: another wheel of the same version never touches the folder in use."""
    named = _NAME.fullmatch(wheel.name)
    if named is None or not wheel.is_file():
        raise ConfigError(f"{wheel}: is no HemoView wheel; give a file hemoview-<version>-py3-none-any.whl")
    if sys.platform == "win32":
        raise ConfigError("updates by this command need links; on Windows install the wheel with pip")
    digest = hashlib.sha256(kind.encode() + wheel.read_bytes()).hexdigest()
    return f"{named[1]}-{digest[:8]}"


def _locked(wheel: Path, kind: str) -> bytes:
    """The wheel's own list of packages with their hashes."""
    if kind not in KINDS:
        raise ConfigError(f"kind {kind!r}: give one of {', '.join(KINDS)}")
    try:
        with zipfile.ZipFile(wheel) as file:
            return file.read(f"recorder/_resources/locks/{kind}.txt")
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"{wheel}: is damaged or carries no list of locked packages; get it again"
        ) from error


def _make(folder: Path, wheel: Path, kind: str, python: str, run: Run) -> None:
    """An environment with exactly the locked packages and this wheel; ``proved`` is written last."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    listed = folder.with_name(folder.name + ".txt")
    listed.write_bytes(_locked(wheel, kind))
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    steps: tuple[tuple[str, Sequence[str]], ...] = (
        ("making its environment", [python, "-m", "venv", "--clear", str(folder)]),
        (
            "installing locked packages",
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(listed)],
        ),
        ("installing the wheel", [*pip, "--no-deps", str(wheel)]),
        ("starting it", [str(folder / "bin" / "hemoview"), "--version"]),
        ("proving it", [str(folder / "bin" / "hemoview"), *_PROOFS[kind]]),
    )
    for what, words in steps:
        done = run(words)
        if done.returncode:
            said = (done.stderr or done.stdout or "").strip()[-_TAIL:]
            raise ConfigError(f"{wheel.name}: {what} failed; the version in use stays. It said: {said}")
    (folder / "proved").write_text(wheel.name, "utf-8")


def _switch(root: Path, name: str, why: str) -> Switch:
    """Written down first: a history that names a switch that did not happen misleads less than the reverse."""
    switch = Switch(time.time(), current(root), name, why)
    with (root / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(switch)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    new = root / f"current.{os.getpid()}"
    new.unlink(missing_ok=True)
    new.symlink_to(Path("versions") / name)
    new.replace(root / "current")
    return switch


def _run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=1800)
