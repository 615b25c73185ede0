"""The buttons that end a dialog, and which of them Enter presses.

Left to itself Qt takes the first button of the layout, which is Cancel, also where another was made the default before
it stood in its dialog: Enter in a field would throw away what was typed.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton

from hemoview.ui.words.catalogue import text


def enter_presses(button: QPushButton, *never: QPushButton) -> None:
    """Enter in a field presses ``button``; those in ``never`` only when they are pressed themselves."""
    for each in never:
        each.setAutoDefault(False)
    button.setDefault(True)


def answer_row(cancel: QPushButton, ok: QPushButton) -> QHBoxLayout:
    """Both at the foot of a dialog, as far apart as it is wide: no glove takes one for the other."""
    row = QHBoxLayout()
    row.addWidget(cancel)
    row.addStretch()
    row.addWidget(ok)
    return row


def ok_and_cancel(
    dialog: QDialog, do: Callable[[], object], said: str = "button-ok"
) -> tuple[QPushButton, QHBoxLayout]:
    """The two that end a form: one that Enter presses too does it, the other closes the dialog; and their row."""
    ok, cancel = QPushButton(text(said)), QPushButton(text("button-cancel"))
    enter_presses(ok, cancel)
    ok.clicked.connect(do)
    cancel.clicked.connect(dialog.reject)
    return ok, answer_row(cancel, ok)
