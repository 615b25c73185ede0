"""Tests of the edge process share the one-line bundle of the estimator's tests and the rig of the recorder's."""

from __future__ import annotations

import sys
from pathlib import Path

for room in ("estimate", "host"):
    sys.path.insert(0, str(Path(__file__).parents[1] / room))
