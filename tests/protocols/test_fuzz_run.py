"""A short run of the fuzz target, with a new seed each time, printed."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz_protocols import fuzz


@pytest.mark.parametrize("seed", [0, 1, random.SystemRandom().randrange(2**32)], ids=["0", "1", "new"])
def test_nothing_raises(seed: int) -> None:
    print(f"seed {seed}")
    assert fuzz(seed, rounds=40) >= 40
