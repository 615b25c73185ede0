"""``make up``: the whole of the scaled-out service on this machine, for trying it, from Debian's packages.

PostgreSQL, an object store of one node, an MQTT broker, and two processes of the service behind nginx with TLS. All
of it lies in one folder, is found again by the next call, is started again when it is killed, and ends with this
command. Nothing of the system's own configuration is read or changed.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import socket
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError
from typing import Any, TypeVar

from servers import ceph, mosquitto, nginx, postgres
from servers.replica import Replica, replica, wait_until_gone

from hemoview.cloud.identity import tls
from recorder.errors import ConfigError
from recorder.host.console import run_command

T = TypeVar("T")
PORT = 8440
REPLICAS = 2
LOOK_S = 0.5
SAY_EVERY = 10
STOPS_S = 120.0
PROGRAMS = {
    "/usr/sbin/nginx": "nginx-light",
    "/usr/lib/postgresql/*/bin/initdb": "postgresql",
    "/usr/bin/ceph-mon": "ceph-mon",
    "/usr/bin/ceph-osd": "ceph-osd",
    "/usr/bin/radosgw": "radosgw",
    "/usr/bin/ceph": "ceph-common",
    "/usr/sbin/mosquitto": "mosquitto",
}
"""What is asked for, and the Debian package that has it."""


@dataclass(frozen=True)
class Trial:
    """What was asked for."""

    folder: Path
    names: tuple[str, ...]
    port: int
    replicas: int
    production: bool

    @property
    def host(self) -> str:
        """Beyond this machine only if somebody named it."""
        return "0.0.0.0" if self.names else "127.0.0.1"

    @property
    def address(self) -> str:
        return f"https://{(self.names or ('localhost',))[0]}:{self.port}"


@dataclass(frozen=True)
class Part:
    """Something that runs: whether it does, and how it is started again."""

    name: str
    runs: Callable[[], bool]
    start: Callable[[], object]


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--down", action="store_true", help="end what make up started")
    parser.add_argument(
        "--folder", type=Path, default=default_folder(), help="of everything (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=PORT, help="to listen on (default: %(default)s)")
    parser.add_argument(
        "--replicas", type=int, default=REPLICAS, help="of the service (default: %(default)s)"
    )
    parser.add_argument(
        "--names", default="", help="listen for other machines too, under these names and addresses: A[,B…]"
    )
    parser.add_argument(
        "--production", action="store_true", help="refuse simulated sessions and those of training"
    )
    told = parser.parse_args(words)
    folder = told.folder.absolute()
    if told.down:
        return run_command("make down", lambda: down(folder), as_json=False)
    names = tuple(name for name in told.names.split(",") if name)
    trial = Trial(folder, names, told.port, told.replicas, told.production)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    return run_command("make up", lambda: up(trial), as_json=False)


def default_folder() -> Path:
    """PostgreSQL gives up root, and could not look into root's home."""
    if named := os.environ.get("HEMOVIEW_TRIAL"):
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/hemoview-trial")
    return Path.home() / ".local" / "share" / "hemoview-trial"


def up(trial: Trial) -> int:
    """Start, say where, look after it until told to stop."""
    check_programs()
    with only_one(trial), ExitStack() as stack:
        nginx.stop(trial.folder / "nginx")  # of a make up that was killed
        check_port(trial)
        parts = list(started(trial, stack))
        print(in_words(trial), flush=True)
        with suppress(KeyboardInterrupt), looked_after(parts):
            threading.Event().wait()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is half ended is not torn
        print("Ending …", flush=True)
    print("Ended. The next make up finds everything again.", flush=True)
    return 0


def down(folder: Path) -> int:
    """End what ``up`` keeps; or what is left of one that was killed."""
    with suppress(FileNotFoundError, ValueError, ProcessLookupError):
        if is_locked(folder):
            os.kill(int((folder / "up.pid").read_text()), signal.SIGTERM)
    deadline = time.monotonic() + STOPS_S
    while is_locked(folder):
        if time.monotonic() > deadline:
            raise ConfigError(f"{folder}: it does not end; see what make up says")
        time.sleep(0.2)
    for number in folder.glob("[0-9]*"):
        wait_until_gone(number)
    for module, name in ((nginx, "nginx"), (mosquitto, "mosquitto"), (ceph, "ceph"), (postgres, "postgres")):
        if (folder / name).is_dir():
            module.stop(folder / name)
    print(f"Nothing runs in {folder} any more; what was kept there is kept.")
    return 0


# ---- what has to be so


def check_programs() -> None:
    """Raises ConfigError with the line to type."""
    root = Path("/")
    lacking = [package for path, package in PROGRAMS.items() if not any(root.glob(path.lstrip("/")))]
    if lacking:
        raise ConfigError(f"servers are missing; type: sudo apt-get install {' '.join(lacking)}")


def check_port(trial: Trial) -> None:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((trial.host, trial.port))
        except OSError as error:
            raise ConfigError(
                f"port {trial.port} cannot be had ({error.strerror}); name another: make up UP='--port 8441'"
            ) from error


