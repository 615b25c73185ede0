"""Labelling without a window: what each action writes, shows and refuses; what is not on disk is not shown."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from hemoview.labels.annotation import labels_of
from hemoview.labels.label_book import LabelBook
from hemoview.labels.proposal import Proposal
from hemoview.labels.scheme import BEATS, PULSE, LabelChoice, Scheme
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review_facts import SessionFacts
from hemoview.viewmodel.review_label import LabelModel
from hemoview.viewmodel.review_label_state import LabelView
from recorder.session import annotations as store

LENGTH_S = 125.0


def facts_for(folder: Path, **more: object) -> SessionFacts:
    blank: dict[str, object] = dict.fromkeys((f.name for f in fields(SessionFacts) if f.init), ())
    blank |= {
        "path": str(folder), "session_id": "s", "pseudonym": "P", "operator": "", "start_wall_ns": 0,
        "zone": "UTC", "utc_offset_s": 0, "duration_s": LENGTH_S, "state": "sealed", "simulated": False,
        "speed": 1.0, "estimates_hidden": False, "edition": 0, "incomplete": "", "card": {}, "ranges": {},
    }  # fmt: skip
    return SessionFacts(**(blank | more))  # type: ignore[arg-type]


def opened(folder: Path, rater: str = "AB", name: str = "labels") -> LabelModel:
    model = LabelModel()
    model.open(facts_for(folder))
    model.take(LabelBook(folder, name))
    model.use_rater(rater)
    if not model.on:
        model.switch()
    return model


@pytest.fixture
def model(tmp_path: Path) -> LabelModel:
    return opened(tmp_path)


def view(model: LabelModel, cursor_s: float = 0.0) -> LabelView:
    return model.view(cursor_s)


def said(model: LabelModel) -> list[tuple[str, str, float, float]]:
    return [(a.kind, a.label, a.t0_s, a.t1_s) for a in view(model).annotations]


def note(model: LabelModel) -> str:
    shown = view(model).note
    return shown.id if shown else ""


def on_disk(folder: Path) -> list[tuple[str, str, float, float]]:
    return [(a.kind, a.label, a.t0_s, a.t1_s) for a in labels_of(folder).annotations()]


def test_a_digit_labels_the_window_at_the_cursor(model: LabelModel, tmp_path: Path) -> None:
    model.put(2, 34.2)
    assert said(model) == on_disk(tmp_path) == [("span", "motion", 30.0, 40.0)]
    assert view(model).saved is not None
    assert view(model).saved.id == "labels.saved"  # type: ignore[union-attr]


def test_the_last_window_ends_with_the_session(model: LabelModel) -> None:
    model.put(9, 124.9)
    assert said(model) == [("quality", "bad", 120.0, LENGTH_S)]
    assert model.next_window(124.9) is None


def test_a_digit_labels_the_chosen_stretch(model: LabelModel) -> None:
    model.choose_stretch(12.5, 9.25)
    model.put(1, 80.0)
    model.put(8, 80.0)
    assert said(model) == [("span", "artefact", 9.25, 12.5), ("quality", "usable", 9.25, 12.5)] or said(model) == [
        ("quality", "usable", 9.25, 12.5), ("span", "artefact", 9.25, 12.5),
    ]  # fmt: skip


def test_a_moment_is_labelled_at_the_cursor(model: LabelModel) -> None:
    model.choose_stretch(1.0, 2.0)
    model.put(5, 33.333333333)
    assert said(model) == [("instant", "arm-moved", 33.333333, 33.333333)]


def test_the_same_label_is_not_made_twice(model: LabelModel) -> None:
    model.put(2, 5.0)
    model.put(2, 5.0)
    assert len(said(model)) == 1
    assert note(model) == "labels.already"


def test_a_window_has_one_quality(model: LabelModel) -> None:
    model.put(7, 5.0)
    model.put(9, 5.0)
    assert said(model) == [("quality", "bad", 0.0, 10.0)]
    model.undo()
    assert said(model) == [("quality", "good", 0.0, 10.0)]


def test_a_digit_changes_a_label_that_was_chosen_but_adds_beside_one_just_made(model: LabelModel) -> None:
    model.put(2, 5.0)
    model.put(3, 5.0)
    assert [label for _, label, *_ in said(model)] in (["motion", "poor-contact"], ["poor-contact", "motion"])
    model.escape()
    assert model.next_label(-1.0) == 0.0
    first = view(model).current
    model.put(1, 5.0)
    assert first is not None
    changed = next(a for a in view(model).annotations if a.annotation_id == first.annotation_id)
    assert changed.label == "artefact"
    assert len(said(model)) == 2


def test_windows_and_labels_are_walked_both_ways(model: LabelModel) -> None:
    assert model.next_window(5.0) == 10.0
    assert model.next_window(35.0, back=True) == 20.0
    assert model.next_window(5.0, back=True) is None
    for at_s in (15.0, 45.0, 95.0):
        model.put(2, at_s)
    model.escape()
    assert [model.next_label(0.0), model.next_label(0.0), model.next_label(0.0)] == [10.0, 40.0, 90.0]
    assert model.next_label(0.0) is None
    assert note(model) == "labels.no-later"
    assert model.next_label(0.0, back=True) == 40.0


def test_after_a_label_on_a_window_the_next_window_comes_if_wanted(model: LabelModel) -> None:
    model.goes_on = True
    assert model.put(7, 5.0) == 10.0
    assert model.put(5, 10.0) is None
    assert view(model, 10.0).current.label == "arm-moved"  # type: ignore[union-attr]


def test_edges_go_out_and_in_and_never_past_each_other_or_the_session(model: LabelModel) -> None:
    model.put(2, 5.0)
    model.shift_edge("right", 2.5, 5.0)
    model.shift_edge("left", 1.0, 5.0)
    assert said(model) == [("span", "motion", 1.0, 12.5)]
    model.shift_edge("left", -50.0, 5.0)
    model.shift_edge("right", 500.0, 5.0)
    assert said(model) == [("span", "motion", 0.0, LENGTH_S)]
    model.shift_edge("left", LENGTH_S, 5.0)
    assert said(model) == [("span", "motion", 0.0, LENGTH_S)]
    assert note(model) == "labels.too-short"


def test_quick_steps_of_an_edge_are_one_deed_and_slow_ones_are_not(
    model: LabelModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.put(2, 5.0)
    for _ in range(4):
        model.shift_edge("right", 0.5, 5.0)
    assert said(model) == [("span", "motion", 0.0, 12.0)]
    model.undo()
    assert said(model) == on_disk(tmp_path) == [("span", "motion", 0.0, 10.0)]
    model.redo()
    model.shift_edge("right", 1.0, 5.0)
    model.undo()
    assert said(model) == [("span", "motion", 0.0, 10.0)]
    monkeypatch.setattr("hemoview.viewmodel.review_label.STEPS_NS", 0)
    for _ in range(3):
        model.shift_edge("right", 0.5, 5.0)
    model.undo()
    assert said(opened(tmp_path)) == [("span", "motion", 0.0, 11.0)]


def test_edges_of_a_stretch_are_only_chosen_not_written(model: LabelModel, tmp_path: Path) -> None:
    model.set_end("left", 3.0)
    model.set_end("right", 8.0)
    model.shift_edge("right", 0.5, 3.0)
    assert view(model).stretch == (3.0, 8.5)
    assert on_disk(tmp_path) == []


def test_a_moment_moves_whole_and_snaps_to_a_beat(model: LabelModel) -> None:
    model.put(5, 20.0)
    model.shift_edge("right", 0.25, 20.0)
    assert said(model)[0][2:] == (20.25, 20.25)
    model.snap(20.4, 20.25)
    assert said(model)[0][2:] == (20.4, 20.4)


def test_the_nearer_edge_snaps_and_without_a_label_the_cursor_does(model: LabelModel) -> None:
    assert model.snap(17.1, 17.0) == 17.1
    assert model.snap(None, 17.0) is None
    assert note(model) == "labels.no-foot"
    model.put(2, 15.0)
    assert model.snaps_at(19.0) == 20.0
    model.snap(20.3, 19.0)
    assert said(model) == [("span", "motion", 10.0, 20.3)]


def test_delete_comment_and_undo_of_each(model: LabelModel, tmp_path: Path) -> None:
    model.put(2, 5.0)
    model.comment("  sleeve  ")
    assert view(model).current.comment == "sleeve"  # type: ignore[union-attr]
    model.delete()
    assert said(model) == []
    assert model.undo() == 0.0
    assert labels_of(tmp_path).annotations()[0].comment == "sleeve"
    model.undo()
    assert labels_of(tmp_path).annotations()[0].comment == ""
    model.undo()
    assert said(model) == []
    model.undo()
    assert note(model) == "labels.nothing-to-undo"
    for _ in range(3):
        model.redo()
    assert said(model) == []
    assert note(model) == "labels.redone"


def test_undo_and_redo_go_on_after_a_restart(model: LabelModel, tmp_path: Path) -> None:
    for at_s in (5.0, 15.0, 25.0):
        model.put(2, at_s)
    model.undo()
    again = opened(tmp_path)
    assert view(again).can_redo
    again.redo()
    assert len(said(again)) == 3
    for _ in range(3):
        again.undo()
    assert said(opened(tmp_path)) == []


def test_a_rater_sees_and_undoes_only_his_own(model: LabelModel, tmp_path: Path) -> None:
    model.put(2, 5.0)
    other = opened(tmp_path, "CD")
    assert said(other) == []
    other.undo()
    assert note(other) == "labels.nothing-to-undo"
    other.put(3, 15.0)
    assert said(other) == [("span", "poor-contact", 10.0, 20.0)]
    other.show_raters(frozenset({"AB"}))
    assert len(said(other)) == 2
    other.pick("AB", next(a.annotation_id for a in view(other).annotations if a.rater == "AB"))
    assert note(other) == "labels.not-mine"
    assert view(other).current is None
    other.delete()
    assert len(on_disk(tmp_path)) == 2
    other.use_rater("EF")
    assert said(other) == []


def test_without_a_rater_nothing_is_labelled(tmp_path: Path) -> None:
    model = opened(tmp_path, "  ")
    model.put(2, 5.0)
    assert on_disk(tmp_path) == []
    assert view(model).refused == Message("labels.no-rater")


def test_a_session_being_recorded_is_looked_at_and_not_labelled(model: LabelModel, tmp_path: Path) -> None:
    model.put(2, 5.0)
    model.open(facts_for(tmp_path, state="open"))
    model.put(3, 15.0)
    assert note(model) == "labels.live"
    assert said(model) == on_disk(tmp_path) == [("span", "motion", 0.0, 10.0)]
    assert not view(model).can_undo


def test_what_the_disk_refuses_is_not_shown(
    model: LabelModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.put(2, 5.0)

    def full(_fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def failing(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", full)
    model.put(3, 15.0)
    shown = view(model)
    assert shown.failed
    assert shown.saved is not None
    assert shown.saved.id == "labels.disk-full"
    assert said(model) == on_disk(tmp_path) == [("span", "motion", 0.0, 10.0)]
    monkeypatch.undo()
    monkeypatch.setattr(os, "fsync", failing)
    model.put(3, 15.0)
    assert "check the disk" in str(view(model).saved.as_dict()["why"])  # type: ignore[union-attr]
    monkeypatch.undo()
    model.put(3, 15.0)
    assert not view(model).failed
    assert len(on_disk(tmp_path)) == 2


def test_labels_of_another_window_come_with_the_next_line(model: LabelModel, tmp_path: Path) -> None:
    opened(tmp_path).put(1, 55.0)
    model.put(2, 5.0)
    assert said(model) == [("span", "motion", 0.0, 10.0), ("span", "artefact", 50.0, 60.0)]


def test_labels_of_another_window_come_when_this_one_is_looked_at(model: LabelModel, tmp_path: Path) -> None:
    assert not model.catch_up()
    opened(tmp_path).put(1, 55.0)
    assert model.catch_up()
    assert said(model) == [("span", "artefact", 50.0, 60.0)]
    path = store.path_of(tmp_path, "labels")
    path.write_bytes(b"")
    assert model.catch_up()
    assert view(model).failed


def test_a_damaged_line_is_told_and_the_others_are_there(model: LabelModel, tmp_path: Path) -> None:
    model.put(2, 5.0)
    model.put(2, 15.0)
    path = store.path_of(tmp_path, "labels")
    path.write_bytes(path.read_bytes()[:-5])
    again = opened(tmp_path)
    assert len(said(again)) == 1
    assert view(again).damage is not None


def test_a_scheme_is_kept_with_the_set_and_renaming_keeps_what_is_labelled(
    model: LabelModel, tmp_path: Path
) -> None:
    model.put(2, 5.0)
    mine = replace(
        PULSE, labels=(replace(PULSE.labels[1], name="wriggling"), LabelChoice("咳嗽", "span", 4, "#ffffff"))
    )
    model.use_scheme(mine)
    assert opened(tmp_path).scheme == mine
    model.put(4, 15.0)
    model.put(1, 15.0)
    assert note(model) == "labels.no-key"
    assert said(model) == [("span", "motion", 0.0, 10.0), ("span", "咳嗽", 10.0, 20.0)]


def test_an_unreadable_scheme_gives_the_shipped_one(tmp_path: Path) -> None:
    book = LabelBook(tmp_path)
    model = opened(tmp_path)
    model.use_scheme(Scheme("x", BEATS.labels))
    path = store.path_of(tmp_path, "labels")
    line = json.loads(path.read_bytes())
    assert line["annotation"]["scheme"]["name"] == "x"
    book.fold.scheme = {"name": "x", "labels": [{"label": "y"}]}
    assert book.scheme is PULSE


def test_suggestions_are_decided_kept_and_can_be_taken_back(model: LabelModel, tmp_path: Path) -> None:
    first = Proposal("p1", "span", 10.0, 14.0, "artefact", "student", "ab" * 32, 0.9)
    second = Proposal("p2", "instant", 50.0, 50.0, "arm-moved", "tilt")
    model.propose([second, first])
    assert model.next_uncertain(0.0) == 10.0
    model.accept(12.0)
    assert model.next_uncertain(0.0) == 50.0
    model.reject(50.1)
    assert view(model).proposals == ()
    label = labels_of(tmp_path).annotations()[0]
    assert label.suggestion is not None
    assert (label.suggestion.source, label.suggestion.model_sha256, label.suggestion.accepted) == (
        "student", "ab" * 32, True,
    )  # fmt: skip
    assert [a.annotation_id for a in labels_of(tmp_path).rejected("AB")] == ["p2"]
    model.undo()
    assert [p.proposal_id for p in view(model).proposals] == ["p2"]


def test_a_label_made_where_a_suggestion_was_seen_says_so(model: LabelModel, tmp_path: Path) -> None:
    model.propose([Proposal("p1", "span", 10.0, 14.0, "artefact", "student", "ab" * 32)])
    model.put(2, 12.0)
    model.put(2, 72.0)
    near, far = labels_of(tmp_path).annotations()
    assert near.suggestion is not None
    assert (near.suggestion.visible, near.suggestion.accepted) == (True, False)
    assert far.suggestion is None


def test_another_session_brings_nothing_along(model: LabelModel, tmp_path: Path) -> None:
    model.put(2, 5.0)
    model.choose_stretch(1.0, 2.0)
    model.open(facts_for(tmp_path / "other"))
    shown = view(model)
    assert (shown.annotations, shown.stretch, shown.current, shown.ready) == ((), None, None, False)


Step = tuple[str, float]
steps = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "1",
                "2",
                "5",
                "7",
                "9",
                "undo",
                "redo",
                "delete",
                "left",
                "right",
                "next",
                "comment",
                "stretch",
                "again",
            ]
        ),
        st.floats(0.0, LENGTH_S, allow_nan=False),
    ),
    max_size=25,
)


def _do(model: LabelModel, what: str, at_s: float) -> None:
    if what.isdigit():
        model.put(int(what), at_s)
    elif what in ("left", "right"):
        model.shift_edge("left" if what == "left" else "right", at_s - 60.0, at_s)
    elif what == "next":
        model.next_label(at_s)
    elif what == "comment":
        model.comment(f"{at_s:.1f}")
    elif what == "stretch":
        model.choose_stretch(at_s, at_s + 3.0)
    else:
        {"undo": model.undo, "redo": model.redo, "delete": model.delete}[what]()


@pytest.fixture
def names() -> Iterator[str]:
    return (f"s{n}" for n in range(10_000))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_any_work_is_on_disk_as_it_is_shown_and_undoes_to_nothing(
    tmp_path: Path, names: Iterator[str], work: list[Step]
) -> None:
    name = next(names)
    model = opened(tmp_path, name=name)
    model._set_name = name
    for what, at_s in work:
        if what == "again":
            model = opened(tmp_path, name=name)
            continue
        _do(model, what, at_s)
        assert view(model).annotations == labels_of(tmp_path, name).annotations()
        assert not view(model).failed
    for _ in range(len(work) + 1):
        model.undo()
    assert said(model) == []
    states = len({id(a) for a in view(model).annotations})
    assert states == 0
    for _ in range(len(work) + 1):
        model.redo()
    assert view(model).annotations == labels_of(tmp_path, name).annotations()
