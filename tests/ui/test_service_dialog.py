"""The service's dialog: from an address and a code to an enrolled bed, and out again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from hemoview.ui.live.header_bar import HeaderBar
from hemoview.ui.parts import theme
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.operations import Operations
from hemoview.ui.window.service_actions import SEEN_FILE, ServiceActions, Station
from hemoview.ui.window.service_dialog import ServiceDialog
from hemoview.ui.words import catalogue
from hemoview.viewmodel.live.facts import Facts
from recorder.host import sync_process
from recorder.schema import DiskStatus, SessionStatus, StationStatus
from recorder.schema.sync_status import SyncStatus
from recorder.session import ledger
from recorder.sync import identity as identities
from recorder.sync.orders import FEEDBACK, MESSAGES_FILE
from tests.sync.fake_service import FakeService


class Window(HeaderBar):
    """The part of the window that is used."""

    def __init__(self) -> None:
        super().__init__()
        self.header = self

    def add_line(self, line: QWidget) -> None:
        line.setParent(self)


class Desk(QObject):
    """The part of Operations that is used."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.window = window
        self.status: StationStatus | None = None

    def wall_ns(self) -> int:
        return 1_795_000_000 * 10**9

    def facts_now(self) -> Facts:
        return Facts(0, self.wall_ns(), status=self.status)


@pytest.fixture
def service() -> Iterator[FakeService]:
    fake = FakeService().start()
    yield fake
    fake.stop()


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    bridge = Bridge()
    yield bridge
    bridge.stop()


@pytest.fixture
def actions(qtbot: QtBot, qapp: QApplication, tmp_path: Path, bridge: Bridge) -> ServiceActions:
    theme.apply(qapp)
    window = Window()
    qtbot.addWidget(window)
    window.show()
    return ServiceActions(cast(Operations, Desk(window)), bridge, Station("bed1", tmp_path))


def opened(qtbot: QtBot, actions: ServiceActions) -> ServiceDialog:
    header: Any = actions._operations.window.header
    header.actions_by_id["menu-service"].trigger()
    assert actions.dialog is not None
    qtbot.addWidget(actions.dialog)
    return actions.dialog


def until(qtbot: QtBot, holds: Callable[[], object]) -> None:
    qtbot.waitUntil(lambda: bool(holds()), timeout=30_000)


def test_enrolled_from_the_window_and_signed_out(
    qtbot: QtBot, actions: ServiceActions, service: FakeService, tmp_path: Path
) -> None:
    dialog = opened(qtbot, actions)
    assert dialog.form.isVisible() and not dialog.state.isVisible()
    dialog.enrol.click()
    assert "address" in dialog.said.text()
    dialog.address.setText(service.url)
    dialog.code.setText("WRONG-CODE")
    dialog.enrol.click()
    until(qtbot, lambda: "ask for a new one" in dialog.said.text())
    assert dialog.enrol.isEnabled() and dialog.code.text() == "WRONG-CODE"
    assert dialog.code.hasFocus(), "not Close: Enter would end the dialog"
    assert dialog.height() >= dialog._column.totalHeightForWidth(dialog.width()), "a line is cut off"

    dialog.code.setText("GOOD-CODE")
    dialog.enrol.click()
    until(qtbot, dialog.state.isVisible)
    assert (
        "bed Bed 3" in dialog.title.text() and "Starting" in dialog.how.text() and not dialog.form.isVisible()
    )
    (me,) = identities.identities(tmp_path / "stations" / "bed1")
    assert me.url == service.url

    ledger.append(
        tmp_path / "stations" / "bed1" / MESSAGES_FILE,
        FEEDBACK,
        {"order_id": "o", "at_us": 1_795_000_000_000_000, "author": "Dr A", "text": "signal was poor"},
    )
    actions.renew()
    until(qtbot, lambda: "signal was poor" in dialog.feedback.item(0).text())

    dialog.sign_out.click()
    (box,) = [b for b in dialog.findChildren(QMessageBox) if b.isVisible()]
    next(b for b in box.buttons() if b.text() == "Sign out").click()
    until(qtbot, dialog.form.isVisible)
    assert identities.identities(tmp_path / "stations" / "bed1") == ()


def test_an_address_nobody_answers_at_and_a_file_that_is_no_certificate(
    qtbot: QtBot, actions: ServiceActions, service: FakeService, tmp_path: Path
) -> None:
    dialog = opened(qtbot, actions)
    dialog.address.setText(service.url)
    dialog.code.setText("GOOD-CODE")
    (tmp_path / "ca.pem").write_bytes(os.urandom(40))
    dialog.use_ca(str(tmp_path / "ca.pem"))
    dialog.enrol.click()
    until(qtbot, lambda: "no CA file" in dialog.said.text() or "no certificate" in dialog.said.text())
    service.stop()
    dialog.use_ca("")
    dialog.enrol.click()
    until(qtbot, lambda: "see that network and service are up" in dialog.said.text())
    dialog.address.setText("http://ward.example")
    dialog.enrol.click()
    until(qtbot, lambda: "in the clear" in dialog.said.text())


