"""Two who change a session at one moment: nothing is lost, nothing comes back, and each is told what became of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_session import ERA, STREAMS, header, write_second

from recorder import session as sessions
from recorder.clock import Clock
from recorder.errors import ConfigError, RecorderError, SessionError, StorageError
from recorder.schema.labelling import Deed
from recorder.session import Tombstone, alignments, amended, annotations, derived, quarantine

BY: dict[str, Any] = {"made_by": "op1", "software": "hemoview 0", "wall_ns": 7}
WHO: dict[str, Any] = {"who": "op1", "why": "asked", "wall_ns": 5}
OTHER: dict[str, Any] = {"who": "op2", "why": "asked too", "wall_ns": 6}
CONSENT = {"version": "1", "date": "2026-01-01"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sessions.create(tmp_path / "sessions" / "s", header("s"), ERA).close("done")
    return tmp_path / "sessions" / "s"


def meanwhile(
    patch: pytest.MonkeyPatch, place: Any, name: str, act: Callable[[], object], at: int = 1
) -> None:
    """``act`` happens once, just before the call number ``at`` of a step."""
    step = getattr(place, name)
    calls = 0

    def stepped(*args: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            act()
        return step(*args, **named)

    patch.setattr(place, name, stepped)


def left_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.suffix != ".lock")


# ---- alignments


def test_an_undo_never_takes_away_what_another_stored_meanwhile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for offset in (1, 2):
        alignments.append(folder, {"offset": offset}, **BY)
    meanwhile(monkeypatch, alignments, "append", lambda: alignments.append(folder, {"offset": 9}, **BY))
    with pytest.raises(SessionError, match="changed meanwhile"):
        alignments.undo(folder, **BY)
    held = alignments.current(folder)
    assert held is not None and (held.version, held.content) == (3, {"offset": 9})


def test_of_two_who_undo_at_once_one_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for offset in (1, 2, 3):
        alignments.append(folder, {"offset": offset}, **BY)
    meanwhile(monkeypatch, alignments, "write_new", lambda: alignments.undo(folder, **BY))
    with pytest.raises(SessionError, match="changed meanwhile"):
        alignments.undo(folder, **BY)
    assert [v.content["offset"] for v in alignments.history(folder)] == [1, 2, 3, 2]


def test_an_alignment_made_by_hand_of_what_holds_no_longer_is_refused(folder: Path) -> None:
    first = alignments.append(folder, {"offset": 1}, **BY)
    alignments.append(folder, {"offset": 2}, **BY)
    with pytest.raises(SessionError, match="changed meanwhile"):
        alignments.append(folder, {"offset": 1.01}, **BY, upon=first.effective)
    undone = alignments.undo(folder, **BY)
    assert alignments.append(folder, {"offset": 1.01}, **BY, upon=undone.effective).parent == first.version


def test_no_alignment_outlives_the_erasure_it_crossed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, alignments, "_read", lambda: sessions.erase(folder, why="asked"))
    with pytest.raises(RecorderError):
        alignments.append(folder, {"offset": 1}, **BY)
    assert left_in(folder) == ["tombstone.json"]


def test_no_alignment_outlives_an_erasure_at_the_last_moment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alignments.append(folder, {"offset": 1}, **BY)

    def erased_but_for_the_folder() -> None:
        sessions.erase(folder, why="asked")
        (folder / "alignments").mkdir()

    meanwhile(monkeypatch, alignments, "write_new", erased_but_for_the_folder)
    with pytest.raises(SessionError, match="erased"):
        alignments.append(folder, {"offset": 2}, **BY)
    assert left_in(folder) == ["tombstone.json"]


# ---- amendments


def test_two_corrections_of_one_field_each_say_what_they_replaced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(
        monkeypatch, amended, "FolderLock", lambda: sessions.amend(folder, {"notes": "first"}, **OTHER), at=1
    )
    sessions.amend(folder, {"notes": "second"}, **WHO)
    with sessions.open(folder) as session:
        told = [(a.old, a.new, a.who) for a in session.amendments()]
        assert session.header.notes == "second"
    assert told == [("", "first", "op2"), ("first", "second", "op1")]


def test_of_two_first_consents_the_later_is_told_instead_of_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(
        monkeypatch,
        amended,
        "FolderLock",
        lambda: sessions.amend(folder, {"consent": {**CONSENT, "upload": False}}, **OTHER),
    )
    with pytest.raises(ConfigError, match="this session has one"):
        sessions.amend(folder, {"consent": {**CONSENT, "upload": True}}, **WHO)
    with sessions.open(folder) as session:
        assert not session.allows("upload")
        assert len(session.amendments()) == 1


def test_no_correction_is_kept_of_a_session_erased_meanwhile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, amended, "FolderLock", lambda: sessions.erase(folder, why="asked"))
    with pytest.raises(SessionError, match="erased"):
        sessions.amend(folder, {"notes": "about the subject"}, **WHO)
    assert left_in(folder) == ["tombstone.json"]


@pytest.mark.parametrize(
    "act",
    [
        lambda folder: sessions.amend(folder, {"notes": "about the subject"}, **WHO),
        lambda folder: sessions.discard(folder, **WHO),
    ],
    ids=["amend", "discard"],
)
def test_who_changes_a_session_moved_meanwhile_is_told_so(
    act: Callable[[Path], object], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(
        monkeypatch,
        sys.modules["recorder.session.header"],
        "read_json",
        lambda: folder.rename(folder.with_name("elsewhere")),
    )
    with pytest.raises(SessionError, match="moved or erased at this very moment"):
        act(folder)
    assert not folder.exists()


# ---- erasing, quarantine


def test_two_who_erase_at_once_leave_the_first_ones_tombstone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[Tombstone] = []
    meanwhile(
        monkeypatch,
        sys.modules["recorder.session.erase"],  # the package's name for it is the function
        "FolderLock",
        lambda: first.append(sessions.erase(folder, why="the subject asked")),
    )
    assert sessions.erase(folder, why="tidied") == first[0]
    with pytest.raises(SessionError, match="the subject asked"):
        sessions.open(folder)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "_WAIT_S", 0.05, raising=False)


def refused(act: Callable[[], object]) -> Callable[[], None]:
    def tried() -> None:
        with pytest.raises(SessionError, match="another window"):
            act()

    return tried


def test_two_who_discard_at_once_do_not_sign_for_each_other(
    folder: Path, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, Path, "rename", refused(lambda: sessions.discard(folder, **OTHER)))
    mine = sessions.discard(folder, **WHO)
    (kept,) = sessions.quarantined(folder.parent)
    assert kept == mine and (kept.who, kept.why) == ("op1", "asked")
    with sessions.open(kept.path) as session:
        assert [a.who for a in session.amendments()] == ["op1"]


def test_a_session_is_restored_or_erased_for_good_never_both(
    folder: Path, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions.discard(folder, **WHO)
    late_ns = 5 + quarantine.KEPT_DAYS * quarantine.DAY_NS
    meanwhile(monkeypatch, Path, "rename", refused(lambda: sessions.purge(folder.parent, late_ns)))
    sessions.restore(folder.parent, "s", **WHO)
    assert sessions.verify(folder).ok
    assert sessions.purge(folder.parent, late_ns) == []


def test_what_was_restored_before_its_turn_is_not_erased(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions.discard(folder, **WHO)
    late_ns = 5 + quarantine.KEPT_DAYS * quarantine.DAY_NS
    meanwhile(monkeypatch, quarantine, "FolderLock", lambda: sessions.restore(folder.parent, "s", **WHO))
    assert sessions.purge(folder.parent, late_ns) == []
    assert sessions.verify(folder).ok


def test_a_session_erased_while_it_is_discarded_gets_no_line_any_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, quarantine, "sealer_lock", lambda: None)
    meanwhile(monkeypatch, quarantine, "FolderLock", lambda: sessions.erase(folder, why="asked"))
    with pytest.raises(SessionError, match="erased"):
        sessions.discard(folder, **WHO)
    assert left_in(folder) == ["tombstone.json"]


# ---- moved meanwhile


def test_a_session_that_was_moved_does_not_come_back_as_an_empty_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def discarded() -> None:
        sessions.discard(folder, **WHO)

    deed = Deed("finish", "d1", "op1", 5, "hemoview 0", t0_s=0.0, t1_s=1.0)
    tries: list[tuple[Any, str, Callable[[], object]]] = [
        (alignments, "make_folder", lambda: alignments.append(folder, {"offset": 1}, **BY)),
        (derived, "make_folder", lambda: derived.write(folder, "beats", "key", {"a": np.zeros(2)})),
        (annotations, "make_folder", lambda: annotations.append(folder, "labels", [deed])),
    ]
    for place, step, act in tries:
        moved = (
            discarded if place is not annotations else lambda: folder.rename(folder.with_name("elsewhere"))
        )
        with monkeypatch.context() as patch:
            meanwhile(patch, place, step, moved)
            try:
                assert not act()
            except StorageError as error:
                assert "moved or erased meanwhile" in str(error)
        assert not folder.exists()
        if moved is discarded:
            sessions.restore(folder.parent, "s", **WHO)


# ---- a session whose recorder was killed


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    writer = sessions.create(tmp_path / "s", header("s"), ERA)
    for info in STREAMS:
        writer.add_stream(info)
    write_second(writer, 0)
    writer.commit()
    writer.abandon()
    return tmp_path / "s"


def test_a_session_erased_before_its_recovery_began_is_told_as_that(
    dead: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recover = sys.modules["recorder.session.recover"]
    meanwhile(monkeypatch, recover, "FolderLock", lambda: sessions.erase(dead, why="asked"))
    with pytest.raises(SessionError, match=r"erased \(asked\)"):
        sessions.recover(dead)
    assert left_in(dead) == ["tombstone.json"]


def test_who_goes_on_after_another_who_died_keeps_the_others_clock_era(
    dead: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    meanwhile(
        monkeypatch,
        sys.modules["recorder.session.writer"],
        "FolderLock",
        lambda: sessions.resume(dead, clock).abandon(),
    )
    sessions.resume(dead, clock).close("done")
    with sessions.open(dead) as session:
        assert [era.number for era in session.eras] == [0, 1, 2]
