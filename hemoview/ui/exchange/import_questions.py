"""What only a person can answer before an import, each with the tick that answers it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.sessions.pseudonym import Question


class ImportQuestions(QWidget):
    """Emits ``answered(key, yes)``."""

    answered = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.ticks: dict[str, QCheckBox] = {}
        self._asked: list[QWidget] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    def show_questions(self, questions: Sequence[Question]) -> None:
        """Put them on the screen, if they have changed."""
        if [question.key for question in questions] == list(self.ticks):
            return
        for asked in self._asked:
            self._column.removeWidget(asked)
            asked.hide()
            asked.deleteLater()
        self.ticks, self._asked = {}, []
        for question in questions:
            self._ask(question)

    def _ask(self, question: Question) -> None:
        line, tick = Words(14), QCheckBox(words(question.answer))
        line.setWordWrap(True)
        line.show_text(words(question.message), "warn")
        tick.setAccessibleDescription(words(question.message))
        tick.toggled.connect(lambda on: self.answered.emit(question.key, on))
        self.ticks[question.key] = tick
        for widget in (line, tick):
            self._column.addWidget(widget)
            self._asked.append(widget)
