"""The alignment panel under the picture of Review: beats of both devices, residuals, what was fitted, and the buttons.

It shows one frozen view and says what was asked for; the page hears, the view-model decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QBoxLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.picture.palette import colour, font
from hemoview.ui.review.align_paint import BeatLanes, ResidualPlot
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.messages import Message
from hemoview.viewmodel.review.align import NUDGES_MS, AlignModel, AlignView
from hemoview.viewmodel.review.align_deeds import Deeds, StoredDeeds
from hemoview.viewmodel.review.align_words import Version
from hemoview.viewmodel.review.axis import wall_time, zone_of
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.review.shift import TimeShift
from hemoview.viewmodel.window_settings import last_operator

KEEP_NUDGE_MS: Final = 1500
"""Nudges that follow each other sooner become one version."""
_NUDGE_KEYS: Final = {
    1: ("Alt+Down", "Alt+Up"),
    10: ("Alt+Left", "Alt+Right"),
    100: ("Alt+Shift+Left", "Alt+Shift+Right"),
}
KEYS: Final[dict[str, str]] = {
    "align": "Alt+Return",
    "cancel": "Alt+C",
    "lock": "Alt+K",
    "unlock": "Alt+Shift+K",
    "undo": "Alt+Z",
    "aligned": "Alt+V",
}
TOGGLE_KEY: Final = "Alt+A"
_HISTORY_PX = 280


class AlignPanel(QWidget):
    """Signals ``changed()``: show the page again; ``jumped(t_s)``: the cursor is wanted there."""

    changed = Signal()
    jumped = Signal(float)

    def __init__(self, parent: QWidget | None = None, deeds: Deeds | None = None) -> None:
        super().__init__(parent)
        self.model = AlignModel(deeds or StoredDeeds(), Bell(self._on_report).ring)
        end_with(self, self.model.close)
        self.button = self._toggle()
        self._facts: SessionFacts | None = None
        self._history: tuple[Version, ...] = ()
        self._tone = ""
        self.state, self.figures, self.refusal, self.note = QLabel(), QLabel(), QLabel(), QLabel()
        self.lanes, self.plot = BeatLanes(), ResidualPlot()
        self.buttons: dict[str, QPushButton] = {}
        self.who, self.why = QLineEdit(), QLineEdit()
        self.history = QListWidget()
        self.progress = QProgressBar()
        self._keep = QTimer(self, interval=KEEP_NUDGE_MS, singleShot=True)
        self._keep.timeout.connect(self._keep_nudge)
        self._dress()
        self._lay_out()
        self.lanes.jumped.connect(self.jumped)
        self.plot.jumped.connect(self.jumped)
        self.setAccessibleName(text("align-title"))
        self.hide()

    def _dress(self) -> None:
        self.state.setFont(font(16, bold=True))
        self.figures.setFont(font(13))
        for label in (self.refusal, self.note):
            label.setFont(font(13))
            label.setWordWrap(True)
        self.figures.setWordWrap(True)
        self.figures.setStyleSheet(f"color: {colour('text').name()};")
        self.note.setStyleSheet(f"color: {colour('cursor').name()};")
        for field, name in ((self.who, "align-who-field"), (self.why, "align-why-field")):
            field.setPlaceholderText(text(name))
            field.setAccessibleName(text(name))
        self.who.setMaximumWidth(100)
        self.history.setAccessibleName(text("align-history"))
        self.history.setFont(font(12))
        self.history.setWordWrap(True)
        self.history.setAlternatingRowColors(True)
        self.history.setFixedWidth(_HISTORY_PX)
        self.history.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.progress.setRange(0, 100)
        self.progress.setAccessibleName(text("align-progress"))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(14)
        head.addWidget(self.state)
        head.addWidget(self.figures, 1)
        said = QVBoxLayout()
        said.setSpacing(2)
        said.addLayout(head)
        said.addWidget(self.refusal)
        said.addWidget(self.note)
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(self.lanes, 0, 0)
        grid.addWidget(self.plot, 1, 0)
        grid.addWidget(self.history, 0, 1, 2, 1)
        grid.setColumnStretch(0, 1)
        row = QHBoxLayout()
        row.setSpacing(5)
        row.addWidget(self._button("align", lambda: self.model.align(self.who.text())))
        row.addWidget(self._button("cancel", self.model.cancel))
        row.addWidget(self.progress, 1)
        self._add_nudges(row)
        row.addWidget(self._button("aligned", self.model.show_aligned))
        self.buttons["aligned"].setCheckable(True)
        row.addStretch(1)
        row.addWidget(self.who)
        row.addWidget(self.why, 2)
        row.addWidget(self._button("lock", lambda: self._signed(self.model.lock)))
        row.addWidget(self._button("unlock", lambda: self._signed(self.model.unlock)))
        row.addWidget(self._button("undo", lambda: self.model.undo(self.who.text())))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(4)
        column.addLayout(said)
        column.addLayout(grid)
        column.addLayout(row)

    def _add_nudges(self, row: QBoxLayout) -> None:
        steps = [-ms for ms in reversed(NUDGES_MS)] + list(NUDGES_MS)
        for by_ms in steps:
            sign = "+" if by_ms > 0 else "−"
            keys = _NUDGE_KEYS[abs(by_ms)][by_ms > 0]
            row.addWidget(
                self._button(
                    f"nudge{by_ms:+d}", lambda by=by_ms: self._nudge(by), keys, f"{sign}{abs(by_ms)}"
                )
            )
        unit = QLabel("ms")
        unit.setStyleSheet(f"color: {colour('dim').name()};")
        row.addWidget(unit)

    def _button(self, name: str, act: object, keys: str = "", sign: str = "") -> QPushButton:
        """A button that leaves the keyboard to the picture, and its key."""
        keys = keys or KEYS[name]
        shown = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        button = QPushButton(sign or text(f"align-{name}"))
        said = text("align-nudge-by", ms=sign) if sign else text(f"align-{name}")
        button.setAccessibleName(said)
        button.setToolTip(f"{said} ({shown})")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if sign:
            button.setStyleSheet("padding: 0 6px;")

        def pressed() -> None:
            assert callable(act)
            act()
            self.changed.emit()

        button.clicked.connect(pressed)
        shortcut = QShortcut(QKeySequence(keys), self, context=Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(button.click)
        self.buttons[name] = button
        return button

    def _toggle(self) -> QPushButton:
        """The button of the page that opens and closes the panel, with its key."""
        button = QPushButton(text("align-button"))
        button.setAccessibleName(text("align-title"))
        button.setCheckable(True)
        shown = QKeySequence(TOGGLE_KEY).toString(QKeySequence.SequenceFormat.NativeText)
        button.setToolTip(f"{text('align-title')} ({shown})")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        shortcut = QShortcut(QKeySequence(TOGGLE_KEY), button, context=Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(button.click)

        def toggled() -> None:
            self.model.toggle()
            self.changed.emit()

        button.clicked.connect(toggled)
        return button

    def _signed(self, deed: object) -> None:
        assert callable(deed)
        deed(self.who.text(), self.why.text())

    def _nudge(self, by_ms: int) -> None:
        self.model.nudge(by_ms, self.who.text())
        self._keep.start()

    def _keep_nudge(self) -> None:
        self.model.keep_nudge()
        self.changed.emit()

    def shift_for(self, facts: SessionFacts | None) -> TimeShift | None:
        """This session is open now; how its picture draws the reference's streams, None: as stored."""
        self.model.use(facts)
        return self.model.shift

    def close_session(self) -> None:
        """End the working thread; the panel is not used afterwards."""
        self._keep.stop()
        self.model.close()

    def _on_report(self) -> None:
        if self.model.drain():
            self.changed.emit()

    def show_view(self, page: ReviewView) -> None:
        """Show the panel as it is now, at the cursor of the page."""
        facts, cursor_s = page.facts, page.wish.cursor_s
        view = self.model.view(cursor_s)
        self.button.setChecked(view.shown)
        self.button.setEnabled(facts is not None)
        if facts is not None and not self.who.text() and facts is not self._facts:
            self.who.setText(last_operator(Path(facts.path)))
        self._facts = facts
        self.setVisible(view.shown)
        if not view.shown:
            return
        self._colour_by(view.tone)
        self.state.setText(words(view.state))
        self.figures.setText("" if view.figures is None else words(view.figures))
        _show_lines(self.refusal, view.refusal)
        _show_lines(self.note, () if view.note is None else (view.note,))
        self.lanes.show_picture(view.beats, view.waiting or view.placed)
        self.plot.show_picture(view.residuals, cursor_s)
        self._show_buttons(view)
        self._show_history(view.history)

    def _colour_by(self, tone: str) -> None:
        """Style sheets are slow, and this is called for every frame of a playback."""
        if tone != self._tone:
            self._tone = tone
            self.state.setStyleSheet(f"color: {colour(tone).name()};")
            self.refusal.setStyleSheet(f"color: {colour('dim' if tone == 'ok' else 'warning').name()};")

    def _show_buttons(self, view: AlignView) -> None:
        busy = view.job is not None and view.job.kind in ("align", "beats")
        for name, button in self.buttons.items():
            action: str = "nudge" if name.startswith("nudge") else name
            button.setEnabled(action in view.can)
        self.buttons["cancel"].setVisible(busy)
        self.buttons["align"].setVisible(not busy)
        self.progress.setVisible(busy)
        if view.job is not None and busy:
            self.progress.setFormat(text(f"align-job-{view.job.kind}", percent=round(100 * view.job.share)))
            self.progress.setValue(round(100 * view.job.share))
        self.buttons["lock"].setVisible("unlock" not in view.can)
        self.buttons["unlock"].setVisible("unlock" in view.can)
        self.buttons["aligned"].setChecked(view.aligned)

    def _show_history(self, history: tuple[Version, ...]) -> None:
        """Newest first."""
        if history == self._history and self.history.count():
            return
        if len(history) > len(self._history):
            self.why.clear()
        self._history = history
        self.history.clear()
        if not history:
            self.history.addItem(text("align-no-history"))
        zone = (
            zone_of(self._facts.zone, self._facts.utc_offset_s)
            if self._facts is not None
            else zone_of("UTC", 0)
        )
        for version in reversed(history):
            when = f"{wall_time(version.wall_ns, zone):%Y-%m-%d %H:%M}"
            item = QListWidgetItem(
                text(
                    "align-version",
                    version=version.version,
                    when=when,
                    who=version.who,
                    state=words(version.state),
                    what=words(version.what),
                )
            )
            item.setSizeHint(QSize(_HISTORY_PX - 24, self._height_of(item.text())))
            self.history.addItem(item)

    def _height_of(self, words_of: str) -> int:
        """Of an entry of the history with all its lines; left to itself the list cuts Chinese ones."""
        room = QRect(0, 0, _HISTORY_PX - 28, 1000)
        box = self.history.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, words_of)
        return box.height() + 8


def _show_lines(label: QLabel, lines: tuple[Message, ...]) -> None:
    label.setText("\n".join(words(line) for line in lines))
    label.setVisible(bool(lines))
