"""The page of review in label mode, over a copy of a stored session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelling_rig import CTRL, KEY, look, open_it
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.review.page import ReviewPage


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("labelling") / "s1", Plan(hours=6 / 60))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "s1"))


@pytest.fixture
def page(qtbot: QtBot, folder: Path) -> Iterator[ReviewPage]:
    made = ReviewPage()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    qtbot.waitExposed(made)
    open_it(made, folder, qtbot)
    made.labelling.model.use_rater("AB")
    look(made, 0.0, 60.0)
    qtbot.keyClick(made, KEY.Key_L, CTRL)
    yield made
    made.close_session()
