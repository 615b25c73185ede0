"""The dataset dialog offscreen: sessions are looked at, one is built, another is stopped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from hemoview.labels import read_dataset
from hemoview.ui.exchange.dataset_dialog import DatasetDialog
from hemoview.ui.exchange.report_dialog import ReportDialog
from hemoview.ui.words.catalogue import text

sys.path.insert(0, str(Path(__file__).parents[1] / "labels"))
import aligned_sessions as made


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    made.make(folder / "good", seconds=70.0)
    made.make(folder / "unaligned", subject="P-015", seconds=12.0, lock=None)
    return folder


@pytest.fixture
def dialog(sessions: Path, tmp_path: Path, qtbot: QtBot) -> Iterator[Callable[..., DatasetDialog]]:
    opened: list[DatasetDialog] = []

    def open_it(pool: Callable[[int], Executor] = ThreadPoolExecutor) -> DatasetDialog:
        shown = DatasetDialog(sessions, tmp_path, pool=pool)
        qtbot.addWidget(shown)
        shown.show()
        opened.append(shown)
        qtbot.waitUntil(lambda: shown.facts.phase == "choosing", timeout=20_000)
        return shown

    yield open_it
    for each in opened:
        each.close()


def test_a_dataset_is_built_and_its_exclusions_are_shown(
    dialog: Callable[..., DatasetDialog], qtbot: QtBot
) -> None:
    shown = dialog()
    ticked = {
        shown.sessions.item(row).text().split()[0]: shown.sessions.item(row).checkState()
        for row in range(shown.sessions.count())
    }
    assert ticked == {"good": Qt.CheckState.Checked, "unaligned": Qt.CheckState.Unchecked}
    assert text("dataset.bar.never-aligned") in "".join(
        shown.sessions.item(row).text() for row in range(shown.sessions.count())
    )
    qtbot.mouseClick(shown.build, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown.facts.phase == "done", timeout=30_000)
    lines = [shown.outcome.item(row).text() for row in range(shown.outcome.count())]
    assert any(text("refl.why.recalibration") in line for line in lines)
    assert shown.card.isVisible() and not shown.build.isVisible()
    shown.report.click()
    (report,) = shown.findChildren(ReportDialog)
    assert report.form.source == Path(shown.wish.out) and report.form.kind == "validation"
    report.reject()
    found = read_dataset(Path(shown.wish.out))
    assert found.subjects == ["P-014"] and (Path(shown.wish.out) / "card.html").is_file()


def test_a_build_that_is_stopped_writes_nothing(dialog: Callable[..., DatasetDialog], qtbot: QtBot) -> None:
    class Never(ThreadPoolExecutor):
        """Takes work and never begins it."""

        def submit(self, *_: object, **__: object) -> object:  # type: ignore[override]
            from concurrent.futures import Future  # noqa: PLC0415

            return Future()

    shown = dialog(Never)
    qtbot.mouseClick(shown.build, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(shown.stop.isVisible, timeout=30_000)
    qtbot.mouseClick(shown.stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown.facts.phase == "stopped", timeout=30_000)
    assert shown.build.isEnabled() and not Path(shown.wish.out).exists()


@pytest.mark.parametrize("way", ["button", "escape", "frame"])
def test_it_goes_when_it_is_closed(dialog: Callable[..., DatasetDialog], qtbot: QtBot, way: str) -> None:
    """It is modal: one that stays bars the whole window."""
    shown = dialog()
    if way == "button":
        (close,) = (b for b in shown.findChildren(QPushButton) if b.text() == text("dataset.close"))
        qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    elif way == "escape":
        qtbot.keyClick(shown, Qt.Key.Key_Escape)
    else:
        shown.close()
    assert not shown.isVisible()


def test_nothing_ticked_is_said_and_cannot_be_built(dialog: Callable[..., DatasetDialog]) -> None:
    shown = dialog()
    for row in range(shown.sessions.count()):
        shown.sessions.item(row).setCheckState(Qt.CheckState.Unchecked)
    assert not shown.build.isEnabled() and text("dataset.choose-some") in shown.problem.text()
