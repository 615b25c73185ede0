"""Labels as boxes of three rows: alone while they are few, together where they are many, found by span."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from hemoview.labels.annotation import ANNOTATION_KINDS, Annotation, order_of, touching
from hemoview.labels.raters.proposal import Proposal
from hemoview.viewmodel.review.label_rows import MOST_BOXES, LabelIndex


def label(number: int, t0_s: float, t1_s: float, name: str = "motion", kind: str = "span") -> Annotation:
    return Annotation(f"a{number}", kind, t0_s, t1_s, name, "", "AB", number, None, f"d{number}")  # type: ignore[arg-type]


def test_stretches_that_overlap_lie_side_by_side() -> None:
    index = LabelIndex([label(1, 0.0, 10.0), label(2, 5.0, 15.0), label(3, 12.0, 20.0)])
    boxes = index.rows(0.0, 20.0).of("span")
    assert [(b.lane, b.lanes) for b in boxes] == [(0, 2), (1, 2), (0, 2)]


def test_each_kind_has_its_row() -> None:
    index = LabelIndex(
        [label(1, 1.0, 1.0, "arm-moved", "instant"), label(2, 0.0, 2.0), label(3, 0.0, 2.0, "bad", "quality")]
    )
    rows = index.rows(0.0, 5.0)
    assert [[b.label for b in row] for row in map(rows.of, ANNOTATION_KINDS)] == [
        ["arm-moved"], ["motion"], ["bad"],
    ]  # fmt: skip


def test_ten_thousand_labels_are_drawn_together_by_label() -> None:
    many = [label(n, 8.0 * n, 8.0 * n + 7.0, "motion" if n % 3 else "artefact") for n in range(10_000)]
    rows = LabelIndex(many).rows(0.0, 80_000.0)
    assert rows.of("span") == ()
    assert {c.label: len(c.t0_s) for c in rows.crowds["span"]} == {"artefact": 3334, "motion": 6666}
    few = LabelIndex(many).rows(4_000.0, 4_400.0)
    assert len(few.of("span")) == 51
    assert few.crowds["span"] == ()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 60)), max_size=40))
def test_an_index_that_followed_every_change_is_as_one_made_anew(work: list[tuple[bool, int, int]]) -> None:
    kinds = ("span", "quality")
    names = ("motion", "artefact", "bad")
    index, held = LabelIndex(()), {}
    for goes, which, t_s in work:
        before = held.pop(which, None)
        after = None if goes else label(which, float(t_s), t_s + 2.0, names[t_s % 3], kinds[t_s % 2])
        if after is not None:
            held[which] = after
        index = index.changed(before, after)
    anew = LabelIndex(sorted(held.values(), key=order_of))
    for t0_s in (0.0, 20.0, 50.0):
        for kind in kinds:
            assert index.rows(t0_s, t0_s + 15.0).of(kind) == anew.rows(t0_s, t0_s + 15.0).of(kind)


def test_suggestions_lie_beside_the_labels() -> None:
    index = LabelIndex([label(1, 0.0, 1.0)])
    proposals = [
        Proposal("p", "span", 3.0, 4.0, "artefact", "x"),
        Proposal("q", "span", 30.0, 40.0, "artefact", "x"),
    ]
    boxes = index.rows(0.0, 10.0, proposals).of("span")
    assert [b.proposal.proposal_id if b.proposal else "" for b in boxes] == ["", "p"]


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 90)), max_size=MOST_BOXES),
    st.integers(0, 1000),
    st.integers(1, 500),
)
def test_what_touches_the_span_is_shown_and_nothing_else(
    spans: list[tuple[int, int]], start: int, length: int
) -> None:
    made = [label(n, float(t), float(t + n_s)) for n, (t, n_s) in enumerate(sorted(spans))]
    boxes = LabelIndex(made).rows(start, start + length).of("span")
    assert {b.annotation for b in boxes} == set(touching(made, start, start + length))
