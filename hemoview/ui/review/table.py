"""The rows of the session browser as a table: words, colours and sort keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from hemoview.ui.picture.palette import colour
from hemoview.ui.words.catalogue import listed, text, words
from hemoview.viewmodel.live.amended import amended_words
from hemoview.viewmodel.review.axis import length_text, wall_time, zone_of
from hemoview.viewmodel.review.sessions import SessionRow
from recorder.session.timeline import is_dated

COLUMNS: Final = ("subject", "start", "length", "state", "streams", "events", "size", "note")
_STATE_COLOURS: Final = {
    "sealed": "ok",
    "open": "danger",
    "killed": "warn",
    "damaged": "danger",
    "newer": "info",
    "erased": "faint",
}
SORT_ROLE = Qt.ItemDataRole.UserRole
SEARCH_ROLE = Qt.ItemDataRole.UserRole + 1

AnyIndex = QModelIndex | QPersistentModelIndex


class SessionTable(QAbstractTableModel):
    """Rows of sessions for a table view."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[SessionRow] = []

    def replace(self, rows: list[SessionRow]) -> None:
        """Other rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def append(self, rows: tuple[SessionRow, ...]) -> None:
        """More rows."""
        self.beginInsertRows(QModelIndex(), len(self.rows), len(self.rows) + len(rows) - 1)
        self.rows.extend(rows)
        self.endInsertRows()

    def update(self, row: SessionRow) -> None:
        """One row is different now."""
        for place, old in enumerate(self.rows):
            if old.path == row.path:
                self.rows[place] = row
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(COLUMNS) - 1))

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """How many sessions."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """How many columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Names of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return text(f"browser.column.{COLUMNS[section]}")
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words, colour and sort key of a cell."""
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_text(row, column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return colour(_STATE_COLOURS[row.state]) if column == "state" else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell_text(row, "note") or row.path
        if role == Qt.ItemDataRole.TextAlignmentRole and column in ("length", "size", "events"):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == SORT_ROLE:
            return _sort_key(row, column)
        return row.searchable if role == SEARCH_ROLE else None


def cell_text(row: SessionRow, column: str) -> str:
    """What a cell says."""
    return _CELLS[column](row)


def _subject(row: SessionRow) -> str:
    name = row.pseudonym or (row.name if row.start_wall_ns is None else text("review.no-subject"))
    tags = [text("review.sim")] if row.simulated else []
    if row.amended:
        tags.append(text("header-amended-short"))
    return "  ".join((name, *tags))


def _note(row: SessionRow) -> str:
    notes = [words(row.note)] if row.note is not None else []
    if row.amended:
        notes.append(text("browser.note-amended", fields=words(amended_words(row.amended))))
    return " ".join(notes)


def _length(row: SessionRow) -> str:
    if row.length_s is None:
        return "–"
    words = length_text(row.length_s)
    return words if row.state == "sealed" else text("browser.at-least", length=words)


def _start(row: SessionRow) -> str:
    if row.start_wall_ns is None:
        return "–"
    if not is_dated(row.start_wall_ns):
        return text("review.undated")
    return f"{wall_time(row.start_wall_ns, zone_of(row.zone, row.utc_offset_s)):%Y-%m-%d  %H:%M}"


_CELLS: Final[dict[str, Callable[[SessionRow], str]]] = {
    "subject": _subject,
    "start": _start,
    "length": _length,
    "state": lambda row: text(f"browser.state.{row.state}"),
    "streams": lambda row: listed(dict.fromkeys(s.partition(".")[0] for s in row.streams)),
    "events": lambda row: "–" if row.n_events is None else str(row.n_events),
    "size": lambda row: size_text(row.n_bytes),
    "note": _note,
}


def _sort_key(row: SessionRow, column: str) -> object:
    numbers = {
        "start": row.start_wall_ns,
        "length": row.length_s,
        "size": row.n_bytes,
        "events": row.n_events,
    }
    if column in numbers:
        return float(numbers[column] or 0)
    return cell_text(row, column).lower()


def size_text(n_bytes: int) -> str:
    """``35 MB``, ``1.2 GB``, ``640 kB``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB"
