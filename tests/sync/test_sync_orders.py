"""What the service wants of a bedside is done once, refused with words where it is not of that service, and told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from recorder import session as store
from recorder.errors import SessionError
from recorder.host.sync_child import moment_of
from recorder.schema import Consent
from recorder.session import amendments, ledger
from recorder.sync import orders, signing, wire
from recorder.sync.orders import FEEDBACK, messages
from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import ERA, Bedside, copied
from tests.sync.watch_rig import SESSION_ID, beat_now, watching


def order(
    kind: str, order_id: str = "o-1", session_id: str = SESSION_ID, text: str = "signal was poor"
) -> wire.Order:
    return wire.Order(order_id, kind, session_id, text, "Dr A")


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


def test_a_message_of_one_service_outlives_an_erasure_by_another_at_the_same_moment(
    sessions: Path, folder: Path, bedside: Bedside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_WAIT_S", 0.05, raising=False)
    write, refused = ledger.write_whole, []
    late = order("message", "o-2", session_id="f" * 32, text="well done")
    with watching(bedside, sessions) as (watch, _):
        desk = watch.desk
        desk._message(order("message", session_id="e" * 32))

        def written(path: Path, content: bytes) -> None:
            try:
                desk._message(late)  # as the thread of the other service does
            except SessionError as error:
                refused.append(error)
            write(path, content)

        monkeypatch.setattr(ledger, "write_whole", written)
        desk._erase(order("erase", "o-3", session_id="e" * 32))
        if refused:  # it is told so, and asks again
            desk._message(late)
        assert [one["text"] for one in messages(desk.station_folder)] == ["well done"]


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
