"""Beside the picture: what happened, which panels are shown, and the facts of the session."""

from __future__ import annotations

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QLabel,
    QListView,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QTabWidget,
    QWidget,
)

from hemoview.ui.picture.palette import colour, font
from hemoview.ui.picture.text import cause_text, cuff_text, mark_text, panel_text, said
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.amended import Correction
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review.axis import elapsed_text, length_text, wall_time, zone_of
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.model import ReviewView
from recorder.session.timeline import is_dated

Entry = tuple[float, str, str]
"""Elapsed seconds, words, colour key."""


def entries_of(facts: SessionFacts, unit: str = "mmHg") -> list[Entry]:
    """Marks, gaps and cuff readings in time order."""
    found: list[Entry] = []
    for mark in facts.marks:
        by_person = mark.kind in ("marker", "tag")
        message = "review.event-era" if mark.kind == "era" else "review.event-mark"
        words = text(message, label=mark_text(mark))
        found.append((mark.t_s, words, mark.kind if by_person or mark.kind == "era" else "event"))
    for gap in facts.gaps:
        length = length_text(gap.t1_s - gap.t0_s)
        words = text("review.event-gap", stream=gap.stream_id, cause=cause_text(gap.cause), length=length)
        found.append((gap.t0_s, words, "gap"))
    for cuff in facts.cuffs:
        message = "review.event-cuff" if cuff.withdrawn_s is None else "review.event-cuff-withdrawn"
        found.append((cuff.t_s, text(message, cuff=cuff_text(cuff, unit)), "cuff"))
    return sorted(found)


def _told(value: str | Message) -> str:
    return value if isinstance(value, str) else words(value)


def _correction(correction: Correction) -> str:
    """``Pseudonym: S-01 → S-02 (OP2: wrong label)``."""
    return text(
        "review.correction",
        field=text(f"amend-{correction.field}"),
        old=_told(correction.old),
        new=_told(correction.new),
        who=correction.who,
        why=correction.why,
    )


class EventList(QAbstractListModel):
    """Entries for a list view; a row is made into words once, however many there are."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Entry] = []

    def show_entries(self, entries: list[Entry]) -> None:
        """Replace all entries; where they only grew, the new ones are added and nothing scrolls away."""
        known = len(self._entries)
        if entries[:known] != self._entries:
            self.beginResetModel()
            self._entries = entries
            self.endResetModel()
        elif len(entries) > known:
            self.beginInsertRows(QModelIndex(), known, len(entries) - 1)
            self._entries = entries
            self.endInsertRows()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        """How many entries."""
        return 0 if parent.isValid() else len(self._entries)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Words and colour of an entry."""
        t_s, words, key = self._entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{elapsed_text(t_s)}   {words}"
        if role == Qt.ItemDataRole.ForegroundRole:
            return colour(key)
        return words if role == Qt.ItemDataRole.ToolTipRole else None

    def time_s(self, row: int) -> float:
        """When an entry was."""
        return self._entries[row][0]


