"""What can be labelled, edited on the screen: name, kind, key and colour of each label, or a shipped scheme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hemoview.labels.annotation import ANNOTATION_KINDS
from hemoview.labels.raters.scheme import KEYS, PALETTE, SHIPPED, SHIPPED_LABELS, Scheme
from hemoview.ui.parts import theme
from hemoview.ui.parts.enter_key import enter_presses, ok_and_cancel
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.review.label_scheme import (
    MOST,
    SchemeForm,
    form_of,
    is_set_name,
    problem_of,
    scheme_of,
    with_new_row,
    with_row,
    without_row,
)

_COLUMNS: Final = ("key", "name", "kind", "colour")


class SchemeDialog(QDialog):
    """Emits ``chosen(scheme)``; ``set_chosen(name)`` where another label set is opened instead.

    Args:
        scheme: as it is now.
        sets: label sets of the session, the one that is open first.
        version: of that one, by its content.
    """

    chosen = Signal(object)
    set_chosen = Signal(str)

    def __init__(
        self, scheme: Scheme, sets: Sequence[str], version: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("labels.scheme-title"))
        self.form: SchemeForm = form_of(scheme, _named)
        explained = Words(14)
        explained.setWordWrap(True)
        explained.show_text(text("labels.scheme-explained"), "quiet")
        self.start_from = QComboBox()
        self.start_from.setAccessibleName(text("labels.scheme-from"))
        self.start_from.addItem(text("labels.scheme-kept"), "")
        for name in SHIPPED:
            self.start_from.addItem(text(f"labels.scheme-{name}"), name)
        self.start_from.activated.connect(lambda _n: self._begin_with(self.start_from.currentData()))
        self._was = scheme
        self._rows = QWidget()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self._rows)
        self.names: list[QLineEdit] = []
        self.keys: list[QComboBox] = []
        self.add = QPushButton(text("labels.scheme-add"))
        self.add.clicked.connect(lambda: self._change(with_new_row(self.form)))
        self.problem = Words(14, bold=True)
        self.problem.setWordWrap(True)
        self.ok, buttons = ok_and_cancel(self, self._use, "labels.scheme-use")
        self.ok.setObjectName("start")
        enter_presses(self.ok, self.add)
        top = QHBoxLayout()
        top.addWidget(QLabel(text("labels.scheme-from")))
        top.addWidget(self.start_from, 1)
        top.addWidget(self.add)
        column = QVBoxLayout(self)
        column.addLayout(self._sets(sets, version))
        column.addWidget(explained)
        column.addLayout(top)
        column.addWidget(area, 1)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        self.resize(740, 720)
        self._fill()

    def _sets(self, sets: Sequence[str], version: str) -> QHBoxLayout:
        """Which label set; a name that is typed makes a new one."""
        self.set_name = QComboBox()
        self.set_name.setEditable(True)
        self.set_name.addItems(list(sets))
        self.set_name.setMinimumHeight(theme.touch_px())
        self.set_name.setAccessibleName(text("labels.set"))
        self.open_set = QPushButton(text("labels.set-open"))
        self.open_set.setAutoDefault(False)
        self.open_set.setEnabled(False)
        self.set_name.currentTextChanged.connect(
            lambda typed: self.open_set.setEnabled(typed != sets[0] and is_set_name(typed))
        )
        self.open_set.clicked.connect(self._open_set)
        known = QLabel(text("labels.set-version", version=version[:12]))
        known.setFont(theme.font(12))
        row = QHBoxLayout()
        row.addWidget(QLabel(text("labels.set")))
        row.addWidget(self.set_name, 1)
        row.addWidget(self.open_set)
        row.addWidget(known)
        return row

    def _open_set(self) -> None:
        name = self.set_name.currentText()
        self.accept()
        self.set_chosen.emit(name)

    def _begin_with(self, name: str) -> None:
        scheme = replace(SHIPPED.get(name, self._was), hide_suggestions=self._was.hide_suggestions)
        self._change(form_of(scheme, _named))

    def _change(self, form: SchemeForm) -> None:
        """Another set of rows: shown anew."""
        self.form = form
        self._fill()

    def _edit(self, place: int, *, anew: bool = False, **to: Any) -> None:
        """One row was changed on the screen; where other rows follow from it they are shown anew."""
        self.form = with_row(self.form, place, replace(self.form.rows[place], **to))
        if anew:
            self._fill()
        else:
            self._judge()

    def _fill(self) -> None:
        rows = QWidget()
        grid = QGridLayout(rows)
        grid.setVerticalSpacing(4)
        for column, name in enumerate(_COLUMNS):
            head = QLabel(text(f"labels.scheme-column-{name}"))
            head.setFont(theme.font(13))
            grid.addWidget(head, 0, column)
        self.names, self.keys = [], []
        for place in range(len(self.form.rows)):
            self._fill_row(grid, place)
        grid.setRowStretch(len(self.form.rows) + 1, 1)
        grid.setColumnStretch(1, 1)
        area = self._rows.parentWidget()
        holder = area.parentWidget() if area is not None else None
        if isinstance(holder, QScrollArea):
            holder.setWidget(rows)
        self._rows = rows
        self._judge()

    def _fill_row(self, grid: QGridLayout, place: int) -> None:
        row, said = self.form.rows[place], self.form.rows[place].typed or str(place + 1)
        key, name, kind, ink = QComboBox(), QLineEdit(row.typed), QComboBox(), QComboBox()
        key.addItem("–", None)
        for digit in KEYS:
            key.addItem(str(digit), digit)
        key.setCurrentIndex(KEYS.index(row.key) + 1 if row.key is not None else 0)
        key.activated.connect(lambda _n: self._edit(place, anew=True, key=key.currentData()))
        name.setMaxLength(40)
        name.textChanged.connect(lambda typed: self._edit(place, typed=typed))
        for each in ANNOTATION_KINDS:
            kind.addItem(text(f"labels.kind-{each}"), each)
        kind.setCurrentIndex(ANNOTATION_KINDS.index(row.kind))
        kind.activated.connect(lambda _n: self._edit(place, kind=kind.currentData()))
        for number, colour in enumerate(dict.fromkeys((*PALETTE, row.colour)), 1):
            ink.addItem(_swatch(colour), str(number), colour)
        ink.setCurrentIndex(ink.findData(row.colour))
        ink.activated.connect(lambda _n: self._edit(place, colour=ink.currentData()))
        remove = QPushButton("✕")
        remove.setToolTip(text("labels.scheme-remove"))
        remove.setAutoDefault(False)
        remove.clicked.connect(lambda: self._change(without_row(self.form, place)))
        for column, (field, widget) in enumerate(
            (("key", key), ("name", name), ("kind", kind), ("colour", ink), ("remove", remove))
        ):
            widget.setMinimumHeight(theme.touch_px())
            widget.setAccessibleName(f"{said}: {text(f'labels.scheme-column-{field}')}")
            grid.addWidget(widget, place + 1, column)
        self.names.append(name)
        self.keys.append(key)

    def _judge(self) -> None:
        problem = problem_of(self.form, _named)
        self.problem.show_text(words(problem), "warn")
        self.problem.setVisible(problem is not None)
        self.ok.setEnabled(problem is None)
        self.add.setEnabled(len(self.form.rows) < MOST)

    def _use(self) -> None:
        scheme = scheme_of(self.form, _named)
        self.accept()
        self.chosen.emit(scheme)


def _named(label: str) -> str:
    """What the screen calls a label that nobody named."""
    return text(f"labels.name.{label}") if label in SHIPPED_LABELS else label


def _swatch(ink: str) -> QIcon:
    picture = QPixmap(22, 14)
    picture.fill(QColor(ink))
    return QIcon(picture)
