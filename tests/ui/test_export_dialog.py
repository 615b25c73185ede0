"""Export from Review: what is asked for, how far it is, what came of it; cancelled nothing stays."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path

import edfio
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from hemoview.ui.exchange.export_dialog import ExportDialog, _told
from hemoview.ui.review.page import ReviewPage
from hemoview.ui.words.catalogue import text, use_language
from hemoview.viewmodel.exchange.export_form import OTHERS, VIEW, ExportForm, ExportSource, examine
from hemoview.viewmodel.exchange.export_job import ExportJob
from recorder.exchange.exports import export_record
from recorder.exchange.exports.about import Written
from recorder.exchange.exports.export import Report

sys.path.append(str(Path(__file__).parents[1] / "contracts"))
from export_session import two_eras


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("sessions") / "20260921_S-07_abc")


def source(folder: Path, **more: object) -> ExportSource:
    streams = ("e4.bvp", "e4.acc", "adc.wave", "e4.eda", "edge.estimates")
    made = ExportSource(folder, "S-08", streams, frozenset(), 60.0, (5.0, 25.0), scope=False, live=False)
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_form_amounts_to_an_order_or_says_what_is_missing(tmp_path: Path) -> None:
    form = ExportForm(source(tmp_path / "s-1"), folder=tmp_path)
    order = examine(form, tmp_path / "home").order
    assert order is not None and order.out == tmp_path / "s-1"
    assert order.selection.span is None and order.selection.streams is None
    part = examine(replace(form, span=VIEW, without=frozenset({"e4.acc"})), tmp_path).order
    assert part is not None and part.selection.span == (5.0, 25.0) and part.out.name == "s-1_5-25s"
    assert part.selection.streams is not None and "e4.acc" not in part.selection.streams
    coded = examine(replace(form, deidentify=True), tmp_path).order
    assert coded is not None and coded.out == tmp_path, "the name of the session is no name for it"
    problems = {
        "export-no-stream": replace(form, without=frozenset(form.source.streams)),
        "export-needs-reason": replace(form, whom=OTHERS, reason="vote 12"),
        "export-no-folder": replace(form, folder=tmp_path / "no"),
        "export-bad-name": replace(form, name="a/b"),
    }
    for wanted, wrong in problems.items():
        problem = examine(wrong, tmp_path).problem
        assert problem is not None and problem.id == wanted
    given = examine(replace(form, whom=OTHERS, reason="vote 12", operator="OP1"), tmp_path).order
    assert given is not None and given.custody.for_others


def test_from_review_to_a_file_that_opens(qtbot: QtBot, folder: Path, tmp_path: Path) -> None:
    page = ReviewPage()
    qtbot.addWidget(page)
    assert not page.exporting.button.isEnabled()
    page.exporting.home = tmp_path / "home"
    with qtbot.waitSignal(page.opened):
        page.open_session(str(folder))
    page.exporting.button.click()
    dialog = page.exporting.dialog
    assert dialog is not None and dialog.form.source.pseudonym == "S-08"
    dialog.use_folder(tmp_path)
    dialog.streams.item(4).setCheckState(Qt.CheckState.Unchecked)
    with qtbot.waitSignal(dialog.exported, timeout=20_000) as told:
        dialog.ok.click()
    path = Path(told.args[0])
    assert path == tmp_path / f"{folder.name}.edf" and edfio.read_edf(path).signals
    assert dialog.outcome.text() == text("export-done") and dialog.where.text() == str(path)
    assert dialog.folder_shown == str(tmp_path) and not dialog.show_folder.isHidden()
    assert "5 streams" not in dialog.told.text() and "4 streams" in dialog.told.text()
    assert len(export_record.exports_of(tmp_path / "home", "S-08")) == 1
    page.exporting.button.click()
    again = page.exporting.dialog
    assert again is not None
    again.use_folder(tmp_path)
    again.ok.click()
    qtbot.waitUntil(lambda: again.outcome.text() == text("export-failed"), timeout=20_000)
    assert "not overwritten" in again.where.text()
    dialog.accept()
    again.accept()
    page.close_session()


def test_a_file_whose_day_nobody_knows_says_so() -> None:
    path, spoken = Path("a.edf"), Written(day="unknown")
    report = Report(
        "edf", path, (path,), "s", "S", False, "", "", "", (), 0, {}, {}, (), written=spoken, seconds=1.0
    )
    assert text("export-day-unknown-edf") in _told(report)
    assert text("export-day-unknown-wfdb") in _told(replace(report, to="wfdb"))
    assert text("export-day-unnameable-edf") in _told(replace(report, written=Written(day="unnameable")))
    named = _told(replace(report, written=Written(notes=["… (Startdate X) … EDF+D …"])))
    assert named == _told(replace(report, written=Written())), "a note is read by people alone"
    assert text("export-broken") in _told(replace(report, written=Written(is_broken=True)))


def test_labels_that_nobody_declared_finished_are_told_and_blind_ones_in_the_language_of_the_screen() -> None:
    path = Path("a.csv")
    report = Report(
        "csv", path, (path,), "s", "S", False, "", "", "", (), 0, {}, {}, ("label set b: blind",), written=Written(),
        seconds=1.0, unfinished=("labels", "mine"),
    )  # fmt: skip
    assert any("labels, mine" in line for line in _told(report))
    use_language("zh")
    try:
        told = _told(report)
    finally:
        use_language("en")
    assert any("labels、mine" in line for line in told) and any("标注集“b”" in line for line in told)


def test_cancelled_nothing_stays_and_the_form_comes_back(qtbot: QtBot, folder: Path, tmp_path: Path) -> None:
    hold = threading.Event()

    class Held(ExportJob):
        """Waits before its first row until it was told to stop."""

        def _tell(self, done: int, total: int) -> None:
            hold.wait(60)
            super()._tell(done, total)

    dialog = ExportDialog(source(folder), tmp_path / "home", start=Held)
    qtbot.addWidget(dialog)
    dialog.use_folder(tmp_path)
    dialog.show()
    dialog.ok.click()
    assert dialog.pages.currentIndex() == 1
    dialog.reject()
    assert dialog.isVisible() and not dialog.stop.isEnabled(), "it stays until the work has stopped"
    hold.set()
    qtbot.waitUntil(lambda: dialog.pages.currentIndex() == 0, timeout=20_000)
    assert [p for p in tmp_path.iterdir() if p.name != "home"] == []
    dialog.reject()
    assert not dialog.isVisible()


def test_for_others_without_a_scope_asks_why(qtbot: QtBot, folder: Path, tmp_path: Path) -> None:
    dialog = ExportDialog(source(folder), tmp_path)
    qtbot.addWidget(dialog)
    dialog.use_folder(tmp_path)
    assert dialog.reason.isHidden() and dialog.ok.isEnabled()
    dialog.whom.choose(OTHERS)
    assert not dialog.reason.isHidden() and not dialog.ok.isEnabled()
    assert dialog.problem.text() == text("export-needs-reason")
    dialog.reason.setText("ethics vote 12")
    dialog.operator.setText("OP1")
    assert dialog.ok.isEnabled() and dialog.problem.isHidden()


def test_hidden_estimates_cannot_be_chosen(qtbot: QtBot, folder: Path, tmp_path: Path) -> None:
    dialog = ExportDialog(source(folder, hidden=frozenset({"edge.estimates"})), tmp_path)
    qtbot.addWidget(dialog)
    item = dialog.streams.item(4)
    assert item.checkState() == Qt.CheckState.Unchecked and not item.flags()
    dialog.use_folder(tmp_path)
    for i in range(4):
        dialog.streams.item(i).setCheckState(Qt.CheckState.Unchecked)
    assert dialog.problem.text() == text("export-no-stream")
