"""Sync as long as a station lives: what changed goes, and what waits is told."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hemoview.ui.words.recorder import error_in_chinese, is_english
from hemoview.viewmodel.live.service import service_view
from recorder import session as store
from recorder.host import places, sync_process
from recorder.host.sync_child import Board
from recorder.host.sync_notes import notes
from recorder.schema.sync_status import SyncStatus
from recorder.sync import answers
from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import Bedside, copied, go_on, header, recording
from tests.sync.watch_rig import SESSION_ID, beat_now, watching


def test_what_is_there_and_what_changes_is_brought_once(
    sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    with watching(bedside, sessions) as (watch, told):
        watch.look()
        assert (told[-1].state, told[-1].waiting, told[-1].error) == ("idle", 0, "")
        assert told[-1].total > 5 and told[-1].last_success_us
        for _ in range(3):
            watch.look()
        assert len(service.manifests[SESSION_ID]) == 1
        store.amend(folder, {"notes": "later"}, who="OP1", why="forgotten", wall_ns=1)
        copied(folder, sessions / "s2", session_id="b" * 32)
        watch.look()
        assert len(service.manifests[SESSION_ID]) == 2 and len(service.manifests["b" * 32]) == 1


def test_sessions_of_other_stations_are_left_to_them(
    base: Path, tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    copied(base, tmp_path / "all" / "theirs", station="bed2")
    with watching(bedside, tmp_path / "all") as (watch, _):
        watch.look()
    assert not service.openings


def test_what_waits_is_told_while_the_service_is_away(
    sessions: Path, service: FakeService, bedside: Bedside
) -> None:
    service.stop()
    with watching(bedside, sessions) as (watch, told):
        first, second = watch.look(), watch.look()
        assert told[-1].state == "unreachable" and "cannot be reached" in told[-1].error
        assert told[-1].waiting == told[-1].total > 5 and told[-1].bytes_waiting > 1000
        assert 0 < first < second
        service.start()
        watch.look()
        assert (told[-1].state, told[-1].waiting, told[-1].error) == ("idle", 0, "")


def test_a_session_that_grows_while_the_service_is_away_is_told_between_two_trials(
    tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    writer = recording(tmp_path / "all" / "s1", header())
    with watching(bedside, tmp_path / "all") as (watch, told):
        watch.look()
        assert told[-1].waiting == 0  # and it is not brought again for five minutes
        service.stop()
        go_on(writer, range(6, 12))
        beat_now(watch)
        assert told[-1].state == "unreachable" and told[-1].waiting > 1
        before = told[-1].waiting
        watch.recount()
        assert told[-1].waiting == before
        go_on(writer, range(12, 20))
        watch.recount()
        assert told[-1].waiting > before
        writer.close("stopped")
        service.start()
        beat_now(watch)
        assert (told[-1].state, told[-1].waiting) == ("idle", 0)


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def test_a_service_that_goes_and_comes_back_is_told_when_somebody_asks(
    sessions: Path, service: FakeService, bedside: Bedside
) -> None:
    """By itself it beats every 15 s, and after a failure later and later."""
    asked = threading.Event()

    def nudged() -> bool:
        was = asked.is_set()
        asked.clear()
        return was

    with watching(bedside, sessions) as (watch, told):
        watch.nudged = nudged
        thread = threading.Thread(target=watch.run)
        thread.start()
        try:
            until(lambda: bool(told) and told[-1].state == "idle" and told[-1].total > 5)
            service.stop()
            asked.set()
            until(lambda: told[-1].state == "unreachable")
            watch._failures = 9  # a long outage: it would come back in five minutes
            service.start()
            asked.set()
            until(lambda: told[-1].state == "idle" and not told[-1].error)
        finally:
            watch.gear.stop.set()
            thread.join(10)


def test_a_service_that_goes_while_something_is_sent_is_told_before_it_is_given_up(
    sessions: Path, service: FakeService, bedside: Bedside
) -> None:
    lost: list[str] = []

    def silent(_method: str, path: str) -> str:
        lost.append(path)
        return "mute" if "/blobs/" in path and len(lost) < 30 else ""

    with watching(bedside, sessions) as (watch, told):
        bedside_patience = watch.gear.service._patience
        watch.gear.service._patience = replace(bedside_patience, tries=40)
        watch.gear.service.heard = watch.hears
        service.fault = silent
        watch.look()
    states = [s.state for s in told]
    gone = states.index("unreachable")
    assert "sending" in states[:gone] and "sending" in states[gone:], "and it went on"
    assert all(s.error for s in told if s.state == "unreachable")
    assert (told[-1].state, told[-1].error, told[-1].waiting) == ("idle", "", 0)


def test_one_lost_answer_is_no_silence(sessions: Path, service: FakeService, bedside: Bedside) -> None:
    failed: set[str] = set()

    def once(_method: str, path: str) -> str:
        is_new = path not in failed
        failed.add(path)
        return "mute" if is_new else ""

    service.fault = once
    with watching(bedside, sessions) as (watch, told):
        watch.gear.service.heard = watch.hears
        watch.look()
    assert {s.state for s in told} == {"sending", "idle"}


def test_who_asks_and_the_live_path_nudge(tmp_path: Path) -> None:
    folder = places.station_dir("bed1", tmp_path)
    folder.mkdir(parents=True)
    nudges = sync_process.Nudges(folder)
    assert not nudges()
    sync_process.ask("bed1", tmp_path)
    assert nudges() and not nudges()
    (folder / "live.json").write_text("{}")
    assert nudges() and not nudges()
    sync_process.ask("bed2", tmp_path)  # of no folder: it is asked when it is time


def test_a_session_taken_away_waits_no_longer(
    sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    service.stop()
    with watching(bedside, sessions) as (watch, told):
        watch.look()
        shutil.rmtree(folder)
        service.start()
        watch.look()
        assert told[-1].waiting == told[-1].total == 0


def test_sessions_that_stay_are_counted_and_no_error(
    base: Path, tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    copied(base, tmp_path / "all" / "s", simulated=True)
    with watching(bedside, tmp_path / "all") as (watch, told):
        watch.look()
        assert (told[-1].sessions_home, told[-1].waiting, told[-1].error) == (1, 0, "")


def test_another_service_is_told_as_such(sessions: Path, service: FakeService, bedside: Bedside) -> None:
    service.server_id = "another"
    with watching(bedside, sessions) as (watch, told):
        watch.look()
        assert told[-1].state == "other-service" and not service.bodies


def test_a_service_of_another_version_gets_nothing_is_told_and_what_waits_is_said(
    sessions: Path, service: FakeService, bedside: Bedside
) -> None:
    asked: list[str] = []
    service.fault = lambda _method, path: asked.append(path) or ""  # type: ignore[func-returns-value]
    service.protocol += 1
    with watching(bedside, sessions) as (watch, told):
        watch.look()
        assert (told[-1].state, told[-1].advice) == ("refused", answers.VERSION)
        assert "same version" in told[-1].error and told[-1].waiting > 5
        assert not service.openings and not service.blobs
        assert asked == ["/v1/hello", "/v1/devices/me/heartbeat"]  # it may show who came
        view = service_view(told[-1], told[-1].at_us, 0)
        assert view.state.id == "service-state-version"
        assert not is_english(error_in_chinese(view.error, view.advice))
        service.protocol -= 1  # brought to ours: no new start is needed
        watch.look()
        assert (told[-1].state, told[-1].error, told[-1].waiting) == ("idle", "", 0)


def test_the_heartbeat_tells_the_clock_and_the_queue(
    sessions: Path, service: FakeService, bedside: Bedside
) -> None:
    bedside.clock_ahead_s = 3_600
    with watching(bedside, sessions) as (watch, _):
        watch.look()
        beat_now(watch)
    beat = service.beats[-1]
    assert beat.t_us - service.now_us() == pytest.approx(3_600e6, abs=60e6)
    assert beat.queue is not None and beat.queue.waiting == 0 and beat.queue.total > 5


def test_what_pre_flight_says(tmp_path: Path) -> None:
    board = Board(tmp_path / "stations" / "bed1" / "sync.json")
    (tmp_path / "stations" / "bed1").mkdir(parents=True)
    assert notes("bed1", tmp_path) == []
    status = SyncStatus("ward.example:8440", server_id="s", waiting=3, total=41)
    for state, said in (
        ("idle", ""),
        ("sending", ""),
        ("unreachable", "does not answer"),
        ("refused", "takes nothing"),
    ):
        board.show(replace(status, state=state))  # type: ignore[arg-type]
        found = notes("bed1", tmp_path)
        assert bool(found) == bool(said)
        if found:
            assert said in found[0][0] and "files waiting: 3 of 41" in found[0][0]


def test_clocks_that_differ_are_told_at_the_bed_too(
    sessions: Path, service: FakeService, bedside: Bedside
) -> None:
    with watching(bedside, sessions) as (watch, told):
        watch.look()
        assert told[-1].clock_ahead_s == 0
        service.skew_s = -3600
        beat_now(watch)
        assert abs(told[-1].clock_ahead_s - 3600) <= 1
