"""The choice of what is shown: ten check boxes for the numbers, and the waves, speed, unit, trend and colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.record_view import TREND_GROUPS, TREND_SPANS_S, WAVES, Wish
from hemoview.viewmodel.live.waves import PAPER_SPEEDS_MM_PER_S
from hemoview.viewmodel.window_settings import LANGUAGES, LOCK_AFTER_MIN, PALETTES, SCALES, Taste
from recorder.schema import PARAMETERS

ONE_ROW_PX = 960
"""Over narrower windows the choices stand below the check boxes."""


class ShowPanel(QDialog):
    """Emits ``wished(Wish)`` or ``tasted(Taste)`` with every touch."""

    wished = Signal(object)
    tasted = Signal(object)
    pin_asked = Signal()

    def __init__(self, wish: Wish, taste: Taste, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("show-title"))
        self.setWindowFlag(Qt.WindowType.Tool)
        self.wish, self.taste = wish, taste
        grid = QGridLayout(self)
        grid.setHorizontalSpacing(28)
        numbers = self._boxes("show-parameters", PARAMETERS, wish.parameters, self._toggle_parameter)
        waves = self._boxes("show-waves", WAVES, wish.waves, self._toggle_wave, prefix="lane-")
        grid.addLayout(numbers, 0, 0)
        grid.addLayout(waves, 0, 1)
        narrow = parent is not None and parent.width() < ONE_ROW_PX
        grid.addLayout(self._choices(), *((1, 0) if narrow else (0, 2)))
        grid.addLayout(self._looks(), *((1, 1) if narrow else (0, 3)))

    def _boxes(
        self,
        title: str,
        names: Sequence[str],
        on: frozenset[str],
        toggle: Callable[[str, bool], None],
        *,
        prefix: str = "",
    ) -> QVBoxLayout:
        column = QVBoxLayout()
        column.addWidget(_heading(title))
        boxes = QGridLayout()
        boxes.setHorizontalSpacing(20)
        for i, name in enumerate(names):
            box = QCheckBox(text(f"{prefix}{name}") if prefix else name)
            box.setObjectName(f"show-{name}")
            box.setChecked(name in on)
            box.toggled.connect(lambda checked, name=name: toggle(name, checked))
            boxes.addWidget(box, i % 5, i // 5)
        column.addLayout(boxes)
        column.addStretch()
        return column

    def _choices(self) -> QVBoxLayout:
        column = QVBoxLayout()
        wish = self.wish
        speeds = [(text("axis-speed", speed=f"{v:g}"), v) for v in PAPER_SPEEDS_MM_PER_S]
        spans = [(text("trend-span", minutes=v // 60), v) for v in TREND_SPANS_S]
        groups = [(text(f"trend-{v}"), v) for v in TREND_GROUPS]
        units = [(v, v) for v in ("mmHg", "kPa")]
        self._choice(column, "show-speed", speeds, wish.mm_per_s, lambda v: self._wish(mm_per_s=v))
        self._choice(column, "show-unit", units, wish.pressure_unit, lambda v: self._wish(pressure_unit=v))
        self._choice(column, "show-trend", groups, wish.trend_group, lambda v: self._wish(trend_group=v))
        self._choice(column, "", spans, wish.trend_span_s, lambda v: self._wish(trend_span_s=v))
        column.addStretch()
        return column

    def _looks(self) -> QVBoxLayout:
        column = QVBoxLayout()
        taste = self.taste
        palettes = [(text(f"palette-{v}"), v) for v in PALETTES]
        languages = [(text(f"language-{v or 'system'}"), v) for v in LANGUAGES]
        scales = [(f"{v:.0%}", v) for v in SCALES]
        locks = [(text("lock-after", minutes=v) if v else text("lock-never"), v) for v in LOCK_AFTER_MIN]
        chimes = [(text("chime-on"), True), (text("chime-off"), False)]
        self._choice(column, "show-palette", palettes, taste.palette, lambda v: self._taste(palette=v))
        self._choice(column, "show-language", languages, taste.language, lambda v: self._taste(language=v))
        self._choice(column, "show-scale", scales, taste.scale, lambda v: self._taste(scale=v))
        self._choice(
            column, "show-lock", locks, taste.lock_after_min, lambda v: self._taste(lock_after_min=v)
        )
        self._choice(column, "show-chime", chimes, taste.chime, lambda v: self._taste(chime=v))
        pin = QPushButton(text("button-pin"))
        pin.clicked.connect(self.pin_asked)
        column.addWidget(pin)
        later = QLabel(text("show-later"))
        later.setWordWrap(True)
        later.setStyleSheet(f"color: {theme.QUIET};")
        column.addWidget(later)
        column.addStretch()
        return column

    def _choice(
        self,
        column: QVBoxLayout,
        title: str,
        entries: Sequence[tuple[str, object]],
        now: object,
        chosen: Callable[..., object],
    ) -> None:
        if title:
            column.addWidget(_heading(title))
        box = QComboBox()
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(12)
        for label, value in entries:
            box.addItem(label, value)
        box.view().setMinimumWidth(box.view().sizeHintForColumn(0) + 16)
        box.setCurrentIndex([value for _, value in entries].index(now))
        box.currentIndexChanged.connect(lambda _: chosen(box.currentData()))
        column.addWidget(box)

    def _toggle_parameter(self, name: str, checked: bool) -> None:
        self._wish(parameters=_with(self.wish.parameters, name, checked=checked))

    def _toggle_wave(self, name: str, checked: bool) -> None:
        self._wish(waves=_with(self.wish.waves, name, checked=checked))

    def _wish(self, **changes: object) -> None:
        self.wish = replace(self.wish, **changes)  # type: ignore[arg-type]
        self.wished.emit(self.wish)

    def _taste(self, **changes: object) -> None:
        self.taste = replace(self.taste, **changes)  # type: ignore[arg-type]
        self.tasted.emit(self.taste)


def _with(names: frozenset[str], name: str, *, checked: bool) -> frozenset[str]:
    return names | {name} if checked else names - {name}


def _heading(message_id: str) -> QLabel:
    label = QLabel(text(message_id))
    label.setFont(theme.font(14, bold=True))
    label.setStyleSheet(f"color: {theme.QUIET};")
    return label
