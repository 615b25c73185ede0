"""Sessions into custody: all of it arrives, decrypts to what lies here, and nothing goes twice."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from recorder import session as store
from recorder.errors import SessionError, WireError
from recorder.schema import Consent, Event
from recorder.schema.events import UNCONFIRMED
from recorder.sync import files, purge
from recorder.sync.outbox import OUTBOX_FILE
from recorder.sync.run import bring
from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import ERA, Bedside, copied, go_on, header, local_files, recording


def test_a_session_arrives_whole_and_a_second_pass_sends_no_body(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    (folder / "summary.bin").write_bytes(b"a cache")
    (first,) = bedside.bring(folder)
    assert first.is_safe and first.sent == first.segments > 0 and first.already_there == 0
    assert service.plain_files(first.session_id) == local_files(folder)
    (second,) = bedside.bring(folder)
    assert (second.sent, second.already_there, second.bytes_sent) == (0, first.segments, 0)
    assert set(service.bodies.values()) == {1}
    assert len(service.manifests[first.session_id]) == 1
    assert bedside.queue().waiting == 0


def test_nothing_of_a_session_lies_there_in_the_clear(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    bedside.bring(folder)
    for content in service.blobs.values():
        assert b"PAR1" not in content and b"S-07" not in content


def test_a_session_travels_while_it_is_recorded_and_its_end_follows(
    tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    folder = tmp_path / "s"
    writer = recording(folder, header(), 5)
    deadline = time.monotonic() + 30
    while not any(f.is_segment for f in files.look(folder).files) and time.monotonic() < deadline:
        time.sleep(0.05)
        writer.maintain()
    (during,) = bedside.bring(folder)
    assert during.is_safe
    assert service.manifests[during.session_id][-1][0].manifest.state == "open"
    go_on(writer, range(5, 8))
    writer.close("stopped")
    (after,) = bedside.bring(folder)
    last = service.manifests[after.session_id][-1][0].manifest
    assert (last.state, last.rev, after.already_there) == ("sealed", 2, during.segments)
    assert service.plain_files(after.session_id) == local_files(folder)
    assert set(service.bodies.values()) == {1}


def test_what_is_written_afterwards_is_a_further_revision(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    bedside.bring(folder)
    store.amend(folder, {"subject.pseudonym": "S-08"}, who="OP1", why="typed wrong", wall_ns=1)
    (again,) = bedside.bring(folder)
    assert (again.rev, again.sent, again.others_sent) == (2, 0, 1)
    first, second = (signed.manifest for signed, _ in service.manifests[again.session_id])
    assert second.prev_sha256 == service.manifests[again.session_id][0][1].receipt.manifest_sha256
    assert (first.about.pseudonym, second.about.pseudonym) == ("S-07", "S-08")


def test_two_services_hold_the_same_blobs_and_each_its_own_receipt(
    folder: Path, service: FakeService, bedside: Bedside, tmp_path: Path
) -> None:
    from tests.sync.sync_rig import enrolled  # noqa: PLC0415

    other = FakeService().start()
    second = enrolled(bedside.home, other.url)
    (a,), (b,) = bedside.bring(folder), second.bring(folder)
    assert a.is_safe and b.is_safe and a.bytes_sent == b.bytes_sent
    assert service.blobs == other.blobs
    assert service.plain_files(a.session_id) == other.plain_files(a.session_id)
    assert bedside.bring(folder)[0].bytes_sent == second.bring(folder)[0].bytes_sent == 0
    other.stop()


def test_two_passes_at_once_make_one_revision(folder: Path, service: FakeService, bedside: Bedside) -> None:
    threads = [threading.Thread(target=bedside.bring, args=(folder,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(service.manifests[header().session_id]) == 1
    assert set(service.bodies.values()) == {1}
    assert service.plain_files(header().session_id) == local_files(folder)


# ---- what stays at home


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"consent": Consent("v1", "2026-01-01")}, "no-upload-consent"),
        ({"consent": None}, "no-consent"),
        ({"simulated": True}, "simulated"),
        ({"template": {"rules": {"training": True}}}, "training"),
    ],
)
def test_what_may_not_go_stays(
    changes: dict[str, object], why: str, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    (outcome,) = bedside.bring(copied(folder, folder.with_name("s2"), **changes))
    assert (outcome.stays, outcome.is_safe) == (why, False)
    assert not service.openings and not service.bodies
    assert bedside.queue().total == 0


def test_a_service_that_is_not_for_production_takes_simulated_sessions(
    base: Path, tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    service.production = False
    assert bedside.bring(copied(base, tmp_path / "s", simulated=True))[0].is_safe


def test_a_consent_that_is_amended_lets_it_go_and_the_other_way_round(
    base: Path, tmp_path: Path, bedside: Bedside
) -> None:
    folder = copied(base, tmp_path / "s", consent=Consent("v1", "2026-01-01"))
    assert bedside.bring(folder)[0].stays
    store.amend(folder, {"consent.upload": True}, who="OP1", why="asked again", wall_ns=1)
    assert bedside.bring(folder)[0].is_safe
    store.amend(folder, {"consent.upload": False}, who="OP1", why="took it back", wall_ns=2)
    assert bedside.bring(folder)[0].stays == "no-upload-consent"


def test_discarded_and_erased_ones_stay(
    base: Path, tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    discarded = store.discard(copied(base, tmp_path / "d"), why="wrong", who="OP1", wall_ns=1).path
    erased = copied(base, tmp_path / "e")
    store.erase(erased, why="withdrawn")
    assert [o.stays for o in bedside.bring(discarded, erased)] == ["quarantined", "erased"]
    assert files.sessions_in(tmp_path) == []
    assert not service.bodies


def test_a_session_whose_subject_nobody_confirmed_stays(
    tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    writer = recording(tmp_path / "s", header(), 3)
    writer.write_event(
        Event("u1", UNCONFIRMED, ERA.monotonic_ns + 10**9, ERA.wall_ns + 10**9, 0, {"cause": "gap"})
    )
    writer.close("stopped")
    assert bedside.bring(tmp_path / "s")[0].stays == "unconfirmed"
    assert not service.bodies


def test_a_damaged_segment_is_named_and_nothing_is_called_safe(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    path = next(folder.glob("segments/*.parquet"))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(bytes(content))
    (outcome,) = bedside.bring(folder)
    assert path.name in outcome.error and "recorder verify" in outcome.error
    assert not outcome.is_safe and not service.manifests


def test_one_bad_session_does_not_hold_up_the_next(
    base: Path, tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    bad = copied(base, tmp_path / "a")
    (bad / "manifest.json").write_text("{}")
    good = copied(base, tmp_path / "b", session_id="b" * 32)
    outcomes = bedside.bring(bad, good)
    assert outcomes[0].error and outcomes[1].is_safe


# ---- what was lost, here or there


def test_the_outbox_is_lost_and_nothing_goes_twice(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    bedside.bring(folder)
    (bedside.home / "sync" / OUTBOX_FILE).unlink()
    (outcome,) = bedside.bring(folder)
    assert (outcome.is_safe, outcome.bytes_sent, outcome.rev) == (True, 0, 2)
    assert set(service.bodies.values()) == {1}


def test_the_keys_are_lost_and_what_is_there_is_not_touched(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    bedside.bring(folder)
    before = dict(service.blobs)
    shutil.rmtree(bedside.home / "sync")
    (outcome,) = bedside.bring(folder)
    assert "under another key" in outcome.error and not outcome.is_safe
    assert service.blobs == before


def test_a_service_restored_from_an_older_backup_gets_what_it_lacks(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    bedside.bring(folder)
    store.amend(folder, {"notes": "later"}, who="OP1", why="forgotten", wall_ns=1)
    bedside.bring(folder)
    session_id = header().session_id
    del service.manifests[session_id][1:]
    lost = service.manifests[session_id][0][0].manifest.files[0].blob_sha256
    del service.blobs[lost]
    (outcome,) = bedside.bring(folder)
    assert outcome.is_safe and outcome.rev == 2
    assert service.plain_files(session_id) == local_files(folder)
    service.openings.clear()
    service.manifests.clear()
    service.blobs.clear()
    (outcome,) = bedside.bring(folder)
    assert outcome.is_safe and outcome.rev == 1
    assert service.plain_files(session_id) == local_files(folder)


def test_a_blob_that_the_service_lost_is_sent_again(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    bedside.bring(folder)
    service.blobs.pop(next(iter(service.blobs)))
    (outcome,) = bedside.bring(folder)
    assert outcome.sent + outcome.others_sent == 1 and outcome.is_safe
    assert service.plain_files(outcome.session_id) == local_files(folder)


def test_a_session_erased_at_the_service_does_not_come_back(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    service.erased.add(header().session_id)
    assert bedside.bring(folder)[0].stays == "erased-there"


# ---- local copies


def purged(bedside: Bedside, folder: Path, days: float) -> list[str]:
    with bedside.gear() as gear:
        return purge.purge(gear, [bring(gear, folder)], days)


def test_a_local_copy_goes_after_its_days_and_leaves_a_tombstone(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    assert purged(bedside, folder, 7) == []
    service.skew_s += 6.9 * 86_400
    assert purged(bedside, folder, 7) == []
    service.skew_s += 0.2 * 86_400
    assert purged(bedside, folder, 7) == [folder.name]
    with pytest.raises(SessionError, match="kept at 127"):
        store.open(folder)
    assert bedside.bring(folder)[0].stays == "erased"


def test_no_copy_goes_without_a_receipt_that_holds(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    held = bedside.bring(folder)[0]
    with bedside.gear() as gear:
        store.amend(folder, {"notes": "later"}, who="OP1", why="forgotten", wall_ns=1)
        assert purge.purge(gear, [held], 0) == []  # something was added since
        again = bring(gear, folder)
        gone = service.blobs.pop(next(iter(service.blobs)))
        assert purge.purge(gear, [again], 0) == []  # the service lost a blob
        service.blobs[hashlib.sha256(gone).hexdigest()] = gone
        del service.manifests[again.session_id][-1]
        with pytest.raises(WireError):
            purge.purge(gear, [again], 0)  # its receipt is of another revision
    assert store.open(folder)


def test_what_is_amended_in_the_moment_of_the_purge_is_kept(
    folder: Path, service: FakeService, bedside: Bedside, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase = purge.erase

    def amended_first(path: Path, **told: Any) -> Any:
        store.amend(path, {"notes": "later"}, who="OP1", why="forgotten", wall_ns=1)
        return erase(path, **told)

    monkeypatch.setattr(purge, "erase", amended_first)
    assert purged(bedside, folder, 0) == []
    assert store.open(folder)


@pytest.mark.slow
def test_a_session_that_is_recorded_is_never_purged(
    tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    writer = recording(tmp_path / "s", header(), 3)
    assert purged(bedside, tmp_path / "s", 0) == []
    writer.close("stopped")
