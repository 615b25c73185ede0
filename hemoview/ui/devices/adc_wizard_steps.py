"""The three steps of the wizard for an unknown ADC: its port, what was found, what its columns are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.devices.card import LineStack
from hemoview.ui.devices.raw_trace import RawTrace
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.devices.adc_wizard import ROLES, UNITS, WizardForm, in_words, with_channel
from hemoview.viewmodel.messages import say
from recorder.devices.adc_look import Look
from recorder.devices.option_form import CHOICES
from recorder.devices.ports import PortInfo
from recorder.protocols.adc_profile import SerialLink


class PortStep(QWidget):
    """Which port, and how it may be set."""

    def __init__(self) -> None:
        super().__init__()
        explained = Words(15)
        explained.setWordWrap(True)
        explained.show_text(text("wizard-explained"), "text")
        self._port = QComboBox()
        self._port.setEditable(True)
        self._port.setAccessibleName(text("option-port"))
        self._port.activated.connect(lambda i: self._port.setEditText(str(self._port.itemData(i))))
        self.refresh = QPushButton(text("device-refresh"))
        self.refresh.setAutoDefault(False)
        self.problem = Words(14)
        self.problem.setWordWrap(True)
        self._choices: dict[str, QComboBox] = {}
        rows = QFormLayout()
        line = QHBoxLayout()
        line.addWidget(self._port, 1)
        line.addWidget(self.refresh)
        rows.addRow(text("option-port"), line)
        usual = {"baud": 0, "bytesize": 8, "parity": "N", "stopbits": 1.0}
        for name, first in usual.items():
            rows.addRow(text(f"option-{name}"), self._choice(name, first))
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(explained)
        column.addLayout(rows)
        column.addWidget(self.problem)
        column.addStretch()

    @property
    def port(self) -> str:
        """As typed or chosen."""
        return self._port.currentText().strip()

    @property
    def baud(self) -> int:
        """The speed, 0 for all usual ones."""
        return int(self._choices["baud"].currentData())

    @property
    def link(self) -> SerialLink:
        """Everything but the speed."""
        chosen = {name: self._choices[name].currentData() for name in ("bytesize", "parity", "stopbits")}
        return SerialLink(**chosen)

    def set_port(self, port: str) -> None:
        """As if it were typed."""
        self._port.setEditText(port)

    def show_ports(self, found: Sequence[PortInfo]) -> None:
        """The list; what was typed stays, the first one is taken where nothing was."""
        typed = self.port
        self._port.clear()
        for port in found:
            shown = say("device-port", port=port.port, what=port.description or port.maker)
            self._port.addItem(words(shown), port.port)
        self._port.setEditText(typed or (found[0].port if found else ""))
        self.problem.show_text("" if found else text("device-no-ports"), "quiet")

    def _choice(self, name: str, first: Any) -> QComboBox:
        box = QComboBox()
        for value in CHOICES[name]:
            if value or name == "baud":
                shown = (
                    text("wizard-all-speeds")
                    if value == 0
                    else text(f"parity-{value}")
                    if name == "parity"
                    else f"{value:g}"
                )
                box.addItem(shown, value)
        box.setCurrentIndex(box.findData(first))
        box.setAccessibleName(text(f"option-{name}"))
        self._choices[name] = box
        return box


class LookStep(QWidget):
    """What is being tried, then what was found, with its evidence and live traces."""

    def __init__(self) -> None:
        super().__init__()
        self.verdict, self.advice, self.trying = Words(18, bold=True), Words(15), Words(15)
        self.live = Words(15, bold=True)
        for label in (self.verdict, self.advice, self.trying, self.live):
            label.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(text("wizard-progress"))
        self.evidence = LineStack(14)
        self.traces: dict[str, RawTrace] = {}
        self._grid = QGridLayout()
        self._grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        for widget in (self.trying, self.bar, self.verdict, self.live, self.advice, self.evidence):
            column.addWidget(widget)
        column.addLayout(self._grid)
        column.addStretch()

    def begin(self) -> None:
        """A new look."""
        self._clear()
        for label in (self.verdict, self.advice, self.trying, self.live):
            label.show_text("", "text")
        self.evidence.show_lines(())
        self.bar.show()
        self.bar.setRange(0, 0)

    def show_progress(self, baud: int, number: int, n: int) -> None:
        """Which speed is tried."""
        self.bar.setRange(0, n)
        self.bar.setValue(number)
        self.trying.show_text(text("wizard-trying", baud=baud, number=number + 1, of=n), "text")

    def show_found(self, found: Look, *, one_speed: bool = False) -> None:
        """The verdict."""
        view = in_words(found, one_speed=one_speed)
        self.bar.hide()
        self.trying.show_text("", "text")
        self.verdict.show_text(words(view.verdict), view.level)
        self.advice.show_text(words(view.advice), "text")
        self.evidence.show_lines(tuple((message, "quiet") for message in view.evidence))
        self._clear()
        for row, field in enumerate(found.findings.channels if view.proposes else ()):
            label = Words(14, bold=True)
            label.show_text(field.name, "text")
            self.traces[field.name] = RawTrace("abp", text("device-trace-of", stream=field.name))
            self._grid.addWidget(label, row, 0)
            self._grid.addWidget(self.traces[field.name], row, 1)

    def show_failure(self, why: str) -> None:
        """The port could not be looked at."""
        self.bar.hide()
        self.trying.show_text("", "text")
        self.verdict.show_text(text("wizard-refused", error=why), "danger")

    def _clear(self) -> None:
        self.traces = {}
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()


class NameStep(QWidget):
    """What each column is: its name, meaning, unit and what one count is worth. Emits ``changed(form)``."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.form = WizardForm()
        self.inputs: dict[tuple[str, str], QWidget] = {}
        self.notes: dict[str, Words] = {}
        self.traces: dict[str, RawTrace] = {}
        self.values: dict[str, Words] = {}
        self.name = QLineEdit()
        self.name.setAccessibleName(text("wizard-profile-name"))
        self.name.setPlaceholderText(text("wizard-profile-hint"))
        self.name.textChanged.connect(lambda typed: self._emit(replace(self.form, name=typed)))
        self.problem = Words(14)
        self.problem.setWordWrap(True)
        explained = Words(14)
        explained.setWordWrap(True)
        explained.show_text(text("wizard-scale-explained"), "quiet")
        rows = QFormLayout()
        self._name_note = Words(13)
        self.live = Words(14, bold=True)
        self.live.setWordWrap(True)
        rows.addRow(text("wizard-profile-name"), self.name)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(rows)
        column.addWidget(self._name_note)
        column.addWidget(explained)
        column.addWidget(self.live)
        column.addWidget(self._area, 1)
        column.addWidget(self.problem)

    def fill(self, found: Look, form: WizardForm) -> None:
        """A row for each channel that was found."""
        self.form = replace(form, name=self.name.text())
        self.inputs, self.notes, self.traces, self.values = {}, {}, {}, {}
        body = QWidget()
        grid = QGridLayout(body)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(5, 220)
        for column, name in enumerate(("used", "trace", "name", "role", "unit", "scale")):
            head = Words(13)
            head.show_text(text(f"wizard-column-{name}"), "quiet")
            grid.addWidget(head, 0, column)
        bits = {f.name: f.bits for f in found.findings.channels}
        for row, entry in enumerate(form.channels):
            self._row(grid, 2 * row + 1, entry.field, bits[entry.field])
        grid.setRowStretch(2 * len(form.channels) + 1, 1)
        self._area.setWidget(body)
        self._emit(self.form)

    def show_problems(self, said: dict[str, str]) -> None:
        """What is wrong with which row."""
        self._name_note.show_text(said.get("name", ""), "warn")
        for field, note in self.notes.items():
            note.show_text(said.get(field, ""), "warn")
        self.problem.show_text(said.get("", ""), "warn")

    def _row(self, grid: QGridLayout, row: int, field: str, bits: int | None) -> None:
        entry = next(c for c in self.form.channels if c.field == field)
        used = QCheckBox(field)
        used.setChecked(entry.used)
        used.toggled.connect(lambda on: self._set(field, used=on))
        trace = RawTrace("abp", text("device-trace-of", stream=field))
        name, scale = QLineEdit(entry.name), QLineEdit(entry.scale)
        name.textChanged.connect(lambda typed: self._set(field, name=typed))
        scale.setPlaceholderText(
            text("wizard-scale-hint", bits=bits) if bits else text("wizard-scale-signed")
        )
        scale.textChanged.connect(lambda typed: self._set(field, scale=typed))
        role, unit = QComboBox(), QComboBox()
        for one in ROLES:
            role.addItem(text(f"role-{one}"), one)
        role.setCurrentIndex(ROLES.index(entry.role))
        role.currentIndexChanged.connect(lambda i: self._set(field, role=ROLES[i]))
        for one in UNITS:
            unit.addItem(text(f"unit-{one}"), one)
        unit.currentIndexChanged.connect(lambda i: self._set(field, unit=UNITS[i]))
        cells: dict[str, QWidget] = {
            "used": used,
            "trace": trace,
            "name": name,
            "role": role,
            "unit": unit,
            "scale": scale,
        }
        for column, (what, widget) in enumerate(cells.items()):
            if what != "trace":
                shown = text("wizard-cell", column=text(f"wizard-column-{what}"), field=field)
                widget.setAccessibleName(shown)
                self.inputs[field, what] = widget
            grid.addWidget(widget, row, column)
        note, value = Words(13), Words(12)
        note.setWordWrap(True)
        grid.addWidget(value, row + 1, 1)
        grid.addWidget(note, row + 1, 2, 1, 4)
        self.notes[field], self.traces[field], self.values[field] = note, trace, value

    def _set(self, field: str, **changes: object) -> None:
        self._emit(with_channel(self.form, field, **changes))

    def _emit(self, form: WizardForm) -> None:
        self.form = form
        self.changed.emit(form)
