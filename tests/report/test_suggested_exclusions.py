"""A model that proposed which windows to leave out is told of in its own figures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hemoview.labels import make_dataset
from hemoview.report import judging


@pytest.mark.parametrize(("sha256", "n"), [("ab" * 32, 1), ("cd" * 32, 0), ("", 0)])
def test_only_its_own_suggestions_count(sha256: str, n: int) -> None:
    told = {"suggested_exclusions": {f"student-0.2.0 {'ab' * 32}": 3, "beats": 2}}
    labels = np.full((2, 10), np.nan)
    ppg = np.random.default_rng(1).normal(size=(2, 640))
    dataset = make_dataset(ppg, 64.0, labels, ["a", "b"], about={"sources": [told, "elsewhere"]})
    model: Any = SimpleNamespace(facts={"sha256": sha256})
    found = judging._suggested(dataset, model)
    assert len(found) == n and all(line.startswith("3 excluding spans") for line in found)
