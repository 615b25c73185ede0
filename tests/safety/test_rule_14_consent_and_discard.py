"""Rule 14: a scope not given excludes the session; abort and discard need a reason; quarantine, then a tombstone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bed import Bed
from small_session import ERA, header

from recorder import cli
from recorder import session as store
from recorder.acquire.purge_watch import PurgeWatch
from recorder.errors import ConfigError, SessionError, SessionRefused
from recorder.schema.subject import USES
from recorder.session.quarantine import DAY_NS, KEPT_DAYS

NOW_NS = 1_795_000_000 * 10**9


def recorded(bed: Bed, **changes: object) -> Path:
    bed.connect("adc")
    folder = bed.start(**changes)
    bed.cables["adc"].samples(50)
    bed.until(lambda: bed.status().streams[0].on_disk == 50)
    bed.ask("stop", reason="done", operator="op1")
    return folder


# ---- what the consent covers


def test_a_scope_not_given_excludes_the_session_from_that_use(bed: Bed) -> None:
    consent = {"version": "1", "date": "2026-01-01", "upload": True}
    folder = recorded(bed, consent=consent)
    with store.open(folder) as session:
        assert [use for use in USES if session.allows(use)] == ["record", "upload"]
    changes = {"consent.upload": False, "consent.reuse_for_training": True}
    store.amend(folder, changes, who="op1", why="asked for it", wall_ns=NOW_NS)
    with store.open(folder) as session:
        assert [use for use in USES if session.allows(use)] == ["record", "reuse_for_training"]


def test_without_a_consent_nothing_is_allowed(tmp_path: Path) -> None:
    store.create(tmp_path / "s", header(), ERA).close("done")
    with store.open(tmp_path / "s") as session:
        assert not any(session.allows(use) for use in USES)


def test_start_needs_a_consent_that_allows_recording(bed: Bed) -> None:
    bed.connect("adc")
    for consent in (
        None,
        {"version": "", "date": "2026-01-01"},
        {"version": "1", "date": "2026-01-01", "record": False},
    ):
        with pytest.raises(SessionRefused, match="consent"):
            bed.start(consent=consent)


# ---- abort and discard


@pytest.mark.parametrize("verb", ["abort", "discard"])
def test_both_need_a_reason_and_somebody_who_signs(bed: Bed, verb: str) -> None:
    bed.connect("adc")
    bed.start()
    with pytest.raises(ConfigError, match="say why, the recording goes on"):
        bed.ask(verb, why=" ", operator="op1")
    with pytest.raises(ConfigError, match="say who"):
        bed.ask(verb, why="felt sick")
    assert bed.status().session.state == "open"


def test_an_aborted_session_is_kept_and_marked_incomplete_with_its_reason(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    assert Path(bed.ask("abort", why="felt sick", operator="op1")["folder"]) == folder
    with store.open(folder) as session:
        assert session.state == "sealed"
        assert session.incomplete_reason == "aborted: felt sick"
        assert session.events("session")[-1].payload["operator"] == "op1"


def test_a_discarded_session_can_be_had_back_for_thirty_days(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    bed.cables["adc"].samples(50)
    bed.until(lambda: bed.status().streams[0].on_disk == 50)
    moved = Path(bed.ask("discard", why="wrong bed", operator="op1")["folder"])
    assert not folder.exists()
    assert moved == folder.parent / "quarantine" / folder.name
    assert bed.status().session.folder == str(moved)
    assert bed.ask("known_subject", pseudonym="S-01")["sessions"] == 0
    (found,) = store.quarantined(folder.parent)
    assert (found.why, found.who) == ("wrong bed", "op1")
    assert found.discarded_wall_ns is not None
    assert store.verify(moved).ok
    almost = found.discarded_wall_ns + KEPT_DAYS * DAY_NS - 1
    assert store.purge(folder.parent, almost) == []
    assert store.restore(folder.parent, folder.name, who="op2", why="right bed", wall_ns=NOW_NS) == folder
    assert store.verify(folder).ok
    with store.open(folder) as session:
        assert [(a.new, a.who, a.why) for a in session.amendments()] == [
            ("discarded", "op1", "wrong bed"),
            ("restored", "op2", "right bed"),
        ]
        assert session.amended_fields == ()
    assert store.quarantined(folder.parent) == []
    assert list((folder.parent / "quarantine").iterdir()) == []
    bed.cables["adc"].samples(10)
    bed.until(lambda: bed.status().links[0].state == "streaming")
    bed.start()  # the station goes on
    assert bed.status().session.state == "open"


def test_after_thirty_days_only_a_tombstone_is_left(bed: Bed) -> None:
    folder = recorded(bed)
    found = store.discard(folder, why="wrong bed", who="op1", wall_ns=NOW_NS)
    watch = PurgeWatch(folder.parent)
    watch.look(NOW_NS + KEPT_DAYS * DAY_NS)
    assert watch._thread is not None
    watch._thread.join()
    left = sorted(p.name for p in (folder.parent / "quarantine").rglob("*"))
    assert left == [folder.name, "tombstone.json"]
    assert "wrong bed" in (found.path / "tombstone.json").read_text()
    assert "S-01" not in (found.path / "tombstone.json").read_text()
    assert store.quarantined(folder.parent) == []
    with pytest.raises(SessionError, match="erased"):
        store.open(found.path)


def test_what_is_in_quarantine_is_its_owners_alone(bed: Bed) -> None:
    folder = recorded(bed)
    found = store.discard(folder, why="wrong bed", who="op1", wall_ns=NOW_NS)
    place = folder.parent / "quarantine"
    modes = {p: p.stat().st_mode & 0o077 for p in (place, found.path, place / f"{folder.name}.json")}
    assert set(modes.values()) == {0}


def test_a_power_cut_between_note_and_move_leaves_the_session_where_it_is(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = recorded(bed)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", cut)
        with pytest.raises(KeyboardInterrupt):
            store.discard(folder, why="wrong bed", who="op1", wall_ns=NOW_NS)
    assert store.verify(folder).ok
    assert store.quarantined(folder.parent) == []
    assert store.purge(folder.parent, NOW_NS + 1000 * DAY_NS) == []
    assert store.discard(folder, why="wrong bed", who="op1", wall_ns=NOW_NS).path.is_dir()


def test_a_note_that_was_lost_keeps_the_session_for_ever(bed: Bed) -> None:
    folder = recorded(bed)
    found = store.discard(folder, why="wrong bed", who="op1", wall_ns=NOW_NS)
    found.path.with_name(f"{folder.name}.json").unlink()
    assert store.purge(folder.parent, NOW_NS + 1000 * DAY_NS) == []
    assert store.quarantined(folder.parent) == [replace(found, discarded_wall_ns=None, why="", who="")]


def test_what_is_recorded_or_was_discarded_before_is_refused(bed: Bed) -> None:
    bed.connect("adc")
    folder = bed.start()
    with pytest.raises(SessionError, match="being written"):
        store.discard(folder, why="w", who="op1", wall_ns=NOW_NS)
    assert folder.is_dir()
    with pytest.raises(SessionError, match=r"no session\.json"):
        store.discard(folder.parent, why="w", who="op1", wall_ns=NOW_NS)
    with pytest.raises(SessionError, match="not in quarantine"):
        store.restore(folder.parent, "nope", who="op1", why="", wall_ns=NOW_NS)


def test_quarantine_at_the_command_line(bed: Bed, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> tuple[int, dict[str, object]]:
        status = cli.main(["quarantine", *words, "--folder", str(folder.parent), "--json"])
        return status, json.loads(capsys.readouterr().out.splitlines()[-1])

    folder = recorded(bed)
    store.discard(folder, why="wrong bed", who="op1", wall_ns=bed.clock.wall_ns())
    status, told = run("list")
    assert status == 0
    assert [each["why"] for each in told["sessions"]] == ["wrong bed"]  # type: ignore[attr-defined]
    assert run("purge")[1]["erased"] == []
    assert cli.main(["quarantine", "restore", folder.name, "--folder", str(folder.parent)]) == 1
    assert "say who restores it" in capsys.readouterr().err
    assert run("restore", folder.name, "--operator", "op2")[0] == 0
    assert folder.is_dir()
    store.discard(folder, why="wrong bed", who="op1", wall_ns=bed.clock.wall_ns())
    assert len(run("purge", folder.name, "--yes")[1]["erased"]) == 1  # type: ignore[arg-type]
