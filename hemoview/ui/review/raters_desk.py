"""Raters on the Review page: joins model, tab and keys. The page asks it about every key before labelling."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QScrollArea, QWidget

from hemoview.labels.raters.adjudicate import Choice
from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.review.label_desk import LabelDesk, key_name
from hemoview.ui.review.raters_dialogs import FinishDialog, OwnDialog
from hemoview.ui.review.raters_panel import RaterPanel
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.review.raters import RaterModel
from hemoview.viewmodel.review.raters_keys import PAIR_ACTION, RATER_ACTION


class RaterDesk(QObject):
    """Signals: ``changed()``: show the page again; ``sought(t0_s, t1_s)``: that is to be seen; ``began()``: the tab."""

    changed = Signal()
    sought = Signal(float, float)
    began = Signal()

    def __init__(self, labelling: LabelDesk, page: QWidget) -> None:
        super().__init__(page)
        self._page = page
        self._labelling = labelling
        self.model = model = RaterModel(labelling.model, Bell(self._on_found).ring)
        end_with(page, model.close)
        self.panel = RaterPanel()
        self.tab = QScrollArea()
        self.tab.setWidgetResizable(True)
        self.tab.setFrameShape(QFrame.Shape.NoFrame)
        self.tab.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tab.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tab.setWidget(self.panel)
        self.dialog: QDialog | None = None
        self._view: ReviewView | None = None
        self.panel.asked.connect(self._on_asked)
        self.panel.hidden.connect(lambda hide: self._run(lambda: self.model.hide_suggestions(hide=hide)))

    def show_view(self, view: ReviewView) -> None:
        """Follow the page, before the labels are shown."""
        self._view = view
        self.model.show(view)
        if self.tab.isVisible():
            self.panel.show_view(self.model.view(), self._labelling.model.scheme)

    def hold(self) -> None:
        """The picture moves: nothing else is computed meanwhile."""
        self.model.hold()

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """Do what a key stands for; False where it is none of ours."""
        self.model.hold()
        if not self._labelling.model.on or self._view is None or self._view.facts is None:
            return False
        name = key_name(key, modifiers)
        action = (PAIR_ACTION.get(name) if self.model.pairs.on else None) or RATER_ACTION.get(name)
        if action is None:
            return self.model.pairs.on and name in "123456789"  # no digit labels while two are compared
        self.do(action)
        return True

    def do(self, action: str) -> None:
        """Carry out an action."""
        model, pairs = self.model, self.model.pairs
        deeds: dict[str, Callable[[], float | None]] = {
            "suggest": model.switch_suggestions,
            "accept-all": model.accept_all,
            "finish": self._finish,
            "compare": model.compare,
            "pair-own": self._own,
            "pair-next": lambda: pairs.step(1),
            "pair-previous": lambda: pairs.step(-1),
            "pair-undo": pairs.undo,
            "pair-end": pairs.leave,
        }
        choices: dict[str, Choice] = {"pair-a": "a", "pair-b": "b", "pair-neither": "neither"}
        if action in choices:
            self._run(lambda: pairs.decide(choices[action]))
        else:
            self._run(deeds[action])
        if action in ("suggest", "finish", "compare"):
            self.began.emit()

    def _finish(self) -> None:
        """Ask what was looked at; opening again needs no asking."""
        labels = self._labelling.model
        if not labels.rater or labels.rater in labels.fold.finished or self._view is None:
            self.model.finish()
            return
        wish = self._view.wish
        dialog = FinishDialog((0.0, labels.duration_s), (wish.t0_s, wish.t1_s), self._page)
        dialog.finished_with.connect(lambda t0, t1: self._run(lambda: self.model.finish((t0, t1))))
        self._open(dialog)

    def _own(self) -> None:
        pair, labels = self.model.pairs.pair, self._labelling.model
        if pair is None:
            self.model.pairs.step(1)
            return
        dialog = OwnDialog(pair, labels.scheme, labels.duration_s, self._page)
        dialog.said.connect(self._on_own)
        self._open(dialog)

    def _on_own(self, label: str, t0_s: float, t1_s: float, comment: str) -> None:
        own = self.model.pairs.own_of(label, t0_s, t1_s, comment)
        self._run(lambda: self.model.pairs.decide("own", own))

    def _open(self, dialog: QDialog) -> None:
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_asked(self, action: str) -> None:
        self.do(action)
        self._page.setFocus()

    def _on_found(self) -> None:
        was = self.model.pairs.pair
        if not self.model.drain():
            return
        now = self.model.pairs.pair
        if was is None and now is not None:
            self.sought.emit(now.t0_s, now.t1_s)
        self.changed.emit()

    def _run(self, deed: Callable[[], float | None]) -> None:
        target_s = deed()
        if target_s is not None:
            pair = self.model.pairs.pair
            self.sought.emit(target_s, pair.t1_s if pair is not None else target_s)
        self.changed.emit()
