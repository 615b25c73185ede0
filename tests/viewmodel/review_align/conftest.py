"""A stored session whose alignment is looked at, and the panel open on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from align_rig import FOUND, Beaten, settle

from hemoview.bench.review_session import Plan, make_session
from hemoview.viewmodel.review.align import AlignModel
from hemoview.viewmodel.review.facts import SessionFacts, facts_of
from recorder import session as store


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("align") / "s1", Plan(hours=10 / 60))


@pytest.fixture
def facts(made: Path, tmp_path: Path) -> SessionFacts:
    """Facts of a session whose versions go to a folder of this test alone."""
    copy = Path(shutil.copytree(made, tmp_path / "s1"))
    with store.open(copy) as session:
        return facts_of(session)


@pytest.fixture
def deeds() -> Beaten:
    return Beaten(FOUND)


@pytest.fixture
def model(facts: SessionFacts, deeds: Beaten) -> Iterator[AlignModel]:
    model = AlignModel(deeds, lambda: None)
    model.use(facts)
    model.toggle()
    settle(model, lambda view: view.beats is not None)
    yield model
    model.close()
