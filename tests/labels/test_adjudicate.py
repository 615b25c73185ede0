"""Two raters' labels side by side, and what a third look decides."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.labels.annotation import Annotation, Deed, LabelFold, Suggested
from hemoview.labels.raters.adjudicate import agreed_deeds, decided, open_pairs, pairs_of
from hemoview.labels.raters.deeds import Author
from hemoview.labels.raters.raters import models_of

MODEL = "cd" * 32
_numbers = count(1)
JUDGE = Author("OP3", lambda: 5)


def label(rater: str, kind: str, t0_s: float, t1_s: float, name: str, **of: Suggested) -> Deed:
    n = next(_numbers)
    place = {"kind": kind, "t0_s": t0_s, "t1_s": t1_s, "label": name}
    return Deed("add", f"d{n}", rater, n, "test", annotation_id=f"a{n}", **of, **place)  # type: ignore[arg-type]


def done(fold: LabelFold) -> LabelFold:
    for rater in ("OP1", "OP2"):
        fold.take(Deed("finish", f"f{rater}", rater, 1, "test", t0_s=0.0, t1_s=1000.0))
    return fold


def test_alike_apart_and_alone() -> None:
    fold = done(
        LabelFold(
            [
                label("OP1", "span", 10, 20, "motion"),
                label("OP2", "span", 11, 21, "motion"),
                label("OP1", "span", 100, 110, "motion"),
                label("OP2", "span", 101, 112, "artefact"),
                label("OP2", "instant", 300, 300, "arm-moved"),
            ]
        )
    )
    pairs = pairs_of(fold, "OP1", "OP2")
    assert [(p.t0_s, p.agreed, p.a is None, p.b is None) for p in pairs] == [
        (10, True, False, False),
        (100, False, False, False),
        (300, False, True, False),
    ]
    judged = LabelFold(agreed_deeds(pairs, LabelFold(), fold, JUDGE))
    assert [(a.t0_s, a.t1_s, a.label) for a in judged.annotations()] == [(10.5, 20.5, "motion")]
    assert [p.t0_s for p in open_pairs(pairs, judged)] == [100, 300]
    judged.take(decided(pairs[1], "b", fold, JUDGE))
    judged.take(decided(pairs[2], "neither", fold, JUDGE))
    assert open_pairs(pairs, judged) == ()
    assert [a.label for a in judged.annotations()] == ["motion", "artefact"]
    origin = judged.about(judged.annotations()[1].deed_id)[0].origin
    assert origin is not None
    assert (origin["choice"], origin["a"]["rater"], origin["b"]["label"]) == ("b", "OP1", "artefact")
    assert origin["set_version"] == fold.version()
    turn = JUDGE.undo(judged)
    assert turn is not None
    judged.take(turn)
    assert [p.t0_s for p in open_pairs(pairs, judged)] == [300]


def test_what_a_rater_had_seen_goes_with_the_decision() -> None:
    """Whoever is right: the label is no longer independent of that model."""
    told = Suggested("student", MODEL)
    fold = done(
        LabelFold(
            [label("OP1", "span", 1, 9, "motion", suggestion=told), label("OP2", "span", 1, 9, "artefact")]
        )
    )
    (pair,) = pairs_of(fold, "OP1", "OP2")
    for choice in ("a", "b"):
        judged = LabelFold([decided(pair, choice, fold, JUDGE)])  # type: ignore[arg-type]
        assert models_of(judged, judged.annotations()[0]) == {MODEL}


def test_a_long_stretch_and_its_windows_are_about_the_same_time() -> None:
    """One rater said "good" of a minute, the other window by window: they only disagree about one window."""
    windows = [label("OP2", "quality", t, t + 10, "bad" if t == 30 else "good") for t in range(0, 60, 10)]
    fold = done(LabelFold([label("OP1", "quality", 0, 60, "good"), *windows]))
    pairs = pairs_of(fold, "OP1", "OP2")
    assert [(p.t0_s, p.t1_s, p.agreed) for p in pairs] == [(0, 30, True), (30, 40, False), (40, 60, True)]


def test_a_choice_of_nothing_is_refused() -> None:
    fold = done(LabelFold([label("OP1", "span", 1, 9, "motion"), label("OP2", "span", 500, 510, "motion")]))
    with pytest.raises(ValueError, match="nothing was said"):
        decided(pairs_of(fold, "OP1", "OP2")[0], "b", fold, JUDGE)


places = st.lists(
    st.tuples(
        st.sampled_from(["span", "quality", "instant"]),
        st.integers(0, 60),
        st.integers(1, 30),
        st.sampled_from(["x", "y"]),
    ),
    max_size=8,
)


@settings(max_examples=60)
@given(places, places)
def test_every_second_either_rated_is_in_one_pair(
    mine: list[tuple[str, int, int, str]], theirs: list[tuple[str, int, int, str]]
) -> None:
    deeds = [
        label(rater, kind, t0, t0 if kind == "instant" else t0 + length, name)
        for rater, marks in (("OP1", mine), ("OP2", theirs))
        for kind, t0, length, name in marks
    ]
    fold = done(LabelFold(deeds))
    pairs = pairs_of(fold, "OP1", "OP2")
    assert len({p.pair_id for p in pairs}) == len(pairs)
    swapped = pairs_of(fold, "OP2", "OP1")
    assert [p.agreed for p in pairs].count(True) == [p.agreed for p in swapped].count(True)
    single = [p for p in pairs if p.kind != "quality"]
    told: list[Annotation] = [m for p in single for m in (p.a, p.b) if m is not None]
    assert len(told) == len([d for d in deeds if d.kind != "quality"])
    rated = {t for d in deeds if d.kind == "quality" for t in range(int(d.t0_s or 0), int(d.t1_s or 0))}
    covered = [t for p in pairs if p.kind == "quality" for t in range(int(p.t0_s), int(p.t1_s))]
    assert sorted(covered) == sorted(rated)
