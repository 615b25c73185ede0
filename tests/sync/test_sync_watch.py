"""Sync as long as a station lives: what changed goes, what waits is told, what the service wants is done once."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hemoview.ui.recorder_words import error_in_chinese, is_english
from hemoview.viewmodel.service import service_view
from recorder import session as store
from recorder.host import places, sync_process
from recorder.host.sync_child import Board, moment_of
from recorder.host.sync_notes import notes
from recorder.schema import Consent
from recorder.schema.sync_status import SyncStatus
from recorder.session import amendments
from recorder.sync import answers, signing, wire
from recorder.sync.orders import FEEDBACK, Desk, finder, messages
from recorder.sync.watch import StationSessions, Watch
from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import ERA, Bedside, copied, go_on, header, recording

SESSION_ID = header().session_id


@pytest.fixture
def sessions(folder: Path) -> Path:
    return folder.parent


@contextmanager
def watching(
    bedside: Bedside, sessions: Path, marked: list[wire.Order] | None = None
) -> Iterator[tuple[Watch, list[SyncStatus]]]:
    told: list[SyncStatus] = []
    with bedside.gear() as gear:
        desk = Desk(
            gear.outbox,
            gear.vault,
            gear.service.identity,
            bedside.station_folder,
            finder(lambda: sorted(p for p in sessions.iterdir() if p.is_dir())),
            lambda order: marked is not None and (marked.append(order) or True),
            gear.now_us,
        )
        watch = Watch(gear, StationSessions(sessions, "bed1"), desk, told.append, "recorder 1")
        yield watch, told


def beat_now(watch: Watch) -> None:
    watch._next_beat_s = 0.0
    watch.look()


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


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
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


# ---- orders


def order(
    kind: str, order_id: str = "o-1", session_id: str = SESSION_ID, text: str = "signal was poor"
) -> wire.Order:
    return wire.Order(order_id, kind, session_id, text, "Dr A")


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


def test_an_erasure_reaches_the_local_copy_and_is_acknowledged(
    sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    with watching(bedside, sessions) as (watch, _):
        watch.look()
        service.orders = [order("erase", text="withdrawn"), order("erase", "o-2", session_id="f" * 32)]
        beat_now(watch)
        beat_now(watch)
    assert {a.order_id: a.outcome for a in service.acknowledged} == {"o-1": "done", "o-2": "absent"}
    stone = (folder / "tombstone.json").read_text()
    assert "withdrawn" in stone and not list(folder.glob("segments/*"))
    assert not list((bedside.home / "sync" / "keys").glob(f"{SESSION_ID}*"))
    assert bedside.bring(folder)[0].stays == "erased"


@pytest.mark.parametrize(
    "forged", ["unsigned", "other device", "other service", "other key", "other session", "words"]
)
def test_an_order_that_the_service_did_not_give_to_us_is_refused_with_words(
    forged: str, sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    """Whoever can speak into the connection, or kept an order of another device, has nothing erased."""
    bedside.bring(folder)
    device_id = bedside.identity.device_id
    key, us = service.signing_key, service.server_id

    def forge(given: wire.Order) -> wire.Order:
        return {
            "unsigned": lambda: replace(given, signature=""),
            "other device": lambda: signing.sign_order(key, us, "d-other", given),
            "other service": lambda: signing.sign_order(key, "s-other", device_id, given),
            "other key": lambda: signing.sign_order(signing.new_key(), us, device_id, given),
            "other session": lambda: replace(given, session_id=SESSION_ID),
            "words": lambda: replace(given, text="erase this one as well"),
        }[forged]()

    about = "e" * 32 if forged == "other session" else SESSION_ID
    service.forge_order = forge
    service.orders = [order("erase", session_id=about), order("message", "o-2", session_id=about)]
    with watching(bedside, sessions) as (watch, _):
        beat_now(watch)
        beat_now(watch)
    assert {a.order_id: a.outcome for a in service.acknowledged} == {"o-1": "failed", "o-2": "failed"}
    said = service.acknowledged[0].detail
    assert ("update it" if forged == "unsigned" else "signature") in said
    assert not (folder / "tombstone.json").exists() and messages(bedside.station_folder) == []


def test_what_was_said_of_an_erased_session_goes_with_it(
    sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    with watching(bedside, sessions) as (watch, _):
        watch.look()
        service.orders = [order("message"), order("message", "o-2", session_id="f" * 32, text="well done")]
        beat_now(watch)
        station = watch.desk.station_folder
        assert len(messages(station)) == 2
        service.orders = [order("erase", "o-3")]
        beat_now(watch)
        assert [one["text"] for one in messages(station)] == ["well done"]


def test_an_erasure_of_what_is_in_use_is_asked_again(
    sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    from recorder.session.lock import FolderLock  # noqa: PLC0415

    bedside.bring(folder)
    service.orders = [order("erase")]
    with watching(bedside, sessions) as (watch, _):
        with FolderLock(folder):
            watch.look()
            beat_now(watch)
        assert [a.outcome for a in service.acknowledged] == ["failed"]
        beat_now(watch)
        beat_now(watch)
    assert service.acknowledged[-1].outcome == "done"


def test_a_service_has_nothing_erased_that_it_never_had(
    base: Path, tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    folder = copied(base, tmp_path / "all" / "s", consent=Consent("v1", "2026-01-01"))
    service.orders = [order("erase")]
    with watching(bedside, folder.parent) as (watch, _):
        beat_now(watch)
        beat_now(watch)
    assert service.acknowledged[0].outcome == "failed" and "never brought" in service.acknowledged[0].detail
    assert store.open(folder)


def test_feedback_is_kept_in_the_session_once_however_often_it_comes(
    sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    service.orders = [order("message")]
    with watching(bedside, sessions) as (watch, told):
        watch.look()
        service.acknowledged.clear()
        beat_now(watch)
        service.acknowledged.clear()  # the service forgot: it asks again
        beat_now(watch)
        beat_now(watch)
        assert told[-1].messages == 1
    found = [a for a in amendments.read(folder)[0] if a.field == FEEDBACK]
    assert [(a.new["text"], a.who) for a in found] == [("signal was poor", "Dr A")]
    assert [m["text"] for m in messages(bedside.station_folder)] == ["signal was poor"]
    assert b"signal was poor" in service.plain_files(SESSION_ID)["amendments.jsonl"]


def test_feedback_on_a_moment_is_a_marker_there_for_every_reader(
    sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    moment_us = ERA.wall_ns // 1000 + 2_500_000
    service.orders = [
        replace(order("message"), marker_us=moment_us),
        replace(order("message", "o-2"), marker_us=5),
    ]
    with watching(bedside, sessions) as (watch, _):
        watch.look()
        service.acknowledged.clear()
        beat_now(watch)
    with store.open(folder) as session:
        (marker,) = [e for e in session.events("marker") if "feedback" in str(e.payload["label"])]
        assert marker.payload["label"] == "feedback: signal was poor"
        assert session.t_s(marker.t_host_ns, marker.era) == pytest.approx(2.5, abs=0.001)
    assert len([a for a in amendments.read(folder)[0] if a.field == FEEDBACK]) == 2


def test_feedback_on_the_session_that_runs_becomes_a_marker(
    sessions: Path, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    marked: list[wire.Order] = []
    service.orders = [order("message")]
    with watching(bedside, sessions, marked) as (watch, _):
        watch.look()
        beat_now(watch)
    assert [m.text for m in marked] == ["signal was poor"]
    assert not (folder / "amendments.jsonl").exists()
    assert service.acknowledged[0].outcome == "done"


def test_what_was_found_damaged_there_is_sent_again(
    sessions: Path, service: FakeService, bedside: Bedside
) -> None:
    with watching(bedside, sessions) as (watch, _):
        watch.look()
        lost = next(iter(service.blobs))
        del service.blobs[lost]
        service.orders = [order("resend")]
        beat_now(watch)
        watch.look()
        assert lost in service.blobs


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
            assert said in found[0][0] and "3 of 41 files wait" in found[0][0]


def test_clocks_that_differ_are_told_at_the_bed_too(
    sessions: Path, service: FakeService, bedside: Bedside
) -> None:
    with watching(bedside, sessions) as (watch, told):
        watch.look()
        assert told[-1].clock_ahead_s == 0
        service.skew_s = -3600
        beat_now(watch)
        assert abs(told[-1].clock_ahead_s - 3600) <= 1


@pytest.mark.parametrize(
    ("marker_s", "at_s"), [(None, None), (1005, 55), (1000, 50), (999, None), (1020, 70), (1021, None)]
)
def test_a_message_about_a_moment_is_marked_there_and_nowhere_outside_the_recording(
    marker_s: int | None, at_s: int | None
) -> None:
    """Begun at 50 s of the bedside's monotonic clock, which is 1000 s of its wall clock; now is 20 s later."""
    status = {"t_host_ns": 70 * 10**9, "wall_ns": 1020 * 10**9, "session": {"started_host_ns": 50 * 10**9}}
    marker_us = None if marker_s is None else marker_s * 1_000_000
    order = wire.Order("o", "message", "s", "cuff?", "Dr A", 1, marker_us)
    assert moment_of(order, status) == (None if at_s is None else at_s * 10**9)
