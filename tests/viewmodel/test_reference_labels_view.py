"""Reference labels in Review: asked for, shown with reasons, put right with who and why, taken back."""

from __future__ import annotations

import sys
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hemoview.labels import alignment as alignments
from hemoview.labels.datasets.build_options import BuildOptions, Job
from hemoview.labels.datasets.build_part import build_part
from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.review.reference_labels import (
    BY_HAND,
    LABELLED,
    NO_LABEL,
    ReferenceLabels,
    typed_value,
)
from recorder.session import annotations

sys.path.insert(0, str(Path(__file__).parents[1] / "labels"))
import aligned_sessions as made


class Inline(Executor):
    """Answers at once."""

    def __init__(self, _workers: int) -> None:
        pass

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def opened(folder: Path) -> ReferenceLabels:
    model = ReferenceLabels(lambda: None, Inline)
    model.open(str(folder))
    assert model.view(60.0).state == "asleep"
    model.ask()
    assert model.view(60.0).state == "working" and model.drain()
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made.make(tmp_path / "s", seconds=90.0)


def test_the_window_at_the_cursor_has_the_label_a_dataset_would_have(folder: Path) -> None:
    view = opened(folder).view(60.0)
    part = build_part(Job(str(folder), BuildOptions()))
    assert view.state == "ready" and view.window_s == (55.0, 65.0)
    row = part.columns["t0_s"].tolist().index(55.0)
    assert [r.value for r in view.rows] == pytest.approx(part.labels[row].tolist(), rel=1e-6)
    assert all(r.valid and words(r.reason) == "valid" for r in view.rows)
    assert any("± 7 to 16 mmHg" in words(line) for line in view.about)
    assert view.ticks is not None and set(view.ticks.codes.tolist()) == {NO_LABEL, LABELLED}


def test_a_picture_that_shows_other_pressure_than_is_labelled_says_so(tmp_path: Path) -> None:
    folder = made.make(tmp_path / "s", seconds=90.0, late_s=12.0)
    held = alignments.current(folder)
    assert held is not None
    late = replace(held, pieces=(replace(held.pieces[0], t0_s=30.0),))  # the first windows are not aligned
    alignments.store(folder, late, made_by="test", software="test", wall_ns=made.START_NS)
    model = opened(folder)
    moved = [words(line) for line in model.view(60.0, aligned=False).about if line.id == "refl.moved"]
    assert len(moved) == 1 and "12.0 s from here" in moved[0]
    assert all(line.id != "refl.moved" for line in model.view(60.0, aligned=True).about)


def test_a_correction_is_an_annotation_with_who_and_why_and_can_be_taken_back(folder: Path) -> None:
    model = opened(folder)
    before = model.view(60.0).rows[0].value
    assert model.correct("SBP", 111.0, 60.0, why="cuff beside it", rater="OP2")
    view = model.view(60.0, "OP2")
    assert view.rows[0].value == 111.0 and view.rows[0].by_hand and view.may_undo
    assert "OP2" in words(view.notes[0]) and "cuff beside it" in words(view.notes[0])
    assert view.ticks is not None and view.ticks.codes.tolist().count(BY_HAND) == 1
    for neighbour_s in (54.0, 66.0):
        assert not model.view(neighbour_s).rows[0].by_hand
    (deed,) = annotations.read(folder, "reference").deeds
    assert (deed.rater, deed.label, deed.comment) == ("OP2", "reference SBP=111", "cuff beside it")
    part = build_part(Job(str(folder), BuildOptions()))
    row = part.columns["t0_s"].tolist().index(55.0)
    assert part.labels[row, 0] == 111.0 and part.source["label_sets"].keys() == {"reference"}
    assert model.undo("OP2") and model.view(60.0).rows[0].value == before
    assert not model.undo("OP2") and not model.undo("AB")


def test_an_excluded_window_has_no_label_and_leaves_the_dataset(folder: Path) -> None:
    model = opened(folder)
    before = len(build_part(Job(str(folder), BuildOptions())))
    assert model.exclude(60.0, why="arm raised", rater="OP2")
    assert all(r.value is None and r.by_hand for r in model.view(60.0).rows)
    after = build_part(Job(str(folder), BuildOptions()))
    assert len(after) == before - 1 and after.dropped["excluded by hand"] == 1
    again = opened(folder)
    assert all(r.value is None for r in again.view(60.0).rows)


def test_without_who_or_why_nothing_is_stored(folder: Path) -> None:
    model = opened(folder)
    for who, why in (("", "x"), ("OP2", " ")):
        assert not model.correct("SBP", 111.0, 60.0, why=why, rater=who)
        problem = model.view(60.0).problem
        assert problem is not None and problem.id == "refl.who-and-why"
    assert annotations.sets_of(folder) == ()


@pytest.mark.parametrize(
    ("lock", "said"), [(None, "dataset.bar.never-aligned"), (False, "dataset.bar.unsure")]
)
def test_a_session_that_is_not_aligned_says_so(tmp_path: Path, lock: bool | None, said: str) -> None:
    view = opened(made.make(tmp_path / "s", seconds=12.0, lock=lock)).view(5.0)
    assert view.state == "refused" and view.said is not None and view.said.id == said and words(view.said)


def test_another_session_forgets_the_labels_of_the_one_before(folder: Path) -> None:
    model = opened(folder)
    model.open("")
    assert model.view(60.0).state == "none"
    model.open(str(folder))
    assert model.view(60.0).state == "asleep"


def test_what_is_typed() -> None:
    assert [typed_value(t) for t in ("", " 118,5 ", "x", "0", "-3", "nan", "inf")] == [
        None, 118.5, False, False, False, False, False,
    ]  # fmt: skip
    assert np.isfinite(float(typed_value("1e4") or 0))
