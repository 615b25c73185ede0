"""The form before Start, in two steps: fill in, then compare with the person and the pre-flight and confirm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui import theme
from hemoview.ui.catalogue import text, words
from hemoview.ui.numerics_view import Words
from hemoview.ui.template_chooser import TemplateChooser
from hemoview.viewmodel.start_form import (
    NEEDED,
    POSTURES,
    SEXES,
    SIDES,
    StartForm,
    StartView,
    examine,
    request,
)
from hemoview.viewmodel.template_choice import FILLED, chosen
from recorder.acquire.template import Template
from recorder.acquire.template_library import TemplateLibrary

_CHOICES = {
    "sex": SEXES,
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


CHECK_EVERY_MS = 1500
"""Pre-flight is asked again while the second step is open: a device that begins to deliver turns it green."""


class StartDialog(QDialog):
    """Emits ``checks_asked()`` while the second step is open and ``start_asked(request)`` on confirmation."""

    checks_asked = Signal()
    start_asked = Signal(dict)
    templates_asked = Signal()

    def __init__(
        self,
        form: StartForm,
        parent: QWidget | None = None,
        *,
        today: Callable[[], date] = date.today,
        templates: TemplateLibrary | None = None,
    ) -> None:
        super().__init__(parent)
        self._templates = templates
        self.setWindowTitle(text("start-title"))
        self._today = today
        self.form = form
        self.checks: Sequence[Mapping[str, Any]] | None = None
        self.inputs: dict[str, QWidget] = {}
        self.notes: dict[str, QLabel] = {}
        self.steps = QStackedWidget()
        self.confirm = ConfirmStep()
        self.steps.addWidget(self._form_step())
        self.steps.addWidget(self.confirm)
        column = QVBoxLayout(self)
        column.addWidget(self.steps)
        self.confirm.back.clicked.connect(self.go_back)
        self.confirm.start.clicked.connect(self._start)
        self.confirm.overrides_changed.connect(self._override)
        self._touched: set[str] = set()
        self._again = QTimer(self)
        self._again.setInterval(CHECK_EVERY_MS)
        self._again.timeout.connect(self.checks_asked)
        self.finished.connect(self._again.stop)
        self.show_form()

    @property
    def view(self) -> StartView:
        """The form as examined now."""
        return examine(self.form, self.checks, today=self._today())

    def view_request(self) -> dict[str, Any]:
        """What pre-flight is asked about."""
        return request(self.form)

    def show_checks(self, checks: Sequence[Mapping[str, Any]]) -> None:
        """The recorder's pre-flight has answered; an answer that comes after Back is passed over."""
        if self.steps.currentIndex() == 1:
            self.checks = checks
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
        for name, note in self.notes.items():
            note.setText(said.get(name, "") if name in self._touched else "")
            note.setVisible(bool(note.text()))
        self.missing.setText(_missing(view))
        self.next.setEnabled(view.can_confirm)

    def _form_step(self) -> QWidget:
        step = QWidget()
        columns = QHBoxLayout()
        left, right = QVBoxLayout(), QVBoxLayout()
        for i, (title, names) in enumerate(_GROUPS.items()):
            (left if i in (0, 3) else right).addWidget(self._group(title, names))
        left.addStretch()
        right.addStretch()
        columns.addLayout(left, 1)
        columns.addLayout(right, 1)
        self.next = QPushButton(text("button-next"))
        self.next.setObjectName("start")
        self.next.setDefault(True)
        self.next.clicked.connect(self._go_on)
        cancel = QPushButton(text("button-cancel"))
        cancel.clicked.connect(self.reject)
        self.missing = QLabel()
        self.missing.setObjectName("missing")
        self.missing.setWordWrap(True)
        self.missing.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        buttons = QHBoxLayout()
        buttons.setSpacing(14)
        buttons.addWidget(cancel)
        buttons.addWidget(self.missing, 1)
        buttons.addWidget(self.next)
        column = QVBoxLayout(step)
        column.addLayout(columns)
        column.addLayout(buttons)
        return step

    def _group(self, title: str, names: Sequence[str]) -> QGroupBox:
        box = QGroupBox(text(title))
        rows = QFormLayout(box)
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        rows.setVerticalSpacing(4)
        rows.setContentsMargins(10, 6, 10, 6)
        for name in names:
            self.notes[name] = QLabel()
            self.notes[name].setFont(theme.font(13))
            self.notes[name].setStyleSheet(f"color: {theme.colour('warn').name()};")
            self.notes[name].setContentsMargins(9, 0, 0, 2)
            self.notes[name].hide()
            line = QVBoxLayout()
            line.setSpacing(1)
            line.addWidget(self._input(name))
            line.addWidget(self.notes[name])
            label = QLabel("" if self._is_box(name) else text(f"field-{name}"))
            label.setFixedHeight(theme.touch_px() - 4)
            rows.addRow(label, line)
        return box

    def _is_box(self, name: str) -> bool:
        return isinstance(getattr(self.form, name), bool)

    def _input(self, name: str) -> QWidget:
        value = getattr(self.form, name)
        widget: QWidget
        if isinstance(value, bool):
            widget = QCheckBox(text(f"field-{name}"))
            widget.setChecked(value)
            widget.toggled.connect(lambda checked: self._change(name, checked))
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
        return widget

    def _choose(self, template: Template | None) -> None:
        """What the template knows and nobody has filled in yet stands in the fields."""
        self.form = chosen(self.form, template)
        for name in FILLED:
            widget, value = self.inputs[name], getattr(self.form, name)
            if isinstance(widget, QComboBox):
                widget.setCurrentIndex(_CHOICES[name].index(value) if value in _CHOICES[name] else 0)
            elif isinstance(widget, QLineEdit):
                widget.setText(value)
        self.show_form()

    def _change(self, name: str, value: str | bool) -> None:
        self.form = replace(self.form, **{name: value})  # type: ignore[arg-type]
        self._touched.add(name)
        self.show_form()

    def _override(self, device: str, reason: str) -> None:
        self.form = replace(self.form, overrides={**self.form.overrides, device: reason})
        self.confirm.start.setEnabled(self.view.can_start)

    def _go_on(self) -> None:
        self._touched.update(field.name for field in fields(StartForm))
        self.show_form()
        if self.view.can_confirm:
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


