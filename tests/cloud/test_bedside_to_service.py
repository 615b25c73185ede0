"""The bedside's own courier and the real service: what the fake service of the bedside's tests stands for."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder import session as store
from recorder.errors import ServiceUnreachable
from recorder.schema import Consent
from recorder.schema.sync_status import SyncStatus
from recorder.sync.client import Patience
from recorder.sync.orders import Desk, finder, messages
from recorder.sync.watch import StationSessions, Watch
from tests.cloud.serve_rig import Served
from tests.sync.sync_rig import Bedside, copied, enrolled, session


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return session(tmp_path_factory.mktemp("base") / "s", 4)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    service = Served(tmp_path / "service").prepare().start()
    yield service
    service.stop()


@pytest.fixture
def bedside(tmp_path: Path, served: Served) -> Bedside:
    return enrolled(tmp_path / "home", served.url, served.codes[0])


def blobs_of(served: Served) -> int:
    return sum(1 for p in (served.folder / "blobs").rglob("*") if p.is_file() and len(p.name) == 64)


@pytest.mark.slow
def test_a_session_its_amendment_and_a_second_pass(
    base: Path, tmp_path: Path, served: Served, bedside: Bedside
) -> None:
    folder = copied(base, tmp_path / "sessions" / "s")
    words = [
        sys.executable,
        "-m",
        "recorder.cli",
        "sync",
        "--all",
        str(folder.parent),
        "--server",
        served.url,
    ]
    words += ["--station", "bed1", "--home", str(bedside.home), "--json"]

    def sync() -> dict[str, object]:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]

    first, second = sync(), sync()
    assert first["sent"] == first["segments_total"] and first["safe"] == 1
    assert (second["sent"], second["bytes_sent"], second["already_there"]) == (0, 0, first["segments_total"])
    store.amend(folder, {"notes": "later"}, who="OP1", why="forgotten", wall_ns=1)
    (third,) = bedside.bring(folder)
    assert (third.rev, third.others_sent, third.sent) == (2, 1, 0)


@pytest.mark.slow
def test_the_service_is_killed_again_and_again(
    base: Path, tmp_path: Path, served: Served, bedside: Bedside
) -> None:
    folders = [copied(base, tmp_path / f"s{n}", session_id=f"{n:032x}") for n in range(12)]
    bedside.options["patience"] = Patience(3, 0.01, 0.05, lambda: 0.5)
    done = threading.Event()

    def killer() -> None:
        for _ in range(4):
            time.sleep(0.4)
            served.kill()
            served.start()
        done.set()

    thread = threading.Thread(target=killer)
    thread.start()
    while not done.is_set():
        with contextlib.suppress(ServiceUnreachable):
            bedside.bring(*folders)
    thread.join()
    outcomes = bedside.bring(*folders)
    assert all(o.is_safe and o.rev == 1 for o in outcomes)
    assert bedside.bring(*folders)[0].bytes_sent == 0
    assert bedside.queue().waiting == 0


@pytest.mark.slow
def test_lost_outbox_lost_service_and_simulated(
    base: Path, tmp_path: Path, served: Served, bedside: Bedside
) -> None:
    folder = copied(base, tmp_path / "s")
    assert bedside.bring(folder)[0].is_safe
    (bedside.home / "sync" / "outbox.sqlite").unlink()
    (again,) = bedside.bring(folder)
    assert (again.is_safe, again.bytes_sent, again.rev) == (True, 0, 2)
    assert (
        bedside.bring(copied(base, tmp_path / "t", session_id="c" * 32, simulated=True))[0].stays
        == "simulated"
    )
    other = enrolled(tmp_path / "home2", served.url, served.codes[1])
    (foreign,) = other.bring(folder)
    assert foreign.error and not foreign.is_safe


@pytest.mark.slow
def test_feedback_and_erasure_reach_the_bedside(
    base: Path, tmp_path: Path, served: Served, bedside: Bedside
) -> None:
    consent = Consent("v1", "2026-01-01", upload=True, feedback=True)
    folder = copied(base, tmp_path / "sessions" / "s", consent=consent)
    session_id = bedside.bring(folder)[0].session_id
    with bedside.gear() as gear:
        desk = Desk(
            gear.outbox,
            gear.vault,
            bedside.identity,
            bedside.station_folder,
            finder(lambda: [folder]),
            lambda _order: False,
            gear.now_us,
        )
        told: list[SyncStatus] = []
        watch = Watch(gear, StationSessions(folder.parent, "bed1"), desk, told.append)

        def beat() -> None:
            watch._next_beat_s = 0.0
            watch.look()

        said = {"session_id": session_id, "text": "the finger cuff slipped"}
        assert served.post("clinician", "/v1/feedback", said).status_code == 201
        beat()
        assert [m["text"] for m in messages(bedside.station_folder)] == ["the finger cuff slipped"]
        assert told[-1].messages == 1
        beat()  # the amendment that keeps it went there as a further revision
        assert gear.outbox.get(bedside.identity.server_id, session_id).rev == 2

        reply = served.post("admin", f"/v1/sessions/{session_id}/erase", {"reason": "withdrawn"})
        assert reply.is_success, reply.text
        beat()
        assert (folder / "tombstone.json").is_file() and not list(folder.glob("segments/*"))
        beat()
    assert messages(bedside.station_folder) == []  # what was said of it went with it
    assert bedside.bring(folder)[0].stays == "erased"
