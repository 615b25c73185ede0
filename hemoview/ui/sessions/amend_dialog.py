"""Correcting what was written about a session, live or stored: never a sample, always with who and why."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.enter_key import enter_presses
from hemoview.ui.parts.inputs import Choice, ScanLine
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.amended import amended_words
from hemoview.viewmodel.sessions.amend_form import AmendForm, examine, fields_of
from hemoview.viewmodel.sessions.start_fields import SEXES

_OWN = {"pseudonym_again": "field-pseudonym_again", "operator": "field-operator", "why": "amend-why"}


def _label(name: str) -> str:
    """Short, for a narrow column."""
    said = text(_OWN[name]) if name in _OWN else text(f"amend-{name}")
    return said[:1].upper() + said[1:]


class AmendDialog(QDialog):
    """Emits ``amended(request)``: changes, who, why."""

    amended = Signal(dict)

    def __init__(self, form: AmendForm, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("amend-title"))
        self.form = form
        self.inputs: dict[str, QWidget] = {}
        self.notes: dict[str, QLabel] = {}
        explained = Words(14)
        explained.setWordWrap(True)
        explained.show_text(text("amend-explained"), "quiet")
        self.changed = Words(15, bold=True)
        self.changed.setWordWrap(True)
        self.ok, cancel = QPushButton(text("button-amend")), QPushButton(text("button-cancel"))
        self.ok.setObjectName("start")
        enter_presses(self.ok, cancel)
        self.ok.clicked.connect(self._amend)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(cancel)
        buttons.addWidget(self.changed, 1)
        buttons.addWidget(self.ok)
        column = QVBoxLayout(self)
        column.addWidget(explained)
        column.addWidget(self._fields(), 1)
        column.addLayout(buttons)
        self._show()

    def _fields(self) -> QScrollArea:
        names = fields_of(self.form.header)
        about = [n for n in names if not n.startswith("consent.")]
        if "subject.pseudonym" in about:
            about.insert(1, "pseudonym_again")
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addWidget(self._group("start-subject", about))
        consent = [n for n in names if n.startswith("consent.")]
        if consent:
            right.addWidget(self._group("start-consent", consent))
        right.addWidget(self._group("amend-signed", ["operator", "why"]))
        inside = QWidget()
        columns = QHBoxLayout(inside)
        for side in (left, right):
            side.addStretch()
            columns.addLayout(side, 1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        return area

    def _group(self, title: str, names: list[str]) -> QGroupBox:
        box = QGroupBox(text(title))
        rows = QFormLayout(box)
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        for name in names:
            widget, note = self._input(name), QLabel()
            note.setFont(theme.font(13))
            note.setStyleSheet(f"color: {theme.colour('warn').name()};")
            note.hide()
            widget.setAccessibleName(_label(name))
            label = QLabel("" if isinstance(widget, QCheckBox) else _label(name))
            self.inputs[name], self.notes[name] = widget, note
            line = QVBoxLayout()
            line.setSpacing(1)
            line.addWidget(widget)
            line.addWidget(note)
            rows.addRow(label, line)
            if name == "pseudonym_again":
                self._again = (label, widget)
        return box

    def _input(self, name: str) -> QWidget:
        if name in ("pseudonym_again", "operator", "why"):
            own = ScanLine() if name == "pseudonym_again" else QLineEdit(getattr(self.form, name))
            own.textChanged.connect(lambda typed: self._change(replace(self.form, **{name: typed.strip()})))
            return own
        shown = self.form.shown(name)
        if isinstance(shown, bool):
            tick = QCheckBox(_label(name))
            tick.setChecked(shown)
            tick.toggled.connect(lambda on: self._change(self.form.with_typed(name, on)))
            return tick
        if name == "subject.sex":
            choice = Choice(SEXES[1:], shown, text("field-sex"))
            choice.chosen.connect(lambda value: self._change(self.form.with_typed(name, value)))
            return choice
        line = ScanLine(shown) if name == "subject.pseudonym" else QLineEdit(shown)
        line.textChanged.connect(lambda typed: self._change(self.form.with_typed(name, typed.strip())))
        if isinstance(line, ScanLine):
            line.scanned.connect(lambda code: self._change(replace(self.form, scanned=code)))
        return line

    def _change(self, form: AmendForm) -> None:
        self.form = form
        self._show()

    def _show(self) -> None:
        view = examine(self.form)
        said = {name: words(message) for name, message in (*view.remarks, *view.problems)}
        for name, note in self.notes.items():
            quiet = name in ("operator", "why") or (name == "pseudonym_again" and not view.needs_again)
            note.setText("" if quiet else said.get(name, ""))
            note.setVisible(bool(note.text()))
        if "pseudonym_again" in self.inputs:
            for part in self._again:
                part.setVisible(view.needs_again)
        changed = amended_words(view.changed)
        said_of = [text("amend-changes", fields=words(changed))] if changed else []
        wanting = [_label(name) for name, _ in view.problems if name in ("operator", "why")]
        if changed and wanting:
            said_of.append(text("amend-missing", fields=wanting))
        self.changed.show_text("\n".join(said_of), "info")
        self.ok.setEnabled(view.request is not None)

    def _amend(self) -> None:
        request = examine(self.form).request
        if request is not None:
            self.accept()
            self.amended.emit(request)
