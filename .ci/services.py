"""Real services for the tests that need them, from Debian's packages: started, named to a command, taken down again.

``python .ci/services.py COMMAND …`` starts all of them in a folder of its own, free ports, loopback only, and runs the
command with their addresses in ``HEMOVIEW_TEST_…``. What cannot start is a failure, never a skip.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

STARTS_S = 60


def main(command: list[str]) -> int:
    """Start, run, stop; the command's exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is taken down then too
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hemoview-services-")))
        folder.chmod(0o755)  # servers that give up root look into it
        told = dict(os.environ)
        for name, start in SERVICES.items():
            began = time.monotonic()
            told[f"HEMOVIEW_TEST_{name.upper()}"] = stack.enter_context(start(folder / name))
            print(f"{name}: there after {time.monotonic() - began:.1f} s", flush=True)
        return subprocess.run(command, env=told, check=False).returncode


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


SERVICES: dict[str, Callable[[Path], Iterator[str]]] = {"postgres": postgres}
"""One a line: what it is called, and a context manager that starts it in a folder and gives its address."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
