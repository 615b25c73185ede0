"""Templates are made, copied, changed and deleted on the screen; nothing ever needs editing a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
)
from pytestqt.qtbot import QtBot

from hemoview.ui.parts import theme
from hemoview.ui.sessions.template_editor import TemplateEditor, _choice, fault_words
from hemoview.ui.sessions.templates_dialog import TemplatesDialog
from hemoview.ui.words.catalogue import CHINESE_WORDS, known_ids
from hemoview.viewmodel.sessions.template_choice import template_library
from hemoview.viewmodel.sessions.template_form import FIELDS, PAGES, examine, form_of, new_form
from recorder.acquire.template import Template, parse
from recorder.acquire.template_faults import WORDS, Fault
from recorder.acquire.template_library import TemplateLibrary

NAMED = ("value", "known", "low", "high", "most", "form", "error", "place")


@pytest.fixture
def library(tmp_path: Path) -> TemplateLibrary:
    return template_library(tmp_path)


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication, library: TemplateLibrary) -> Iterator[TemplatesDialog]:
    theme.apply(qapp)
    made = TemplatesDialog(library, "rest")
    qtbot.addWidget(made)
    made.show()
    yield made


@pytest.fixture
def editor(qtbot: QtBot, qapp: QApplication) -> Iterator[TemplateEditor]:
    theme.apply(qapp)
    made = TemplateEditor(new_form(), ["rest"])
    qtbot.addWidget(made)
    made.show()
    yield made


def type_in(editor: TemplateEditor, key: str, typed: str) -> None:
    widget = editor.inputs[key]
    if isinstance(widget, QLineEdit):
        widget.setText(typed)
    else:
        assert isinstance(widget, QPlainTextEdit)
        widget.setPlainText(typed)


def test_every_field_page_and_mistake_has_words_in_both_languages(editor: TemplateEditor) -> None:
    ids = {f"tpl.{key.removeprefix('.')}" for key in FIELDS} | {f"tpl.page.{page}" for page in PAGES}
    ids |= {f"fault-{why}" for why in WORDS}
    assert not ids - known_ids() and not ids - set(CHINESE_WORDS)
    for one in FIELDS.values():
        for choice in one.choices:
            assert _choice(one, choice)
    for why, words in WORDS.items():
        values = tuple((name, "x") for name in NAMED if f"{{{name}}}" in words)
        said = fault_words(Fault("phases", 2, "name", why, values))
        assert "Phase 2" in said and "{" not in said


def test_a_new_template_is_typed_and_kept(
    qtbot: QtBot, dialog: TemplatesDialog, library: TemplateLibrary
) -> None:
    qtbot.mouseClick(dialog.new, Qt.MouseButton.LeftButton)
    editor = dialog.editor
    assert editor is not None and not editor.save.isEnabled() and "Name: is missing" in editor.problem.text()
    type_in(editor, ".name", "Rest 5 min")
    type_in(editor, "cuff.every_min", "2,5")
    type_in(editor, "markers.1", "baseline")
    type_in(editor, "checklist.after", "cleaned\n\ncharges")
    ends = editor.inputs["cuff.at_phase_ends"]
    assert isinstance(ends, QCheckBox)
    ends.setChecked(True)
    qtbot.mouseClick(editor.phases.add, Qt.MouseButton.LeftButton)
    editor.phases.table.item(0, 0).setText("Settle")
    editor.phases.table.item(0, 2).setText("settle begins")
    qtbot.mouseClick(editor.phases.add, Qt.MouseButton.LeftButton)
    editor.phases.table.item(1, 0).setText("Rest")
    editor.phases.table.item(1, 5).setCheckState(Qt.CheckState.Checked)
    assert editor.save.isEnabled() and editor.problem.text() == ""
    qtbot.mouseClick(editor.save, Qt.MouseButton.LeftButton)
    assert not editor.isVisible()
    made = library.by_name("Rest 5 min")
    assert made is not None and [p.name for p in made.phases] == ["Settle", "Rest"]
    assert made.phases[0].marker_at_start == "settle begins" and made.phases[1].begins_by_itself
    assert (made.cuff.every_min, made.cuff.at_phase_ends) == (2.5, True)
    assert made.markers == ("baseline",) and made.checklist.after == ("cleaned", "charges")
    assert made.reminders.finger_switch_min == 30 and [d.device_id for d in made.devices] == [
        "e4",
        "adc",
        "cuff",
    ]
    assert dialog.found is not None and dialog.found.name == "Rest 5 min" and dialog.edit.isEnabled()
    assert "Settle" in dialog.about.text() and made.version in dialog.about.text()


def test_phases_are_moved_and_removed(qtbot: QtBot, editor: TemplateEditor) -> None:
    for name in "ABC":
        qtbot.mouseClick(editor.phases.add, Qt.MouseButton.LeftButton)
        editor.phases.table.item(editor.phases.table.rowCount() - 1, 0).setText(name)
    editor.phases.table.selectRow(2)
    qtbot.mouseClick(editor.phases.up, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(editor.phases.up, Qt.MouseButton.LeftButton)
    assert [p.name for p in editor.form.phases] == ["C", "A", "B"] and not editor.phases.up.isEnabled()
    qtbot.mouseClick(editor.phases.down, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(editor.phases.remove, Qt.MouseButton.LeftButton)
    assert [p.name for p in editor.form.phases] == ["A", "B"]


def test_a_mistake_stands_in_its_cell_and_on_its_tab(qtbot: QtBot, editor: TemplateEditor) -> None:
    type_in(editor, ".name", "study")
    assert editor.save.isEnabled()
    qtbot.mouseClick(editor.phases.add, Qt.MouseButton.LeftButton)
    editor.phases.table.item(0, 1).setText("ten")
    assert "Phase 1, Minutes: 'ten' is no number" in editor.problem.text()
    assert editor.pages.tabText(1).startswith("▲") and not editor.save.isEnabled()
    assert editor.phases.table.item(0, 1).background().color().alpha() > 0
    editor.phases.table.item(0, 1).setText("10")
    assert editor.save.isEnabled() and not editor.pages.tabText(1).startswith("▲")
    type_in(editor, "ranges.SBP", "140-90")
    assert editor.pages.tabText(6).startswith("▲") and "the lower one first" in editor.problem.text()
    type_in(editor, "ranges.SBP", "90-140")
    type_in(editor, ".name", "REST")
    assert "there twice" in editor.problem.text() and editor.pages.tabText(0).startswith("▲")


def test_kinds_are_chosen_and_settings_of_a_file_are_carried_along(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    made = parse(
        {"name": "x", "devices": [{"kind": "e4-tcp", "device_id": "e4", "options": {"port": 28000}}]}
    )
    editor = TemplateEditor(form_of(made))
    qtbot.addWidget(editor)
    box = editor.devices.table.cellWidget(0, 0)
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findData("manual-cuff"))
    editor.devices.table.item(0, 2).setCheckState(Qt.CheckState.Unchecked)
    assert editor.template is not None
    device = editor.template.devices[0]
    assert (device.kind, device.required, device.options) == ("manual-cuff", False, {"port": 28000})
    editor._first = editor.form


def test_those_shipped_are_copied_never_changed(
    qtbot: QtBot, dialog: TemplatesDialog, library: TemplateLibrary
) -> None:
    assert dialog.found is not None and dialog.found.name == "rest"
    assert not dialog.edit.isEnabled() and not dialog.delete.isEnabled()
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    assert dialog.editor is not None and dialog.editor.form.values[".name"] == "rest 2"
    qtbot.mouseClick(dialog.editor.save, Qt.MouseButton.LeftButton)
    copy = library.by_name("rest 2")
    rest = library.by_name("rest")
    assert (
        copy is not None and rest is not None and copy.phases == rest.phases and copy.devices == rest.devices
    )


def test_an_own_one_is_edited_in_place_and_deleted_once_confirmed(
    qtbot: QtBot, dialog: TemplatesDialog, library: TemplateLibrary
) -> None:
    library.save(Template("mine"))
    dialog.fill("mine")
    qtbot.mouseClick(dialog.edit, Qt.MouseButton.LeftButton)
    assert dialog.editor is not None
    type_in(dialog.editor, ".name", "mine too")
    qtbot.mouseClick(dialog.editor.save, Qt.MouseButton.LeftButton)
    assert [f.name for f in library.found() if f.own] == ["mine too"]
    qtbot.mouseClick(dialog.delete, Qt.MouseButton.LeftButton)
    box = next(b for b in dialog.findChildren(QMessageBox) if b.isVisible())
    assert "mine too" in box.text() and library.by_name("mine too") is not None
    qtbot.mouseClick(next(b for b in box.buttons() if b.text() == "Delete"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: library.by_name("mine too") is None, timeout=30_000)


def test_a_folder_that_cannot_be_written_says_so_and_keeps_what_was_typed(
    qtbot: QtBot, dialog: TemplatesDialog, library: TemplateLibrary
) -> None:
    library.own.parent.mkdir(parents=True, exist_ok=True)
    library.own.write_text("a file where the folder should be")
    qtbot.mouseClick(dialog.new, Qt.MouseButton.LeftButton)
    assert dialog.editor is not None
    type_in(dialog.editor, ".name", "study")
    qtbot.mouseClick(dialog.editor.save, Qt.MouseButton.LeftButton)
    assert dialog.editor.isVisible() and "cannot be written" in dialog.editor.problem.text()
    assert dialog.editor.form.values[".name"] == "study"
    dialog.editor._first = dialog.editor.form
    dialog.editor.close()


def test_a_faulty_file_is_listed_with_its_fault(
    qtbot: QtBot, dialog: TemplatesDialog, library: TemplateLibrary
) -> None:
    library.own.mkdir(parents=True)
    (library.own / "bad.json").write_text(
        json.dumps({"name": "bad", "devices": [{"kind": "e5", "device_id": "x"}]})
    )
    dialog.fill("bad.json")
    assert "'e5' is no device that this HemoView knows" in dialog.problem.text()
    assert dialog.delete.isEnabled() and not dialog.copy.isEnabled()


def test_what_was_typed_is_not_lost_by_escape(qtbot: QtBot, editor: TemplateEditor) -> None:
    type_in(editor, ".name", "study")
    qtbot.keyClick(editor, Qt.Key.Key_Escape)
    assert editor.isVisible() and editor.question is not None and editor.question.isVisible()
    stay = next(b for b in editor.question.buttons() if b.text() == "Go on editing")
    qtbot.mouseClick(stay, Qt.MouseButton.LeftButton)
    assert editor.isVisible() and not editor.question.isVisible()
    qtbot.mouseClick(editor.cancel, Qt.MouseButton.LeftButton)
    leave = next(b for b in editor.question.buttons() if b.text() == "Throw the changes away")
    qtbot.mouseClick(leave, Qt.MouseButton.LeftButton)
    assert not editor.isVisible()


def test_keyboard_and_touch(dialog: TemplatesDialog, editor: TemplateEditor) -> None:
    for window in (dialog, editor):
        buttons = [b for b in window.findChildren(QPushButton) if b.isVisibleTo(window)]
        assert len(buttons) >= 2
        assert all(b.focusPolicy() & Qt.FocusPolicy.TabFocus for b in buttons)
        assert all(b.sizeHint().height() >= theme.touch_px() - 1 for b in buttons)
    assert all(widget.accessibleName() for widget in editor.inputs.values())
    assert examine(editor.form).template is None
