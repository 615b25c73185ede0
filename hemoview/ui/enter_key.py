"""Which button Enter presses in a dialog.

Left to itself Qt takes the first button of the layout, which is Cancel, also where another was made the default before
it stood in its dialog: Enter in a field would throw away what was typed.
"""

from __future__ import annotations

from PySide6.QtWidgets import QPushButton

__all__ = ["enter_presses"]


def enter_presses(button: QPushButton, *never: QPushButton) -> None:
    """Enter in a field presses ``button``; those in ``never`` only when they are pressed themselves."""
    for each in never:
        each.setAutoDefault(False)
    button.setDefault(True)
