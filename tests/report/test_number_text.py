"""Numbers in a report."""

import pytest

from hemoview.report.html import DASH, number


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [(3, "d", "3"), (617.5, "d", "618"), (-1.234, ".2f", "−1.23"), (None, ".2f", DASH), (True, "d", DASH)],
)
def test_a_count_that_is_a_mean_is_rounded_and_nothing_is_a_dash(value: object, form: str, text: str) -> None:
    assert number(value, form) == text
