"""A number and what it counts, in English."""

from __future__ import annotations


def counted(n: int, one: str, many: str = "") -> str:
    """``counted(1, "row")`` is "1 row", ``counted(2, "row")`` "2 rows".

    Args:
        n: how many.
        one: of one.
        many: of others, where that is more than an s at the end.
    """
    return f"{n} {one if n == 1 else many or one + 's'}"
