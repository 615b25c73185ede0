"""The form before Start, in two steps: fill in, then compare with the person and the pre-flight and confirm."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.enter_key import enter_presses
from hemoview.ui.parts.inputs import Choice, DetailsFields, ScanLine, TodayLine
from hemoview.ui.parts.notes import missing, note, paint
from hemoview.ui.parts.rule_fields import RuleFields
from hemoview.ui.sessions.start_confirm import ConfirmStep
from hemoview.ui.sessions.template_chooser import TemplateChooser, lines_before, show_filled
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.guide import POSTURES
from hemoview.viewmodel.sessions.pseudonym import Known, half_width
from hemoview.viewmodel.sessions.start_fields import SEXES, SIDES, StartForm
from hemoview.viewmodel.sessions.start_form import StartView, answer, examine, request
from hemoview.viewmodel.sessions.template_choice import chosen
from recorder.acquire.template import Template
from recorder.acquire.template_library import TemplateLibrary

_CHOICES = {
    "wristband_side": SIDES,
    "finger_cuff_side": SIDES,
    "arm_cuff_side": SIDES,
    "posture": POSTURES,
}
_GROUPS = {
    "start-subject": (
        "pseudonym",
        "pseudonym_again",
        "sex",
        "age_y",
        "height_cm",
        "weight_kg",
        "cvp_mmhg",
    ),
    "start-consent": (
        "consent_version",
        "consent_date",
        "consent_record",
        "consent_upload",
        "consent_training",
        "consent_feedback",
    ),
    "start-sites": ("wristband_side", "finger_cuff_side", "arm_cuff_side", "posture", "hand_height_cm"),
    "start-session": ("operator", "template", "notes"),
}


TWO_COLUMNS_PX = 760
"""Narrower dialogs, on an edge board's panel, have one."""
CHECK_EVERY_MS = 1500
"""Pre-flight is asked again while the second step is open: a device that begins to deliver turns it green."""


