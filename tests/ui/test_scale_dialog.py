"""Calibrating in the window: the button, the dialog, the command, and the date afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from synthetic_bedside import CALIBRATION, SyntheticBedside

from hemoview.ui.live.scale_dialog import ScaleDialog
from hemoview.ui.parts import theme
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.window.operations import Operations
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.live.scale_form import AdcNow, ScaleForm, ScaleView, adc_now, examine
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.window_settings import WindowSettings


class Level:
    """What comes from the monitor; None = nothing."""

    def __init__(self) -> None:
        self.volt: float | None = 0.5

    def judge(self, form: ScaleForm) -> ScaleView:
        return examine(form, AdcNow("adc.wave", "abp", self.volt), wall_ns=10**18)


@pytest.fixture
def level() -> Level:
    return Level()


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication, level: Level) -> ScaleDialog:
    theme.apply(qapp)
    made = ScaleDialog(level.judge, lambda: level.volt, "OP1")
    qtbot.addWidget(made)
    made.show()
    return made


def test_two_live_levels_and_their_pressures_are_sent(
    qtbot: QtBot, dialog: ScaleDialog, level: Level
) -> None:
    dialog.takes[0].click()
    dialog.inputs["mmhg_1"].setText("40")
    assert dialog.line.text() == ""
    level.volt = 1.7
    qtbot.waitUntil(lambda: "1.700 V" in dialog.live.text(), timeout=30_000)
    dialog.takes[1].click()
    dialog.inputs["mmhg_2"].setText("160")
    assert dialog.line.text() == "mmHg = 100.0 · V − 10.0"
    with qtbot.waitSignal(dialog.entered, timeout=30_000) as sent:
        dialog.ok.click()
    (request,) = sent.args
    assert (request["gain_mmhg_per_v"], request["operator"]) == (pytest.approx(100.0), "OP1")
    assert not dialog.isVisible()


def test_a_bad_entry_keeps_the_dialog_open_and_says_why(qtbot: QtBot, dialog: ScaleDialog) -> None:
    with qtbot.assertNotEmitted(dialog.entered):
        dialog.ok.click()
        assert dialog.problem.text() == "Please type the volt of point 1."
        for name, typed in (("volt_1", "1"), ("mmhg_1", "100"), ("volt_2", "1.1"), ("mmhg_2", "110")):
            dialog.inputs[name].setText(typed)
        assert dialog.problem.text() == ""
        dialog.ok.click()
    assert "too near" in dialog.problem.text()
    assert dialog.isVisible()


def test_without_live_samples_no_volt_can_be_taken(qtbot: QtBot, dialog: ScaleDialog, level: Level) -> None:
    level.volt = None
    qtbot.waitUntil(lambda: "No live volt" in dialog.live.text(), timeout=30_000)
    assert not any(button.isEnabled() for button in dialog.takes)


class Recorder:
    """Remembers what it was asked, and knows the calibration from then on."""

    def __init__(self, bed: SyntheticBedside) -> None:
        self.bed = bed
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def call(self, verb: str, timeout_s: float = 5.0, **args: Any) -> dict[str, Any]:
        self.asked.append((verb, args))
        return {}


def test_the_button_shows_without_a_scale_and_gives_way_to_the_date(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    bed = SyntheticBedside(calibrations=())
    window, bridge, recorder = MainWindow(), Bridge(), Recorder(bed)
    window.ask_before_closing = False
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    operations = Operations(
        window,
        bridge,
        recorder,
        WindowSettings(form=StartForm(operator="OP1")),
        client="window",
        wall_ns=lambda: 10**18,
        reference_now=lambda: None,
        adc_now=lambda: adc_now(bed.model.streams, now_ns=bed.clock.now_ns),
    )
    try:
        bed.run(3.0)
        window.show_view(resolve(Wish(), bed.model.facts()))
        panel = window.record.numerics
        assert panel.calibrate.isVisible()
        assert "no volt-to-mmHg scale" in panel.ages.text()
        panel.calibrate.click()
        dialog = window.findChild(ScaleDialog)
        assert dialog is not None and dialog.isVisible()
        assert dialog.live.text().startswith("Now ")
        typed = {"volt_1": "0.5", "mmhg_1": "40", "volt_2": "1.7", "mmhg_2": "160"}
        for name, value in typed.items():
            dialog.inputs[name].setText(value)
        dialog.ok.click()
        qtbot.waitUntil(lambda: bool(recorder.asked), timeout=30_000)
        verb, args = recorder.asked[0]
        assert verb == "calibrate"
        assert (args["stream_id"], args["channel"], args["operator"]) == ("adc.wave", "abp", "OP1")
        bed.calibrations = (CALIBRATION,)
        bed.tell()
        window.show_view(resolve(Wish(), bed.model.facts()))
        assert not panel.calibrate.isVisible()
        assert "ADC calibrated 2026-11-18 (two points)" in panel.ages.text()
        assert operations.settings.form.operator == "OP1"
    finally:
        bridge.stop()