class ConfirmStep(QWidget):
    """Pseudonym, sex and age large; what pre-flight found; the button that starts."""

    overrides_changed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        centre = Qt.AlignmentFlag.AlignHCenter
        self.title = Words(18, align=centre)
        self.title.show_text(text("confirm-title"), "quiet")
        self.pseudonym = Words(64, bold=True, align=centre)
        self.person = Words(34, bold=True, align=centre)
        self.details, self.warnings = Words(15, align=centre), Words(15, align=centre)
        self.state = Words(15, bold=True, align=centre)
        for label in (self.details, self.warnings, self.state):
            label.setWordWrap(True)
        self.findings = QVBoxLayout()
        self._found: tuple[object, ...] = ()
        self.back = QPushButton(text("button-back"))
        self.start = QPushButton(text("button-confirm-start"))
        self.start.setObjectName("start")
        buttons = QHBoxLayout()
        buttons.addWidget(self.back)
        buttons.addStretch()
        buttons.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addStretch()
        for label in (self.title, self.pseudonym, self.person, self.details, self.warnings, self.state):
            column.addWidget(label)
        column.addLayout(self.findings)
        column.addStretch()
        column.addLayout(buttons)

    def show_view(self, view: StartView) -> None:
        """The card and the findings."""
        if view.card is None:
            return
        self.pseudonym.show_text(view.card.pseudonym, "text")
        sex = text(f"choice-{view.card.sex}")
        self.person.show_text(text("confirm-person", sex=sex, age=view.card.age), "text")
        self.details.show_text(words(view.card.details), "quiet")
        self.warnings.show_text("\n".join(words(w) for w in view.card.warnings), "warn")
        self.state.show_text(*_state(view))
        self._show_findings(view)
        self.start.setEnabled(view.can_start)

    def show_refusal(self, message: str) -> None:
        """What the recorder said to Start."""
        self.state.show_text(f"{text('preflight-refused')} {message}", "danger")

    def _show_findings(self, view: StartView) -> None:
        """Rebuilt only when something else was found: somebody may be typing a reason."""
        found = tuple((f.check_id, f.level, f.message) for f in view.findings)
        if found == self._found:
            return
        self._found = found
        while (item := self.findings.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for finding in view.findings:
            role = {"refuse": "danger", "override": "warn"}.get(finding.level, "info")
            label = Words(15)
            label.setWordWrap(True)
            label.show_text(words(finding.message), role)
            self.findings.addWidget(label)
            if finding.level == "override":
                self.findings.addWidget(self._reason(finding.device, finding.reason))

    def _reason(self, device: str, reason: str) -> QLineEdit:
        line = QLineEdit(reason)
        line.setPlaceholderText(text("preflight-override"))
        line.setObjectName(f"override-{device}")
        line.textChanged.connect(lambda typed: self.overrides_changed.emit(device, typed))
        return line


def _missing(view: StartView) -> str:
    """Why Next is grey: the fields still empty, and those to correct."""
    said = []
    for message_id, empty in (("start-needed", True), ("start-correct", False)):
        names = [text(f"short-{p.field}") for p in view.problems if (p.message.id in NEEDED) == empty]
        if names:
            said.append(text(message_id, fields=", ".join(names)))
    return " ".join(said)


def _state(view: StartView) -> tuple[str, str]:
    if view.refused:
        return text("preflight-refused"), "danger"
    if view.can_start:
        return text("preflight-ok"), "ok"
    return (text("preflight-reasons"), "warn") if view.findings else (text("preflight-asking"), "quiet")