class StartDialog(QDialog):
    """Emits ``checks_asked()`` while the second step is open and ``start_asked(request)`` on confirmation.

    ``subject_asked(pseudonym)`` once for each pseudonym that stands: what is known of it comes by :meth:`show_known`.
    """

    checks_asked = Signal()
    start_asked = Signal(dict)
    subject_asked = Signal(str)
    templates_asked = Signal()

    def __init__(
        self,
        form: StartForm,
        parent: QWidget | None = None,
        *,
        today: Callable[[], date] = date.today,
        wall_ns: Callable[[], int] = time.time_ns,
        templates: TemplateLibrary | None = None,
    ) -> None:
        super().__init__(parent)
        self._templates = templates
        self.setWindowTitle(text("start-title"))
        self._today = today
        self.form = form
        self.checks: Sequence[Mapping[str, Any]] | None = None
        self.known: Known | None = None
        self._asked_about = ""
        self.inputs: dict[str, QWidget] = {}
        self.notes: dict[str, QLabel] = {}
        self.steps = QStackedWidget()
        self.confirm = ConfirmStep(wall_ns)
        self.steps.addWidget(self._form_step())
        self.steps.addWidget(self.confirm)
        column = QVBoxLayout(self)
        column.addWidget(self.steps)
        enter_presses(self.next, self.cancel, self.confirm.back)
        self.confirm.back.clicked.connect(self.go_back)
        self.confirm.start.clicked.connect(self._start)
        self.confirm.overrides_changed.connect(self._override)
        self.confirm.answered.connect(self._answer)
        self._touched: set[str] = set()
        self._again = QTimer(self)
        self._again.setInterval(CHECK_EVERY_MS)
        self._again.timeout.connect(self.checks_asked)
        self.finished.connect(self._again.stop)
        self.inputs["pseudonym"].setFocus()
        self.show_form()

    @property
    def view(self) -> StartView:
        """The form as examined now."""
        return examine(self.form, self.checks, today=self._today(), known=self.known)

    def view_request(self) -> dict[str, Any]:
        """What pre-flight is asked about."""
        return request(self.form)

    def show_checks(self, checks: Sequence[Mapping[str, Any]]) -> None:
        """The recorder's pre-flight has answered; an answer that comes after Back is passed over."""
        if self.steps.currentIndex() == 1:
            self.checks = checks
            self.confirm.show_view(self.view)

    def show_known(self, known: Known) -> None:
        """What earlier sessions say about a pseudonym; an answer about another one is passed over."""
        if known.pseudonym == self.form.pseudonym:
            self.known = known
            self.show_form()
            if self.steps.currentIndex() == 1:
                self.confirm.show_view(self.view)

    def show_refusal(self, message: str) -> None:
        """Start was refused after all."""
        self.confirm.show_refusal(message)
        self._again.start()

    def go_back(self) -> None:
        """To the form; the checks are asked for again next time."""
        self.checks = None
        self._again.stop()
        self.steps.setCurrentIndex(0)

    def show_form(self) -> None:
        """Which fields are wrong; a field nobody has been at yet only makes Next wait."""
        view = self.view
        said = {p.field: words(p.message) for p in (*view.remarks, *view.problems)}
        wrong = {p.field for p in view.problems}
        for name, line in self.notes.items():
            line.setText(said.get(name, "") if name in self._touched else "")
            paint(line, "warn" if name in wrong else "info")
            line.setVisible(bool(line.text()))
        for part in self._again_row:
            part.setVisible(view.needs_again)
        self.missing.setText(missing(view.problems))
        self.next.setEnabled(view.can_confirm)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two columns, one below the other on a narrow panel."""
        super().resizeEvent(event)
        narrow = self.width() < TWO_COLUMNS_PX
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._columns.setDirection(down if narrow else across)

    def _form_step(self) -> QWidget:
        step = QWidget()
        self._columns = columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        left, right = QVBoxLayout(), QVBoxLayout()
        for i, (title, names) in enumerate(_GROUPS.items()):
            (left if i in (0, 3) else right).addWidget(self._group(title, names))
        left.addWidget(self._details())
        right.addWidget(self._rules())
        left.addStretch()
        right.addStretch()
        columns.addLayout(left, 1)
        columns.addLayout(right, 1)
        inside = QWidget()
        inside.setLayout(columns)
        columns.setContentsMargins(0, 0, 6, 0)
        fields = QScrollArea()
        fields.setWidget(inside)
        fields.setWidgetResizable(True)
        fields.setFrameShape(QScrollArea.Shape.NoFrame)
        fields.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.next = QPushButton(text("button-next"))
        self.next.setObjectName("start")
        self.next.clicked.connect(self._go_on)
        self.cancel = QPushButton(text("button-cancel"))
        self.cancel.clicked.connect(self.reject)
        self.missing = QLabel()
        self.missing.setObjectName("missing")
        self.missing.setWordWrap(True)
        self.missing.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        buttons = QHBoxLayout()
        buttons.setSpacing(14)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.missing, 1)
        buttons.addWidget(self.next)
        column = QVBoxLayout(step)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(fields, 1)
        column.addLayout(buttons)
        return step

    def _details(self) -> QWidget:
        self.details = DetailsFields(self.form.details)
        self.details.changed.connect(lambda form: self._change("details", form))
        note = self._note("details")
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.details)
        column.addWidget(note)
        return box

    def _rules(self) -> QWidget:
        self.rules = RuleFields(self.form.rules)
        self.rules.changed.connect(lambda choice: self._change("rules", choice))
        return self.rules

    def _group(self, title: str, names: Sequence[str]) -> QGroupBox:
        box = QGroupBox(text(title))
        rows = QFormLayout(box)
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        rows.setVerticalSpacing(2)
        rows.setContentsMargins(10, 3, 10, 3)
        rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        boxes = [name for name in names if self._is_box(name)]
        for name in names:
            if name in boxes:
                continue
            label = QLabel(text(f"field-{name}"))
            label.setFixedHeight(theme.touch_px() - 4)
            rows.addRow(label, self._noted(name))
            if name == "pseudonym_again":
                self._again_row = (label, self.inputs[name])
        for i in range(0, len(boxes), 2):
            pair = QHBoxLayout()
            for name in boxes[i : i + 2]:
                pair.addLayout(self._noted(name), 1)
            rows.addRow(pair)
        return box

    def _noted(self, name: str) -> QVBoxLayout:
        """A field, and below it what is wrong with it."""
        column = QVBoxLayout()
        column.setSpacing(1)
        column.addWidget(self._input(name))
        column.addWidget(self._note(name))
        return column

    def _note(self, name: str) -> QLabel:
        self.notes[name] = made = note(wraps=name in ("details", "pseudonym"))
        return made

    def _is_box(self, name: str) -> bool:
        return isinstance(getattr(self.form, name), bool)

    def _input(self, name: str) -> QWidget:
        value = getattr(self.form, name)
        widget: QWidget
        if isinstance(value, bool):
            widget = QCheckBox(text(f"field-{name}"))
            widget.setChecked(value)
            widget.toggled.connect(lambda checked: self._change(name, checked))
        elif name == "sex":
            widget = Choice(SEXES[1:], value, text("field-sex"))
            widget.chosen.connect(self._sex_chosen)
        elif name in ("pseudonym", "pseudonym_again"):
            widget = ScanLine(value)
            widget.textChanged.connect(lambda typed: self._change(name, half_width(typed)))
            widget.scanned.connect(self._scanned)
        elif name in _CHOICES:
            widget = QComboBox()
            for choice in _CHOICES[name]:
                widget.addItem(text(f"choice-{choice}"), choice)
            widget.setCurrentIndex(_CHOICES[name].index(value))
            widget.currentIndexChanged.connect(lambda i: self._change(name, _CHOICES[name][i]))
        elif name == "template" and self._templates is not None:
            widget = TemplateChooser(self._templates, value)
            widget.chosen.connect(self._choose)
            widget.edit_asked.connect(self.templates_asked)
        else:
            widget = QLineEdit(value)
            widget.textChanged.connect(lambda typed: self._change(name, typed.strip()))
        widget.setObjectName(f"field-{name}")
        widget.setAccessibleName(text(f"field-{name}"))
        self.inputs[name] = widget
        if name != "consent_date":
            return widget
        assert isinstance(widget, QLineEdit)
        with_today = TodayLine(widget)
        with_today.today.clicked.connect(lambda: widget.setText(self._today().isoformat()))
        self.signed_today = with_today.today
        return with_today

    def _choose(self, template: Template | None) -> None:
        """What the template knows and nobody has filled in yet stands in the fields."""
        self.form = chosen(self.form, template)
        show_filled(self.inputs, self.form)
        self.rules.show_choice(self.form.rules)
        self._ask_about()
        self.show_form()

    def templates_changed(self) -> None:
        """The library was edited: the chosen template may say something else now, or be gone."""
        chooser = self.inputs["template"]
        if isinstance(chooser, TemplateChooser):
            chooser.fill(self.form.template)
            self._choose(chooser.template)

    def _change(self, name: str, value: object) -> None:
        self.form = replace(self.form, **{name: value})  # type: ignore[arg-type]
        self._touched.add(name)
        if name.startswith("pseudonym"):
            self._ask_about()
        self.show_form()

    def _sex_chosen(self, sex: str) -> None:
        """The next thing typed is the age."""
        self._change("sex", sex)
        self.inputs["age_y"].setFocus()

    def _scanned(self, code: str) -> None:
        """A scanner needs no second entry; the next thing asked is the sex."""
        code = half_width(code)
        self.form = replace(self.form, scanned=code)
        line = self.inputs["pseudonym"]
        assert isinstance(line, QLineEdit)
        line.setText(code)
        self._change("pseudonym", code)
        self.inputs["sex"].setFocus()

    def _ask_about(self) -> None:
        """Once the pseudonym stands: has it been recorded here before?"""
        standing = not any(p.field.startswith("pseudonym") for p in self.view.problems)
        wanted = self.form.pseudonym if standing else ""
        if wanted != self._asked_about:
            self._asked_about, self.known = wanted, None
            if wanted:
                self.subject_asked.emit(wanted)

    def _answer(self, key: str, given: bool) -> None:
        self.form = answer(self.form, key, given=given)
        self.confirm.show_view(self.view)

    def _override(self, device: str, reason: str) -> None:
        self.form = replace(self.form, overrides={**self.form.overrides, device: reason})
        self.confirm.start.setEnabled(self.view.can_start)

    def _go_on(self) -> None:
        self._touched.update(field.name for field in fields(StartForm))
        self._ask_about()
        self.show_form()
        if self.view.can_confirm:
            self.confirm.checklist.show_lines(lines_before(self.inputs["template"]))
            self.confirm.show_view(self.view)
            self.steps.setCurrentIndex(1)
            self.checks_asked.emit()
            self._again.start()

    def _start(self) -> None:
        order = self.view.request
        if order is not None:
            self._again.stop()
            self.confirm.start.setEnabled(False)
            self.start_asked.emit(order)
