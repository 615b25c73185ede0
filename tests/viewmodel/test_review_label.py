"""Labelling without a window: what each key writes, moves, changes and takes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_rig import LENGTH_S, facts_for, note, on_disk, opened, said, view

from hemoview.labels.annotation import labels_of
from hemoview.labels.raters.book import LabelBook
from hemoview.labels.raters.proposal import Proposal
from hemoview.viewmodel.review.label import LabelModel


@pytest.fixture
def model(tmp_path: Path) -> LabelModel:
    return opened(tmp_path)


def test_a_digit_labels_the_window_at_the_cursor(model: LabelModel, tmp_path: Path) -> None:
    model.put(2, 34.2)
    assert said(model) == on_disk(tmp_path) == [("span", "motion", 30.0, 40.0)]
    assert view(model).saved is not None
    assert view(model).saved.id == "labels.saved"  # type: ignore[union-attr]


def test_the_last_window_ends_with_the_session(model: LabelModel) -> None:
    model.put(9, 124.9)
    assert said(model) == [("quality", "bad", 120.0, LENGTH_S)]
    assert model.next_window(124.9) is None


def test_a_rest_too_short_for_a_label_is_not_labelled_past_the_end_of_the_session(tmp_path: Path) -> None:
    model = LabelModel()
    model.open(facts_for(tmp_path, duration_s=120.02))
    model.take(LabelBook(tmp_path, "labels"))
    model.use_rater("AB")
    model.put(9, 120.01)
    assert said(model) == [("quality", "bad", 110.0, 120.0)]
    assert model.next_window(115.0) is None and model.next_window(120.01, back=True) == 100.0


@pytest.mark.parametrize("length_s", [0.0, 0.03])
@pytest.mark.parametrize("key", [1, 2, 5, 9])
def test_a_session_without_length_is_refused_in_words(tmp_path: Path, length_s: float, key: int) -> None:
    model = LabelModel()
    model.open(facts_for(tmp_path, duration_s=length_s))
    model.take(LabelBook(tmp_path, "labels"))
    model.use_rater("AB")
    model.put(key, 0.0)
    assert on_disk(tmp_path) == [] and note(model) == "labels.no-length"
    refused = view(model).refused
    assert refused is not None and refused.id == "labels.no-length"


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
    monkeypatch.setattr("hemoview.viewmodel.review.label.STEPS_NS", 0)
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
