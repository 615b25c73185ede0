"""Labelling without a window: whose labels they are, and that what is shown is on disk, whatever happens to it."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from label_rig import LENGTH_S, facts_for, note, on_disk, opened, said, view

from hemoview.labels.annotation import labels_of
from hemoview.labels.raters.book import LabelBook
from hemoview.labels.raters.scheme import BEATS, PULSE, LabelChoice, Scheme
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review.label import LabelModel
from recorder.session import annotations as store


@pytest.fixture
def model(tmp_path: Path) -> LabelModel:
    return opened(tmp_path)


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
