"""Rule 18 on screen: a missing device is overridden with a reason and joins late; every session, marker, correction,
override and end carries the code of who did it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bed import Bed
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot
from scripted import args
from station_window import StationWindow

from hemoview.ui.parts import theme
from hemoview.viewmodel.review.facts import facts_of
from recorder import session as store


@pytest.fixture
def screen(qtbot: QtBot, qapp: QApplication, bed: Bed) -> Iterator[StationWindow]:
    theme.apply(qapp)
    made = StationWindow(qtbot, bed)
    yield made
    made.bridge.stop()


def test_a_missing_device_is_overridden_with_a_reason_and_joins_late(bed: Bed, screen: StationWindow) -> None:
    bed.connect("adc")
    bed.ask("configure", devices=[{"kind": "scripted", "device_id": name} for name in ("adc", "band")])
    dialog = screen.fill()
    screen.until(lambda: dialog.findChild(QLineEdit, "override-band") is not None)
    reason = dialog.findChild(QLineEdit, "override-band")
    assert reason is not None
    assert not dialog.confirm.start.isEnabled()
    reason.setText("  ")
    assert not dialog.confirm.start.isEnabled()
    reason.setText("band is charging")
    screen.until(dialog.confirm.start.isEnabled)
    dialog.confirm.start.click()
    screen.until(lambda: not dialog.isVisible())
    view = screen.look()
    banner = next(b for b in view.banners if b.key == "incomplete")
    assert banner.message.as_dict()["reason"] == "band: band is charging"
    assert any("band is charging" in text for text in screen.window.banners.texts)
    bed.cables["band"].samples(20)
    bed.until(lambda: any(s.stream_id == "band.wave" and s.on_disk == 20 for s in bed.status().streams))
    folder = Path(bed.ask("stop", reason="done", operator="OP1")["folder"])
    with store.open(folder) as session:
        assert session.incomplete_reason == "band: band is charging"
        assert session.rows("band.wave") == 20
        assert {d.device_id for d in session.header.devices} == {"adc", "band"}
        started = session.events("session")[0].payload
        assert started["overrides"] == {"band": "band is charging"}
        assert started["operator"] == "OP1"
        assert facts_of(session).incomplete == "band: band is charging"
    assert store.verify(folder).ok


def test_whoever_does_something_signs_it(qtbot: QtBot, bed: Bed, screen: StationWindow) -> None:
    bed.connect("adc")
    screen.start()
    operations, record = screen.operations, screen.window.record
    record.markers.press(2)
    screen.until(lambda: "marker" in screen.desk.asked)
    screen.until(lambda: bed.status().session.n_markers == 1)
    screen.look()
    record.undo_asked.emit()
    screen.until(lambda: bed.status().session.n_markers == 0)
    operations.subject.correct()
    screen.until(lambda: operations.subject.amend_dialog is not None)
    amend = operations.subject.amend_dialog
    assert amend is not None
    amend.inputs["subject.height_cm"].setText("170")  # type: ignore[attr-defined]
    amend.inputs["why"].setText("measured again")  # type: ignore[attr-defined]
    amend.ok.click()
    screen.until(lambda: bed.status().session.amended == ("subject.height_cm",))
    assert screen.look().header.amended is not None
    operations.subject.ask()
    same = operations.subject.same_dialog
    assert same is not None
    same.pseudonym.setText("S-01")
    same.same.click()
    screen.until(lambda: "confirm_subject" in screen.desk.asked)
    operations.ask_stop()
    assert operations.stop_dialog is not None
    operations.stop_dialog.why.setText("felt unwell")
    operations.stop_dialog.abort.click()
    screen.until(lambda: bed.status().session.state == "sealed")
    with store.open(bed.status().session.folder) as session:
        assert session.header.operator == "OP1"
        signed = {
            e.kind: e.payload.get("operator") for e in session.events() if e.kind not in ("link", "control")
        }
        assert signed == dict.fromkeys(
            ("session", "marker", "marker-undone", "amended", "subject-confirmed"), "OP1"
        )
        assert [a.who for a in session.amendments()] == ["OP1"]
        assert session.incomplete_reason == "aborted: felt unwell"
    assert screen.look().header.next_subject


def test_another_persons_pseudonym_is_refused_in_words(bed: Bed, screen: StationWindow) -> None:
    bed.connect("adc")
    screen.start()
    screen.operations.subject.ask()
    same = screen.operations.subject.same_dialog
    assert same is not None
    same.pseudonym.setText("S-02")
    same.same.click()
    screen.until(lambda: screen.operations._error_box is not None)
    assert screen.operations._error_box is not None
    assert "another pseudonym" in screen.operations._error_box.text()
    screen.operations._error_box.close()


def test_a_session_nobody_signs_is_warned_about(bed: Bed) -> None:
    bed.connect("adc")
    found = {c["id"]: c["level"] for c in bed.ask("preflight", **args(operator=" "))["checks"]}
    assert found["operator"] == "warn"
    assert "operator" not in {c["id"] for c in bed.ask("preflight", **args())["checks"]}
