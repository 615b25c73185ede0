"""A window on a real station: waited for, and a session begun as an operator does."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from pytestqt.qtbot import QtBot

from hemoview import app

BEDSIDE = {
    "seed": 3,
    "script": "rest",
    "replay": None,
    "e4": {
        "serial": "9ff167",
        "port": 0,
        "ppm": 0.0,
        "jitter_ms": [5, 60],
        "dropout": 0.0,
        "disconnects": [],
    },
    "adc": {"profile": "lab-adc-ascii", "ppm": 0.0, "link": "socket"},
}
STATION = "window-test"
PATIENCE = 3
"""Waits end when their condition holds; on a busy machine that takes longer, and is no failure."""


def until(qtbot: QtBot, holds: Callable[[], bool], timeout_s: float) -> float:
    """Seconds until it holds; the window lives meanwhile."""
    began = time.monotonic()
    qtbot.waitUntil(holds, timeout=int(timeout_s * PATIENCE * 1000))
    return time.monotonic() - began


def start_session(qtbot: QtBot, shell: app.Shell) -> None:
    """As an operator does: the form, the recorder's own pre-flight, the confirmation."""
    until(qtbot, lambda: shell.view is not None and shell.view.header.can_start, 15)
    until(qtbot, lambda: all(link.state == "streaming" for link in shell.model.status.links), 20)  # type: ignore[union-attr]
    shell.window.header.start.click()
    dialog = shell.operations.start_dialog
    assert dialog is not None
    dialog.form = replace(
        dialog.form,
        pseudonym="T-01",
        pseudonym_again="T-01",
        sex="female",
        age_y="34",
        consent_version="v1",
        consent_date="2026-01-01",
        consent_record=True,
        operator="OP1",
    )
    dialog.show_form()
    dialog.next.click()
    until(qtbot, dialog.confirm.start.isEnabled, 10)
    dialog.confirm.start.click()
    until(qtbot, lambda: shell.view is not None and shell.view.header.recording, 20)
    until(qtbot, lambda: not dialog.isVisible(), 5)
