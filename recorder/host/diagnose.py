"""``hemoview diagnose``: one file to send when something is wrong. It says how things are, never about whom.

Everything in it is named here, field by field (safety rule 24): no sample, no pseudonym, no free text. Logs are written
without subjects; every pseudonym, operator code and home folder of this computer is taken out of them once more.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform as python_platform
import re
import shutil
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from recorder.acquire.settings import read as read_settings
from recorder.counted import counted
from recorder.errors import RecorderError, StorageError
from recorder.host import lock, logs, places, platform
from recorder.host.client import StationClient
from recorder.session.header import SessionCard, SessionHeader, read_card
from recorder.session.manifest import read_manifest
from recorder.session.software import software_versions

MOST_LOG_BYTES: Final = 1_000_000
"""Of each log file, its end."""
MOST_SESSIONS: Final = 50
CONTENTS: Final = "CONTENTS.txt"
HIDDEN: Final = "*"
_SECRET_OPTIONS: Final = re.compile(r"token|password|secret|key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the bundle and what it is, in words."""

    name: str
    about: str
    text: str


def write(out: Path, home: Path | None = None, extra: Mapping[str, Any] | None = None) -> list[Entry]:
    """Write the bundle; returns what is in it, beginning with the list itself.

    Args:
        out: the ``.zip`` to write; one that is there is not replaced.
        home: whose; the user's own place where None.
        extra: facts of the caller, plain JSON values free of what must not be told.

    Raises:
        StorageError: it cannot be written.
    """
    base = home or places.home()
    entries = [
        Entry("about.json", "versions, system, room on the disk", _json(_about(base) | dict(extra or {})))
    ]
    entries += [*_stations(base), *_sessions(base), *_logs(base)]
    listed = "\n".join(f"{e.name}: {e.about} ({len(e.text.encode())} bytes)" for e in entries)
    head = "What this file holds. No samples, no pseudonyms, no operator codes, no free text.\n\n"
    entries.insert(0, Entry(CONTENTS, "this list", head + listed + "\n"))
    try:
        with (
            open(out, "xb", opener=_owner_only) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            for entry in entries:
                archive.writestr(entry.name, entry.text)
    except OSError as error:
        raise StorageError(
            f"{out}: cannot be written ({error.strerror}); name another file with --out"
        ) from error
    return entries


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, default=str, sort_keys=True) + "\n"


def _about(home: Path) -> dict[str, Any]:
    usage = shutil.disk_usage(home) if home.is_dir() else None
    return {
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "software": software_versions(),
        "processors": os.cpu_count(),
        "machine": python_platform.machine(),
        "frozen": bool(getattr(sys, "frozen", False)),
        "zone": platform.local_zone(),
        "disk_free_bytes": usage.free if usage else None,
        "disk_total_bytes": usage.total if usage else None,
        "file_system": platform.file_system(home.absolute()),
        "warnings": [what for what, _ in platform.warnings()],
    }


# ---- stations


def _stations(home: Path) -> Iterator[Entry]:
    for folder in sorted((home / "stations").glob("*")):
        if folder.is_dir():
            yield Entry(
                f"stations/{folder.name}.json",
                "devices and their settings, links, streams, counts and warnings of now",
                _json(_station(folder, home)),
            )


def _station(folder: Path, home: Path) -> dict[str, Any]:
    told: dict[str, Any] = {"running": lock.is_held(folder.name, home)}
    try:
        settings = read_settings(folder / "settings.json")
        told["devices"] = [
            {
                "kind": d.kind,
                "device_id": d.device_id,
                "options": _open_options(d.options),
                "required": d.required,
            }
            for d in settings.devices
        ]
        told["calibrations"] = [
            {"stream_id": c.stream_id, "channel": c.channel, "method": c.method, "wall_ns": c.wall_ns}
            for c in settings.calibrations
        ]
        told["session_open"] = bool(settings.open_session)
    except (RecorderError, OSError) as error:
        told["settings"] = type(error).__name__
    if told["running"]:
        told["status"] = _live(folder.name, home)
    return told


def _open_options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {k: HIDDEN if _SECRET_OPTIONS.search(k) else v for k, v in options.items()}