@contextmanager
def only_one(trial: Trial) -> Iterator[None]:
    """Of these in a folder, which is made and can be reached by PostgreSQL's own account."""
    folder = trial.folder
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror}); name another by --folder") from error
    if os.geteuid() == 0:
        folder.chmod(0o711)
        closed = [str(one) for one in folder.parents if not one.stat().st_mode & 0o001]
        if closed:
            raise ConfigError(
                f"{closed[0]}: PostgreSQL, which gives up root, may not pass through; name another folder by --folder, "
                "or run this as yourself"
            )
    with (folder / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{folder}: it is up already; make down ends it") from None
        (folder / "up.pid").write_text(str(os.getpid()))
        yield


def is_locked(folder: Path) -> bool:
    with suppress(OSError), (folder / "up.lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


# ---- its parts


def started(trial: Trial, stack: ExitStack) -> Iterator[Part]:
    """One after the other; each ends in the reverse order."""
    folder = trial.folder
    told: dict[str, Any] = {
        "public_url": trial.address,
        "production": trial.production,
        "keys_folder": folder / "keys",
        "tls_cert": certificate(trial),
        "replicas": trial.replicas > 1,
        "jobs": "procrastinate",
    }
    database = whole(folder / "postgres")
    told["database_url"] = said(
        "PostgreSQL", lambda: stack.enter_context(postgres.postgres(database, keep=True))
    )
    yield Part("PostgreSQL", lambda: postgres.runs(database), lambda: postgres.start(database))
    store = whole(folder / "ceph")
    settings = said("object store", lambda: stack.enter_context(ceph.ceph(store, keep=True)))
    (store / "made").touch()
    told |= tomllib.loads(Path(settings).read_text("utf-8"))
    yield Part("object store", lambda: ceph.runs(store), lambda: ceph.start(store))
    broker = folder / "mosquitto"
    begin = mosquitto.mosquitto(broker, devices=folder / "keys", names=trial.names, keep=True)
    told |= tomllib.loads(Path(said("broker", lambda: stack.enter_context(begin))).read_text("utf-8"))
    yield Part("broker", lambda: mosquitto.pid_of(broker) is not None, lambda: mosquitto.start(broker))
    replicas: list[Replica] = []
    for number in range(1, trial.replicas + 1):
        name = f"service {number}"
        one = said(name, lambda number=number: stack.enter_context(replica(folder / str(number), told)))
        replicas.append(one)
        yield Part(name, one.runs, one.start)
    front, sockets = folder / "nginx", [one.socket for one in replicas]
    address = {"host": trial.host, "port": trial.port, "keep": True}
    proxy = nginx.nginx(front, replicas=sockets, tls=folder / "tls", **address)
    said("nginx", lambda: stack.enter_context(proxy))
    yield Part("nginx", lambda: nginx.pid_of(front) is not None, lambda: nginx.start(front))


def certificate(trial: Trial) -> Path:
    """That of before as long as it is good for these names."""
    folder = trial.folder / "tls"
    shown = tls.served(folder / "server.pem") if (folder / "server.pem").exists() else None
    if shown is None or shown.is_due(time.time_ns() // 1000) or not set(trial.names) <= set(shown.names):
        tls.init(folder, trial.names or ("localhost",))
    return folder / "server.pem"


def whole(folder: Path) -> Path:
    """A server's folder; one whose making was interrupted holds nothing yet and is made anew."""
    if folder.exists() and not (folder / "made").exists():
        shutil.rmtree(folder)
    return folder


def said(name: str, work: Callable[[], T]) -> T:
    """Do something that takes a while, and say so.

    Raises:
        ConfigError: a server does not start.
    """
    began = time.monotonic()
    try:
        done = work()
    except (RuntimeError, OSError, SubprocessError) as error:
        raise ConfigError(f"{name} does not start: {error}; its folder has a log") from error
    print(f"{name}: there after {time.monotonic() - began:.1f} s", flush=True)
    return done


@contextmanager
def looked_after(parts: Sequence[Part]) -> Iterator[None]:
    """What dies meanwhile is started again; none waits for another."""
    ending = threading.Event()
    threads = [threading.Thread(target=look_after, args=(part, ending), name=part.name) for part in parts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def look_after(part: Part, ending: threading.Event) -> None:
    """One part, until ``ending``."""
    in_vain = 0
    while not ending.wait(LOOK_S):
        if part.runs():
            in_vain = 0
            continue
        in_vain += 1
        if in_vain == 1:
            print(f"{part.name} ended; it is started again", flush=True)
        try:
            part.start()
        except Exception as error:  # noqa: BLE001 – the others go on
            if in_vain % SAY_EVERY == 0:  # what it left may have to end first
                print(f"{part.name} does not start: {error}", flush=True)


# ---- what it says


def in_words(trial: Trial) -> str:
    folder = trial.folder
    ca = folder / "tls" / "ca.pem"
    taken = "refused (--production)" if trial.production else "accepted, as are those of training"
    return f"""
HemoView is up at  {trial.address}  ({trial.replicas} of the service, behind nginx)

  sign in    {password(trial)}
  trust      {ca}
             bedside: recorder enrol --server {trial.address} --ca {ca} --code CODE --station bed1
             browser: import it as an authority, or accept the warning while you try
             Linux:   copy it to /usr/local/share/ca-certificates/hemoview-trial.crt, run update-ca-certificates
  data       {folder}
  simulated  sessions are {taken}
  store      {ceph.FOR_TRIALS}

It ends with Ctrl-C or make down; the next make up finds everything again. To begin anew: make down; rm -r {folder}
"""


def password(trial: Trial) -> str:
    """On a terminal the one-time password itself; nobody else is to read it in a log."""
    file = trial.folder / ("keys" if trial.replicas > 1 else "1") / "one-time-password-admin.txt"
    if not file.exists():
        again = f"hemoview serve --config {trial.folder / '1' / 'service.toml'} --new-password admin"
        return f"as before; if nobody can: {again}"
    told = file.read_text().split()[1] if sys.stdout.isatty() else f"in {file}"
    return f"as admin with the one-time password {told} (an hour; changed at the first sign-in)"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
