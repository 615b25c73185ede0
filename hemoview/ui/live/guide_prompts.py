"""What is due in a guided session, a row each with its buttons."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.guide import GuidePrompt

SHOWN, SHOWN_NARROW = 2, 1
"""Prompts at once: more would take the room of the waves."""


class PromptRows(QWidget):
    """What is due, with its buttons. Rows are kept while the same things are due: somebody may be about to press."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[tuple[str, tuple[str, ...], bool], ...] = ()
        self._narrow = False
        self.rows: list[PromptRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(3)
        self.hide()

    @property
    def in_sight(self) -> tuple[str, ...]:
        """What is asked here where it can be read: neither on a hidden page nor scrolled away on a small panel."""
        seen = self.visibleRegion().boundingRect().height() >= self.height()
        return tuple(key for key, *_ in self._shown) if self.isVisible() and seen else ()

    def set_narrow(self, *, on: bool) -> None:
        """One at a time, its buttons below the words."""
        self._narrow, self._shown = on, ()

    def show_prompts(self, prompts: tuple[GuidePrompt, ...]) -> None:
        """The first of them."""
        kept = prompts[: SHOWN_NARROW if self._narrow else SHOWN]
        shown = tuple((p.key, p.actions, p.overdue) for p in kept)
        if shown != self._shown:
            self._shown = shown
            for row in self.rows:
                self._column.removeWidget(row)
                row.deleteLater()
            self.rows = [PromptRow(prompt, narrow=self._narrow) for prompt in kept]
            for row in self.rows:
                row.asked.connect(self.asked)
                self._column.addWidget(row)
        for row, prompt in zip(self.rows, kept, strict=True):
            row.show_message(prompt)
        self.setVisible(bool(kept))


class PromptRow(QFrame):
    """One prompt."""

    asked = Signal(str)

    def __init__(self, prompt: GuidePrompt, *, narrow: bool = False) -> None:
        super().__init__()
        self.setObjectName("banner-warn" if prompt.overdue else "banner-info")
        self.label = Words(14 if narrow else 16, bold=True)
        self.label.setWordWrap(True)
        self.buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(6)
        whole = QBoxLayout(
            QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight, self
        )
        whole.setContentsMargins(12, 2, 4, 2)
        whole.setSpacing(2 if narrow else 6)
        whole.addWidget(self.label, 1)
        whole.addLayout(row)
        for action in prompt.actions:
            button = QPushButton(text(f"button-guide-{action}"))
            button.clicked.connect(partial(self.asked.emit, action))
            if narrow:
                button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self.buttons[action] = button
            row.addWidget(button)

    def show_message(self, prompt: GuidePrompt) -> None:
        """Its words."""
        self.label.show_text(f"{'▲' if prompt.overdue else '●'}  {words(prompt.message)}", "text")
