"""One session of the bench, stored once and only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stored_review_rig import MINUTES, settle

from hemoview.bench.review_session import Plan, make_session
from hemoview.viewmodel.review.facts import SessionFacts, facts_of
from hemoview.viewmodel.review.model import ReviewModel
from hemoview.viewmodel.review.reader import ReviewReader
from recorder import session as store


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("review") / "s1", Plan(hours=MINUTES / 60))


@pytest.fixture(scope="session")
def opened(folder: Path) -> Iterator[tuple[store.Session, SessionFacts]]:
    with store.open(folder) as session:
        yield session, facts_of(session)


@pytest.fixture
def model(folder: Path) -> Iterator[ReviewModel]:
    made = ReviewModel(ReviewReader(store.open, lambda: None))
    made.resize(800)
    made.open(str(folder))
    settle(made)
    yield made
    made.close()
