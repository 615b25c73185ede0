"""Adding or editing a device: its kind, and the settings that its own driver names. No file is edited by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.devices.card import LineStack
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import refusal, text, words
from hemoview.viewmodel.devices.form import DeviceForm, DeviceFormView, new_form, with_option
from hemoview.viewmodel.devices.trial import TrialView
from hemoview.viewmodel.messages import say
from recorder.devices.contract import DeviceConfig
from recorder.devices.discovery import FoundDevice
from recorder.devices.option_form import OptionField, kinds
from recorder.devices.ports import PortInfo


class DeviceDialog(QDialog):
    """Emits ``saved(config)``, ``trial_asked(config)``, ``ports_asked()``, ``radios_asked(radio)``.

    ``judge`` examines the form.

    Args:
        form: to begin with; with settings ``before`` it edits, else the kind may be chosen.
        judge: see :func:`hemoview.viewmodel.devices.form.examine`.
        profiles: (what to store, what to show) of every ADC profile.
        taken: ids of the other devices.
    """

    saved = Signal(object)
    trial_asked = Signal(object)
    ports_asked = Signal()
    radios_asked = Signal(str)

    def __init__(
        self,
        form: DeviceForm,
        judge: Callable[[DeviceForm], DeviceFormView],
        profiles: Sequence[tuple[str, str]],
        taken: Sequence[str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.form, self.ports = form, list[PortInfo]()
        self._judge, self._profiles, self._taken = judge, tuple(profiles), tuple(taken)
        self._touched: set[str] = set()
        edits = form.before is not None
        self.setWindowTitle(text("device-edit-title" if edits else "device-add-title"))
        self.search: QPushButton | None = None
        self.inputs: dict[str, QWidget] = {}
        self.notes: dict[str, Words] = {}
        self.kind = QComboBox()
        self.problem = Words(14)
        self.problem.setWordWrap(True)
        self.trial = LineStack(13)
        self.rows = QFormLayout()
        self.rows.setVerticalSpacing(5)
        self.save = QPushButton(text("button-save"))
        self.test = QPushButton(text("device-test"))
        self.cancel = QPushButton(text("button-cancel"))
        self._arrange(edits=edits)
        self._fill()
        self.setMinimumWidth(720)

    def show_ports(self, found: Sequence[PortInfo]) -> None:
        """The serial ports of now; what was typed stays."""
        self.ports = list(found)
        shown = [
            (port.port, words(say("device-port", port=port.port, what=port.description or port.maker)))
            for port in self.ports
        ]
        self._list("serial-port", shown, "" if shown else text("device-no-ports"))

    def show_radios(self, found: Sequence[FoundDevice], error: str = "") -> None:
        """What a search found, those this kind of driver fits; what was typed stays."""
        self._searching(on=False)
        fitting = [one for one in found if one.kind == self.form.kind]
        shown = [
            (one.address, words(say("device-radio", address=one.address, name=one.name, dbm=one.rssi_dbm)))
            for one in fitting
        ]
        said = text("device-radios-found", n=len(shown)) if shown else text("device-no-radios")
        self._list("radio-address", shown, refusal(error) if error else said)

    def _list(self, field_type: str, items: Sequence[tuple[str, str]], note: str) -> None:
        for name in [f.name for f in self.form.fields if f.type == field_type]:
            box = self.inputs[name]
            assert isinstance(box, QComboBox)
            typed = str(self.form.options.get(name, ""))
            box.blockSignals(True)  # noqa: FBT003 – Qt's own call
            box.clear()
            for stored, words_of in items:
                box.addItem(words_of, stored)
            box.setCurrentIndex(-1)
            box.setEditText(typed)
            box.blockSignals(False)  # noqa: FBT003
            self.notes[name].show_text(note, "quiet")
            self.notes[name].setVisible(bool(note))

    def _search(self) -> None:
        self._searching(on=True)
        self.radios_asked.emit(str(self.form.options.get("radio", "")))

    def _searching(self, *, on: bool) -> None:
        if self.search is not None:
            self.search.setEnabled(not on)
            self.search.setText(text("device-searching" if on else "device-search"))

    def show_trial(self, trial: TrialView) -> None:
        """What a test of these settings found."""
        self.trial.show_lines(trial.lines)
        self.test.setEnabled(trial.left_s is None)

    def show_refusal(self, why: str) -> None:
        """The recorder said no; nothing was changed."""
        self.problem.show_text(why, "danger")
        self.save.setEnabled(True)

    # ---- building

    def _arrange(self, *, edits: bool) -> None:
        for name in kinds():
            self.kind.addItem(words(say(f"kind-{name}", kind=name)), name)
        self.kind.setCurrentIndex(kinds().index(self.form.kind) if self.form.kind in kinds() else -1)
        self.kind.setEnabled(not edits)
        self.kind.setAccessibleName(text("device-kind"))
        self.kind.currentIndexChanged.connect(self._choose_kind)
        self.save.setObjectName("start")
        self.save.setDefault(True)
        self.save.clicked.connect(self._save)
        self.test.setVisible(not edits)
        self.test.clicked.connect(self._test)
        self.cancel.clicked.connect(self.reject)
        for button in (self.test, self.cancel):
            button.setAutoDefault(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.cancel)
        buttons.addStretch()
        buttons.addWidget(self.test)
        buttons.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(self.rows)
        column.addWidget(self.problem)
        column.addWidget(self.trial)
        column.addStretch()
        column.addLayout(buttons)
        self.rows.addRow(_label(text("device-kind")), self.kind)

    def _fill(self) -> None:
        """The rows of this kind."""
        while self.rows.rowCount() > 1:
            self.rows.removeRow(1)
        self.inputs, self.notes, self.search = {}, {}, None
        self._add("device_id", text("device-id"), self._line("device_id", self.form.device_id))
        self.inputs["device_id"].setEnabled(self.form.before is None)
        for one in self.form.fields:
            label = words(say(f"option-{one.name}", option=one.name))
            self._add(one.name, "" if one.type == "yes-no" else label, self._input(one, label))
        for name, message_id in (("required", "device-required"), ("simulated", "device-is-simulated")):
            box = QCheckBox(text(message_id))
            box.setChecked(getattr(self.form, name))
            box.toggled.connect(lambda on, which=name: self._change(which, on))
            self._add(name, "", box)
        self._show()
        if any(one.type == "serial-port" for one in self.form.fields):
            self.ports_asked.emit()

    def _add(self, name: str, label: str, widget: QWidget) -> None:
        widget.setAccessibleName(label or (widget.text() if isinstance(widget, QCheckBox) else name))
        widget.setObjectName(f"device-field-{name}")
        self.inputs[name] = widget
        note = Words(13)
        note.setWordWrap(True)
        note.hide()
        self.notes[name] = note
        cell = QVBoxLayout()
        cell.setSpacing(1)
        line = QHBoxLayout()
        line.addWidget(widget, 1)
        asks = next((one.type for one in self.form.fields if one.name == name), None)
        if asks == "serial-port":
            line.addWidget(self._beside("device-refresh", self.ports_asked.emit))
        elif asks == "radio-address":
            self.search = self._beside("device-search", self._search)
            line.addWidget(self.search)
        cell.addLayout(line)
        cell.addWidget(note)
        if isinstance(widget, QCheckBox):
            self.rows.addRow(cell)
        else:
            self.rows.addRow(_label(label), cell)

    def _beside(self, message_id: str, do: Callable[[], object]) -> QPushButton:
        """A button that belongs to the field left of it."""
        button = QPushButton(text(message_id))
        button.setAutoDefault(False)
        button.setAccessibleName(text(message_id))
        button.clicked.connect(lambda _on: do())
        return button

    def _input(self, one: OptionField, label: str) -> QWidget:
        value = self.form.options.get(one.name, one.default)
        if one.type == "yes-no":
            box = QCheckBox(label)
            box.setChecked(bool(value))
            box.toggled.connect(lambda on: self._option(one.name, on))
            return box
        if one.type in ("choice", "profile"):
            items = [(v, _choice(one.name, v)) for v in one.choices]
            return self._combo(one.name, items or self._profiles_with(value), value)
        if one.type in ("serial-port", "radio-address"):
            ports = QComboBox()
            ports.setEditable(True)
            ports.setEditText(str(value))
            ports.activated.connect(lambda i: ports.setEditText(str(ports.itemData(i))))
            ports.editTextChanged.connect(lambda typed: self._option(one.name, typed.strip()))
            return ports
        line = self._line(one.name, str(value))
        line.setPlaceholderText(words(say(f"hint-{one.name}", nothing="")))
        return line

    def _line(self, name: str, value: str) -> QLineEdit:
        line = QLineEdit(value)
        if name == "device_id":
            line.textChanged.connect(lambda typed: self._change("device_id", typed.strip()))
        else:
            line.textChanged.connect(lambda typed: self._option(name, typed))
        return line

    def _combo(self, name: str, items: Sequence[tuple[Any, str]], value: Any) -> QComboBox:
        box = QComboBox()
        for stored, shown in items:
            box.addItem(shown, stored)
        box.setCurrentIndex([stored for stored, _ in items].index(value))
        box.currentIndexChanged.connect(lambda i: self._option(name, box.itemData(i)))
        return box

    def _profiles_with(self, value: Any) -> list[tuple[Any, str]]:
        known = [stored for stored, _ in self._profiles]
        return [*self._profiles, *([] if value in known else [(value, str(value))])]

    # ---- what is touched

    def _choose_kind(self, index: int) -> None:
        self.form = new_form(self.kind.itemData(index), self._taken)
        self._touched.clear()
        self.trial.show_lines(())
        self._fill()

    def _change(self, name: str, value: Any) -> None:
        self.form = replace(self.form, **{name: value})
        self._touched.add(name)
        self._show()

    def _option(self, name: str, value: Any) -> None:
        self.form = with_option(self.form, name, value)
        self._touched.add(name)
        confirm = self.inputs.get("unencrypted_ok")
        if name == "host" and isinstance(confirm, QCheckBox):
            confirm.setChecked(bool(self.form.options["unencrypted_ok"]))
        self._show()

    def _show(self) -> None:
        """What is wrong with fields somebody has been at; the confirmation is asked for only where it is needed."""
        view = self._judge(self.form)
        said = {p.field: words(p.message) for p in view.problems}
        for name, note in self.notes.items():
            if name in said or note.isVisibleTo(self):
                shown = said.get(name, "") if name in self._touched or name == "unencrypted_ok" else ""
                note.show_text(shown, "warn")
                note.setVisible(bool(shown))
        if "unencrypted_ok" in self.inputs:
            self.inputs["unencrypted_ok"].setVisible(self.form.asks_unencrypted)
        whole = said.get("", "")
        self.problem.show_text(whole, "warn")
        self.problem.setVisible(bool(whole))

    def _all_seen(self) -> DeviceConfig | None:
        """Every field counts as visited; None while something is wrong."""
        self._touched = set(self.inputs)
        self._show()
        return self._judge(self.form).config

    def _save(self) -> None:
        config = self._all_seen()
        if config is not None:
            self.save.setEnabled(False)
            self.saved.emit(config)

    def _test(self) -> None:
        config = self._all_seen()
        if config is not None:
            self.trial_asked.emit(config)


def _label(shown: str) -> QLabel:
    """As high as the field beside it, whatever is said below that."""
    label = QLabel(shown)
    label.setFixedHeight(theme.touch_px() - 4)
    return label


def _choice(name: str, value: Any) -> str:
    """``As the profile says``, ``Even``, ``9600``."""
    if not value:
        return text("choice-as-profile")
    if name == "parity":
        return text(f"parity-{value}")
    return value if isinstance(value, str) else f"{value:g}"
