"""The guard's benchmark: pairs of every kind, no false flag, every swap told."""

import pytest

from hemoview.bench import guard


def test_few_pairs_of_every_kind() -> None:
    found = guard.run(pairs=len(guard.KINDS), seed=11)
    assert found["matched"] == found["swapped"] == len(guard.KINDS)
    assert found["false_flags"] == 0 and found["swapped_told_same"] == 0
    assert found["flagged_within_60_s"] == found["swapped_usable"] >= len(guard.KINDS) - 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_matched_pairs_without_a_false_flag() -> None:
    found = guard.run(pairs=200, seed=4)
    print(found)
    assert found["false_flags"] == 0
    assert found["flagged_within_60_s"] == found["swapped_usable"] >= 190
    assert found["missed"] == []
