"""A PostgreSQL from Debian's packages, reached by a socket in its folder alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTS_S = 60


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A cluster of the newest PostgreSQL that is installed, reached by a socket alone.

    ``FOLDER/again`` is a script that starts it when a test has killed it.
    """
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    folder.mkdir()
    shutil.chown(folder, *(("postgres", "postgres") if os.geteuid() == 0 else (os.geteuid(), os.getegid())))
    cluster, log = folder / "cluster", folder / "log"
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=200"
    start = [programs / "pg_ctl", "-D", cluster, "-l", log, "-w", "-o", settings, "start"]
    checked = ["--username=hemoview", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]
    _as_postgres([programs / "initdb", "-D", cluster, "--auth=trust", *checked])
    script = folder / "again"
    script.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in _who(start)) + " >/dev/null\n")
    script.chmod(0o755)
    try:
        subprocess.run([script], check=True, timeout=STARTS_S)
        _as_postgres([programs / "createdb", "-h", folder, "-U", "hemoview", "hemoview"])
        yield f"postgresql://hemoview@/hemoview?host={folder}"
    finally:
        _as_postgres([programs / "pg_ctl", "-D", cluster, "-m", "immediate", "stop"], check=False)


def _as_postgres(words: list[str | Path], *, check: bool = True) -> None:
    subprocess.run(_who(words), check=check, stdout=subprocess.DEVNULL, timeout=STARTS_S, cwd="/")


def _who(words: list[str | Path]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return [*(["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []), *map(str, words)]
