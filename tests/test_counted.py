"""A number and its word."""

from __future__ import annotations

import pytest

from recorder.counted import counted


@pytest.mark.parametrize(
    ("n", "told"), [(0, "0 rows were"), (1, "1 row was"), (2, "2 rows were"), (-1, "-1 rows were")]
)
def test_one_is_one(n: int, told: str) -> None:
    assert counted(n, "row was", "rows were") == told
    assert counted(n, "row") == told.removesuffix(" was").removesuffix(" were")
