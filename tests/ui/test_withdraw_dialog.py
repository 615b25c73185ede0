"""A subject withdraws on screen: found, listed with what becomes of it, asked twice, done, and nothing before that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "safety"))

from withdrawal_rig import dataset, export, report, session

from hemoview.labels.withdrawal.reports import VALUES
from hemoview.labels.withdrawal.withdrawal import Holding
from hemoview.ui.exchange.withdraw_dialog import WithdrawDialog
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.exchange.withdraw_form import WithdrawForm, lines_of, summary
from recorder.host import withdrawals


@pytest.fixture
def home(tmp_path: Path) -> Path:
    session(tmp_path, "a", "P-014")
    session(tmp_path, "b", "P-015")
    dataset(tmp_path, "both", "P-014", "P-015")
    report(tmp_path / "reports" / "shared", "P-014", "P-015")
    return tmp_path


def shown(qtbot: QtBot, home: Path, subject: str = "P-014") -> WithdrawDialog:
    dialog = WithdrawDialog(home / "sessions", subject, home=home)
    qtbot.addWidget(dialog)
    dialog.show()
    return dialog


def searched(qtbot: QtBot, dialog: WithdrawDialog) -> WithdrawDialog:
    dialog.search.click()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=20_000)
    return dialog


def cells(dialog: WithdrawDialog, column: int) -> list[str]:
    items = [dialog.table.item(row, column) for row in range(dialog.table.rowCount())]
    return [item.text() for item in items if item is not None]


def test_everything_is_listed_and_nothing_is_done_by_looking(qtbot: QtBot, home: Path) -> None:
    dialog = searched(qtbot, shown(qtbot, home))
    assert cells(dialog, 0) == ["Session", "Dataset", "Report"]
    assert [fate.splitlines()[0] for fate in cells(dialog, 2)] == [
        "✖ Deleted",
        "⚑ Stays, is marked",
        "⚑ Stays, is marked",
    ]
    assert "others in it: 1" in cells(dialog, 2)[1] and str(home / "sessions" / "a") in cells(dialog, 3)[0]
    assert (home / "sessions" / "a" / "session.json").is_file() and withdrawals.read(home) == []


def test_it_is_done_after_the_code_the_pseudonym_again_and_a_question(qtbot: QtBot, home: Path) -> None:
    dialog = searched(qtbot, shown(qtbot, home))
    assert not dialog.do.isEnabled() and "operator code" in dialog.lines.text()
    dialog.operator.setText("OP2")
    dialog.why.setText("letter")
    dialog.again.setText("P-015")
    assert not dialog.do.isEnabled() and "once more" in dialog.lines.text()
    dialog.again.setText("P-014")
    dialog.do.click()
    assert dialog.question is not None and "P-014" in dialog.question.text()
    assert (home / "sessions" / "a" / "session.json").is_file()
    press(dialog, "withdraw-no")
    assert withdrawals.read(home) == [] and dialog.job is None
    dialog.do.click()
    press(dialog, "withdraw-yes")
    qtbot.waitUntil(lambda: dialog.changed_something, timeout=20_000)
    assert "P-014 is withdrawn. Deleted: 1 · marked: 2" in dialog.said.text()
    assert not dialog.do.isVisible() and not dialog.operator.isVisible() and dialog.leave.isEnabled()
    assert not (home / "sessions" / "a" / "session.json").exists()
    assert (home / "sessions" / "b" / "session.json").is_file()
    last = withdrawals.read(home)[-1]
    assert (last.subject, last.who, last.why) == ("P-014", "OP2", "letter")


def press(dialog: WithdrawDialog, message_id: str) -> None:
    assert dialog.question is not None
    (button,) = [b for b in dialog.question.findChildren(QPushButton) if b.text() == text(message_id)]
    button.click()


def test_another_subject_or_folder_asks_for_another_search(qtbot: QtBot, home: Path) -> None:
    dialog = searched(qtbot, shown(qtbot, home))
    dialog.again.setText("P-014")
    dialog.subject.setText("P-015")
    assert dialog.form.found is None and dialog.again.text() == "" and not dialog.do.isVisible()
    searched(qtbot, dialog)
    dialog.add_folder(home / "not-there")
    assert dialog.form.found is None
    searched(qtbot, dialog)
    assert "not-there" in dialog.lines.text()


def test_a_list_that_cannot_be_read_is_said_and_nothing_is_deleted(qtbot: QtBot, home: Path) -> None:
    dialog = searched(qtbot, shown(qtbot, home))
    dialog.operator.setText("OP2")
    dialog.again.setText("P-014")
    (home / withdrawals.FILE).mkdir()
    dialog.withdraw()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=20_000)
    assert "Nothing was changed" in dialog.said.text()
    assert (home / "sessions" / "a" / "session.json").is_file()


def test_it_does_not_close_while_it_deletes(qtbot: QtBot, home: Path) -> None:
    dialog = shown(qtbot, home)
    dialog.search.click()
    assert dialog.job is not None
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    qtbot.waitUntil(lambda: dialog.job is None, timeout=20_000)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_lines_put_what_is_deleted_first_and_tell_whom_to_ask() -> None:
    found = (
        Holding("export", "x1", (), deletable=False, beyond="left", notes=(("left", ""),)),
        Holding("model", "m", (Path("m"),), deletable=False, notes=(("learned", "hv1:aa"),)),
        Holding("session", "s", (Path("s"),), deletable=True, notes=(("service", "ward-7"),)),
    )
    lines = lines_of(found)
    assert [line.what for line in lines] == ["deleted", "marked", "away"]
    assert "ward-7" in words(lines[0].notes[0]) and "hv1:aa" in words(lines[1].notes[0])
    form = WithdrawForm("P-1", found=found)
    assert words(summary(form)) == "Deleted for ever: 1 · stay and are marked: 1 · not here: 1"
    assert words(summary(WithdrawForm("P-1", found=()))).startswith("Nothing here holds P-1")


def test_an_export_that_left_is_named_beside_what_is_still_here(qtbot: QtBot, home: Path) -> None:
    export(home, 1, "P-014", "a", for_others=True)
    dialog = searched(qtbot, shown(qtbot, home))
    (fate,) = [
        fate for kind, fate in zip(cells(dialog, 0), cells(dialog, 2), strict=True) if kind == "Export"
    ]
    assert "✖ Deleted" in fate and "ask whoever has it" in fate
    assert (home / "reports" / "shared" / VALUES).is_file()
