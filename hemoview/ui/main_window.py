"""The window: header, watermark, banners, and the pages below: Record, and those built when first wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QMessageBox,
    QPlainTextEdit,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.banners import BannerStack
from hemoview.ui.catalogue import text, words
from hemoview.ui.header_bar import HeaderBar, Watermark
from hemoview.ui.record_page import RecordPage
from hemoview.viewmodel.record_view import RecordView

TYPING = (QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit)
RECORD, REVIEW = "record", "review"


@runtime_checkable
class ShowsPressure(Protocol):
    """A page that chooses the unit of its pressures itself."""

    def use_pressure_unit(self, unit: str) -> None:
        """``mmHg`` or ``kPa`` from now on."""
        ...


class MainWindow(QMainWindow):
    """Shows a :class:`RecordView`; says what was touched. ``closing`` is emitted once it really closes.

    Args:
        sessions: folder of session folders for Review; the user's own where None.
    """

    closing = Signal()
    banner_asked = Signal(str)

    def __init__(self, sessions: Path | None = None) -> None:
        super().__init__()
        self.setWindowTitle(text("app-title"))
        self.header, self.watermark, self.banners = HeaderBar(), Watermark(), BannerStack()
        self.record = RecordPage()
        self.pages = QStackedWidget()
        self.page = RECORD
        self._build: dict[str, Callable[[], QWidget]] = {}
        self._built: dict[str, QWidget] = {}
        self.add_page(RECORD, lambda: self.record)
        self.add_page(REVIEW, lambda: _review(sessions))
        self.header.page_chosen.connect(self.show_page)
        self.banners.asked.connect(self.banner_asked)
        self.pressure_unit = "mmHg"
        self.view: RecordView | None = None
        self.ask_before_closing = True
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.header, self.watermark, self.banners):
            column.addWidget(widget)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(body)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.show_page(RECORD)

    def add_page(self, name: str, build: Callable[[], QWidget]) -> None:
        """A tab ``tab-<name>``; its page is built when it is first wanted."""
        self._build[name] = build
        self.header.add_tab(name)

    def show_view(self, view: RecordView) -> None:
        """The state of everything but the waves."""
        self.view = view
        self.header.show_view(view.header)
        self.watermark.show_watermark(view.watermark)
        self.banners.show_banners(view.banners)
        if self.page == RECORD:
            self.record.show_view(view)

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        if name not in self._built:
            self._built[name] = self._build[name]()
            self.pages.addWidget(self._built[name])
            self._tell_unit(self._built[name])
        self.page = name
        self.pages.setCurrentWidget(self._built[name])
        self.header.tabs[name].setChecked(True)
        self.header.actions_by_id["button-show"].setEnabled(name == RECORD)
        if name == RECORD and self.view is not None:
            self.record.show_view(self.view)

    def use_pressure_unit(self, unit: str) -> None:
        """``mmHg`` or ``kPa`` on every page that is not told by its own view."""
        self.pressure_unit = unit
        for page in self._built.values():
            self._tell_unit(page)

    def _tell_unit(self, page: QWidget) -> None:
        if isinstance(page, ShowsPressure):
            page.use_pressure_unit(self.pressure_unit)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Number keys mark, unless a field has the focus (safety rule 9) or the page is not Record."""
        key = event.key() - Qt.Key.Key_0
        typing = isinstance(QApplication.focusWidget(), TYPING)
        if 1 <= key <= 9 and self.page == RECORD and not typing and not event.isAutoRepeat():
            self.record.markers.press(key)
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """While recording, say what goes on and ask."""
        header = self.view.header if self.view else None
        if self.ask_before_closing and header is not None and header.recording and not self._closes_anyway():
            event.ignore()
            return
        self.closing.emit()
        super().closeEvent(event)

    def _closes_anyway(self) -> bool:
        assert self.view is not None
        header = self.view.header
        box = QMessageBox(self)
        box.setWindowTitle(text("closing-title"))
        box.setText(text("closing-text", pseudonym=words(header.subject), elapsed=header.elapsed))
        stay = box.addButton(text("button-keep-open"), QMessageBox.ButtonRole.RejectRole)
        leave = box.addButton(text("button-close-anyway"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(stay)
        box.exec()
        return box.clickedButton() is leave


def _review(sessions: Path | None) -> QWidget:
    from hemoview.ui.review_workspace import ReviewWorkspace  # noqa: PLC0415 – only who reviews waits for it

    return ReviewWorkspace(sessions)
