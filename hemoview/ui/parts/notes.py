"""Lines of the start form that say what is wrong with a field, and why Next is grey."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.sessions.start_problems import NEEDED, Problem


def note(*, wraps: bool) -> QLabel:
    """A line below a field, hidden until something is said."""
    made = QLabel()
    made.setFont(theme.font(13))
    made.setWordWrap(wraps)
    made.setContentsMargins(9, 0, 0, 2)
    made.hide()
    return made


def paint(note: QLabel, role: str) -> None:
    """In the colour of ``role``."""
    palette = note.palette()
    if palette.color(QPalette.ColorRole.WindowText) != theme.colour(role):
        palette.setColor(QPalette.ColorRole.WindowText, theme.colour(role))
        note.setPalette(palette)


def missing(problems: Sequence[Problem]) -> str:
    """Why Next is grey: the fields still empty, and those to correct."""
    said = []
    for message_id, empty in (("start-needed", True), ("start-correct", False)):
        names = [text(f"short-{p.field}") for p in problems if (p.message.id in NEEDED) == empty]
        if names:
            said.append(text(message_id, fields=names))
    return " ".join(said)
