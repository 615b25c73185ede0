"""Safety rules 12 and 20: what is simulated says so on every form and file; looking never changes what is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from synthetic_bedside import SyntheticBedside

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.parts import theme
from hemoview.ui.parts.figure import save_figure
from hemoview.ui.trends.page import TrendsPage
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from recorder import session as store
from recorder.exchange.trends.saved_trend import SavedTrend
from recorder.exchange.trends.trend_csv import save_trend


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of a session, by content."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture
def page(tmp_path: Path, qtbot: QtBot) -> Iterator[TrendsPage]:
    folder = make_session(tmp_path / "s", Plan(hours=0.5))
    made = TrendsPage()
    qtbot.addWidget(made)
    made.resize(1280, 740)
    made.show()
    with qtbot.waitSignal(made.opened, timeout=20_000):
        made.open_session(str(folder))
    qtbot.waitUntil(lambda: made.model.page().complete and made.model.view().settled, timeout=20_000)
    yield made
    made.close_session()


def test_nothing_that_is_chosen_to_be_seen_changes_the_record(page: TrendsPage, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    before = fingerprint(folder)
    page.use_pressure_unit("kPa")
    page.model.choose_groups(frozenset(("heart",)))
    for span_s in (300, 900, 86400):
        page.show_span(span_s)
    page._choose(horizon=True, parameter="HR")
    page._choose_baseline("view")
    figure, wanted = page.figure(), page.wanted()
    assert figure is not None
    assert wanted is not None
    save_figure(figure, tmp_path / "x.png")
    with store.open(folder) as session:
        save_trend(session, tmp_path / "x.csv", wanted.saving)
    QApplication.processEvents()
    assert fingerprint(folder) == before


def test_a_simulated_session_says_so_on_page_figure_and_file(page: TrendsPage, tmp_path: Path) -> None:
    words = "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible())
    assert text("review.sim") in words
    figure, wanted = page.figure(), page.wanted()
    assert figure is not None
    assert wanted is not None
    save_figure(figure, tmp_path / "x.svg")
    assert text("watermark-simulated") in (tmp_path / "x.svg").read_text()
    with store.open(tmp_path / "s") as session:
        save_trend(session, tmp_path / "x.csv", wanted.saving)
    assert "SIMULATED / TRAINING" in (tmp_path / "x.csv").read_text("utf-8-sig")
    assert SavedTrend(tmp_path / "x.csv").header.simulated


@pytest.mark.parametrize("form", ["wide", "compact", "far"])
def test_watermark_and_banners_stay_on_every_form_of_the_window(
    qtbot: QtBot, qapp: QApplication, form: str
) -> None:
    theme.apply(qapp)
    window, bed = MainWindow(), SyntheticBedside()
    window.ask_before_closing = False
    qtbot.addWidget(window)
    window.resize(*((480, 854) if form == "compact" else (1280, 800)))
    window.show()
    bed.run(5.0)
    bed.silent.add("adc.wave")
    bed.run(4.0)
    view = resolve(Wish(), bed.model.facts())
    if form == "far":
        window.toggle_far()
    window.show_view(view)
    assert view.banners, "a silent reference is said"
    assert window.watermark.isVisible()
    assert text("watermark-simulated") in window.watermark.text()
    assert window.banners.isVisible()
    assert window.banners.texts
    window.leave_far()
