"""Simulated power cuts: record every write, fsync and rename of a recording, then build what a cut could have left.

Recorded with ``strace`` (Linux), so SQLite's own writes are in it. The model of the disk:

* what a file held at its last fsync is kept;
* of every later write each 4 KiB page is kept with probability ½ (a hole reads as zeros), so are truncations;
* a rename or removal is kept if its folder was fsynced afterwards, else with probability ½; creations are kept.

Not modelled: disks that lie about fsync, sectors torn inside a page, other systems than Linux.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from recorder.testing import killer_workload as workload

PAGE_BYTES = 4096
_CALLS = "openat,open,creat,lseek,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat"
_LINE = re.compile(r"(\d+) +(.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+)(.*)")
_FD = re.compile(r"(\d+)<([^>]*)>")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_RECORD_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Op:
    """One thing that reached the system.

    ``kind``: ``create``, ``write`` (``data`` at ``number``), ``truncate`` (to ``number``), ``sync`` (file or folder),
    ``rename`` (to ``target``), ``unlink``, ``progress`` (``data`` is the workload's record).
    """

    kind: str
    path: str
    number: int = 0
    data: bytes = b""
    target: str = ""


def available() -> bool:
    """Whether recordings can be traced here."""
    return shutil.which("strace") is not None


def record(place: Path, *, seconds: float, segment_s: float) -> list[Op]:
    """Trace one recording of ``seconds`` of host time, from creation to close, in ``place``.

    Raises:
        OSError: tracing is not allowed here, or the recording failed.
    """
    folder, progress, log = place / "session", place / "progress", place / "trace"
    command = ["strace", "-f", "-y", "-xx", "-s", "33554432", "-o", str(log), "-e", f"trace={_CALLS}"]
    command += [sys.executable, "-m", "recorder.testing.killer_workload", str(folder), str(progress)]
    command += ["--seconds", str(seconds), "--segment-s", str(segment_s), "--pause-s", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_RECORD_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise OSError(f"strace: tracing a recording failed ({done.stderr.strip()[-300:]})")
    with log.open() as lines:
        return list(parse(lines, str(folder), str(progress)))


def parse(lines: Iterator[str] | Sequence[str], folder: str, progress: str) -> Iterator[Op]:
    """What a trace says of the files in ``folder``, in order of completion."""
    unfinished: dict[str, str] = {}
    positions: dict[tuple[str, str], int] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        pid, text = match[1], match[2].rstrip()
        if text.endswith("<unfinished ...>"):
            unfinished[pid] = text.removesuffix("<unfinished ...>")
            continue
        if text.startswith("<... "):
            text = unfinished.pop(pid, "") + text.partition(" resumed>")[2]
        call = _CALL.match(text)
        if call is not None and int(call[3]) >= 0:
            for op in _ops(pid, call, positions):
                if op.path == progress and op.kind == "write":
                    yield Op("progress", op.path, data=op.data)
                elif op.path == folder or op.path.startswith(folder + "/"):
                    yield op


def _ops(pid: str, call: re.Match[str], positions: dict[tuple[str, str], int]) -> Iterator[Op]:
    name, arguments, returned = call[1], call[2], int(call[3])
    fd = _FD.match(arguments)
    if name in ("openat", "open", "creat"):
        yield from _open_ops(pid, call, positions)
    elif name in ("rename", "renameat", "renameat2"):
        old, new = (_plain(t) for t in _TEXT.findall(arguments)[:2])
        yield Op("rename", old, target=new)
    elif name in ("unlink", "unlinkat"):
        yield Op("unlink", _plain(_TEXT.findall(arguments)[0]))
    elif fd is not None:
        path, key = _plain(fd[2]), (pid, fd[1])
        if name == "lseek":
            positions[key] = returned
        elif name == "write":
            yield Op("write", path, positions.get(key, 0), _bytes(arguments)[:returned])
            positions[key] = positions.get(key, 0) + returned
        elif name == "pwrite64":
            yield Op("write", path, int(arguments.rsplit(",", 1)[1]), _bytes(arguments)[:returned])
        elif name == "ftruncate":
            yield Op("truncate", path, int(arguments.rsplit(",", 1)[1]))
        elif name in ("fsync", "fdatasync"):
            yield Op("sync", path)


def _open_ops(pid: str, call: re.Match[str], positions: dict[tuple[str, str], int]) -> Iterator[Op]:
    opened = _FD.match(call[3] + call[4])
    if opened is not None:
        path = _plain(opened[2])
        positions[pid, opened[1]] = 0
        if "O_CREAT" in call[2] or call[1] == "creat":
            yield Op("create", path)
        if "O_TRUNC" in call[2] or call[1] == "creat":
            yield Op("truncate", path, 0)


def _bytes(arguments: str) -> bytes:
    return bytes.fromhex(_TEXT.findall(arguments)[0].replace("\\x", ""))


def _plain(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode() if text.startswith("\\x") else text


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    later: list[Op] = field(default_factory=list)


@dataclass
class _Renamed:
    old: str
    new: str
    moved: _File
    replaced: _File | None


@dataclass
class _Removed:
    name: str
    gone: _File


class Disk:
    """What is durable and what is not, op by op."""

    def __init__(self) -> None:
        self._names: dict[str, _File] = {}
        self._loose: list[_Renamed | _Removed] = []
        self.handed_ms = 0
        self.promised_ms = 0

    def apply(self, op: Op) -> None:
        """Let ``op`` reach the system."""
        if op.kind == "progress":
            self.handed_ms, self.promised_ms = workload.parse_progress(op.data)
        elif op.kind == "create":
            self._names.setdefault(op.path, _File())
        elif op.kind == "rename":
            moved = self._names.pop(op.path)
            self._loose.append(_Renamed(op.path, op.target, moved, self._names.get(op.target)))
            self._names[op.target] = moved
        elif op.kind == "unlink":
            if op.path in self._names:
                self._loose.append(_Removed(op.path, self._names.pop(op.path)))
        elif op.kind == "sync" and op.path not in self._names:
            self._loose = [c for c in self._loose if _parent(c) != op.path]
        elif op.path in self._names:
            file = self._names[op.path]
            if op.kind == "sync":
                for later in file.later:
                    _write(file.durable, later)
                file.later.clear()
            else:
                file.later.extend(_pages(op))

    def after_cut(self, rng: random.Random) -> dict[str, bytes]:
        """One state the disk could be in if the power went now: path -> content."""
        names = dict(self._names)
        for change in reversed(self._loose):
            if rng.random() < 0.5:
                _undo(names, change)
        found = {}
        for path, file in names.items():
            content = bytearray(file.durable)
            for op in file.later:
                if rng.random() < 0.5:
                    _write(content, op)
            found[path] = bytes(content)
        return found


def _undo(names: dict[str, _File], change: _Renamed | _Removed) -> None:
    if isinstance(change, _Removed):
        names.setdefault(change.name, change.gone)
        return
    if names.get(change.new) is change.moved:
        del names[change.new]
        names.setdefault(change.old, change.moved)
        if change.replaced is not None:
            names[change.new] = change.replaced


def _parent(change: _Renamed | _Removed) -> str:
    return str(PurePosixPath(change.new if isinstance(change, _Renamed) else change.name).parent)


def _pages(op: Op) -> Iterator[Op]:
    """A write cut at page borders; anything else as it is."""
    if op.kind != "write":
        yield op
        return
    at = 0
    while at < len(op.data):
        size = min(len(op.data) - at, PAGE_BYTES - (op.number + at) % PAGE_BYTES)
        yield Op("write", op.path, op.number + at, op.data[at : at + size])
        at += size


def _write(content: bytearray, op: Op) -> None:
    if op.kind == "truncate":
        del content[op.number :]
        content.extend(bytes(op.number - len(content)))
        return
    content.extend(bytes(max(0, op.number - len(content))))
    content[op.number : op.number + len(op.data)] = op.data


def cut_states(ops: Sequence[Op], count: int, rng: random.Random) -> Iterator[tuple[Disk, dict[str, bytes]]]:
    """``count`` crash states at random moments after the first promise, in order of time."""
    begin = next(
        i for i, op in enumerate(ops) if op.kind == "progress" and workload.parse_progress(op.data)[1]
    )
    cuts = sorted(rng.randrange(begin, len(ops)) for _ in range(count))
    disk, done = Disk(), 0
    for cut in cuts:
        for op in ops[done : cut + 1]:
            disk.apply(op)
        done = cut + 1
        yield disk, disk.after_cut(rng)


def materialise(state: dict[str, bytes], source: str, folder: Path) -> None:
    """Write a crash state, recorded under ``source``, into ``folder``; a shared-memory index never survives a cut."""
    folder.mkdir(parents=True)
    (folder / "segments").mkdir()
    for path, content in state.items():
        if not path.endswith("-shm"):
            target = folder / PurePosixPath(path).relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
