"""What the edge keeps of a number: enough for anybody, and no more than compresses."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hemoview.edge.streams import stored
from hemoview.estimate.reasons import REASONS

FLOATS = st.floats(
    width=32,
    allow_nan=False,
    allow_infinity=False,
    allow_subnormal=False,
    max_value=2.0**100,
    min_value=-(2.0**100),
)


@given(FLOATS)
def test_a_value_is_kept_to_one_part_in_65536(value: float) -> None:
    kept = float(stored([[value]])[0, 0])
    assert abs(kept - value) <= abs(value) / 65536


def test_codes_and_what_is_not_known_stay_what_they_are() -> None:
    codes = [float(n) for n in range(len(REASONS) + 1)]
    row = stored([[*codes, math.nan, math.inf, -math.inf]])
    assert row[0, : len(codes)].tolist() == codes
    assert np.isnan(row[0, -3]) and row[0, -2] == math.inf and row[0, -1] == -math.inf
    assert row.dtype == np.float32 and not (row[:, : len(codes)].view(np.uint32) & 0xFF).any()
