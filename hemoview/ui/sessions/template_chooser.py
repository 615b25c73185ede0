"""Choosing a template in the start form: those of this machine by name, those that cannot be used with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.template_choice import FILLED
from recorder.acquire.template import Template
from recorder.acquire.template_library import TemplateLibrary


class TemplateChooser(QWidget):
    """Emits ``chosen(Template or None)`` and ``edit_asked()``."""

    chosen = Signal(object)
    edit_asked = Signal()

    def __init__(self, library: TemplateLibrary, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self.box = QComboBox()
        self.box.setAccessibleName(text("field-template"))
        self.edit = QPushButton(text("button-edit-templates"))
        self.edit.setAutoDefault(False)
        self.edit.clicked.connect(self.edit_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.box, 1)
        row.addWidget(self.edit)
        self.setFocusProxy(self.box)
        self.fill(name)
        self.box.currentIndexChanged.connect(lambda: self.chosen.emit(self.template))

    @property
    def template(self) -> Template | None:
        """The one that is chosen."""
        found = self.box.currentData()
        return found if isinstance(found, Template) else None

    def fill(self, name: str) -> None:
        """Read the library anew and choose the template of this name; none where there is none."""
        quiet = QSignalBlocker(self.box)
        self.box.clear()
        self.box.addItem(text("template-none"), None)
        model = self.box.model()
        assert isinstance(model, QStandardItemModel)
        for found in self._library.found():
            self.box.addItem(found.name if found.template else text("template-faulty", name=found.name))
            self.box.setItemData(self.box.count() - 1, found.template)
            if found.template is None:
                item = model.item(self.box.count() - 1)
                item.setEnabled(False)
                item.setToolTip(found.fault)
                item.setForeground(theme.colour("warn"))
            elif found.name == name:
                self.box.setCurrentIndex(self.box.count() - 1)
        self.box.setItemData(0, text("template-none-explained"), Qt.ItemDataRole.ToolTipRole)
        quiet.unblock()


def show_filled(inputs: Mapping[str, QWidget], form: StartForm) -> None:
    """What the template filled in, in its fields."""
    for name in FILLED:
        widget, value = inputs[name], getattr(form, name)
        if isinstance(widget, QComboBox):
            widget.setCurrentIndex(max(0, widget.findData(value)))
        elif isinstance(widget, QLineEdit):
            widget.setText(value)


def lines_before(chooser: QWidget) -> tuple[str, ...]:
    """What is ticked before Start; nothing without a template."""
    template = chooser.template if isinstance(chooser, TemplateChooser) else None
    return template.checklist.before if template else ()
