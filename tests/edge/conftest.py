"""Tests of the edge process share the one-line bundle of the estimator's tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "estimate"))
