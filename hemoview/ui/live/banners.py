"""Full-width lines under the header, the worst first."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from hemoview.ui.live.banners_dialog import BannersDialog
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.record_view import Banner

SIGNS = {"danger": "✕", "warn": "▲", "info": "●"}
SHOWN, SHOWN_LOW = 3, 1
"""So many at once; of a low window's room the numbers need the most."""
LOW_PX = 720
FOLDED_PX = 600
"""Below this the worst one has one line, and all of them are a touch away: the numbers stay in sight."""


class OneLine(Words):
    """A label of one line: what has no room is an ellipsis, and its tool tip and accessible name say all."""

    def __init__(self, pixels: int, *, bold: bool = False) -> None:
        super().__init__(pixels, bold=bold)
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_text(self, shown: str, role: str) -> None:
        """Words in the colour of ``role``."""
        self._whole = shown
        self.setToolTip(shown)
        self.setAccessibleName(shown)
        self._elide(role)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width, another end."""
        super().resizeEvent(event)
        self._elide(self._role)

    def _elide(self, role: str) -> None:
        cut = self.fontMetrics().elidedText(
            self._whole, Qt.TextElideMode.ElideRight, max(0, self.width() - 2)
        )
        super().show_text(cut, role)


class BannerRow(QFrame):
    """One banner with its button.

    Args:
        banner: which.
        folded: in one line.
    """

    asked = Signal(str)

    def __init__(self, banner: Banner, *, folded: bool = False) -> None:
        super().__init__()
        self.key, self.level, self._action = banner.key, banner.level, banner.action
        self.setObjectName(f"banner-{banner.level}")
        size, bold = 14 if banner.level == "info" else 16, banner.level == "danger"
        self.label = OneLine(size, bold=bold) if folded else Words(size, bold=bold)
        self.label.setWordWrap(not folded)
        self._beside = row = QHBoxLayout(self)
        row.setContentsMargins(14, 2, 8, 2)
        row.addWidget(self.label, 1)
        if banner.action:
            button = QPushButton(text(f"button-{banner.action}"))
            button.clicked.connect(self._ask)
            row.addWidget(button)
        least_px = 40 if banner.level != "info" else 28
        self.setMinimumHeight(theme.touch_px() + 4 if folded else least_px)
        self.show_banner(banner)

    def show_banner(self, banner: Banner) -> None:
        """Set the words."""
        self.label.show_text(f"{SIGNS[banner.level]}  {words(banner.message)}", "text")

    def take(self, button: QPushButton) -> None:
        """A button at the end of the line."""
        self._beside.addWidget(button)

    def _ask(self) -> None:
        self.asked.emit(self._action)


class BannerStack(QWidget):
    """The worst banners, and how many more there are: a touch shows them all. Rows stay while key and level stay."""

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[BannerRow] = []
        self._banners: tuple[Banner, ...] = ()
        self._low = self._all = self._folded = False
        self.dialog: BannersDialog | None = None
        """All of them, over a window that is too low for them."""
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
        most = SHOWN_LOW if self._low or self._folded else SHOWN
        hidden = max(len(banners) - most, 0)
        self._all = self._all and hidden > 0 and not self._folded
        shown = banners if self._all else banners[:most]
        if [(b.key, b.level) for b in shown] != [(row.key, row.level) for row in self._rows]:
            self._rebuild(shown)
        for row, banner in zip(self._rows, shown, strict=True):
            row.show_banner(banner)
        self.more.setText(self._more_text(hidden))
        self.more.setVisible(hidden > 0 or self._folded)
        self.setVisible(bool(shown))
        if self.dialog is not None:
            self.dialog.show_banners(banners)

    def _more_text(self, hidden: int) -> str:
        if self._folded:
            n = len(self._banners)
            return text("banners-whole") if n == 1 else text("banners-all", n=n)
        return text("banners-fewer") if self._all else text("banners-more", n=hidden)

    def set_height(self, window_px: int) -> None:
        """Of the window: how much room there is for them."""
        low, folded = window_px < LOW_PX, window_px < FOLDED_PX
        if (low, folded) != (self._low, self._folded):
            self._low, self._folded = low, folded
            self._rebuild(())
            self.show_banners(self._banners)

    def _toggle(self) -> None:
        if self._folded:
            self._open()
            return
        self._all = not self._all
        self.show_banners(self._banners)

    def _open(self) -> None:
        self.dialog = dialog = BannersDialog(BannerRow, self.window())
        dialog.asked.connect(self.asked)
        dialog.finished.connect(self._shut)
        dialog.show_banners(self._banners)
        dialog.open()

    def _shut(self) -> None:
        self.dialog = None
        self.more.setFocus()

    def _rebuild(self, shown: tuple[Banner, ...]) -> None:
        had_focus = self.more.hasFocus()
        self.more.setParent(self)  # it may stand in a row that goes
        for row in self._rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self._rows = [BannerRow(banner, folded=self._folded) for banner in shown]
        for row in self._rows:
            row.asked.connect(self.asked)
            self._column.addWidget(row)
        if self._folded and self._rows:
            self._rows[0].take(self.more)
        else:
            self._column.addWidget(self.more)
        if had_focus:
            self.more.show()
            self.more.setFocus()
