"""The tab beside the picture: what can be said and by which key, what is chosen, what is on disk, the labels."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.labels.raters.scheme import LabelChoice, Scheme
from hemoview.ui.parts.label import Words
from hemoview.ui.picture.palette import colour, font
from hemoview.ui.review.label_list import LabelList
from hemoview.ui.review.label_paint import said_name
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.review.axis import elapsed_text
from hemoview.viewmodel.review.label_keys import Action
from hemoview.viewmodel.review.label_state import WINDOWS_S, LabelView

_ACROSS: Final = 2
_SHAPES: Final = {"instant": "▼", "span": "▬", "quality": "▤"}
"""Of a kind, so that it is known without its colour."""
_TOOLS: Final[tuple[tuple[Action, str], ...]] = (
    ("undo", "↶"),
    ("redo", "↷"),
    ("delete", "✕"),
    ("comment", "✎"),
    ("keys", "?"),
)


class LabelPanel(QWidget):
    """Signals: ``asked(action)``, ``put(choice)``, ``rated(code)``, ``window_chosen(seconds)``, ``edit_scheme()``,
    ``goes_on(bool)``; ``jumped(annotation)`` from the list.
    """

    asked = Signal(str)
    put = Signal(object)
    rated = Signal(str)
    window_chosen = Signal(float)
    edit_scheme = Signal()
    goes_on = Signal(bool)
    jumped = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scheme: Scheme | None = None
        self._look: tuple[object, ...] = ()
        self.rater = QLineEdit()
        self.rater.setMaxLength(20)
        self.rater.setPlaceholderText(text("labels.rater-hint"))
        self.rater.setAccessibleName(text("labels.rater"))
        self.rater.editingFinished.connect(lambda: self.rated.emit(self.rater.text().strip()))
        self.window_s = QComboBox()
        self.window_s.setAccessibleName(text("labels.window"))
        for seconds in WINDOWS_S:
            self.window_s.addItem(text("labels.window-s", n=f"{seconds:g}"), seconds)
        self.window_s.activated.connect(lambda _n: self.window_chosen.emit(self.window_s.currentData()))
        self.window_s.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.going_on = QCheckBox(text("labels.goes-on"))
        self.going_on.toggled.connect(self.goes_on)
        self.scheme_button = QPushButton(text("labels.scheme"))
        self.scheme_button.setToolTip(text("labels.scheme-tip"))
        self.scheme_button.clicked.connect(self.edit_scheme)
        self._grid = QGridLayout()
        self._grid.setSpacing(3)
        self.choices: list[QPushButton] = []
        self.chosen, self.note, self.saved = Words(12), Words(12), Words(13, bold=True)
        for line in (self.chosen, self.note, self.saved):
            line.setWordWrap(True)
        self.tools = {action: self._tool(action, sign) for action, sign in _TOOLS}
        self.labels = LabelList()
        self.labels.chosen.connect(self.jumped)
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        who = QLabel(text("labels.rater"))
        who.setFont(font(12))
        head.addWidget(who)
        head.addWidget(self.rater, 1)
        head.addWidget(self.window_s)
        second = QHBoxLayout()
        second.addWidget(self.going_on, 1)
        second.addWidget(self.scheme_button)
        tools = QHBoxLayout()
        tools.setSpacing(4)
        for button in self.tools.values():
            tools.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 6, 4, 4)
        column.setSpacing(5)
        for part in (head, second, self._grid, tools):
            column.addLayout(part)
        for line in (self.chosen, self.note, self.saved):
            column.addWidget(line)
        column.addWidget(self.labels, 1)

    def _tool(self, action: Action, sign: str) -> QPushButton:
        """A button that presses a key, and does not take the keyboard from the picture."""
        button = QPushButton(sign)
        button.setFont(font(16))
        button.setAccessibleName(text(f"labels.do-{action}"))
        button.setToolTip(text(f"labels.do-{action}"))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setMinimumWidth(10)
        button.setStyleSheet("padding: 0 4px;")
        button.clicked.connect(lambda: self.asked.emit(action))
        return button

    def show_view(self, view: LabelView) -> None:
        """Labelling as it stands; a move of the picture mostly changes nothing of it."""
        if not self.rater.hasFocus() and self.rater.text() != view.rater:
            self.rater.setText(view.rater)
        look = _look(view)
        if look != self._look:
            self._look = look
            self._show_look(view)

    def _show_look(self, view: LabelView) -> None:
        if view.scheme is not self._scheme:
            self._show_scheme(view.scheme)
        quiet = QSignalBlocker(self.window_s)
        self.window_s.setCurrentIndex(WINDOWS_S.index(view.window_s))
        quiet.unblock()
        may = view.on and view.refused is None and view.ready
        for button in self.choices:
            button.setEnabled(may)
        self.tools["undo"].setEnabled(view.on and view.can_undo)
        self.tools["redo"].setEnabled(view.on and view.can_redo)
        for action in ("delete", "comment"):
            self.tools[action].setEnabled(may and view.current is not None)
        self.scheme_button.setEnabled(may)
        self.chosen.show_text(chosen_text(view), "text")
        _say(self.note, *_note(view))
        _say(self.saved, words(view.saved), "danger" if view.failed else "ok")
        self.labels.show_view(view)

    def _show_scheme(self, scheme: Scheme) -> None:
        self._scheme = scheme
        for button in self.choices:
            self._grid.removeWidget(button)
            button.deleteLater()
        self.choices = [self._choice(choice, scheme) for choice in scheme.labels]
        for place, button in enumerate(self.choices):
            self._grid.addWidget(button, place // _ACROSS, place % _ACROSS)

    def _choice(self, choice: LabelChoice, scheme: Scheme) -> QPushButton:
        name = said_name(choice.label, scheme)
        key = "" if choice.key is None else f"{choice.key} "
        button = QPushButton(f"{key}{_SHAPES[choice.kind]} {name}")
        button.setIcon(_swatch(choice.colour))
        button.setFont(font(12))
        button.setAccessibleName(name)
        button.setToolTip(f"{name} – {text(f'labels.kind-{choice.kind}')}")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setMinimumWidth(60)
        button.setStyleSheet("text-align: left; padding: 0 5px;")
        button.clicked.connect(lambda: self.put.emit(choice))
        return button


def _look(view: LabelView) -> tuple[object, ...]:
    """What the panel shows of a view; where the window is only while somebody labels."""
    window = view.window if view.on else None
    may = (view.on, view.ready, view.refused, view.can_undo, view.can_redo)
    told = (view.saved, view.failed, view.damage, view.note)
    return (
        view.scheme,
        view.annotations,
        view.current,
        view.picked,
        view.stretch,
        window,
        view.window_s,
        may,
        told,
    )


def chosen_text(view: LabelView) -> str:
    """What the next digit is about."""
    if not view.on:
        return text("labels.off")
    if view.current is not None:
        name = said_name(view.current.label, view.scheme)
        known = "labels.chosen-picked" if view.picked else "labels.chosen-made"
        said = text(known, label=name, at=_span_text(view.current.t0_s, view.current.t1_s))
        return f"{said}\n✎ {view.current.comment}" if view.current.comment else said
    if view.stretch is not None:
        return text("labels.chosen-stretch", at=_span_text(*view.stretch))
    return text("labels.chosen-window", at=_span_text(*view.window))


def _span_text(t0_s: float, t1_s: float) -> str:
    start = elapsed_text(t0_s, 0.1)
    return start if t1_s == t0_s else f"{start} – {elapsed_text(t1_s, 0.1)}"


def _note(view: LabelView) -> tuple[str, str]:
    if view.refused is not None:
        return words(view.refused), "warn"
    if view.damage is not None and view.note is None:
        return words(view.damage), "warn"
    if not view.ready and view.saved is None:
        return text("labels.reading"), "quiet"
    return words(view.note), "quiet"


def _say(line: Words, said: str, role: str) -> None:
    line.show_text(said, role)
    line.setVisible(bool(said))


def _swatch(ink: str) -> QIcon:
    picture = QPixmap(12, 12)
    picture.fill(QColor(ink))
    painter = QPainter(picture)
    painter.setPen(colour("ground"))
    painter.drawRect(0, 0, 11, 11)
    painter.end()
    return QIcon(picture)
