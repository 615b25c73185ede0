"""Head and foot of Review: whose session this is, what to know about it; playback and navigation buttons."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from hemoview.ui.live.header_bar import Vanishing
from hemoview.ui.parts.theme import touch_px
from hemoview.ui.picture.palette import colour, font
from hemoview.ui.picture.text import said
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review.axis import elapsed_text, length_text, wall_time, zone_of
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.model import ReviewView
from recorder.session.timeline import is_dated

_SHIFT = Qt.KeyboardModifier.ShiftModifier
_NONE = Qt.KeyboardModifier.NoModifier
_BUTTONS: Final = (
    ("review.previous-marker", "◀ ⚑", Qt.Key.Key_M, _SHIFT),
    ("review.next-marker", "⚑ ▶", Qt.Key.Key_M, _NONE),
    ("review.previous-gap", "◀ ▨", Qt.Key.Key_G, _SHIFT),
    ("review.next-gap", "▨ ▶", Qt.Key.Key_G, _NONE),
    ("review.wider", "−", Qt.Key.Key_Minus, _NONE),
    ("review.closer", "+", Qt.Key.Key_Plus, _NONE),
    ("review.fit", "⤢", Qt.Key.Key_F, _NONE),
)
_STATE_COLOURS: Final = {"sealed": "ok", "open": "danger", "killed": "warn", "damaged": "danger"}
_MOST_BANNERS = 3
_SEVERE: Final = frozenset(
    {"review.damaged", "review.damaged-only", "review.open-failed", "review.part-unreadable"}
)


class ReviewHeader(QWidget):
    """Subject, start, length, state and tags; under it a line for each thing to know."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[SessionFacts | None, tuple[Message, ...]] | None = None
        self._subject, self._facts, self._tags = QLabel(), QLabel(), QLabel()
        self._subject.setFont(font(22, bold=True))
        self._facts.setFont(font(13))
        self._tags.setTextFormat(Qt.TextFormat.RichText)
        line = QHBoxLayout()
        line.setSpacing(16)
        line.addWidget(self._subject)
        line.addWidget(self._facts)
        line.addStretch(1)
        line.addWidget(self._tags)
        self._banners = QVBoxLayout()
        self._banners.setSpacing(3)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 0)
        column.setSpacing(5)
        column.addLayout(line)
        column.addLayout(self._banners)

    def show_view(self, view: ReviewView) -> None:
        """Show whose session it is, if that changed."""
        if self._shown is not None and self._shown[0] is view.facts and self._shown[1] == view.banners:
            return
        self._shown = (view.facts, view.banners)
        facts = view.facts
        self._subject.setText("" if facts is None else facts.pseudonym or text("review.no-subject"))
        self._facts.setText("" if facts is None else _facts_line(facts))
        self._facts.setStyleSheet(f"color: {colour('dim').name()};")
        self._tags.setText("" if facts is None else _tags_line(facts))
        self._show_banners(view.banners)

    def _show_banners(self, banners: tuple[Message, ...]) -> None:
        while (item := self._banners.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        lines = [(said(m), m.id in _SEVERE) for m in banners[:_MOST_BANNERS]]
        if len(banners) > _MOST_BANNERS:
            lines.append((text("review.more-banners", n=len(banners) - _MOST_BANNERS), False))
        for words, severe in lines:
            self._banners.addWidget(_banner(words, severe=severe))


def _banner(words: str, *, severe: bool) -> QFrame:
    frame = QFrame()
    frame.setObjectName("banner-danger" if severe else "banner-warn")
    label = QLabel(words)
    label.setWordWrap(True)
    label.setFont(font(13))
    box = QHBoxLayout(frame)
    box.setContentsMargins(10, 4, 10, 4)
    box.addWidget(label)
    return frame


def _facts_line(facts: SessionFacts) -> str:
    start = wall_time(facts.start_wall_ns, zone_of(facts.zone, facts.utc_offset_s))
    dated = is_dated(facts.start_wall_ns)
    when = f"{start:%Y-%m-%d  %H:%M:%S} {facts.zone}" if dated else text("review.undated")
    return f"{when}   ·   {length_text(facts.duration_s)}"


def _tags_line(facts: SessionFacts) -> str:
    tags = [(text(f"review.state.{facts.state}"), _STATE_COLOURS[facts.state])]
    if facts.corrections:
        tags.insert(0, (text("header-amended-short"), "warn"))
    if facts.simulated:
        tags.insert(0, (text("review.sim"), "sim"))
    if facts.speed != 1.0:
        tags.insert(0, (text("review.speed-note", speed=facts.speed), "warn"))
    return " &nbsp;·&nbsp; ".join(f"<b style='color:{colour(key).name()}'>{words}</b>" for words, key in tags)


class ReviewBar(QWidget):
    """Playback and navigation. Every button presses a key: ``asked(key, modifiers)``; but "Sessions" says
    ``browse_asked()``: Escape first drops what is chosen in label mode.
    """

    asked = Signal(Qt.Key, Qt.KeyboardModifier)
    browse_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._play = self._button("review.play", "", Qt.Key.Key_Space, _NONE)
        self._play.setMinimumWidth(84)
        self._speed = self._button("review.speed-button", "", Qt.Key.Key_S, _NONE)
        self._follow = self._button("review.follow", "", Qt.Key.Key_L, _NONE)
        self._moves: list[QPushButton] = []
        self._playback: tuple[bool, bool, bool, float] | None = None
        self._facts: SessionFacts | None = None
        self._cursor_s = -1.0
        self._length: str | None = None
        self._time = QLabel()
        self._span = Vanishing(13)  # "32 min 55 s" that is cut reads another length
        self._time.setFont(font(16, bold=True))
        self._span.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._span.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # gives way first
        keys = QPushButton("?")
        keys.setAccessibleName(text("review.keys"))
        keys.setToolTip(text("review.keys-text"))
        keys.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.sessions = self._plain("review.sessions")
        self.sessions.clicked.connect(self.browse_asked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        row.addWidget(self.sessions)
        for widget in (self._play, self._speed, self._time):
            row.addWidget(widget)
        row.addWidget(self._span, 1)
        for message_id, sign, key, modifiers in _BUTTONS:
            button = self._button(message_id, sign, key, modifiers)
            self._moves.append(button)
            row.addWidget(button)
        row.addWidget(self._follow)
        row.addWidget(keys)
        self._row = row

    def add(self, button: QPushButton) -> None:
        """One more, at the end."""
        self._row.addWidget(button)

    def _button(self, message_id: str, sign: str, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> QPushButton:
        """A button that presses a key."""
        button = self._plain(message_id, sign)
        button.clicked.connect(lambda: self.asked.emit(key, modifiers))
        return button

    def _plain(self, message_id: str, sign: str = "") -> QPushButton:
        """A button that never takes the keyboard from the picture."""
        button = QPushButton(sign or text(message_id))
        button.setAccessibleName(text(message_id))
        button.setToolTip(text(message_id))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if sign:  # a sign needs no more than a finger does; the words beside them do
            button.setMinimumWidth(touch_px())
        return button

    def show_view(self, view: ReviewView) -> None:
        """Show where playback stands; of a move only what it changes."""
        facts, wish = view.facts, view.wish
        playback = (facts is not None, facts is not None and facts.live, wish.playing, wish.speed)
        if playback != self._playback:
            self._playback = playback
            self._show_playback(*playback)
        if facts is not self._facts or wish.cursor_s != self._cursor_s:
            self._facts, self._cursor_s = facts, wish.cursor_s
            self._time.setText("" if facts is None else _time_line(facts, wish.cursor_s))
        length = "" if facts is None else length_text(wish.span_s)
        if length != self._length:
            self._length = length
            self._span.show_text(text("review.span", length=length) if length else "", "muted")

    def _show_playback(self, open_: bool, live: bool, playing: bool, speed: float) -> None:
        for button in (self._play, self._speed, *self._moves):
            button.setEnabled(open_)
        self._play.setText(text("review.pause" if playing else "review.play"))
        self._speed.setText(text("review.speed", speed=speed))
        self._follow.setVisible(live)


def _time_line(facts: SessionFacts, cursor_s: float) -> str:
    """Elapsed time, and that of the day where the session knows it."""
    elapsed = elapsed_text(cursor_s, 0.1)
    if not is_dated(facts.start_wall_ns):
        return elapsed
    zone = zone_of(facts.zone, facts.utc_offset_s)
    return f"{elapsed}   {wall_time(facts.start_wall_ns + round(cursor_s * 1e9), zone):%H:%M:%S}"
