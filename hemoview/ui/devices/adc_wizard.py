"""Makes a profile of an unknown serial ADC: choose its port, look at its bytes, name its channels, save."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.devices.adc_wizard_steps import LookStep, NameStep, PortStep
from hemoview.ui.devices.port_tap import PortTap
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.words.catalogue import error_words, text, words
from hemoview.viewmodel.devices.adc_wizard import (
    WizardForm,
    examine,
    form_of,
)
from recorder.clock import Clock
from recorder.devices.adc_look import Look, look, speeds
from recorder.devices.ports import PortInfo
from recorder.protocols.adc_profile import SerialLink

PREVIEW_MS = 100
PORT_STEP, LOOK_STEP, NAME_STEP = 0, 1, 2  # places in the stack


class AdcWizard(QDialog):
    """Emits ``ports_asked()`` and ``made(profile, port)``; holds the port only while it looks and previews.

    Args:
        bridge: carries the looking, which takes seconds, to another thread.
        clock: stamps arrivals.
        taken: names of profiles that are there.
        holders: port → device of this station that uses it.
    """

    ports_asked = Signal()
    made = Signal(object, str)
    _stepped = Signal(int, int, int)

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        taken: Collection[str],
        holders: Mapping[str, str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("wizard-title"))
        self._bridge, self._clock, self._taken = bridge, clock, frozenset(taken)
        self._holders = dict(holders)
        self.found: Look | None = None
        self.form = WizardForm()
        self._cancel = threading.Event()
        self._tap: PortTap | None = None
        self._port_used = threading.Lock()
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
        if port in self._holders:
            said = text("wizard-port-held", port=port, device=self._holders[port])
            self.port_step.problem.show_text(said, "warn")
            return
        before = self._tap
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
            if before is not None:
                before.wait()
            with self._port_used:  # a look that was cancelled may still be letting go of it
                return look(port, self._clock, links, told=told, cancelled=cancelled.is_set)

        def unless_cancelled(show: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda answer: None if cancelled.is_set() else show(answer)

        self._bridge.call(work, unless_cancelled(self._looked), unless_cancelled(self._failed))

    def _looked(self, found: Look) -> None:
        self.found = found
        self.look_step.show_found(found, one_speed=bool(self.port_step.baud))
        self.again.setVisible(True)
        self.next.setVisible(found.findings.proposes)
        if found.findings.proposes:
            self.form = form_of(found.findings)
            self.name_step.fill(found, self.form)
            self._tap = PortTap(self.port_step.port, self._clock, found)
            self._timer.start()
            self.next.setFocus()

    def _failed(self, error: Exception) -> None:
        self.look_step.show_failure(error_words(str(error), getattr(error, "advice", "")))
        self.again.setVisible(True)

    def _preview(self) -> None:
        """The newest frames into the traces of both steps, and what the port does by now."""
        if self._tap is None:
            return
        trouble = words(self._tap.trouble())
        for step in (self.look_step, self.name_step):
            step.live.show_text(trouble, "warn")
        for traces in (self.look_step.traces, self.name_step.traces):
            for field, trace in traces.items():
                trace.show_preview(self._tap.preview(field))
        for field, label in self.name_step.values.items():
            label.show_text(self._tap.preview(field).value, "quiet")

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
