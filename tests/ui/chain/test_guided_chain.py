"""A guided session on a real station, as at a bed: the template chosen on the screen, phases by the recorder, the cuff
workflow, a window that is closed and opened again in the midst of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from chain_rig import until
from pytestqt.qtbot import QtBot

from hemoview import app
from hemoview.ui.live.cuff_dialog import CuffDialog
from hemoview.ui.sessions.template_chooser import TemplateChooser
from recorder import session
from recorder.acquire.phase_clock import ENDED, STARTED
from recorder.acquire.template import parse
from recorder.schema import CUFF_INFLATION

STUDY = {
    "name": "Quick study",
    "markers": ["cough", "arm move"],
    "devices": [{"kind": "e4-tcp", "device_id": "wrist"}],
    "sites": {"arm_cuff_side": "right", "wristband_side": "left", "posture": "supine"},
    "consent": {"version": "v7", "date": "2026-01-01"},
    "phases": [
        {
            "name": "Short",
            "duration_min": 0.1,
            "marker_at_start": "short begins",
            "marker_at_end": "short ends",
        },
        {"name": "Long", "duration_min": 60.0, "begins_by_itself": True, "marker_at_start": "long begins"},
    ],
    "cuff": {"first_after_min": 0.0, "every_min": 15.0},
    "checklist": {"before": ["Band charged", "Skin dry"], "after": ["Band cleaned"]},
}


def start_guided(qtbot: QtBot, shell: app.Shell) -> None:
    until(qtbot, lambda: shell.view is not None and shell.view.header.can_start, 15)
    until(qtbot, lambda: all(link.state == "streaming" for link in shell.model.status.links), 20)  # type: ignore[union-attr]
    shell.operations.templates.save(parse(STUDY))
    shell.window.header.start.click()
    dialog = shell.operations.start_dialog
    assert dialog is not None
    chooser = dialog.inputs["template"]
    assert isinstance(chooser, TemplateChooser)
    chooser.box.setCurrentIndex(chooser.box.findText("Quick study"))
    assert dialog.form.consent_version == "v7" and dialog.form.arm_cuff_side == "right"
    subject = {"pseudonym": "T-01", "pseudonym_again": "T-01", "sex": "female", "age_y": "34"}
    consent = {"consent_date": "2026-01-01", "consent_record": True, "operator": "OP1"}
    dialog.form = replace(dialog.form, **subject, **consent)  # type: ignore[arg-type]
    dialog.show_form()
    dialog.next.click()
    until(qtbot, dialog.confirm.start.isEnabled, 10)
    dialog.confirm.checklist.boxes[0].setChecked(True)
    dialog.confirm.start.click()
    until(qtbot, lambda: shell.view is not None and shell.view.header.recording, 20)


def title(shell: app.Shell) -> str:
    return shell.window.record.guide.phase.title.text()


def prompts(shell: app.Shell) -> list[str]:
    return [] if shell.view is None else [p.key for p in shell.view.guide.prompts]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_guided_session_through_a_closed_window(
    qtbot: QtBot, opened: Callable[..., app.Shell], station: Path
) -> None:
    shell = opened()
    start_guided(qtbot, shell)
    strip = shell.window.record.guide
    until(qtbot, lambda: title(shell) == "Protocol waits – 2 phases", 10)
    assert shell.window.record.markers._labels == ("cough", "arm move")
    strip.phase.begin.click()
    until(qtbot, lambda: title(shell) == "1/2  Short", 10)
    until(qtbot, lambda: prompts(shell) == ["cuff"], 10)
    strip.prompts.rows[0].buttons["inflate-right"].click()
    until(qtbot, lambda: prompts(shell) == ["inflating"], 10)
    strip.prompts.rows[0].buttons["reading"].click()
    (dialog,) = (d for d in shell.window.findChildren(CuffDialog) if d.isVisible())
    assert (dialog.form.arm, dialog.form.posture, dialog.form.operator) == ("right", "supine", "OP1")
    dialog.inputs["sbp"].setText("121")
    dialog.inputs["dbp"].setText("79")
    dialog.ok.click()
    until(qtbot, lambda: prompts(shell) == [], 10)
    until(qtbot, lambda: title(shell) == "2/2  Long", 20)  # by itself, 6 s after it began
    shell.window.close()

    again = opened()
    until(qtbot, lambda: title(again) == "2/2  Long", 15)
    until(qtbot, lambda: again.view is not None and again.view.guide.countdown.startswith("59:"), 10)
    again.window.record.markers.press(2)
    until(qtbot, lambda: prompts(again) == ["arm-moved"], 10)
    again.window.record.guide.prompts.rows[0].buttons["same-height"].click()
    until(qtbot, lambda: prompts(again) == [], 10)
    folder = Path(again.model.status.session.folder)  # type: ignore[union-attr]
    again.operations.command("stop", timeout_s=120.0, reason="operator")
    until(qtbot, lambda: again.view is not None and again.view.guide.after, 60)
    assert [box.text() for box in again.window.record.guide.after.boxes] == ["Band cleaned"]

    with session.open(folder) as stored:
        assert stored.header.template["version"] == parse(STUDY).version
        assert [(e.payload["name"], e.payload["by_itself"]) for e in stored.events(STARTED)] == [
            ("Short", False),
            ("Long", True),
        ]
        assert [e.payload["reason"] for e in stored.events(ENDED)] == ["time", "stopped"]
        assert [e.payload["state"] for e in stored.events(CUFF_INFLATION)] == ["started", "ended"]
        (reading,) = stored.events("cuff")
        assert (reading.payload["arm"], reading.payload["sbp_mmhg"]) == ("right", 121.0)
        labels = [(e.payload["label"], e.payload["source"]) for e in stored.events("marker")]
        assert sorted(labels) == [
            ("arm move", "key"),
            ("cuff inflates", "button"),
            ("long begins", "automatic"),
            ("short begins", "automatic"),
            ("short ends", "automatic"),
        ]
        (ticked,) = stored.events("checklist")
        assert (ticked.payload["ticked"], ticked.payload["left"]) == (["Band charged"], ["Skin dry"])
