"""Makes a profile of an unknown serial ADC: choose its port, look at its bytes, name its channels, save."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.bridge import Bridge
from hemoview.ui.catalogue import text, words
from hemoview.ui.device_card import LineStack
from hemoview.ui.numerics_view import Words
from hemoview.ui.raw_trace import RawTrace
from hemoview.viewmodel.adc_wizard import (
    ROLES,
    UNITS,
    FramePreview,
    WizardForm,
    examine,
    form_of,
    in_words,
    with_channel,
)
from hemoview.viewmodel.messages import say
from recorder.clock import Clock
from recorder.devices.adc_look import Look, look, open_link, speeds
from recorder.devices.option_form import CHOICES
from recorder.devices.ports import PortInfo
from recorder.errors import LinkLost, RecorderError
from recorder.protocols.adc_profile import SerialLink
from recorder.transports import Transport

PREVIEW_MS = 100
PORT_STEP, LOOK_STEP, NAME_STEP = 0, 1, 2  # places in the stack


class AdcWizard(QDialog):
    """Emits ``ports_asked()`` and ``made(profile, port)``; holds the port only while it looks and previews.

    Args:
        bridge: carries the looking, which takes seconds, to another thread.
        clock: stamps arrivals.
        taken: names of profiles that are there.
    """

    ports_asked = Signal()
    made = Signal(object, str)
    _stepped = Signal(int, int, int)

    def __init__(
        self, bridge: Bridge, clock: Clock, taken: Collection[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("wizard-title"))
        self._bridge, self._clock, self._taken = bridge, clock, frozenset(taken)
        self.found: Look | None = None
        self.form = WizardForm()
        self._cancel = threading.Event()
        self._tap: PortTap | None = None
        self.steps = QStackedWidget()
        self.port_step, self.look_step, self.name_step = PortStep(), LookStep(), NameStep()
        for step in (self.port_step, self.look_step, self.name_step):
            self.steps.addWidget(step)
        self.back, self.next = QPushButton(text("button-back")), QPushButton(text("wizard-look"))
        self.cancel, self.again = QPushButton(text("button-cancel")), QPushButton(text("wizard-again"))
        self._arrange()
        self._timer = QTimer(self)
        self._timer.setInterval(PREVIEW_MS)
        self._timer.timeout.connect(self._preview)
        self._show_step(PORT_STEP)

    def _arrange(self) -> None:
        self.next.setObjectName("start")
        self.next.setDefault(True)
        for button in (self.back, self.cancel, self.again):
            button.setAutoDefault(False)
        self.next.clicked.connect(self._go_on)
        self.back.clicked.connect(self._go_back)
        self.again.clicked.connect(self._look)
        self.cancel.clicked.connect(self.reject)
        self.port_step.refresh.clicked.connect(self.ports_asked)
        self.name_step.changed.connect(self._change)
        self._stepped.connect(self.look_step.show_progress)
        self.finished.connect(lambda _: self._let_go())
        buttons = QHBoxLayout()
        for button in (self.cancel, self.back):
            buttons.addWidget(button)
        buttons.addStretch()
        for button in (self.again, self.next):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.addWidget(self.steps, 1)
        column.addLayout(buttons)
        self.resize(900, 640)

    def show_ports(self, found: Sequence[PortInfo]) -> None:
        """The serial ports of now."""
        self.port_step.show_ports(found)

    # ---- looking

    def _go_on(self) -> None:
        if self.steps.currentIndex() == PORT_STEP:
            self._look()
        elif self.steps.currentIndex() == LOOK_STEP:
            self._show_step(NAME_STEP)
        else:
            self._save()

    def _go_back(self) -> None:
        self._show_step(LOOK_STEP if self.steps.currentIndex() == NAME_STEP else PORT_STEP)

    def _look(self) -> None:
        """In another thread: a few seconds at each speed."""
        port = self.port_step.port
        if not port:
            self.port_step.problem.show_text(text("device-choose-port"), "warn")
            return
        self._let_go()
        self._cancel = cancelled = threading.Event()
        links = speeds(self.port_step.link, self.port_step.baud)
        self.found = None
        self._show_step(LOOK_STEP)
        self.look_step.begin()

        def told(link: SerialLink, number: int, n: int) -> None:
            if not cancelled.is_set():
                self._stepped.emit(link.baud, number, n)

        def work() -> Look:
            return look(port, self._clock, links, told=told, cancelled=cancelled.is_set)

        def unless_cancelled(show: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda answer: None if cancelled.is_set() else show(answer)

        self._bridge.call(work, unless_cancelled(self._looked), unless_cancelled(self._failed))

    def _looked(self, found: Look) -> None:
        self.found = found
        self.look_step.show_found(found)
        self.again.setVisible(True)
        self.next.setVisible(found.findings.proposes)
        if found.findings.proposes:
            self.form = form_of(found.findings)
            self.name_step.fill(found, self.form)
            self._tap = PortTap(self.port_step.port, self._clock, found)
            self._timer.start()
            self.next.setFocus()

    def _failed(self, error: Exception) -> None:
        self.look_step.show_failure(str(error))
        self.again.setVisible(True)

    def _preview(self) -> None:
        """The newest frames into the traces of both steps."""
        if self._tap is None:
            return
        self._tap.read()
        for traces in (self.look_step.traces, self.name_step.traces):
            for field, trace in traces.items():
                trace.show_preview(self._tap.frames.preview(field))
        for field, label in self.name_step.values.items():
            label.show_text(self._tap.frames.preview(field).value, "quiet")

    def _let_go(self) -> None:
        """The port belongs to others again."""
        self._cancel.set()
        self._timer.stop()
        if self._tap is not None:
            self._tap.close()
            self._tap = None

    # ---- naming and saving

    def _change(self, form: WizardForm) -> None:
        self.form = form
        self.name_step.show_problems({})

    def _save(self) -> None:
        assert self.found is not None
        view = examine(self.form, self.found, self._taken)
        self.name_step.show_problems({p.field: words(p.message) for p in view.problems})
        if view.profile is not None:
            self._let_go()
            self.made.emit(view.profile, self.port_step.port)

    def show_refusal(self, why: str) -> None:
        """The profile could not be saved."""
        self.name_step.show_problems({"": why})

    def _show_step(self, step: int) -> None:
        if step == PORT_STEP:
            self._let_go()
        self.steps.setCurrentIndex(step)
        self.back.setVisible(step != PORT_STEP)
        proposed = self.found is not None and self.found.findings.proposes
        self.again.setVisible(step == LOOK_STEP and self.found is not None)
        self.next.setVisible(step != LOOK_STEP or proposed)
        names = {PORT_STEP: "wizard-look", LOOK_STEP: "wizard-name-them", NAME_STEP: "wizard-save"}
        self.next.setText(text(names[step]))


class PortTap:
    """The port held open for the live preview. What is found gone shows as a trace that stands still."""

    def __init__(self, port: str, clock: Clock, found: Look) -> None:
        self.frames, self._found, self._live = FramePreview(found.findings), found.findings, False
        for data, _ in found.heard:
            self.frames.feed(data)
        self._transport: Transport | None
        try:
            self._transport = open_link(port, clock, found.link)
        except RecorderError:  # what was heard stays in the picture
            self._transport = None

    def read(self) -> None:
        """What has come since."""
        if self._transport is None:
            return
        try:
            chunk = self._transport.read(0.001)
        except LinkLost:
            self.close()
            return
        if chunk is None:
            return
        if not self._live:  # what was heard before ended a while ago
            self.frames, self._live = FramePreview(self._found), True
        self.frames.feed(chunk.data)

    def close(self) -> None:
        """Let go of the port."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None


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


