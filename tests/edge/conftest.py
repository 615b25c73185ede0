"""Tests of the edge process share the one-line bundle of the estimator's tests and the rig of the recorder's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

for room in ("estimate", "host"):
    sys.path.insert(0, str(Path(__file__).parents[1] / room))

import tiny_bundle  # noqa: E402
from scripted_bedside import Bedside  # noqa: E402

from hemoview.estimate.runner import Runner  # noqa: E402


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(tiny_bundle.write(tmp_path_factory.mktemp("bundle"), shape_gain=2.0))


@pytest.fixture(scope="module")
def bedside() -> Bedside:
    return Bedside(seconds=90.0)