class ReviewSide(QTabWidget):
    """Tabs Events, Panels, Session. Signals ``jumped(t_s)`` and ``chosen(frozenset of panel ids)``."""

    jumped = Signal(float)
    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts: SessionFacts | None = None
        self._said: tuple[Message, ...] = ()
        self._unit = "mmHg"
        self._events = EventList()
        self._event_view = QListView()
        self._event_view.setModel(self._events)
        self._event_view.setUniformItemSizes(True)
        self._event_view.setAccessibleName(text("review.tab-events"))
        self._event_view.clicked.connect(self._on_event)
        self._event_view.activated.connect(self._on_event)
        self._panels = QListWidget()
        self._panels.setAccessibleName(text("review.tab-panels"))
        self._panels.itemChanged.connect(self._on_panel)
        self._session = QScrollArea()
        self._session.setWidgetResizable(True)
        for part in (self._event_view, self._panels, self._session):
            part.setFont(font(12))
        self.setStyleSheet("QTabBar::tab { padding: 0 5px; font-size: 12px; }")  # six of them side by side
        self.tabBar().setAccessibleName(text("review.tabs"))
        self.addTab(self._event_view, text("review.tab-events"))
        self.addTab(self._panels, text("review.tab-panels"))
        self.addTab(self._session, text("review.tab-session"))

    def show_view(self, view: ReviewView) -> None:
        """Fill the lists where the session changed; without one they are empty, never of the subject before."""
        same_unit = view.pressure_unit == self._unit
        if view.facts is self._facts and view.banners == self._said and same_unit:
            return
        self._unit = view.pressure_unit
        if view.facts is None:
            self._clear(view)
            return
        fresh = self._facts is None or self._facts.path != view.facts.path or not self._panels.count()
        self._facts, self._said = view.facts, view.banners
        self._events.show_entries(entries_of(view.facts, self._unit))
        if fresh or not same_unit or self._panels.count() != len(view.offered):
            self._fill_panels(view)
        scrolled = self._session.verticalScrollBar().value()
        self._session.setWidget(facts_form(view.facts, view.banners))
        self._session.verticalScrollBar().setValue(scrolled)

    def _clear(self, view: ReviewView) -> None:
        self._facts, self._said = None, view.banners
        self._events.show_entries([])
        self._fill_panels(view)
        self._session.setWidget(QWidget())

    def _fill_panels(self, view: ReviewView) -> None:
        quiet = QSignalBlocker(self._panels)
        self._panels.clear()
        for panel in view.offered:
            shown_in = self._unit if panel.unit == "mmHg" else panel.unit
            unit = f"  {shown_in}" if shown_in else ""
            item = QListWidgetItem(f"{panel_text(panel.title)}{unit}")
            item.setData(Qt.ItemDataRole.UserRole, panel.panel_id)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            shown = panel.panel_id in view.wish.panels
            item.setCheckState(Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
            self._panels.addItem(item)
        quiet.unblock()

    def _on_event(self, index: QModelIndex) -> None:
        self.jumped.emit(self._events.time_s(index.row()))

    def _on_panel(self, _item: QListWidgetItem) -> None:
        items = [self._panels.item(row) for row in range(self._panels.count())]
        checked = [i for i in items if i.checkState() == Qt.CheckState.Checked]
        self.chosen.emit(frozenset(i.data(Qt.ItemDataRole.UserRole) for i in checked))


def facts_form(facts: SessionFacts, banners: tuple[Message, ...]) -> QWidget:
    """Everything known about a session, as lines of name and value."""
    start = wall_time(facts.start_wall_ns, zone_of(facts.zone, facts.utc_offset_s))
    begun = f"{start:%Y-%m-%d %H:%M:%S}" if is_dated(facts.start_wall_ns) else text("review.undated")
    rates = {s.stream_id: f"{s.nominal_rate_hz:g} Hz" if s.nominal_rate_hz else "" for s in facts.streams}
    rows = [
        ("review.fact-start", begun),
        ("review.fact-zone", facts.zone),
        ("review.fact-length", length_text(facts.duration_s)),
        ("review.fact-operator", facts.operator or "–"),
        ("review.fact-state", text(f"review.state.{facts.state}")),
        ("review.fact-markers", str(len(facts.markers))),
        ("review.fact-gaps", str(len(facts.gaps))),
        ("review.fact-streams", "\n".join(f"{name}  {rate}".rstrip() for name, rate in rates.items())),
        ("review.fact-folder", facts.path),
    ]
    if facts.corrections:
        rows.append(("review.fact-corrections", "\n".join(map(_correction, facts.corrections))))
    if facts.feedback:
        lines = [text("service-feedback-line", at=f.at, author=f.author, text=f.text) for f in facts.feedback]
        rows.append(("review.fact-feedback", "\n".join(lines)))
    if banners:
        rows.append(("review.fact-notes", "\n".join(said(message) for message in banners)))
    form = QWidget()
    layout = QFormLayout(form)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    for message_id, value in rows:
        label = QLabel(value)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addRow(text(message_id), label)
    return form