def test_errors_are_said_in_chinese(qtbot: QtBot, actions: ServiceActions, service: FakeService) -> None:
    catalogue.use_language("zh")
    try:
        dialog = opened(qtbot, actions)
        dialog.address.setText(service.url)
        dialog.code.setText("WRONG-CODE")
        dialog.enrol.click()
        until(qtbot, lambda: "请索取新的代码" in dialog.said.text())
    finally:
        catalogue.use_language("en")


def test_every_control_has_a_name(qtbot: QtBot, actions: ServiceActions) -> None:
    dialog = opened(qtbot, actions)
    for widget in (dialog.address, dialog.code, dialog.ca, dialog.feedback):
        assert widget.accessibleName()
    for button in (dialog.enrol, dialog.ward, dialog.reports, dialog.sign_out, dialog.close_button):
        assert button.text() and button.minimumHeight() >= theme.touch_px()


def told(actions: ServiceActions, **sync: Any) -> None:
    """The sync process has said this."""
    desk: Any = actions._operations
    disk, one = DiskStatus("", 0, None), SyncStatus("w:1", "https://w:1", server_id="s", **sync)
    desk.status = StationStatus("bed1", 0, 0, 0, 1.0, 1, SessionStatus(), disk, sync=(one,))


def come(folder: Path, number: int, said: str) -> None:
    """A message."""
    one = {"order_id": f"o{number}", "at_us": 1_795_000_000_000_000 + number, "author": "Dr A", "text": said}
    ledger.append(folder / MESSAGES_FILE, FEEDBACK, one)


def test_a_message_stands_over_every_page_until_somebody_has_read_it(
    qtbot: QtBot, actions: ServiceActions, tmp_path: Path, bridge: Bridge
) -> None:
    folder = tmp_path / "stations" / "bed1"
    folder.mkdir(parents=True)
    come(folder, 1, "signal was poor")
    told(actions, messages=1)
    actions.look()
    until(qtbot, actions.line.isVisible)
    assert "Dr A: signal was poor" in actions.line.label.text()
    come(folder, 2, "check the cuff")
    actions.look()
    until(qtbot, lambda: "check the cuff" in actions.line.label.text())
    assert "before this one: 1" in actions.line.label.text()
    actions.line.button.click()
    assert not actions.line.isVisible()
    until(
        qtbot, lambda: (folder / SEEN_FILE).is_file() and (folder / SEEN_FILE).read_text().count("seen") == 2
    )
    come(folder, 3, "well done")
    told(actions, messages=3)
    actions.look()
    until(qtbot, actions.line.isVisible)
    assert "before" not in actions.line.label.text(), "what was read is not told again"


def test_a_revoked_station_is_let_in_again_by_a_new_code_without_signing_out(
    qtbot: QtBot, actions: ServiceActions, tmp_path: Path
) -> None:
    folder = tmp_path / "stations" / "bed1"
    me = identities.Identity("https://w:1", "s", "d", "", "", "", "", True, "bed1", "3", "A", ca_pem="PEM")
    identities.keep(folder, me)
    told(actions, bed="3", ward="A", state="refused", advice="service-revoked", error="w:1: no", at_us=1)
    dialog = opened(qtbot, actions)
    until(qtbot, dialog.state.isVisible)
    assert "locked out" in dialog.how.text() and dialog.again.isVisible() and not dialog.form.isVisible()
    dialog.again.click()
    assert dialog.form.isVisible() and dialog.address.text() == "https://w:1" and dialog.code.hasFocus()
    assert "trusted already" in dialog.ca_name.text()
    assert actions._ca_known("w:1/") == "PEM", "the authority that was trusted there needs no second file"
    actions.renew()
    qtbot.wait(50)
    assert dialog.form.isVisible(), "what is told meanwhile does not take the form away"


def test_while_somebody_looks_the_service_is_asked_and_else_it_is_not(
    qtbot: QtBot, actions: ServiceActions, tmp_path: Path
) -> None:
    folder = tmp_path / "stations" / "bed1"
    asked = folder / sync_process.ASK_FILE
    identities.keep(folder, identities.Identity("https://w:1", "s", "d", "", "", "", "", True, "bed1"))
    actions.look()
    qtbot.wait(50)
    assert not asked.exists()
    told(actions, state="idle", at_us=1)
    dialog = opened(qtbot, actions)
    until(qtbot, lambda: asked.exists() and "Answers" in dialog.how.text())
    told(actions, state="unreachable", error="w:1: cannot be reached (Connection refused)", at_us=2)
    until(qtbot, lambda: "Does not answer" in dialog.how.text())
