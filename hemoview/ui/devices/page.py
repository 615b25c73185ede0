"""The Devices screen: a card a device, and the buttons that add one. Gets frozen views; decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from hemoview.ui.devices.card import DeviceCard
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.devices.page import DevicesView
from hemoview.viewmodel.devices.raw_preview import Preview
from hemoview.viewmodel.devices.trial import TrialView

TRACE_MS = 100
"""Ten pictures a second move smoothly enough for a trace as wide as a hand."""

CARDS_EVERY = 3
"""The words are renewed with every third picture."""


class DevicesPage(QWidget):
    """``asked(what, device_id)``: a button of a card; ``add_asked`` and the like: those above them.

    Args:
        view_now: the cards and the trials of this moment, by device id.
        preview_of: stream id → its trace of this moment.
    """

    asked = Signal(str, str)
    add_asked = Signal()
    wizard_asked = Signal()
    templates_asked = Signal()

    def __init__(
        self,
        view_now: Callable[[], tuple[DevicesView, Mapping[str, TrialView]]],
        preview_of: Callable[[str], Preview],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._view_now, self._preview_of = view_now, preview_of
        self.cards: dict[str, DeviceCard] = {}
        self.note, self.empty = Words(15), Words(17, align=Qt.AlignmentFlag.AlignHCenter)
        for label in (self.note, self.empty):
            label.setWordWrap(True)
        self.add = self._button("devices-add", self.add_asked)
        self.wizard = self._button("devices-wizard", self.wizard_asked)
        self.templates = self._button("button-templates", self.templates_asked)
        self._stack = QVBoxLayout()
        self._arrange()
        self._ticks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(TRACE_MS)
        self._timer.timeout.connect(self.tick)

    def _arrange(self) -> None:
        above = QHBoxLayout()
        above.setSpacing(8)
        for button in (self.add, self.wizard):
            above.addWidget(button)
        above.addWidget(self.note, 1)
        above.addWidget(self.templates)
        body = QWidget()
        self._stack.setSpacing(8)
        self._stack.setContentsMargins(0, 0, 6, 0)
        self._stack.addWidget(self.empty)
        self._stack.addStretch()
        body.setLayout(self._stack)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(body)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.addLayout(above)
        column.addWidget(self.area, 1)

    def showEvent(self, event: object) -> None:
        """Only a page that is looked at costs anything."""
        super().showEvent(event)  # type: ignore[arg-type]
        self._ticks = 0
        self.tick()
        self._timer.start()

    def hideEvent(self, event: object) -> None:
        """See :meth:`showEvent`."""
        self._timer.stop()
        super().hideEvent(event)  # type: ignore[arg-type]

    def tick(self) -> None:
        """One picture."""
        if self._ticks % CARDS_EVERY == 0:
            self.show_view(*self._view_now())
        self._ticks += 1
        for card in self.cards.values():
            card.show_traces(self._preview_of)

    def show_view(self, view: DevicesView, trials: Mapping[str, TrialView]) -> None:
        """Cards in the order of the station."""
        wanted = [card.device_id for card in view.cards]
        for gone in [name for name in self.cards if name not in wanted]:
            card = self.cards.pop(gone)
            self._stack.removeWidget(card)
            card.setParent(None)
            card.deleteLater()
        for place, one in enumerate(view.cards):
            card = self.cards.get(one.device_id) or self._make(one.device_id, place)
            card.show_card(one, trials.get(one.device_id))
        self.empty.setVisible(not view.cards)
        self.empty.show_text(text("devices-waiting" if view.waiting else "devices-empty"), "quiet")
        note = view.why_not or view.note
        self.note.show_text(words(note), "warn" if view.why_not else "quiet")
        self.add.setEnabled(view.why_not is None)

    def _make(self, device_id: str, place: int) -> DeviceCard:
        card = DeviceCard()
        card.asked.connect(lambda what: self.asked.emit(what, device_id))
        self.cards[device_id] = card
        self._stack.insertWidget(place + 1, card)
        return card

    def _button(self, message_id: str, signal: object) -> QPushButton:
        button = QPushButton(text(message_id))
        button.setAccessibleName(text(message_id))
        button.clicked.connect(signal)
        return button
