"""The list of an import: each recording, its streams with their rows, and what was left out of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.exchange.import_form import SourceLine

_COLUMNS = ("name", "rows", "gaps", "begins", "length", "kind")
_NUMBERS = (_COLUMNS.index("rows"), _COLUMNS.index("gaps"))
_WIDTHS_PX = (165, 80, 54, 196, 80)


class ImportList(QTreeWidget):
    """Shows lines; :meth:`chosen` is the path of the recording that is selected."""

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderLabels([text(f"import-column-{name}") for name in _COLUMNS])
        self.setAccessibleName(text("import-files"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setTabKeyNavigation(False)
        header = self.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        for column, width in enumerate(_WIDTHS_PX):
            self.setColumnWidth(column, width)
        for column in _NUMBERS:
            self.headerItem().setTextAlignment(
                column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
        self._lines: tuple[SourceLine, ...] | None = None

    def chosen(self) -> str:
        """Path of the selected recording; of the last one where none is."""
        item = self.currentItem()
        while item is not None and item.parent() is not None:
            item = item.parent()
        place = self.indexOfTopLevelItem(item) if item is not None else self.topLevelItemCount() - 1
        return self._lines[place].path if self._lines and 0 <= place < len(self._lines) else ""

    def show_lines(self, lines: Sequence[SourceLine]) -> None:
        """Put the recordings on the screen, if they have changed."""
        if tuple(lines) == self._lines:
            return
        self._lines = tuple(lines)
        self.clear()
        for line in lines:
            top = QTreeWidgetItem([Path(line.path).name, "", "", line.begins, line.length, words(line.kind)])
            top.setToolTip(0, line.path)
            bold = theme.font(14, bold=True)
            for column in range(len(_COLUMNS)):
                top.setFont(column, bold)
            self.addTopLevelItem(top)
            for name, rows, gaps in line.rows:
                child = QTreeWidgetItem([name, f"{rows:,}".replace(",", " "), str(gaps) if gaps else "–"])
                for column in _NUMBERS:
                    child.setTextAlignment(
                        column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                top.addChild(child)
            for message in line.notes:
                said = QTreeWidgetItem([words(message)])
                said.setForeground(0, theme.colour("warn"))
                said.setToolTip(0, words(message))
                top.addChild(said)
                said.setFirstColumnSpanned(True)
            top.setExpanded(True)
