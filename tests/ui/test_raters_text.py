"""Figures of two raters in words: where there is none, how many there are and how many are needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hemoview.labels.raters.agreement_kappa import kappa_of_table
from hemoview.labels.raters.agreement_match import Matched
from hemoview.ui.review.raters_text import f1_text, kappa_text
from hemoview.ui.words.catalogue import use_language


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    use_language(request.param)
    yield request.param
    use_language("en")


def test_too_few_steps(language: str) -> None:
    said = kappa_text(kappa_of_table([[6, 1], [1, 3]]))
    assert said == {
        "en": "– (too few: 11 steps that both rated, 30 needed)",
        "zh": "–（太少：两人都评过的时间步为 11 个，至少需要 30 个）",
    }[language]  # fmt: skip


@pytest.mark.parametrize(("matched", "n"), [(Matched(2, 1, 1), 3), (None, 0)])
def test_too_few_marks(language: str, matched: Matched | None, n: int) -> None:
    said = f1_text(matched)
    assert said == {
        "en": f"– (too few: {n} marks of both, 5 needed)",
        "zh": f"–（太少：两人的标注共 {n} 个，至少需要 5 个）",
    }[language]  # fmt: skip


def test_enough_of_one_word_only_needs_no_more(language: str) -> None:
    said = kappa_text(kappa_of_table([[90, 0], [0, 0]]))
    assert said == {"en": "– (both used one word only)", "zh": "–（两人都只用了一种标注）"}[language]


def test_enough_is_a_figure() -> None:
    assert f1_text(Matched(3, 3, 3)) == "1.00"
