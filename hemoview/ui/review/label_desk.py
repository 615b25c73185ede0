"""Labelling on the Review page: joins model, rows, mouse and panel. The page asks it first about every key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QKeyCombination, QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QPainter
from PySide6.QtWidgets import QDialog, QFrame, QInputDialog, QPushButton, QScrollArea, QWidget

from hemoview.labels.annotation import Annotation
from hemoview.ui.parts.bell import Bell
from hemoview.ui.picture.canvas import ReviewCanvas
from hemoview.ui.picture.picture import axis_of
from hemoview.ui.review.label_help import KeyMap
from hemoview.ui.review.label_mouse import LabelMouse
from hemoview.ui.review.label_paint import LabelFoot
from hemoview.ui.review.label_panel import LabelPanel
from hemoview.ui.review.label_scheme import SchemeDialog
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.label import LabelModel
from hemoview.viewmodel.review.label_feet import Samples, foot_keys, foot_near
from hemoview.viewmodel.review.label_keys import ACTION_OF, MODE_KEY, Action
from hemoview.viewmodel.review.label_rows import Rows
from hemoview.viewmodel.review.label_state import LabelView
from hemoview.viewmodel.review.model import ReviewView
from hemoview.viewmodel.review.tiles import TileKey
from hemoview.viewmodel.window_settings import last_operator

STEP_SHARE: Final = 0.005
LEAST_STEP_S: Final = 0.02
"""An edge moves by a share of what is in view, never less than a sample or two."""
_AFTER_PICTURE_MS: Final = 20
""":meth:`LabelDesk._on_painted`."""


class LabelDesk(QObject):
    """Signals: ``changed()``: show the page again; ``jump(t_s)``: the cursor goes there;
    ``sought(t0_s, t1_s)``: that is to be seen; ``began()``: label mode.
    """

    changed = Signal()
    jump = Signal(float)
    sought = Signal(float, float)
    began = Signal()

    def __init__(self, canvas: ReviewCanvas, page: QWidget, samples: Samples) -> None:
        super().__init__(page)
        self._page, self._samples = page, samples
        self.model = LabelModel(Bell(self._on_read).ring)
        self.foot = LabelFoot()
        canvas.stand_on(self.foot)
        self.mouse = LabelMouse(canvas, self.foot)
        self.panel = LabelPanel()
        self.tab = QScrollArea()
        self.tab.setWidgetResizable(True)
        self.tab.setFrameShape(QFrame.Shape.NoFrame)
        self.tab.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tab.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tab.setWidget(self.panel)
        self.button = QPushButton(text("labels.mode"))
        self.button.setCheckable(True)
        self.button.setToolTip(text("labels.mode-tip", key=MODE_KEY))
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.clicked.connect(self.switch)
        self.dialog: QDialog | None = None
        self._picture_first = QTimer(self, interval=_AFTER_PICTURE_MS, singleShot=True)
        self._view: ReviewView | None = None
        self._path = self._opened = ""
        self._rows_made: tuple[tuple[object, ...], Rows] = ((), Rows())
        self._connect(canvas)

    def _connect(self, canvas: ReviewCanvas) -> None:
        model, panel = self.model, self.panel
        panel.asked.connect(self.do)
        panel.put.connect(lambda choice: self._run(lambda: model.put_choice(choice, self._cursor_s)))
        panel.rated.connect(self._on_rated)
        panel.window_chosen.connect(lambda seconds: self._run(lambda: model.use_window(seconds)))
        panel.goes_on.connect(self._on_goes_on)
        panel.jumped.connect(self._on_jumped)
        panel.edit_scheme.connect(self._edit_scheme)
        self.mouse.stretched.connect(lambda t0, t1: self._run(lambda: model.choose_stretch(t0, t1)))
        self.mouse.picked.connect(lambda rater, which: self._run(lambda: model.pick(rater, which), go=False))
        self.mouse.moved.connect(lambda label, t0, t1: self._run(lambda: model.move_to(label, t0, t1)))
        self.mouse.previewed.connect(canvas.update)
        canvas.painted.connect(self._on_painted)
        self._picture_first.timeout.connect(self._begin_reading)
        canvas.clicked.connect(lambda _t: self._on_clicked())

    @property
    def _cursor_s(self) -> float:
        return self._view.wish.cursor_s if self._view is not None else 0.0

    # showing

    def show_view(self, view: ReviewView) -> None:
        """Follow the page: another session, another span, another cursor. Before the canvas shows the same view."""
        self._view = view
        path = view.facts.path if view.facts is not None else ""
        if path != self._path:
            self._path = path
            self.model.open(None)  # never labels of the session before
            if path and not self.model.rater:
                self.model.use_rater(last_operator(Path(path)))
        if view.facts is None or self.model.on or path == self._opened:
            self._opened = path
            self.model.open(view.facts)
        shown = self.model.view(view.wish.cursor_s)
        self.foot.show(shown, self._rows(shown, view))
        self.mouse.show_view(shown if view.facts is not None else None)
        self.panel.show_view(shown)
        self.button.setChecked(shown.on)
        self.button.setEnabled(view.facts is not None)

    def _on_painted(self) -> None:
        """The picture first: two threads of Python slow each other down."""
        view = self._view
        if view is not None and view.settled and view.facts is not None and self._path != self._opened:
            self._picture_first.start()

    def _begin_reading(self) -> None:
        self._opened = self._path
        self.changed.emit()

    def _rows(self, shown: LabelView, view: ReviewView) -> Rows:
        """Boxes of what is in view; the same ones while nothing they are made of changes."""
        if not shown.on and not shown.annotations:
            return Rows()
        wish, proposals = view.wish, shown.proposals if shown.on else ()
        key = (shown.index, proposals, wish.t0_s, wish.t1_s)
        if self._rows_made[0] != key:
            self._rows_made = (key, shown.index.rows(wish.t0_s, wish.t1_s, proposals))
        return self._rows_made[1]

    # keys

    def switch(self) -> None:
        """Label mode on or off; numbers at the cursor step aside meanwhile: they would tell what to think."""
        self._run(self.model.switch)
        if self.model.on:
            self.began.emit()
            if not self.model.rater:  # who labels is asked first; the digits come after
                self.panel.rater.setFocus()

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> bool:
        """Do what a key stands for in label mode; False where it is none of labelling's."""
        name = key_name(key, modifiers)
        if self._view is None or self._view.facts is None:
            return False
        if name == MODE_KEY:
            self.switch()
            return True
        if not self.model.on:
            return False
        if len(name) == 1 and name in "123456789":
            self._run(lambda: self.model.put(int(name), self._cursor_s))
            return True
        action = ACTION_OF.get(name)
        return action is not None and self.do(action)

    def do(self, action: Action | str) -> bool:
        """Carry out an action of label mode; False where there was nothing to do and the key is free for others."""
        model, here = self.model, self._cursor_s
        if action == "escape":
            dropped = model.escape()
            self.changed.emit()
            return dropped
        step = self._step_s()
        deeds: dict[str, Callable[[], float | None]] = {
            "next-window": lambda: model.next_window(here),
            "previous-window": lambda: model.next_window(here, back=True),
            "next-label": lambda: model.next_label(here),
            "previous-label": lambda: model.next_label(here, back=True),
            "next-uncertain": lambda: self._seek(back=False),
            "previous-uncertain": lambda: self._seek(back=True),
            "snap": lambda: model.snap(self._foot_s(), here),
            "accept": lambda: model.accept(here),
            "reject": lambda: model.reject(here),
            "undo": model.undo,
            "redo": model.redo,
            "stretch-start": lambda: model.set_end("left", here),
            "stretch-end": lambda: model.set_end("right", here),
            "left-out": lambda: model.shift_edge("left", -step, here),
            "left-in": lambda: model.shift_edge("left", step, here),
            "right-out": lambda: model.shift_edge("right", step, here),
            "right-in": lambda: model.shift_edge("right", -step, here),
            "delete": model.delete,
            "comment": self._comment,
            "keys": self._show_keys,
        }
        self._run(deeds[action])
        return True

    def _seek(self, *, back: bool) -> None:
        """To the next suggestion, near enough to judge it."""
        start_s = self.model.next_uncertain(self._cursor_s, back=back)
        if start_s is not None:
            ends = [p.t1_s for p in self.model.proposals if p.t0_s == start_s]
            self.sought.emit(start_s, min(ends, default=start_s))

    def _step_s(self) -> float:
        return (
            max(LEAST_STEP_S, STEP_SHARE * self._view.wish.span_s) if self._view is not None else LEAST_STEP_S
        )

    def _foot_s(self) -> float | None:
        if self._view is None or self._view.facts is None:
            return None
        return foot_near(self._samples, self._view.facts, self.model.snaps_at(self._cursor_s))

    def below(self, view: ReviewView, width_px: int) -> tuple[int, Callable[[QPainter], None]] | None:
        """Height and painter of the rows for a figure; None where nothing is labelled."""
        height_px = self.foot.height_px
        if not height_px:
            return None
        axis = axis_of(view, width_px)
        box = QRect(round(axis.left), 0, round(axis.width), height_px)
        return height_px, lambda painter: self.foot.paint_rows(painter, axis, box)

    def around(self, facts: SessionFacts, cursor_s: float) -> list[TileKey]:
        """What must be read to snap to a beat; nothing while nobody labels."""
        return foot_keys(facts, self.model.snaps_at(cursor_s)) if self.model.on else []

    # asking

    def _show_keys(self) -> None:
        self._open(KeyMap(self._page))

    def _comment(self) -> None:
        current = self.model.current
        if current is None:
            self.model.comment("")
            return
        dialog = QInputDialog(self._page)
        dialog.setWindowTitle(text("labels.do-comment"))
        dialog.setLabelText(text("labels.comment-ask"))
        dialog.setTextValue(current.comment)
        dialog.setOkButtonText(text("button-ok"))
        dialog.setCancelButtonText(text("button-cancel"))
        dialog.textValueSelected.connect(lambda said: self._run(lambda: self.model.comment(said)))
        dialog.resize(460, dialog.sizeHint().height())
        self._open(dialog)

    def _edit_scheme(self) -> None:
        dialog = SchemeDialog(self.model.scheme, self.model.sets(), self.model.fold.version(), self._page)
        dialog.set_chosen.connect(lambda name: self._run(lambda: self.model.use_set(name)))
        dialog.chosen.connect(lambda scheme: self._run(lambda: self.model.use_scheme(scheme)))
        self._open(dialog)

    def _open(self, dialog: QDialog) -> None:
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # what happens

    def _on_read(self) -> None:
        if self.model.drain():
            self.changed.emit()

    def _on_rated(self, code: str) -> None:
        if code != self.model.rater:
            self.model.use_rater(code)
            self.changed.emit()
            self._page.setFocus()

    def _on_goes_on(self, goes_on: bool) -> None:
        self.model.goes_on = goes_on
        self._page.setFocus()

    def _on_clicked(self) -> None:
        if self.model.on:
            self.model.moved()
            self.changed.emit()

    def _on_jumped(self, label: Annotation) -> None:
        self._run(lambda: self.model.pick(label.rater, label.annotation_id))
        self._page.setFocus()

    def _run(self, deed: Callable[[], float | None], *, go: bool = True) -> None:
        """Do it, go where it leads, show what came of it."""
        target_s = deed()
        if target_s is not None and go:
            self.jump.emit(target_s)
        self.changed.emit()


def key_name(key: Qt.Key, modifiers: Qt.KeyboardModifier) -> str:
    """A key as the table of keys names it; the digits of the number pad are digits, Shift of "?" is not said."""
    modifiers &= ~Qt.KeyboardModifier.KeypadModifier
    if key == Qt.Key.Key_Question:
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier
    return QKeySequence(QKeyCombination(modifiers, key)).toString(QKeySequence.SequenceFormat.PortableText)
