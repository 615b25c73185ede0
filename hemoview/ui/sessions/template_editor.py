"""Editing one template: pages of fields and two tables, judged with every key by the parser that reads files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.sessions.template_tables import DeviceTable, PhaseTable
from hemoview.ui.words.catalogue import known_ids, text
from hemoview.viewmodel.sessions.template_form import PAGES, Field, TemplateForm, examine
from recorder.acquire.template import Template
from recorder.acquire.template_faults import Fault

FAULTS_SHOWN = 3
CHOICE_PX, NUMBER_PX, LINES_PX = 420, 220, 110


class TemplateEditor(QDialog):
    """Emits ``kept(Template)`` when it is saved; whoever keeps it closes the dialog or shows why not.

    Args:
        form: to begin with.
        taken: names of the other templates.
    """

    kept = Signal(object)

    def __init__(
        self, form: TemplateForm, taken: Collection[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("tpl.title"))
        self.form = self._first = form
        self._taken = taken
        self.question: QMessageBox | None = None
        self.inputs: dict[str, QWidget] = {}
        self.phases, self.devices = PhaseTable(), DeviceTable()
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        for name, fields in PAGES.items():
            self.pages.addTab(self._page(name, fields), text(f"tpl.page.{name}"))
        self.problem = Words(14)
        self.problem.setWordWrap(True)
        self.save, self.cancel = QPushButton(text("button-save-template")), QPushButton(text("button-cancel"))
        self.save.setObjectName("start")
        for button in (self.save, self.cancel):
            button.setAutoDefault(False)
        self.save.clicked.connect(self._save)
        self.cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.problem, 1)
        buttons.addWidget(self.save)
        column = QVBoxLayout(self)
        column.addWidget(self.pages, 1)
        column.addLayout(buttons)
        self.phases.fill(form.phases, 0)
        self.devices.fill(form.devices, 0)
        self.phases.changed.connect(self._tables)
        self.devices.changed.connect(self._tables)
        self.resize(980, 640)
        self._show()

    @property
    def template(self) -> Template | None:
        """What would be saved; None while something is wrong."""
        return examine(self.form, self._taken).template

    def show_refusal(self, message: str) -> None:
        """It could not be kept."""
        self.problem.show_text(message, "danger")

    def reject(self) -> None:
        """Cancel and Escape: what was typed is not lost by one key."""
        if self.form == self._first:
            super().reject()
            return
        if self.question is None:
            self.question = self._asks()
        self.question.open()

    def _asks(self) -> QMessageBox:
        box = QMessageBox(self)
        box.setWindowTitle(text("tpl.title"))
        box.setText(text("tpl.unsaved"))
        leave = box.addButton(text("button-discard-changes"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(text("button-go-on-editing"), QMessageBox.ButtonRole.RejectRole))
        leave.clicked.connect(lambda: QDialog.reject(self))
        return box

    def _page(self, name: str, fields: Sequence[Field]) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        if f"tpl.explained.{name}" in known_ids():
            note = Words(13)
            note.setWordWrap(True)
            note.show_text(text(f"tpl.explained.{name}"), "quiet")
            column.addWidget(note)
        if name == "phases":
            column.addWidget(self.phases, 1)
        if name == "devices":
            column.addWidget(self.devices, 1)
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        rows.setVerticalSpacing(6)
        for one in fields:
            label = QLabel("" if one.kind == "flag" else _label(one.key))
            rows.addRow(label, self._input(one))
        column.addLayout(rows)
        if name not in ("phases", "devices"):
            column.addStretch()
        return page

    def _input(self, one: Field) -> QWidget:
        value = self.form.values.get(one.key, "")
        change: Callable[[str | bool], None] = lambda typed: self._change(one.key, typed)  # noqa: E731
        widget: QWidget
        if one.kind == "flag":
            widget = QCheckBox(_label(one.key))
            widget.setChecked(bool(value))
            widget.toggled.connect(change)
        elif one.kind == "choice":
            widget = QComboBox()
            for choice in one.choices:
                widget.addItem(_choice(one, choice), choice)
            widget.setCurrentIndex(max(0, widget.findData(value)))
            widget.currentIndexChanged.connect(lambda i: change(one.choices[i]))
            widget.setMaximumWidth(CHOICE_PX)
        elif one.kind == "lines":
            widget = QPlainTextEdit(str(value))
            widget.setTabChangesFocus(True)
            widget.setFixedHeight(LINES_PX)
            widget.textChanged.connect(lambda: change(widget.toPlainText()))
        else:
            widget = QLineEdit(str(value))
            widget.setPlaceholderText(text("tpl.range-example") if one.kind == "range" else "")
            widget.textChanged.connect(change)
            if one.kind != "text":
                widget.setMaximumWidth(NUMBER_PX)
        widget.setAccessibleName(_label(one.key))
        widget.setObjectName(f"template-{one.key}")
        self.inputs[one.key] = widget
        return widget

    def _change(self, key: str, value: str | bool) -> None:
        self.form = self.form.changed(key, value)
        self._show()

    def _tables(self) -> None:
        self.form = replace(self.form, phases=self.phases.rows(), devices=self.devices.rows())
        self._show()

    def _show(self) -> None:
        """What is wrong, in words, on its tab and in its cell."""
        view = examine(self.form, self._taken)
        self.save.setEnabled(view.template is not None)
        said = [fault_words(fault) for fault in view.faults[:FAULTS_SHOWN]]
        if len(view.faults) > FAULTS_SHOWN:
            said.append(text("tpl.more-faults", n=len(view.faults) - FAULTS_SHOWN))
        self.problem.show_text("\n".join(said), "warn")
        for table in (self.phases, self.devices):
            table.show_faults([(f.row or 0, f.field) for f in view.faults if f.table == table.name])
        wrong = {_page_of(fault) for fault in view.faults}
        for i, name in enumerate(PAGES):
            self.pages.setTabText(i, f"{'▲ ' if name in wrong else ''}{text(f'tpl.page.{name}')}")
            self.pages.tabBar().setTabTextColor(i, theme.colour("warn" if name in wrong else "text"))

    def _save(self) -> None:
        made = self.template
        if made is not None:
            self.kept.emit(made)


def fault_words(fault: Fault) -> str:
    """Page, row and field as labelled on the screen, and what is wrong there."""
    key = f"{fault.table}.{fault.field}" if fault.field else fault.table
    name = f"tpl.{key.removeprefix('.')}"
    place = text(name) if name in known_ids() else key
    if fault.row:
        place = text("tpl.row", table=text(f"tpl.{fault.table}"), row=fault.row, field=place)
    return text("tpl.fault", place=place, why=text(f"fault-{fault.why}", **dict(fault.values)))


def _page_of(fault: Fault) -> str:
    """The page on which it is put right."""
    if fault.table in PAGES:
        return fault.table
    if fault.field == "markers":
        return "markers"
    for page, fields in PAGES.items():
        if fault.table and any(one.place[0] == fault.table for one in fields):
            return page
    return "general"


def _label(key: str) -> str:
    """The words beside a field."""
    return text(f"tpl.{key.removeprefix('.')}")


def _choice(one: Field, choice: str) -> str:
    table, name = one.place
    if table == "rules":
        return text(f"tpl.choice.{choice or 'unset'}")
    return text(f"guide-posture-{choice}") if name == "posture" else text(f"tpl.side.{choice}")
