"""Report… of a session: the form, a real report in its own process, Stop, and what cannot be made said in words."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "labels"))

import aligned_sessions

from hemoview.report.validation import Order
from hemoview.ui.exchange.report_dialog import ReportDialog
from hemoview.ui.parts import theme
from hemoview.ui.words import catalogue
from hemoview.viewmodel.exchange.report_job import ReportJob


def never_ends(order: Order, to: Connection) -> None:
    order.out.mkdir(parents=True)
    to.send(0.25)
    time.sleep(600)


def half_made(order: Order, to: Connection) -> None:
    (order.out / ".hemodynamic-x").mkdir(parents=True)
    to.send(0.25)
    time.sleep(600)


def dies(order: Order, to: Connection) -> None:
    raise SystemExit(3)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    aligned_sessions.make(tmp_path / "s1", seed=1, lock=None)
    return tmp_path / "s1"


def shown(
    qtbot: QtBot,
    session: Path,
    work: Callable[[Order, Connection], None] | None = None,
    kind: str = "validation",
) -> ReportDialog:
    def start(order: Order, ended: Callable[[], None]) -> ReportJob:
        return ReportJob(order, ended) if work is None else ReportJob(order, ended, work)

    dialog = ReportDialog(session, session.parent, start=start)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.kind.choose(kind)
    return dialog


@pytest.mark.slow
def test_a_report_is_made_beside_the_window(qtbot: QtBot, tmp_path: Path) -> None:
    aligned_sessions.make(tmp_path / "s1", seed=1)
    dialog = shown(qtbot, tmp_path / "s1")
    assert dialog.model.currentText().startswith("lsm2oe-student")
    dialog.begin.click()
    assert dialog.stop.isVisible() and not dialog.begin.isVisible()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=120_000)
    assert dialog.page.isVisible() and dialog.print.isVisible(), dialog.said.text()
    assert "SBP" in dialog.lines.text() and "Held back?" in dialog.lines.text()
    assert (tmp_path / "reports" / "report-s1" / "report.pdf").is_file()


def test_what_cannot_be_made_is_said(qtbot: QtBot, session: Path) -> None:
    dialog = shown(qtbot, session)
    dialog.begin.click()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=60_000)
    assert "never aligned" in dialog.said.text() and dialog.begin.isVisible()
    assert not dialog.form.out.exists()


def test_stop_leaves_nothing_behind(qtbot: QtBot, session: Path) -> None:
    dialog = shown(qtbot, session, never_ends)
    dialog.begin.click()
    qtbot.waitUntil(lambda: dialog.bar.value() == 250, timeout=60_000)
    dialog.reject()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=30_000)
    assert "Nothing was written" in dialog.said.text() and not dialog.form.out.exists()
    assert dialog.isVisible()


def test_a_process_that_dies_and_a_folder_in_use(qtbot: QtBot, session: Path) -> None:
    dialog = shown(qtbot, session, dies)
    dialog.begin.click()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=60_000)
    assert "try again" in dialog.said.text()
    dialog._change(out=session)
    assert not dialog.begin.isEnabled() and "something in that folder" in dialog.said.text()


def test_the_hemodynamic_report_of_a_session_and_its_excel_file(qtbot: QtBot, session: Path) -> None:
    dialog = shown(qtbot, session, kind="hemodynamic")
    assert dialog.language.isVisible() and not dialog.model.isVisible() and dialog.begin.isEnabled()
    for number in ("hemodynamic", "hemodynamic-2"):
        dialog.begin.click()
        qtbot.waitUntil(lambda: dialog.job is None, timeout=60_000)
        folder = session.parent / "reports" / "report-s1" / number
        assert {"report.html", "report.pdf", "report.xlsx", "facts.json"} <= {
            p.name for p in folder.iterdir()
        }
        assert dialog.page.isVisible() and dialog.print.isVisible() and dialog.book.isVisible(), (
            dialog.said.text()
        )
        assert str(folder) in dialog.lines.text() and "names no ranges" in dialog.lines.text()
        dialog._change()


def test_a_stopped_hemodynamic_report_leaves_nothing(qtbot: QtBot, session: Path) -> None:
    dialog = shown(qtbot, session, half_made, kind="hemodynamic")
    dialog.begin.click()
    qtbot.waitUntil(lambda: dialog.bar.value() == 250, timeout=60_000)
    dialog.stop.click()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=30_000)
    assert "Nothing was written" in dialog.said.text() and not dialog.form.out.exists()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_kinds_can_be_read_whole(qtbot: QtBot, session: Path, language: str) -> None:
    catalogue.use_language(language)
    try:
        dialog = shown(qtbot, session)
        dialog.setFont(theme.font(14))
        dialog.setStyleSheet(theme._sheet(theme.touch_px()))
        qtbot.wait(1)
        for button in dialog.kind.buttons.values():
            assert button.width() >= button.sizeHint().width(), button.text()
    finally:
        catalogue.use_language("en")


def test_of_a_dataset_only_a_model_is_judged(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    dialog = ReportDialog(tmp_path / "cohort", tmp_path)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.form.kind == "validation" and dialog.model.isVisible() and dialog.begin.isEnabled()
    dialog.kind.choose("hemodynamic")
    assert not dialog.begin.isEnabled() and "A dataset has no hemodynamics" in dialog.said.text()


def test_what_refuses_a_report_is_said_in_chinese(qtbot: QtBot, session: Path) -> None:
    catalogue.use_language("zh")
    try:
        dialog = shown(qtbot, session)
        dialog.begin.click()
        qtbot.waitUntil(lambda: dialog.job is None, timeout=60_000)
        assert dialog.said.text() == "未能生成：s1：尚未对齐；请在“回放”中对齐"
    finally:
        catalogue.use_language("en")
