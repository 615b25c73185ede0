"""A PostgreSQL from Debian's packages, reached by a socket in its folder alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.running import pid_in

STARTS_S = 60


@contextmanager
def postgres(folder: Path, *, keep: bool = False) -> Iterator[str]:
    """A cluster of the newest PostgreSQL that is installed, reached by a socket alone.

    ``FOLDER/again`` is a script that starts it when a test has killed it.

    Args:
        keep: found again by the next call on the same folder, and stopped with care.
    """
    if not (folder / "again").exists():
        _lay_out(folder)
    stop(folder)
    try:
        start(folder)
        if not keep or not (folder / "made").exists():
            _as_postgres([_programs() / "createdb", "-h", folder, "-U", "hemoview", "hemoview"])
            _as_postgres(["touch", folder / "made"])
        yield f"postgresql://hemoview@/hemoview?host={folder}"
    finally:
        stop(folder, "fast" if keep else "immediate")


def _lay_out(folder: Path) -> None:
    folder.mkdir()
    shutil.chown(folder, *(("postgres", "postgres") if os.geteuid() == 0 else (os.geteuid(), os.getegid())))
    folder.chmod(0o700)  # whoever reaches its socket is let in
    cluster, log = folder / "cluster", folder / "log"
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=200"
    words = [_programs() / "pg_ctl", "-D", cluster, "-l", log, "-w", "-o", settings, "start"]
    checked = ["--username=hemoview", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]
    _as_postgres([_programs() / "initdb", "-D", cluster, "--auth=trust", *checked])
    script = folder / "again"
    script.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in _who(words)) + " >/dev/null\n")
    script.chmod(0o755)


def start(folder: Path) -> None:
    """Once it is laid out.

    Raises:
        RuntimeError: it does not start.
    """
    done = subprocess.run([folder / "again"], check=False, timeout=STARTS_S, stderr=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"PostgreSQL does not start; see {folder}/log")


def stop(folder: Path, how: str = "fast") -> None:
    """Nothing where none runs."""
    if runs(folder):
        _as_postgres([_programs() / "pg_ctl", "-D", folder / "cluster", "-m", how, "stop"], check=False)


def runs(folder: Path) -> bool:
    """Whether the server of this folder does."""
    return pid_in(folder / "cluster" / "postmaster.pid", folder) is not None


def _programs() -> Path:
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


def _as_postgres(words: list[str | Path], *, check: bool = True) -> None:
    subprocess.run(_who(words), check=check, stdout=subprocess.DEVNULL, timeout=STARTS_S, cwd="/")


def _who(words: list[str | Path]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return [*(["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []), *map(str, words)]