def _shown(name: str, value: Any) -> str:
    if not value:
        return text("wizard-all-speeds")
    return text(f"parity-{value}") if name == "parity" else f"{value:g}"


class LookStep(QWidget):
    """What is being tried, then what was found, with its evidence and live traces."""

    def __init__(self) -> None:
        super().__init__()
        self.verdict, self.advice, self.trying = Words(18, bold=True), Words(15), Words(15)
        for label in (self.verdict, self.advice, self.trying):
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
        for widget in (self.trying, self.bar, self.verdict, self.advice, self.evidence):
            column.addWidget(widget)
        column.addLayout(self._grid)
        column.addStretch()

    def begin(self) -> None:
        """A new look."""
        self._clear()
        for label in (self.verdict, self.advice, self.trying):
            label.show_text("", "text")
        self.evidence.show_lines(())
        self.bar.show()
        self.bar.setRange(0, 0)

    def show_progress(self, baud: int, number: int, n: int) -> None:
        """Which speed is tried."""
        self.trying.show_text(text("wizard-trying", baud=baud, number=number + 1, of=n), "text")

    def show_found(self, found: Look) -> None:
        """The verdict."""
        view = in_words(found)
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
        self.verdict.show_text(why, "danger")

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
        rows.addRow(text("wizard-profile-name"), self.name)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(rows)
        column.addWidget(self._name_note)
        column.addWidget(explained)
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
