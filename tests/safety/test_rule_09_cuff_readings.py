"""Rule 9: a reading says when, by whom, which arm, posture and device; doubtful ones are typed twice; one that was
wrong is withdrawn, and every estimate that used it is marked; hotkeys are dead while a field has the focus; the last
marker can be undone; targets are 12 mm.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "acquire"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "viewmodel"))

import pytest
from guide_rig import facts
from guided_bed import GuidedBed, plan
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot
from scripted import args
from synthetic_bedside import NS, WALL, SyntheticBedside, event

from hemoview.ui.live.cuff_dialog import CuffDialog
from hemoview.ui.live.readings_dialog import ReadingsDialog
from hemoview.ui.parts import theme
from hemoview.ui.window.main_window import MainWindow
from hemoview.viewmodel.live.cuff_form import CuffForm, CuffView, examine
from hemoview.viewmodel.live.readings import form_now, last_reading_mmhg, readings
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.review.facts import SessionFacts, facts_of
from hemoview.viewmodel.review.panels import panels_of
from hemoview.viewmodel.review.view import _withdrawn
from recorder import session
from recorder.errors import SessionError
from recorder.schema import Event, StreamInfo
from recorder.schema.streams import Channel

TYPED = CuffForm(sbp="120", dbp="80", arm="left", posture="supine", device="Omron", operator="OP1")
START = 1_000 * NS


def cuff(at_s: float, sbp: float, dbp: float, event_id: str = "c1", **more: Any) -> Event:
    payload = {"sbp_mmhg": sbp, "dbp_mmhg": dbp, "measured_at_ns": WALL + START + round(at_s * NS), **more}
    return replace(event("cuff", START + round(at_s * NS), **payload), event_id=event_id)


# ---- what a reading says


def test_rule_09_the_form_knows_arm_posture_device_and_the_time_of_the_inflation() -> None:
    inflates = event("cuff-inflation", START + 100 * NS, arm="right", state="started")
    seated = event("posture", START + 50 * NS, posture="seated", hand_height_cm=0.0)
    form = form_now(facts(130, inflates, seated, cuff(20, 120, 80, device="Omron M7")), "OP1")
    assert (form.arm, form.posture, form.device, form.operator) == ("right", "seated", "Omron M7", "OP1")
    assert form.minutes_ago == "0.5"
    later = examine(replace(form, sbp="121", dbp="79"), wall_ns=form.as_of_ns + 40 * NS, reference_mmhg=None)
    assert later.request is not None
    assert later.request["measured_at_ns"] == form.as_of_ns - 30 * NS  # typing slowly moves no measurement
    assert later.request["entered_at_ns"] == form.as_of_ns + 40 * NS
    assert form_now(facts(10), "OP1").arm == "left"  # as told at Start


def test_rule_09_every_part_reaches_the_record(tmp_path: Path) -> None:
    bed = GuidedBed(tmp_path)
    bed.station.start()
    try:
        folder = bed.start(plan())
        request = examine(TYPED, wall_ns=bed.clock.wall_ns(), reference_mmhg=None).request
        assert request is not None
        bed.ask("cuff", **request)
        bed.ask("stop")
        with session.open(folder) as stored:
            kept = stored.events("cuff")[0].payload
    finally:
        bed.station.close()
    assert {k: kept[k] for k in ("arm", "posture", "device", "entered_by")} == {
        "arm": "left",
        "posture": "supine",
        "device": "Omron",
        "entered_by": "OP1",
    }
    assert kept["measured_at_ns"] and kept["entered_at_ns"]


# ---- typed twice


@pytest.mark.parametrize(
    ("reference", "last", "message"),
    [
        ((122.0, 81.0), None, "cuff-far"),
        (None, (118.0, 79.0), "cuff-far-last"),
        (None, None, "cuff-unusual"),
    ],
)
def test_rule_09_210_140_typed_for_120_80_is_caught(
    reference: tuple[float, float] | None, last: tuple[float, float] | None, message: str
) -> None:
    wrong = replace(TYPED, sbp="210", dbp="140")
    view = examine(wrong, wall_ns=WALL, reference_mmhg=reference, last_mmhg=last)
    assert view.again and view.request is None
    assert view.problem is not None and view.problem.id == message
    once_more = replace(TYPED, first_entry=("210", "140"))
    assert examine(
        once_more, wall_ns=WALL, reference_mmhg=reference, last_mmhg=last
    ).again  # 120/80 is not 210/140
    assert examine(replace(wrong, first_entry=("210", "140")), wall_ns=WALL, reference_mmhg=reference).request


@pytest.mark.parametrize(
    ("sbp", "dbp", "message"),
    [("80", "120", "cuff-order"), ("300", "80", "cuff-outside-sbp"), ("120", "10", "cuff-outside-dbp")],
)
def test_rule_09_what_no_arm_can_have_is_never_stored(sbp: str, dbp: str, message: str) -> None:
    for first in (None, (sbp, dbp)):
        view = examine(replace(TYPED, sbp=sbp, dbp=dbp, first_entry=first), wall_ns=WALL, reference_mmhg=None)
        assert view.request is None and view.problem is not None and view.problem.id == message


def test_rule_09_a_reading_is_compared_with_the_last_that_counts() -> None:
    first, second = cuff(10, 120, 80, "a"), cuff(60, 180, 100, "b")
    assert last_reading_mmhg(facts(100, first, second)) == (180, 100)
    gone = event("cuff-withdrawn", START + 70 * NS, event_id="b", why="cough")
    assert last_reading_mmhg(facts(100, first, second, gone)) == (120, 80)
    assert last_reading_mmhg(facts(4000, first)) is None


def test_rule_09_the_second_entry_begins_with_empty_fields(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)

    def judge(form: CuffForm) -> CuffView:
        return examine(form, wall_ns=WALL, reference_mmhg=(122.0, 81.0))

    dialog = CuffDialog(judge, "OP1", form=replace(TYPED, sbp="", dbp=""))
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.inputs["sbp"].setText("210")
    dialog.inputs["dbp"].setText("140")
    dialog.ok.click()
    assert dialog.isVisible() and dialog.inputs["sbp"].text() == "" and "20 mmHg" in dialog.problem.text()
    assert (dialog.arm.currentText(), dialog.posture.currentText()) == ("left", "supine")
    dialog.inputs["sbp"].setText("120")
    dialog.inputs["dbp"].setText("80")
    dialog.ok.click()
    assert "differ" in dialog.problem.text()
    dialog.inputs["sbp"].setText("120")
    dialog.inputs["dbp"].setText("80")
    with qtbot.waitSignal(dialog.entered) as entered:
        dialog.ok.click()
    assert entered.args[0]["sbp_mmhg"] == 120.0


# ---- withdrawn


def test_rule_09_a_reading_is_withdrawn_with_a_reason_once(tmp_path: Path) -> None:
    bed = GuidedBed(tmp_path)
    bed.station.start()
    try:
        bed.ask("start", **args())
        wall = bed.clock.wall_ns()
        made = bed.ask("cuff", sbp_mmhg=120, dbp_mmhg=80, measured_at_ns=wall, entered_at_ns=wall)["event_id"]
        with pytest.raises(SessionError, match="give a reason"):
            bed.ask("withdraw_cuff", event_id=made, why="  ")
        bed.ask("withdraw_cuff", event_id=made, why="wrong arm", operator="OP1")
        assert bed.events("cuff-withdrawn")[0].payload == {
            "event_id": made,
            "why": "wrong arm",
            "operator": "OP1",
        }
        assert bed.events("cuff")  # never deleted
        with pytest.raises(SessionError, match="withdrawn already"):
            bed.ask("withdraw_cuff", event_id=made, why="again")
    finally:
        bed.station.close()


def test_rule_09_the_list_of_readings(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    told: list[Event] = [cuff(10, 120, 80, "a", arm="left", entered_by="OP1"), cuff(60, 180, 100, "b")]
    dialog = ReadingsDialog(lambda: readings(facts(100, *told)))
    qtbot.addWidget(dialog)
    dialog.show()
    assert [dialog.table.item(i, 1).text() for i in range(2)] == ["180/100", "120/80"]
    assert not dialog.withdraw.isEnabled()
    dialog.table.selectRow(0)
    assert not dialog.withdraw.isEnabled()  # not without a reason
    dialog.why.setText("coughed")
    with qtbot.waitSignal(dialog.withdrawn) as withdrawn:
        qtbot.mouseClick(dialog.withdraw, Qt.MouseButton.LeftButton)
    assert withdrawn.args == ["b", "coughed"]
    told.append(event("cuff-withdrawn", START + 70 * NS, event_id="b", why="coughed"))
    dialog.refresh()
    assert "withdrawn: coughed" in dialog.table.item(0, 7).text()
    assert dialog.chosen is not None and dialog.chosen.event_id == "b"
    dialog.why.setText("once more")
    assert not dialog.withdraw.isEnabled()
    dialog.close()


def test_rule_09_review_marks_the_estimates_that_could_use_it(tmp_path: Path) -> None:
    bed = GuidedBed(tmp_path)
    bed.station.start()
    try:
        channels = tuple(Channel(f"SBP{end}", "mmHg") for end in ("", "_lo", "_hi", "_why"))
        info = StreamInfo(
            "edge.est", "edge", "numeric", channels, "float32", None, "estimate", origin="derived"
        )
        bed.ask("declare", streams=[info.to_json()])
        folder = Path(bed.ask("start", **args())["folder"])
        wall = bed.clock.wall_ns()
        made = bed.ask("cuff", sbp_mmhg=120, dbp_mmhg=80, measured_at_ns=wall - 60 * NS, entered_at_ns=wall)
        bed.ask("withdraw_cuff", event_id=made["event_id"], why="wrong arm")
        bed.ask("cuff", sbp_mmhg=121, dbp_mmhg=81, measured_at_ns=wall, entered_at_ns=wall)
        bed.ask("stop")
        with session.open(folder) as stored:
            seen: SessionFacts = facts_of(stored)
    finally:
        bed.station.close()
    ((known_s, withdrawn_s),) = seen.withdrawn_spans
    assert known_s > seen.cuffs[0].t_s + 50 and withdrawn_s >= known_s
    pressure = next(p for p in panels_of(seen) if p.cuffs)
    (box,) = _withdrawn(pressure, seen)
    assert (box.t0_s, box.t1_s, box.reason) == (known_s, withdrawn_s, "withdrawn-cuff")


def test_rule_09_the_live_trend_marks_them_too() -> None:
    typed = {"entered_at_ns": WALL + START + 80 * NS}
    told = [cuff(20, 120, 80, "a", **typed), cuff(200, 121, 81, "b")]
    gone = event("cuff-withdrawn", START + 170 * NS, event_id="a", why="wrong arm")
    shown = resolve(Wish(), facts(250, *told, gone)).trend
    assert shown.doubted == ((80.0, 170.0),)
    assert resolve(Wish(), facts(250, *told)).trend.doubted == ()
    assert resolve(Wish(trend_group="HR"), facts(250, *told, gone)).trend.doubted == ()


# ---- keys, undo, touch


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> Iterator[MainWindow]:
    theme.apply(qapp)
    made = MainWindow()
    made.ask_before_closing = False
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    bed = SyntheticBedside()
    bed.run(1.0)
    made.show_view(resolve(Wish(), bed.model.facts()))
    yield made


def test_rule_09_hotkeys_are_dead_while_a_field_has_the_focus(qtbot: QtBot, window: MainWindow) -> None:
    marked: list[tuple[int, str, str]] = []
    window.record.marked.connect(lambda key, label, source: marked.append((key, label, source)))
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus, timeout=30_000)
    qtbot.keyClick(field, "3")
    assert field.text() == "3" and not marked
    window.setFocus()
    qtbot.waitUntil(lambda: not field.hasFocus(), timeout=30_000)
    qtbot.keyClick(window, "3")
    assert [key for key, _, _ in marked] == [3]


def test_rule_09_touch_targets_are_12_mm(window: MainWindow) -> None:
    begun = event("phase-started", START, index=0, name="Settle", duration_s=300.0)
    window.show_view(resolve(Wish(), facts(140, begun)))
    buttons = [b for b in window.record.guide.findChildren(QPushButton) if b.isVisibleTo(window)]
    assert len(buttons) > 5
    assert all(min(b.height(), b.width()) >= theme.touch_px() - 1 for b in buttons)
