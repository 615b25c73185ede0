"""The tab of raters: suggestions for me, who is done, and two who are done side by side."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QGroupBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.labels.raters.scheme import Scheme
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.picture.palette import font
from hemoview.ui.review.raters_text import agreement_lines, said_text
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.review.raters import RaterView
from hemoview.viewmodel.review.raters_pairs import PairView

_PER_CENT = 100


class RaterPanel(QWidget):
    """Signals: ``asked(action)`` of :mod:`review_raters_keys`; ``hidden(bool)``: the set hides suggestions."""

    asked = Signal(str)
    hidden = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.suggest = QCheckBox(text("raters.suggest-me"))
        self.suggest.clicked.connect(lambda: self.asked.emit("suggest"))
        self.hide_box = QCheckBox(text("raters.hide"))
        self.hide_box.clicked.connect(self.hidden)
        self.accept_all = self._button("accept-all", text("raters.accept-all"))
        self.progress = QProgressBar()
        self.progress.setRange(0, _PER_CENT)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.found, self.left, self.raters, self.blind, self.note = (_words() for _ in range(5))
        self.finish = self._button("finish", text("raters.finish"))
        self.compare = self._button("compare", text("raters.compare"))
        self.figures, self.said_a, self.said_b, self.count, self.told = (_words() for _ in range(5))
        self.pick = {
            action: self._button(f"pair-{action}", "")
            for action in ("a", "b", "own", "neither", "previous", "next", "undo")
        }
        for name in ("own", "neither", "previous", "next", "undo"):
            self.pick[name].setText(text(f"raters.{name}"))
        self.decision = QWidget()
        self._lay_out()

    def _button(self, action: str, said: str) -> QPushButton:
        """Presses a key, and does not take the keyboard from the picture."""
        button = QPushButton(said)
        button.setAccessibleName(text(f"raters.do-{action}"))
        button.setToolTip(text(f"raters.do-{action}"))
        button.setFont(font(12))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setMinimumHeight(theme.touch_px())
        button.clicked.connect(lambda: self.asked.emit(action))
        return button

    def _lay_out(self) -> None:
        for box in (self.suggest, self.hide_box):
            box.setFont(font(12))
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        decision = QGridLayout(self.decision)
        decision.setContentsMargins(0, 0, 0, 0)
        decision.setSpacing(4)
        for line, label in enumerate((self.count, self.said_a, self.said_b)):
            decision.addWidget(label, line, 0, 1, 2)
        for place, name in enumerate(("a", "b", "own", "neither", "previous", "next")):
            decision.addWidget(self.pick[name], 3 + place // 2, place % 2)
        decision.addWidget(self.pick["undo"], 6, 0, 1, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 6, 4, 4)
        column.setSpacing(6)
        suggestions = (self.suggest, self.hide_box, self.progress, self.found, self.left, self.accept_all)
        self._suggestions = _group("raters.suggestions", *suggestions)
        column.addWidget(self._suggestions)
        column.addWidget(_group("raters.who", self.raters, self.blind, self.finish))
        column.addWidget(_group("raters.comparison", self.compare, self.figures, self.decision, self.told))
        column.addWidget(self.note)
        column.addStretch(1)

    def show_view(self, view: RaterView, scheme: Scheme) -> None:
        """The tab as it stands."""
        self._show_suggestions(view)
        self._show_raters(view)
        self._show_pairs(view.pairs, scheme)
        self._suggestions.setVisible(not view.pairs.on)
        self.compare.setEnabled(view.on)
        _say(self.note, words(view.note), "quiet")

    def _show_suggestions(self, view: RaterView) -> None:
        for box, checked in ((self.suggest, view.suggesting), (self.hide_box, view.hidden)):
            quiet = QSignalBlocker(box)
            box.setChecked(checked)
            quiet.unblock()
        self.suggest.setEnabled(view.on and bool(view.rater) and not view.hidden)
        self.hide_box.setEnabled(view.on and bool(view.rater))
        shows = view.on and view.suggesting and not view.hidden
        self.progress.setVisible(shows and view.share is not None)
        self.progress.setValue(round(_PER_CENT * (view.share or 0.0)))
        _say(self.found, words(view.progress) if shows else "", "quiet")
        n, in_view = view.left
        _say(self.left, text("raters.left", n=n, view=in_view) if shows and n else "", "text")
        self.accept_all.setEnabled(shows and in_view > 0 and not view.finished)

    def _show_raters(self, view: RaterView) -> None:
        lines = [
            text(
                "raters.line-me" if line.me else "raters.line",
                rater=line.rater,
                state=text("raters.done" if line.finished else "raters.at-work"),
            )
            for line in view.raters
        ]
        _say(self.raters, "\n".join(lines), "text")
        _say(self.blind, words(view.blind), "quiet")
        self.finish.setText(text("raters.reopen" if view.finished else "raters.finish"))
        self.finish.setEnabled(view.on and bool(view.rater))

    def _show_pairs(self, pairs: PairView, scheme: Scheme) -> None:
        self.compare.setText(text("raters.compare-end" if pairs.on else "raters.compare"))
        figures = agreement_lines(pairs.agreement) if pairs.agreement is not None else []
        _say(self.figures, "\n".join(figures), "text")
        pair = pairs.pair
        self.decision.setVisible(pairs.on)
        for action, button in self.pick.items():
            button.setEnabled(pair is not None or (action == "undo" and pairs.on))
        if pair is not None:
            self.pick["a"].setText(text("raters.pick", key="1", rater=pairs.a))
            self.pick["b"].setText(text("raters.pick", key="2", rater=pairs.b))
            told = {"place": pairs.place, "left": pairs.left}
            count = text("raters.count", decided=pairs.n_decided, agreed=pairs.n_agreed, **told)
            _say(self.count, count, "quiet")
            _say(self.said_a, said_text(pairs.a, pair.a, scheme), "text")
            _say(self.said_b, said_text(pairs.b, pair.b, scheme), "text")
        else:
            over = pairs.on and pairs.n_agreed + pairs.n_decided > 0
            _say(self.count, text("raters.all-decided") if over else "", "ok")
            for line in (self.said_a, self.said_b):
                _say(line, "", "text")
        _say(self.told, words(pairs.note), "quiet")


def _words() -> Words:
    line = Words(12)
    line.setWordWrap(True)
    return line


def _say(line: Words, said: str, role: str) -> None:
    line.show_text(said, role)
    line.setVisible(bool(said))


def _group(title: str, *parts: QWidget) -> QGroupBox:
    box = QGroupBox(text(title))
    box.setFont(font(12, bold=True))
    column = QVBoxLayout(box)
    column.setContentsMargins(6, 6, 6, 6)
    column.setSpacing(5)
    for part in parts:
        column.addWidget(part)
    return box
