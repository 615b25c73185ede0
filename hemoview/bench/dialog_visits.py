"""The round of ``hemoview bench dialogs``: which dialogs there are, and what opens each for the operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PySide6.QtWidgets import QDialog

    from hemoview.bench.dialog_desk import Desk

RATER: Final = "bench"
READY_S: Final = 20.0
WINDOW_S: Final = (600.0, 610.0)


def before_start(desk: Desk) -> None:
    """Nobody is recorded yet: the menu, Start, and what belongs to the devices."""
    window = desk.shell.window
    header = window.header
    menu = header.actions_by_id
    desk.visit("show", menu["button-show"].trigger)
    desk.visit("about", menu["button-about"].trigger)
    desk.visit("handbook", menu["menu-handbook"].trigger)
    desk.visit("researcher", menu["menu-researcher"].trigger)
    desk.visit("pin", desk.shell.operations.pin_asked.emit)
    desk.visit("start", header.start.click, inside=lambda dialog: _fill(desk, dialog))
    window.show_page("devices")
    page: Any = window.pages.currentWidget()
    desk.wait(READY_S, lambda: {"e4", "adc"} <= page.cards.keys())
    desk.visit("templates", page.templates.click, inside=lambda dialog: _templates(desk, dialog))
    desk.visit("device-add", page.add.click)
    desk.visit("device-edit", page.cards["adc"].buttons["edit"].click)
    desk.visit("device-remove", page.cards["adc"].buttons["remove"].click)
    desk.visit("pair", page.cards["e4"].buttons["pair"].click)
    desk.visit("adc-wizard", page.wizard.click)
    desk.visit("calibration-wizard", page.cards["adc"].buttons["calibrate"].click)
    window.show_page("record")


def _fill(desk: Desk, dialog: QDialog) -> None:
    """The second step of Start needs a form that stands."""
    form: Any = dialog
    for name, typed in (("pseudonym", "BENCH-02"), ("pseudonym_again", "BENCH-02"), ("age_y", "40")):
        form.inputs[name].setText(typed)
    form.inputs["sex"].choose("female")
    form.signed_today.click()
    form.inputs["consent_record"].setChecked(True)
    form.inputs["consent_version"].setText("v1")
    for name in ("height_cm", "weight_kg", "cvp_mmhg", "hand_height_cm"):
        form.inputs[name].setText("")
    form.inputs["operator"].setText("OP1")
    desk.press("start: confirm", dialog, form.next)


def _templates(desk: Desk, dialog: QDialog) -> None:
    templates: Any = dialog
    desk.visit("template-editor", templates.copy.click)


def recording(desk: Desk) -> None:
    """A session is open."""
    shell, header = desk.shell, desk.shell.window.header
    record, operations = shell.window.record, shell.operations
    menu = header.actions_by_id
    desk.visit("stop", header.stop.click)
    desk.visit("cuff", record.cuff_asked.emit)
    desk.visit("readings", lambda: operations.guide.do("readings"))
    desk.visit("posture", lambda: operations.guide.do("posture"))
    desk.visit("estimates", record.numerics.choose.click)
    desk.visit("two-levels", record.numerics.calibrate.click)
    desk.visit("correct", menu["button-correct"].trigger)
    desk.visit("monitor-clock", menu["menu-clock"].trigger)
    desk.visit("same-subject", operations.subject.ask)
    desk.visit("refused", lambda: operations.show_error(ValueError("the recorder's words")))


def review(desk: Desk) -> None:
    """The list of sessions, and a stored session with its labels."""
    from hemoview.ui.review.reference_labels_edit import EditLabel  # noqa: PLC0415

    window = desk.shell.window
    window.show_page("review")
    workspace: Any = window.pages.currentWidget()
    browser = workspace.browser
    if not desk.wait(READY_S, lambda: any(r.path.endswith("bench-stored") for r in browser.table.rows)):
        desk.missing.append("review: the list of sessions")
        return
    stored = next(r.path for r in browser.table.rows if r.path.endswith("bench-stored"))
    browser.select(stored)
    desk.wait(0.2)
    desk.visit("import", browser.import_recording)
    desk.visit("dataset", browser.build_dataset)
    desk.visit("report", browser.report_selected)
    desk.visit("correct-stored", browser.correct_selected)
    desk.visit("discard", browser.discard_selected)
    browser.open_selected()
    page = workspace.page
    desk.wait(READY_S, lambda: page.model.view().settled and page.labelling.model.view(0.0).ready)
    desk.visit("export", page.exporting.button.click)
    desk.visit("reference-label", lambda: EditLabel(None, WINDOW_S, RATER, page).open())
    _labels(desk, page)


def _labels(desk: Desk, page: Any) -> None:
    from PySide6.QtCore import Qt  # noqa: PLC0415

    none, key = Qt.KeyboardModifier.NoModifier, Qt.Key
    page.labelling.model.use_rater(RATER)
    page.press(key.Key_L, Qt.KeyboardModifier.ControlModifier)
    page.press(key.Key_N, none)
    desk.wait(0.3)
    opens: tuple[tuple[str, Callable[[], object]], ...] = (
        ("label-keys", lambda: page.press(key.Key_Question, none)),
        ("label-comment", lambda: page.press(key.Key_C, none)),
        ("label-scheme", page.labelling.panel.edit_scheme.emit),
        ("finish-labels", lambda: page.raters.do("finish")),
    )
    for name, open_it in opens:
        desk.visit(name, open_it)
