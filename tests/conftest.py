"""Shared by every test: an isolated home, no display, printed seeds."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from recorder.testing.sealing_here import SealerInProcess

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Workers and hundreds of started processes compile the same files: once is enough, whatever the system says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Failing examples print a blob that reproduces them; runs differ, so that the suite keeps looking.
settings.register_profile("hemoview", print_blob=True, deadline=None)
settings.load_profile("hemoview")

LIVE = frozenset(
    {
        *("acquire", "bench", "day", "devices", "host", "radio", "safety", "sim", "soak", "transports", "ui"),
        "edge/test_edge_process.py",
        "edge/test_edge_start.py",
        "real/test_replayed_recordings.py",
        "test_demo.py",
    }
)
"""Rooms and modules whose tests start processes, speak to emulators or paint: one after the other in one worker, so
that each has a core for itself while the other workers compute. They wait more than they work, so that two others find
enough to do; those give way to it."""

SEALED_APART = frozenset(
    {
        *("acquire", "day", "soak"),
        *(
            f"session/test_session_{name}.py"
            for name in ("crash", "orphan", "reader", "roundtrip", "rubble", "storage", "verify", "writer")
        ),
    }
)
"""Rooms and modules where the sealer runs in the process of its own that it has in the product; in the others a session
that tests write in their own process is sealed there, by the same code."""

BEGIN_EARLY = (
    "live",
    "real/test_hr_of_the_pulse.py",
    "bundle/test_self_contained.py",
    "session/test_session_orphan.py",
    "learn/test_ship.py",
    "session/test_session_crash.py",
    "learn/compress/test_compress_command.py",
    "learn/compress/test_compress_onnx.py",
    "learn/moe/test_moe_model.py",
    "learn/test_training.py",
    "real/test_datasets.py",
    "real/test_e4_import.py",
    "services/test_postgres_killed.py",
    "services/s3",
    "services/test_up.py",
    "services/test_mqtt_replicas.py",
    "contracts/test_job_queue.py",
    "services/test_postgres_away.py",
    "services/test_uplink_mqtt.py",
    "cloud/test_reports.py",
    "services/test_procrastinate.py",
    "services/test_postgres_stopped.py",
)
"""Rooms of few tests that take long, and ``live``: begun at the end, they would find the other workers without work."""

TOGETHER = ("services/s3",)
"""Rooms whose modules share what takes long to start."""

GIVES_WAY = 15
"""Niceness of workers that do not live in real time: below all that the product itself starts at a lower priority."""

MARKS_IN_TEXT = frozenset({"slow", "learn", "services", "soak"})
"""Marks that a module only gets by naming them itself, as ``mark.NAME``."""

HERE = Path(__file__).parent
REAL_RECORDINGS = HERE.resolve().parents[1] / "shared" / "data"
BEGUN = pytest.StashKey[bool]()


class Rooms(LoadScopeScheduling):
    """Whatever lives in real time in one worker, modules of the rest wherever.

    By the path, not by ``xdist_group``: pytest 9.2 names tests anew and passes over the marks that xdist 3.8 appends.
    """

    def _split_scope(self, nodeid: str) -> str:
        return room_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return Rooms(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``-m "slow or learn"`` does not read the modules that use neither mark: most of them, and each worker would."""
    wanted = str(config.option.markexpr).split(" or ")
    if not set(wanted) <= MARKS_IN_TEXT or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text("utf-8")
    return None if any(f"mark.{name}" in text for name in wanted) else True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A worker's tests in the order in which rooms begin: the known long ones, then those of many tests."""
    if not hasattr(config, "workerinput"):
        return
    size = Counter(room_of(item.nodeid) for item in items)
    early = {room: at for at, room in enumerate(BEGIN_EARLY)}

    def turn(item: pytest.Item) -> tuple[int, int]:
        room = room_of(item.nodeid)
        return early.get(room, len(early)), -size[room]

    items.sort(key=turn)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """What a worker begins with says what it is; where there is ``live``, it is the first of all rooms."""
    if not hasattr(item.config, "workerinput") or item.config.stash.get(BEGUN, False):
        return
    item.config.stash[BEGUN] = True
    has_live = room_of(item.session.items[0].nodeid) == "live"
    if has_live and room_of(item.nodeid) != "live" and hasattr(os, "nice"):
        os.nice(GIVES_WAY)


def room_of(nodeid: str) -> str:
    """What goes to one worker as a whole: a module, a room of :data:`TOGETHER`, or all that lives in real time."""
    module = nodeid.split("::", maxsplit=1)[0].removeprefix("tests/")
    if is_of(HERE / module, LIVE):
        return "live"
    return next((room for room in TOGETHER if module.startswith(f"{room}/")), module)


def is_of(path: Path, places: frozenset[str]) -> bool:
    """Whether a module, or its room, is among ``places``."""
    place = path.relative_to(HERE)
    return not places.isdisjoint({place.parts[0], place.as_posix()})


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end; a collection of garbage during a test need not look at them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of one test each; named by counting, where ``mktemp`` would list thousands to find a free number."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test touches the user's own sessions, settings or clock."""
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HEMOVIEW_HOME", str(home))
    monkeypatch.delenv("HEMOVIEW_CLOCK", raising=False)
    yield


@pytest.fixture(scope="module", autouse=True)
def _sealed_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """Half a second less for every session stored."""
    with pytest.MonkeyPatch.context() as patch:
        if not is_of(request.path, SEALED_APART):
            patch.setattr("recorder.session.writer.SealerProcess", SealerInProcess)
        yield


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts this process into a time zone, for one test."""

    def moved(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield moved
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="session")
def real_recordings() -> Path:
    """Folder of the real recordings; the test is skipped where they are absent."""
    if not REAL_RECORDINGS.is_dir():
        pytest.skip("the real recordings are not beside the project")
    return REAL_RECORDINGS
