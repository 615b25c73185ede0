"""What lines amount to: undo without end, raters apart, a version that knows content only."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from hemoview.labels.annotation import Deed, LabelFold, Suggested, touching


def put(deed_id: str, which: str = "a", t0_s: float = 1.0, label: str = "motion", **more: object) -> Deed:
    body = {"rater": "AB", "act": "add", "t1_s": t0_s + 1.0, **more}
    return Deed(
        body["act"], deed_id, body["rater"], 1, "sw", which, "span", t0_s, body["t1_s"], label,
        suggestion=body.get("suggestion"),
    )  # fmt: skip  # type: ignore[arg-type]


def undo(fold: LabelFold, rater: str = "AB") -> None:
    fold.take(Deed("undo", f"u{fold.edition}", rater, 1, "sw", undoes=fold.undo_of(rater)))


def redo(fold: LabelFold, rater: str = "AB") -> None:
    fold.take(Deed("redo", f"r{fold.edition}", rater, 1, "sw", undoes=fold.redo_of(rater)))


def said(fold: LabelFold) -> list[tuple[float, str]]:
    return [(a.t0_s, a.label) for a in fold.annotations()]


def test_undo_goes_back_to_the_beginning_and_redo_to_the_end() -> None:
    fold = LabelFold()
    steps = [said(fold)]
    for line in (
        put("1"),
        put("2", t0_s=5.0, act="change"),
        put("3", label="bad", act="change"),
        Deed("delete", "4", "AB", 1, "sw", "a"),
        put("5", "b"),
    ):
        fold.take(line)
        steps.append(said(fold))
    for expected in reversed(steps[:-1]):
        undo(fold)
        assert said(fold) == expected
    assert fold.undo_of("AB") is None
    for expected in steps[1:]:
        redo(fold)
        assert said(fold) == expected
    assert fold.redo_of("AB") is None


def test_a_new_deed_ends_what_could_be_done_again() -> None:
    fold = LabelFold([put("1"), put("2", "b")])
    undo(fold)
    fold.take(put("3", "c", 9.0))
    assert fold.redo_of("AB") is None
    undo(fold)
    undo(fold)
    assert said(fold) == []


def test_undo_takes_back_ones_own_deeds_only() -> None:
    fold = LabelFold([put("1", rater="AB"), put("2", rater="CD", t0_s=4.0)])
    undo(fold, "AB")
    assert [(a.rater, a.t0_s) for a in fold.annotations()] == [("CD", 4.0)]
    assert fold.undo_of("CD") == "2"


def test_raters_never_share_an_annotation() -> None:
    fold = LabelFold([put("1"), put("2", rater="CD", t0_s=4.0, act="change")])
    assert fold.get("AB", "a").t0_s == 1.0  # type: ignore[union-attr]
    assert [a.t0_s for a in fold.annotations("CD")] == [4.0]


def test_lines_of_one_deed_are_undone_together() -> None:
    fold = LabelFold([put("1", "a"), put("2", "b"), put("2", "c", 3.0)])
    undo(fold)
    assert [a.annotation_id for a in fold.annotations()] == ["a"]
    redo(fold)
    assert [a.annotation_id for a in fold.annotations()] == ["a", "b", "c"]


def test_a_deed_whose_line_was_lost_is_passed_over() -> None:
    fold = LabelFold([put("2", act="change", t0_s=3.0), Deed("undo", "u", "AB", 1, "sw", undoes="lost")])
    assert said(fold) == [(3.0, "motion")]


def test_a_refused_suggestion_is_no_label_but_is_kept() -> None:
    fold = LabelFold([put("1", act="reject", suggestion=Suggested("model", "ab"))])
    assert fold.annotations() == ()
    assert [a.annotation_id for a in fold.rejected("AB")] == ["a"]
    undo(fold)
    assert fold.rejected() == ()


def test_the_version_knows_content_and_not_how_it_came_about() -> None:
    straight = LabelFold([put("1"), put("2", "b", 7.0)])
    crooked = LabelFold([put("9", "z", 3.0), put("8", "z", 7.0, act="change"), put("7", "y")])
    assert crooked.version() == straight.version()
    undo(crooked)
    assert crooked.version() != straight.version()
    redo(crooked)
    assert crooked.version() == straight.version()
    with_hint = LabelFold([put("1", suggestion=Suggested("m")), put("2", "b", 7.0)])
    assert with_hint.version() != straight.version()


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), max_size=40), st.integers(0, 50))
def test_annotations_are_in_order_of_time_and_found_by_span(puts: list[tuple[int, int]], at: int) -> None:
    fold = LabelFold(put(f"d{n}", f"a{which}", float(t_s)) for n, (which, t_s) in enumerate(puts))
    found = fold.annotations()
    assert [a.t0_s for a in found] == sorted(a.t0_s for a in found)
    assert len(found) == len({which for which, _ in puts})
    near = touching(found, at, at + 2)
    assert set(near) == {a for a in found if a.t0_s <= at + 2 and a.t1_s >= at}
