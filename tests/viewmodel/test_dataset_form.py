"""What the dataset dialog shows for what is wished and known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hemoview.labels.datasets.build_check import WORDS, Bar, Candidate
from hemoview.ui.words.catalogue import known_ids
from hemoview.ui.words.pages.dataset import CHINESE, ENGLISH
from hemoview.viewmodel.exchange.dataset_form import DatasetFacts, DatasetWish, order_of, view_of, with_all
from recorder.errors import ConfigError

GOOD = Candidate(Path("/s/a"), "a", "P-1", 1.5, 64.0)
BAD = Candidate(Path("/s/b"), "b", "P-2", 2.0, 64.0, barred=(Bar("no-consent"), Bar("never-aligned")))
CHOOSING = DatasetFacts("choosing", (GOOD, BAD))


def ids(messages: object) -> list[str]:
    return [m.id for m in messages]  # type: ignore[attr-defined]


def test_all_that_may_are_ticked_and_what_bars_the_others_is_said(tmp_path: Path) -> None:
    wish = with_all(DatasetWish(out=str(tmp_path / "set")), CHOOSING)
    view = view_of(wish, CHOOSING)
    assert [(line.may, line.chosen) for line in view.lines] == [(True, True), (False, False)]
    assert ids(view.lines[1].bars) == ["dataset.bar.no-consent", "dataset.bar.never-aligned"]
    assert view.may_build and not view.problems and not view.may_stop
    assert order_of(wish, tmp_path).sessions == (Path("/s/a"),)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"chosen": frozenset()}, "dataset.choose-some"),
        ({"chosen": frozenset({"/s/b"})}, "dataset.choose-some"),
        ({"out": ""}, "dataset.name-folder"),
        ({"out": "here"}, "dataset.whole-path"),
        ({"window_s": "eleven"}, "dataset.numbers"),
        ({"hop_s": "0"}, "dataset.numbers"),
    ],
)
def test_what_keeps_it_from_being_built(tmp_path: Path, change: dict[str, object], problem: str) -> None:
    wish = replace(with_all(DatasetWish(out=str(tmp_path / "set")), CHOOSING), **change)  # type: ignore[arg-type]
    view = view_of(wish, CHOOSING)
    assert not view.may_build and problem in ids(view.problems)


def test_a_folder_with_something_in_it_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x", "utf-8")
    view = view_of(with_all(DatasetWish(out=str(tmp_path)), CHOOSING), CHOOSING)
    assert ids(view.problems) == ["dataset.folder-full"]


def test_a_comma_is_a_decimal_point_and_a_word_is_refused() -> None:
    assert DatasetWish(window_s="7,5").options().window_s == 7.5
    with pytest.raises(ConfigError):
        DatasetWish(window_s="x").options()


def test_while_it_builds_it_can_only_be_stopped(tmp_path: Path) -> None:
    wish = with_all(DatasetWish(out=str(tmp_path / "set")), CHOOSING)
    view = view_of(wish, replace(CHOOSING, phase="building", hours_done=0.5, hours=2.0))
    assert view.share == 0.25 and view.may_stop and not view.may_build and not view.may_edit
    assert not view_of(wish, replace(CHOOSING, phase="stopping")).may_stop
    assert view_of(wish, replace(CHOOSING, phase="stopped")).may_build


def test_every_reason_has_words_in_both_languages() -> None:
    codes = {f"dataset.bar.{code}" for code in WORDS}
    assert codes <= ENGLISH.keys() and codes <= known_ids() and ENGLISH.keys() == CHINESE.keys()
