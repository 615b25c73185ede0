"""The templates of this machine: new, copy, edit, delete. Those shipped with HemoView are copied, never changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.sessions.template_editor import TemplateEditor
from hemoview.ui.words.catalogue import refusal, text
from hemoview.viewmodel.sessions.template_form import TemplateForm, copy_name, form_of, new_form
from recorder.acquire.template import Template
from recorder.acquire.template_library import Found, TemplateLibrary
from recorder.errors import RecorderError


class TemplatesDialog(QDialog):
    """The list left, what the chosen one says right. Files are small and local: they are read and written here."""

    def __init__(self, library: TemplateLibrary, chosen: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("templates-title"))
        self.library = library
        self.editor: TemplateEditor | None = None
        self.list = QListWidget()
        self.list.setAccessibleName(text("templates-title"))
        self.list.setSpacing(1)
        self.list.currentItemChanged.connect(self._show)
        self.name, self.about, self.problem = Words(18, bold=True), Words(14), Words(14)
        for label in (self.name, self.about, self.problem):
            label.setWordWrap(True)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.new = self._button("button-template-new", self._new)
        self.copy = self._button("button-template-copy", self._copy)
        self.edit = self._button("button-template-edit", self._edit)
        self.delete = self._button("button-template-delete", self._delete)
        self.leave = self._button("button-close", self.accept)
        self._arrange()
        self.resize(860, 520)
        self.fill(chosen)

    def _arrange(self) -> None:
        right = QVBoxLayout()
        right.addWidget(self.name)
        right.addWidget(self.problem)
        right.addWidget(self.about, 1)
        upper = QHBoxLayout()
        upper.setSpacing(16)
        upper.addWidget(self.list, 2)
        upper.addLayout(right, 3)
        buttons = QHBoxLayout()
        for button in (self.new, self.copy, self.edit, self.delete):
            buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(self.leave)
        column = QVBoxLayout(self)
        column.addLayout(upper, 1)
        column.addLayout(buttons)

    @property
    def found(self) -> Found | None:
        """The one that is chosen."""
        item = self.list.currentItem()
        found = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return found if isinstance(found, Found) else None

    def fill(self, chosen: str = "") -> None:
        """Read the library anew."""
        self.list.clear()
        for found in self.library.found():
            kind = "faulty" if found.template is None else "own" if found.own else "shipped"
            item = QListWidgetItem(text(f"templates-line-{kind}", name=found.name))
            item.setData(Qt.ItemDataRole.UserRole, found)
            item.setSizeHint(QSize(0, theme.touch_px()))
            if found.template is None:
                item.setForeground(theme.colour("warn"))
            self.list.addItem(item)
            if found.name == chosen:
                self.list.setCurrentItem(item)
        if self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        self._show()

    def _show(self) -> None:
        found = self.found
        self.copy.setEnabled(found is not None and found.template is not None)
        self.edit.setEnabled(found is not None and found.own and found.template is not None)
        self.delete.setEnabled(found is not None and found.own)
        self.name.show_text(found.name if found else "", "text")
        self.about.show_text(_about(found.template) if found and found.template else "", "quiet")
        self.problem.show_text(found.fault if found else "", "warn")

    # ---- what is done

    def _new(self) -> None:
        self._open(new_form(), None)

    def _copy(self) -> None:
        if self.found is not None and self.found.template is not None:
            form = form_of(self.found.template)
            self._open(form.changed(".name", copy_name(self.found.name, self._names())), None)

    def _edit(self) -> None:
        if self.found is not None and self.found.template is not None:
            self._open(form_of(self.found.template), self.found.path)

    def _delete(self) -> None:
        found = self.found
        if found is None:
            return
        box = QMessageBox(self)
        box.setWindowTitle(text("templates-title"))
        box.setText(text("templates-delete", name=found.name))
        delete = box.addButton(text("button-template-delete"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(text("button-cancel"), QMessageBox.ButtonRole.RejectRole))
        delete.clicked.connect(lambda: self._deleted(found))
        box.open()

    def _deleted(self, found: Found) -> None:
        try:
            self.library.delete(found.path)
        except RecorderError as error:
            self.problem.show_text(refusal(error), "danger")
            return
        self.fill()

    def _open(self, form: TemplateForm, replacing: Path | None) -> None:
        others = [f.name for f in self.library.found() if f.template is not None and f.path != replacing]
        editor = TemplateEditor(form, others, self)
        editor.kept.connect(lambda made: self._save(editor, made, replacing))
        self.editor = editor
        editor.open()

    def _save(self, editor: TemplateEditor, made: Template, replacing: Path | None) -> None:
        try:
            self.library.save(made, replacing)
        except RecorderError as error:
            editor.show_refusal(refusal(error))
            return
        editor.accept()
        self.fill(made.name)

    def _names(self) -> list[str]:
        return [f.name for f in self.library.found() if f.template is not None]

    def _button(self, message_id: str, pressed: Callable[[], None]) -> QPushButton:
        button = QPushButton(text(message_id))
        button.setAutoDefault(False)
        button.clicked.connect(pressed)
        return button


def _about(template: Template) -> str:
    """What a template asks for, in a few lines."""
    lines = [text("templates-version", version=template.version)]
    lines += [
        text("templates-phase", number=i, name=p.name, lasts=_lasts(p.duration_min))
        for i, p in enumerate(template.phases, 1)
    ]
    if not template.phases:
        lines.append(text("templates-no-phases"))
    needed = [d.device_id for d in template.devices if d.required]
    if needed:
        lines.append(text("templates-devices", devices=needed))
    if template.cuff.any:
        lines.append(_cuff(template))
    if template.notes:
        lines.append(template.notes)
    return "\n".join(lines)


def _lasts(minutes: float | None) -> str:
    return text("guide-open") if minutes is None else text("guide-minutes", minutes=f"{minutes:g}")


def _cuff(template: Template) -> str:
    plan = template.cuff
    parts = []
    if plan.first_after_min is not None:
        parts.append(text("templates-cuff-first", minutes=f"{plan.first_after_min:g}"))
    if plan.every_min is not None:
        parts.append(text("templates-cuff-every", minutes=f"{plan.every_min:g}"))
    if plan.at_phase_ends:
        parts.append(text("templates-cuff-ends"))
    return text("templates-cuff", plan=parts)
