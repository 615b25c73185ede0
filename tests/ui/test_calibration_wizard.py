"""The calibration wizard: the guide, a fit that is kept, a poor one that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calibration_files import recording, stick
from devices_screen import Screen
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from hemoview.ui.devices.calibration_wizard import CalibrationWizard
from hemoview.ui.live.scale_dialog import ScaleDialog
from hemoview.ui.parts import theme
from recorder.errors import StationError


@pytest.fixture
def screen(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Screen]:
    theme.apply(qapp)
    (tmp_path / "sessions").mkdir()
    recording(tmp_path / "sessions")
    made = Screen(qtbot, tmp_path)
    yield made
    made.devices.close()
    made.bridge.stop()


def opened(screen: Screen) -> CalibrationWizard:
    screen.page.cards["adc"].buttons["calibrate"].click()
    dialog = screen.devices.calibrations.dialog
    assert dialog is not None and dialog.isVisible()
    screen.until(lambda: dialog.fit.sessions.count() == 1)
    return dialog


def fill(dialog: CalibrationWizard, file: Path) -> None:
    for name, value in {"file": str(file), "operator": "OP1"}.items():
        line = dialog.fit.inputs[name]
        assert isinstance(line, QLineEdit)
        line.setText(value)


def calibrations(screen: Screen) -> list[dict[str, Any]]:
    return [args for verb, args in screen.recorder.asked if verb == "calibrate"]


def test_a_good_fit_is_shown_with_its_residual_and_kept(screen: Screen, tmp_path: Path) -> None:
    dialog = opened(screen)
    assert dialog.live.text().startswith("Now ") and "ADC calibrated" in dialog.record.text()
    dialog.guide.file.click()
    assert not dialog.keep.isEnabled() and not dialog.fit.inputs["began"].isVisible()
    fill(dialog, stick(tmp_path))
    dialog.compare.click()
    screen.until(dialog.keep.isEnabled)
    assert dialog.fit.verdict.text().startswith("✔")
    assert any("residual" in line for line in dialog.fit.lines.texts)
    assert dialog.fit.plot.isVisible()
    dialog.keep.click()
    screen.until(lambda: not dialog.isVisible())
    (sent,) = calibrations(screen)
    assert sent["accepted"] and sent["operator"] == "OP1" and sent["method"] == "fitted"
    assert sent["gain_mmhg_per_v"] == pytest.approx(100.0, rel=0.01)
    assert sent["t_host_ns"] is not None, "there is one already: the new one holds from now on"


def test_a_poor_fit_cannot_be_kept_and_another_entry_takes_the_verdict_back(
    screen: Screen, tmp_path: Path
) -> None:
    dialog = opened(screen)
    dialog.guide.file.click()
    fill(dialog, stick(tmp_path, seed=2))
    dialog.compare.click()
    screen.until(lambda: dialog.fit.verdict.text().startswith("✕"))
    assert not dialog.keep.isEnabled() and dialog.compare.isEnabled()
    fill(dialog, stick(tmp_path))
    dialog.compare.click()
    screen.until(dialog.keep.isEnabled)
    fill(dialog, tmp_path / "other.csv")
    assert not dialog.keep.isEnabled()
    assert calibrations(screen) == []
    dialog.reject()


def test_a_refusal_of_the_recorder_is_shown_and_nothing_is_lost(screen: Screen, tmp_path: Path) -> None:
    screen.recorder.answers["calibrate"] = StationError("window-2 controls this station: take control first")
    dialog = opened(screen)
    dialog.guide.file.click()
    fill(dialog, stick(tmp_path))
    dialog.compare.click()
    screen.until(dialog.keep.isEnabled)
    dialog.keep.click()
    screen.until(lambda: "take control first" in dialog.fit.verdict.text())
    assert dialog.isVisible()
    dialog.reject()


def test_the_two_levels_are_read_from_the_rectangle(screen: Screen, qtbot: QtBot) -> None:
    screen.devices._operations._levels_now = lambda: (0.4, 1.6)
    dialog = opened(screen)
    dialog.guide.levels.click()
    assert not dialog.isVisible()
    scale = next(d for d in screen.window.findChildren(ScaleDialog) if d.isVisible())
    assert scale.take_levels.isEnabled() and "0.400 V and 1.600 V" in scale.take_levels.text()
    scale.take_levels.click()
    assert [scale.inputs[f"volt_{n}"].text() for n in (1, 2)] == ["0.4000", "1.6000"]
    scale.reject()
