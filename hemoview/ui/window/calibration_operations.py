"""Wires the calibration wizard: sessions are listed, files compared, an accepted record handed to the recorder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from hemoview.ui.devices.calibration_wizard import CalibrationWizard
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.operations import Operations
from hemoview.ui.words.catalogue import refusal
from hemoview.viewmodel.devices.calibration_wizard import (
    FitForm,
    FitView,
    examine,
    outcome,
    overlay,
    sessions_with,
)
from hemoview.viewmodel.devices.page import calibration_in_use
from hemoview.viewmodel.devices.raw_preview import Preview
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.live.scale_form import AdcNow, adc_now
from recorder.clock import Clock
from recorder.host.calibrate import CalibrateOrder, Comparison, compare, from_now


class CalibrationOperations(QObject):
    """One dialog at a time.

    Args:
        operations: knows the operator, opens the two-levels dialog, carries commands.
        bridge, model, clock: of the window.
        sessions: folder of session folders.
        preview_of: stream id → its trace.
    """

    def __init__(
        self,
        operations: Operations,
        bridge: Bridge,
        model: LiveModel,
        clock: Clock,
        sessions: Path,
        *,
        preview_of: Callable[[str], Preview],
    ) -> None:
        super().__init__(operations.window)
        self._operations, self._bridge, self._model, self._clock = operations, bridge, model, clock
        self._sessions, self._preview_of = sessions, preview_of
        self._compared: Comparison | None = None
        self.dialog: CalibrationWizard | None = None

    def open(self, stream_id: str, channel: str) -> CalibrationWizard:
        """Calibrate the channel that carries the pressure."""
        self._compared = None
        dialog = self.dialog = CalibrationWizard(
            lambda form: self._judge(form, stream_id, channel),
            lambda: self._preview_of(stream_id),
            self._volt_now,
            calibration_in_use(self._facts(), stream_id),
            self._operations.settings.form.operator,
            parent=self._operations.window,
        )

        def levels() -> None:
            dialog.accept()
            self._operations.open_scale()

        dialog.levels_asked.connect(levels)
        dialog.compare_asked.connect(lambda order: self._compare(dialog, order))
        dialog.keep_asked.connect(lambda: self._keep(dialog))
        self._bridge.call(
            lambda: sessions_with(self._sessions, stream_id),
            lambda found: dialog.show_sessions(found) if dialog.isVisible() else None,
            lambda error: dialog.show_failure(refusal(error)),
        )
        dialog.open()
        return dialog

    def _judge(self, form: FitForm, stream_id: str, channel: str) -> FitView:
        return examine(form, stream_id, channel)

    def _facts(self) -> Facts:
        return self._model.facts()

    def _volt_now(self) -> float | None:
        found: AdcNow | None = adc_now(
            self._model.streams, now_ns=self._clock.monotonic_ns(), speed=self._clock.speed
        )
        return None if found is None else found.volt

    def _compare(self, dialog: CalibrationWizard, order: CalibrateOrder) -> None:
        """Hours of two files: in another thread; an answer to a dialog that was closed is passed over."""

        def told(compared: Comparison) -> None:
            if dialog.isVisible():
                self._compared = compared
                dialog.show_outcome(outcome(compared), overlay(compared))

        self._compared = None
        self._bridge.call(
            lambda: compare(order, self._clock), told, lambda error: dialog.show_failure(refusal(error))
        )

    def _keep(self, dialog: CalibrationWizard) -> None:
        """Only what was accepted gets here; it holds from now on where there is one already."""
        compared = self._compared
        if compared is None or not compared.found.accepted:
            return

        def send() -> Any:
            found = from_now(self._operations.commands, compared.found, self._clock)
            return self._operations.commands.call("calibrate", 10.0, **found.to_json())

        self._bridge.call(send, lambda _: dialog.accept(), lambda error: dialog.show_failure(refusal(error)))
