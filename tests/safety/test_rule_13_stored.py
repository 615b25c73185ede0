"""Safety rule 13 for a finished session: what its template hid is shown with a reason, recorded, by every reader."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.review.export import source_of
from hemoview.ui.review.page import ReviewPage
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.facts import facts_of
from recorder import session as store
from recorder.errors import ConfigError, SessionError
from recorder.exchange.exports.export import Custody, Selection, export
from recorder.session.lock import FolderLock
from recorder.session.verify import verify

BLIND = {"name": "Blind", "rules": {"estimates_hidden": True}}
WALL = 1_790_100_000_000_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("blind") / "s1", Plan(hours=0.1, template=BLIND))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "s1"))


def hidden(folder: Path) -> bool:
    with store.open(folder) as session:
        return facts_of(session).estimates_hidden


def test_it_is_recorded_with_who_when_and_why_and_no_sample_changes(folder: Path) -> None:
    assert hidden(folder)
    files = {p.name: p.read_bytes() for p in (folder / "segments").iterdir()}
    card = (folder / "session.json").read_bytes()
    store.unhide(folder, who=" OP2 ", why="study unblinded", wall_ns=WALL)
    assert not hidden(folder)
    with store.open(folder) as session:
        told = session.amendments()[-1]
        assert (told.who, told.why, told.wall_ns, told.old, told.new) == (
            "OP2",
            "study unblinded",
            WALL,
            True,
            False,
        )
        assert session.amended_fields == (told.field,)
        assert session.header_at_start.template["rules"] == {"estimates_hidden": True}
        assert facts_of(session).corrections[0].why == "study unblinded"
    assert {p.name: p.read_bytes() for p in (folder / "segments").iterdir()} == files
    assert (folder / "session.json").read_bytes() == card
    assert verify(folder).ok


@pytest.mark.parametrize(
    ("who", "why", "said"), [("", "x", "operator code"), ("OP", " ", "no reason"), ("OP", "x" * 501, "501")]
)
def test_without_a_name_or_a_reason_nothing_is_shown(folder: Path, who: str, why: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        store.unhide(folder, who=who, why=why, wall_ns=WALL)
    assert hidden(folder)


def test_what_is_not_hidden_or_is_being_recorded_is_refused(folder: Path) -> None:
    with FolderLock(folder), pytest.raises(SessionError, match="being recorded"):
        store.unhide(folder, who="OP", why="x", wall_ns=WALL)
    store.unhide(folder, who="OP", why="x", wall_ns=WALL)
    with pytest.raises(ConfigError, match="not hidden"):
        store.unhide(folder, who="OP", why="again", wall_ns=WALL)


def exported(folder: Path, out: Path) -> set[str]:
    custody = Custody(operator="OP", reason="own analysis", home=out.parent / "home")
    with store.open(folder) as session:
        export(session, "csv", out, Selection(), custody=custody)
    return {p.name for p in out.rglob("*")}


def test_an_export_leaves_them_out_until_then(folder: Path, tmp_path: Path) -> None:
    assert not any("edge.est" in name for name in exported(folder, tmp_path / "before"))
    store.unhide(folder, who="OP", why="unblinded", wall_ns=WALL)
    assert any("edge.est" in name for name in exported(folder, tmp_path / "after"))


def test_review_asks_for_the_reason_and_shows_them_at_once(folder: Path, qtbot: QtBot) -> None:
    page = ReviewPage()
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    with qtbot.waitSignal(page.opened, timeout=20_000):
        page.open_session(str(folder))
    button = page.unhiding.button
    assert button.isVisible()
    source = source_of(page.model.view())
    assert source is not None and source.hidden
    button.click()
    dialog = page.unhiding.dialog
    assert dialog is not None
    assert not dialog.ok.isEnabled()
    dialog.why.setText("unblinded by the sponsor")
    dialog.operator.setText("OP2")
    dialog.ok.click()
    qtbot.waitUntil(lambda: not page.model.facts.estimates_hidden, timeout=20_000)
    qtbot.waitUntil(lambda: not button.isVisible(), timeout=20_000)
    source = source_of(page.model.view())
    assert source is not None and not source.hidden
    banners = [message.id for message in page.model.view().banners]
    assert "review.estimates-hidden" not in banners
    page.close_session()


def test_a_session_that_hides_nothing_has_no_such_button(tmp_path: Path, qtbot: QtBot) -> None:
    page = ReviewPage()
    qtbot.addWidget(page)
    page.show()
    with qtbot.waitSignal(page.opened, timeout=20_000):
        page.open_session(str(make_session(tmp_path / "open", Plan(hours=0.05))))
    shown = {b.text() for b in page.findChildren(QPushButton) if b.isVisible()}
    assert text("unhide-button") not in shown
    page.close_session()