def _live(station: str, home: Path) -> dict[str, Any]:
    """What the recorder says now, less who is recorded and everything somebody typed."""
    try:
        with StationClient(station, home, name="diagnose") as client:
            status = client.call("status", 3.0)["status"]
    except RecorderError as error:
        return {"answer": type(error).__name__}
    sync = (
        "state",
        "waiting",
        "total",
        "sessions_home",
        "last_success_us",
        "last_answer_us",
        "advice",
        "live_way",
        "live_trouble",
    )
    links = ("device_id", "state", "product", "transport", "simulated", "required", "attempt", "battery")
    return {
        "speed": status["speed"],
        "era": status["era"],
        "session_state": status["session"]["state"],
        "disk": {k: status["disk"][k] for k in ("free_bytes", "hours_left", "level", "bytes_per_hour")},
        "links": [{k: link[k] for k in links} for link in status["links"]],
        "streams": status["streams"],
        "commit_p99_ms": status["commit_p99_ms"],
        "queue_depth": status["queue_depth"],
        "cpu_s": status["cpu_s"],
        "sync": [{k: one[k] for k in sync if k in one} for one in status["sync"]],
        "warnings": [str(warning).partition("|")[0] for warning in status["warnings"]],
    }


# ---- sessions


def _cards(home: Path) -> Iterator[tuple[Path, SessionCard | str]]:
    """Newest first; the error's kind where the head cannot be read."""
    for folder in sorted((f for f in places.sessions_dir(home).glob("*") if f.is_dir()), reverse=True):
        try:
            yield folder, read_card(folder)
        except (RecorderError, OSError) as error:
            yield folder, type(error).__name__


def _sessions(home: Path) -> Iterator[Entry]:
    rows = [_session(folder, card) for folder, card in list(_cards(home))[:MOST_SESSIONS]]
    if rows:
        yield Entry(
            "sessions.json",
            f"the newest {counted(len(rows), 'session')}: streams, sizes, versions",
            _json(rows),
        )


def _session(folder: Path, card: SessionCard | str) -> dict[str, Any]:
    files = [f for f in folder.rglob("*") if f.is_file()]
    told: dict[str, Any] = {"bytes": sum(f.stat().st_size for f in files), "files": len(files)}
    if isinstance(card, str):
        return told | {"head": card}
    header = card.header
    try:
        told["segments"] = len(read_manifest(folder).segments)
    except (RecorderError, OSError) as error:
        told["manifest"] = type(error).__name__
    return told | {
        "id": _hash(header.session_id),
        "zone": header.zone,
        "simulated": header.simulated,
        "speed": header.speed,
        "software": header.software,
        "eras": [era.reason for era in card.eras],
        "devices": [{"product": d.product, "transport": d.transport} for d in header.devices],
        "streams": [
            {"id": s.stream_id, "rate_hz": s.nominal_rate_hz, "dtype": s.dtype, "origin": s.origin}
            for s in card.streams
        ],
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


# ---- logs


def _logs(home: Path) -> Iterator[Entry]:
    sieve = _sieve(home)
    for path in sorted(logs.logs_dir(home).iterdir()):
        if not path.is_file() or path.suffix not in {".log", ".faults", ".out"} or not path.stat().st_size:
            continue
        text = path.read_bytes()[-MOST_LOG_BYTES:].decode("utf-8", "replace")
        yield Entry(f"logs/{path.name}", "log of a process, without subjects", sieve(text))


def _sieve(home: Path) -> Callable[[str], str]:
    """Takes out of a text whatever names somebody who was recorded here, who recorded, or whose computer it is."""
    heads = (card.header for _, card in _cards(home) if not isinstance(card, str))
    words = {getpass.getuser(), *(word for header in heads for word in _named(header) if len(word) > 1)}
    words |= {str(home), str(Path.home())}
    found = [re.escape(word) for word in sorted(words, key=len, reverse=True)]
    pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(found)})(?![A-Za-z0-9])")
    return lambda text: pattern.sub(HIDDEN, logs.SESSION_FOLDER.sub(r"\1_*_\2", text))


def _named(header: SessionHeader) -> Iterator[str]:
    if header.subject is not None:
        yield header.subject.pseudonym
    if header.operator:
        yield header.operator
