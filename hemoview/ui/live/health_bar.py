"""The health line: a cell per stream. State by sign and colour, never colour alone."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Fitted, Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.record_view import HealthItem

SIGNS = {"streaming": "●", "silent": "◐", "lost": "✕", "never-seen": "○"} | {
    "heart-same": "●",
    "heart-different": "✕",
    "heart-cannot-tell": "○",
}

TROUBLE = ("danger", "warn")


class HealthCell(QFrame):
    """One stream: state, name, rate and latency; received and on disk; loss, gaps, age."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.title, self.rate = Words(13, bold=True), Words(12)
        self.counts, self.lost = Words(11), Words(11)
        for label in (self.title, self.rate, self.counts, self.lost):
            label.setMinimumWidth(1)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.title)
        top.addStretch()
        top.addWidget(self.rate)
        column = QVBoxLayout(self)
        column.setContentsMargins(7, 3, 7, 3)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.counts)
        column.addWidget(self.lost)

    def show_item(self, item: HealthItem) -> None:
        """Set the words."""
        name = words(item.title)
        self.title.show_text(f"{SIGNS[item.state]} {name}", item.level)
        streaming = item.state == "streaming"
        self.rate.show_text(words(item.rate) if streaming else "", "text")
        self.counts.show_text(words(item.counts), "quiet")
        state = "" if streaming else f"{text(f'state-{item.state}')}  "
        self.lost.show_text(state + words(item.lost), "quiet" if item.level == "ok" else item.level)
        self.setAccessibleName(f"{name} {text(f'state-{item.state}')}")


class HealthBar(QWidget):
    """Cells side by side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells: dict[str, HealthCell] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._none = QLabel(text("health-none"))
        self._none.setStyleSheet(f"color: {theme.QUIET};")
        self._grid.addWidget(self._none, 0, 0)
        self.setFixedHeight(56)

    def show_items(self, items: tuple[HealthItem, ...]) -> None:
        """A cell for each stream, made when it first appears."""
        if {item.stream_id for item in items} != set(self._cells):
            self._rebuild(items)
        for item in items:
            self._cells[item.stream_id].show_item(item)

    def _rebuild(self, items: tuple[HealthItem, ...]) -> None:
        for cell in self._cells.values():
            self._grid.removeWidget(cell)
            cell.deleteLater()
        self._cells = {item.stream_id: HealthCell() for item in items}
        for column, item in enumerate(items):
            self._grid.addWidget(self._cells[item.stream_id], 0, column)
            self._grid.setColumnStretch(column, 1)
        self._none.setVisible(not items)


class HealthLine(Fitted):
    """The same in one line, for a panel with no room for cells: of each wave what came and what is on disk."""

    def __init__(self) -> None:
        super().__init__(12)

    def show_items(self, items: tuple[HealthItem, ...]) -> None:
        """Pulse waves, and whatever is in trouble: by sign, word and colour."""
        leading = [item for item in items if item.leads]
        others = [item for item in items if item.level in TROUBLE and not item.leads]
        levels = {item.level for item in (*leading, *others)}
        said = [_short(item) for item in leading]
        if len(others) == 1:
            said.append(_short(others[0]))
        elif others:
            said.append(text("health-others", n=len(others)))
        worst = next((level for level in TROUBLE if level in levels), "quiet")
        self.show_text("   ".join(said) or text("health-none"), worst)


def _short(item: HealthItem) -> str:
    state = "" if item.state == "streaming" else f" {text(f'state-{item.state}')}"
    return f"{SIGNS[item.state]} {words(item.title)}{state}  {words(item.counts)}"
