"""Full-width lines under the header, the worst first."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from hemoview.ui import theme
from hemoview.ui.catalogue import text, words
from hemoview.ui.numerics_view import Words
from hemoview.viewmodel.record_view import Banner

SIGNS = {"danger": "✕", "warn": "▲", "info": "●"}
SHOWN, SHOWN_LOW = 3, 1
"""So many at once; of a low window's room the numbers need the most."""
LOW_PX = 720


class BannerRow(QFrame):
    """One banner with its button."""

    asked = Signal(str)

    def __init__(self, banner: Banner) -> None:
        super().__init__()
        self.key, self.level, self._action = banner.key, banner.level, banner.action
        self.setObjectName(f"banner-{banner.level}")
        self.label = Words(14 if banner.level == "info" else 16, bold=banner.level == "danger")
        self.label.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 2, 8, 2)
        row.addWidget(self.label, 1)
        if banner.action:
            button = QPushButton(text(f"button-{banner.action}"))
            button.clicked.connect(self._ask)
            row.addWidget(button)
        self.setMinimumHeight(40 if banner.level != "info" else 28)
        self.show_banner(banner)

    def show_banner(self, banner: Banner) -> None:
        """Set the words."""
        self.label.show_text(f"{SIGNS[banner.level]}  {words(banner.message)}", "text")

    def _ask(self) -> None:
        self.asked.emit(self._action)


class BannerStack(QWidget):
    """The worst banners, and how many more there are: a touch shows them all. Rows stay while key and level stay."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[BannerRow] = []
        self._banners: tuple[Banner, ...] = ()
        self._low = self._all = False
        self.more = QPushButton()
        self.more.setMinimumHeight(theme.touch_px())
        self.more.clicked.connect(self._toggle)
        self.more.hide()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(1)
        self.hide()

    @property
    def texts(self) -> list[str]:
        """What is said now."""
        return [row.label.text() for row in self._rows]

    def show_banners(self, banners: tuple[Banner, ...]) -> None:
        """Show the worst, as many as there is room for."""
        self._banners = banners
        most = SHOWN_LOW if self._low else SHOWN
        hidden = max(len(banners) - most, 0)
        self._all = self._all and hidden > 0
        shown = banners if self._all else banners[:most]
        if [(b.key, b.level) for b in shown] != [(row.key, row.level) for row in self._rows]:
            self._rebuild(shown)
        for row, banner in zip(self._rows, shown, strict=True):
            row.show_banner(banner)
        self.more.setText(text("banners-fewer") if self._all else text("banners-more", n=hidden))
        self.more.setVisible(hidden > 0)
        self.setVisible(bool(shown))

    def set_low(self, *, low: bool) -> None:
        """The window has become lower, or higher."""
        if low != self._low:
            self._low = low
            self.show_banners(self._banners)

    def _toggle(self) -> None:
        self._all = not self._all
        self.show_banners(self._banners)

    def _rebuild(self, shown: tuple[Banner, ...]) -> None:
        for row in self._rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self._rows = [BannerRow(banner) for banner in shown]
        for row in self._rows:
            row.asked.connect(self.asked)
            self._column.addWidget(row)
        self._column.addWidget(self.more)
