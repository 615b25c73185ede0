"""Labels as boxes of three rows: alone while they are few, together where they are many, found by span."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from hemoview.labels.annotation import Annotation, touching
from hemoview.labels.proposal import Proposal
from hemoview.labels.scheme import PULSE
from hemoview.viewmodel.review_label_rows import MOST_BOXES, LabelIndex


def label(number: int, t0_s: float, t1_s: float, name: str = "motion", kind: str = "span") -> Annotation:
    return Annotation(f"a{number}", kind, t0_s, t1_s, name, "", "AB", number, None, f"d{number}")  # type: ignore[arg-type]


def test_stretches_that_overlap_lie_side_by_side() -> None:
    index = LabelIndex([label(1, 0.0, 10.0), label(2, 5.0, 15.0), label(3, 12.0, 20.0)])
    boxes = index.rows(0.0, 20.0, 800, PULSE).spans
    assert [(b.lane, b.lanes) for b in boxes] == [(0, 2), (1, 2), (0, 2)]


def test_each_kind_has_its_row() -> None:
    index = LabelIndex(
        [label(1, 1.0, 1.0, "arm-moved", "instant"), label(2, 0.0, 2.0), label(3, 0.0, 2.0, "bad", "quality")]
    )
    rows = index.rows(0.0, 5.0, 800, PULSE)
    assert [[b.label for b in row] for row in (rows.instants, rows.spans, rows.quality)] == [
        ["arm-moved"], ["motion"], ["bad"],
    ]  # fmt: skip


def test_ten_thousand_labels_become_as_many_boxes_as_can_be_seen() -> None:
    many = [label(n, 8.0 * n, 8.0 * n + 7.0, "motion" if n % 3 else "artefact") for n in range(10_000)]
    boxes = LabelIndex(many).rows(0.0, 80_000.0, 1000, PULSE).spans
    assert len(boxes) <= 2 * 1000
    assert sum(b.count for b in boxes) == 10_000
    assert {(b.label, b.lane) for b in boxes} == {("artefact", 0), ("motion", 1)}
    assert all(b.annotation is None for b in boxes)


def test_suggestions_lie_beside_the_labels() -> None:
    index = LabelIndex([label(1, 0.0, 1.0)])
    proposals = [
        Proposal("p", "span", 3.0, 4.0, "artefact", "x"),
        Proposal("q", "span", 30.0, 40.0, "artefact", "x"),
    ]
    boxes = index.rows(0.0, 10.0, 800, PULSE, proposals).spans
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
    boxes = LabelIndex(made).rows(start, start + length, 700, PULSE).spans
    assert {b.annotation for b in boxes} == set(touching(made, start, start + length))
