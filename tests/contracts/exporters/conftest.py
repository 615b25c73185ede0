"""Sessions that are exported, and the export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recorder import session as store
from recorder.exchange.exports.export import Custody, Report, Selection, export
from tests.contracts.export_session import damaged_inside, two_eras

EVERYTHING = Selection()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("sessions") / "20260921_S-07_abc")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("sessions") / "sim", simulated=True)


@pytest.fixture(scope="module")
def unclosed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("sessions") / "live", close=False)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return damaged_inside(tmp_path_factory.mktemp("sessions") / "d")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Report]:
    def go(folder: Path, to: str, selection: Selection = EVERYTHING, **more: Any) -> Report:
        custody = more.pop("custody", Custody(tmp_path / "home", wall_ns=1))
        with store.open(folder) as session:
            return export(
                session, to, more.pop("out", tmp_path / "out" / to), selection, custody=custody, **more
            )

    return go
