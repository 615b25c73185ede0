"""The window: header, watermark, banners, and the pages below: Record, and those built when first wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QResizeEvent
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

from hemoview.ui.live.banners import LOW_PX, BannerStack
from hemoview.ui.live.compact_page import CompactHeader, CompactPage, Whole
from hemoview.ui.live.far_numerics import FarNumerics
from hemoview.ui.live.header_bar import HeaderBar, Watermark
from hemoview.ui.live.record_page import RecordPage
from hemoview.ui.live.wave_view import WaveView
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.devices.scan import Keys
from hemoview.viewmodel.live.layout_choice import LEAST_COMPACT_PX, Form, compact_lanes, form_for
from hemoview.viewmodel.live.record_view import Lane, RecordView
from hemoview.viewmodel.messages import Message

TYPING = (QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit)
RECORD, REVIEW = "record", "review"


class Pages(QStackedWidget):
    """Asks for the room of the page in front only: a panel of 480 px holds the compact one."""

    def minimumSizeHint(self) -> QSize:
        """Of the page in front."""
        front = self.currentWidget()
        return front.minimumSizeHint() if front is not None else super().minimumSizeHint()


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
        self.pages, self.far, self.compact = Pages(), FarNumerics(), CompactPage()
        self.compact_header, self.whole = CompactHeader(), Whole()
        self.force_compact = False
        self.form: Form = "wide"
        self._before_far: QWidget | None = None
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
        self.ends_with_it: Callable[[], Message | None] = lambda: None
        """What others still use and what this window takes with it."""
        self._keys = Keys()
        body = QWidget()
        self._column = column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.header, self.compact_header, self.watermark, self.banners):
            column.addWidget(widget)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(body)
        self._add_forms()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.show_page(RECORD)

    def add_page(self, name: str, build: Callable[[], QWidget], before: str = "") -> None:
        """A tab ``tab-<name>``, at the end or before another's; its page is built when it is first wanted."""
        self._build[name] = build
        self.header.add_tab(name, before)

    def add_line(self, line: QWidget) -> None:
        """A line over every page, under the banners."""
        self._column.insertWidget(self._column.indexOf(self.pages), line)

    def _add_forms(self) -> None:
        """Large numbers and the compact page stand beside the pages, without a tab."""
        for page in (self.far, self.compact, self.whole):
            self.pages.addWidget(page)
        self.compact_header.hide()
        self.setMinimumSize(*LEAST_COMPACT_PX)
        self.far.left.connect(self.leave_far)
        bar, header = self.compact.bar, self.header
        bar.marked.connect(self.record.marked)
        bar.cuff.clicked.connect(self.record.cuff_asked)
        bar.start.clicked.connect(header.start_asked)
        bar.stop.clicked.connect(header.stop_asked)
        self.compact.calibration_confirmed.connect(self.record.calibration_confirmed)
        self.compact_header.control_asked.connect(header.control_asked)
        self.compact_header.back.clicked.connect(lambda: self.show_page(RECORD))

    @property
    def waves(self) -> WaveView:
        """The waves of the form in front."""
        return self.compact.waves if self.form == "compact" else self.record.waves

    def lanes(self, view: RecordView) -> tuple[Lane, ...]:
        """The lanes of the form in front."""
        return compact_lanes(view.lanes) if self.form == "compact" else view.lanes

    def show_view(self, view: RecordView) -> None:
        """The state of everything but the waves. A question that the strip asks in sight is not asked once more."""
        self.view = view
        self.header.show_view(view.header)
        self.watermark.show_watermark(view.watermark)
        front = self.pages.currentWidget()
        if front is self.far:
            self.far.show_view(view)
        elif self.form == "compact":
            self.compact_header.show_view(view.header)
            self.compact.show_view(view)
            self.record.guide.show_view(view.guide)
            self.record.markers.show_markers(view.markers, can_mark=view.can_mark, can_undo=view.can_undo)
        elif self.page == RECORD:
            self.record.show_view(view)
        asked = self.record.guide.prompts.in_sight
        self.banners.show_banners(tuple(b for b in view.banners if b.key not in asked))

    # ---- large numbers, and the form for the window's shape

    def toggle_far(self) -> None:
        """Large numbers over the whole screen, and back again."""
        if self.pages.currentWidget() is self.far:
            self.leave_far()
            return
        self._before_far = self.pages.currentWidget()
        self.header.hide()
        self.compact_header.hide()
        self.pages.setCurrentWidget(self.far)
        self.setWindowState(self.windowState() | Qt.WindowState.WindowFullScreen)
        self.far.setFocus()
        if self.view is not None:
            self.show_view(self.view)

    def leave_far(self) -> None:
        """Back to what was in front before."""
        if self._before_far is None:
            return
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowFullScreen)
        self.pages.setCurrentWidget(self._before_far)
        self._before_far = None
        self._take_form(self.form)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another shape may want another form."""
        super().resizeEvent(event)
        self.banners.set_height(self.height())
        self.compact_header.set_low(low=self.height() < LOW_PX)
        self.choose_form()

    def choose_form(self) -> None:
        """The compact page where the wide one does not fit."""
        form = form_for(self.width(), self.height(), forced=self.force_compact)
        if form != self.form:
            self._take_form(form)

    def _take_form(self, form: Form) -> None:
        self.form = form
        if self.pages.currentWidget() is self.far:
            self._before_far = self._page_of(form)
            return
        compact = form == "compact"
        if compact and self.compact.guide.widget() is None:
            self.record.guide.set_narrow(on=True)
            self.compact.guide.hold(self.record.guide)
        elif not compact and self.compact.guide.release() is not None:
            self.record.guide.set_narrow(on=False)
            self.record.take_guide()
        self.header.setVisible(not compact)
        self.compact_header.setVisible(compact)
        self._bring()
        self.watermark.short = compact
        if self.view is not None:
            self.show_view(self.view)

    @property
    def front(self) -> QWidget:
        """The page that was chosen, in whatever form it is shown."""
        return self._built[self.page]

    def _page_of(self, form: Form) -> QWidget:
        """Pages made for a wide screen are scrolled on a small one; Record has a form of its own."""
        if form == "wide":
            if self.whole.widget() is not None:
                self.pages.addWidget(self.whole.takeWidget())
            return self.front
        if self.page == RECORD:
            return self.compact
        if self.whole.widget() is not self.front:
            if self.whole.widget() is not None:
                self.pages.addWidget(self.whole.takeWidget())
            self.whole.setWidget(self.front)
            self.front.show()
        return self.whole

    def _bring(self) -> None:
        """The chosen page to the front."""
        self.pages.setCurrentWidget(self._page_of(self.form))
        self.compact_header.back.setVisible(self.page != RECORD)

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        if name not in self._built:
            self._built[name] = self._build[name]()
            self.pages.addWidget(self._built[name])
            self._tell_unit(self._built[name])
        self.page = name
        if self._before_far is None:
            self._bring()
        self.header.tabs[name].setChecked(True)
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
        """Number keys mark, unless a field has the focus (safety rule 9) or the page is not Record. A scanner's digits
        mark nothing: they follow another key faster than fingers do.
        """
        key = event.key() - Qt.Key.Key_0
        self._keys = self._keys.then(event.text(), event.timestamp())
        by_scanner = len(self._keys.times_ms) > 1
        typing = isinstance(QApplication.focusWidget(), TYPING)
        if event.key() == Qt.Key.Key_Escape and self._before_far is not None:
            self.leave_far()
            return
        shown = self.page == RECORD and self._before_far is None
        if 1 <= key <= 9 and shown and not typing and not by_scanner and not event.isAutoRepeat():
            self.record.markers.press(key)
            return
        super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """While recording, or where others lose something, say what goes on and what does not, and ask."""
        told = self._closing_words() if self.ask_before_closing else ""
        if told and not self._closes_anyway(told):
            event.ignore()
            return
        self.closing.emit()
        super().closeEvent(event)

    def _closing_words(self) -> str:
        """What there is to say before the window closes; empty: nothing."""
        header = self.view.header if self.view else None
        said = [words(self.ends_with_it())]
        if header is not None and header.recording:
            said.insert(0, text("closing-text", pseudonym=words(header.subject), elapsed=header.elapsed))
        return "\n\n".join(part for part in said if part)

    def _closes_anyway(self, told: str) -> bool:
        recording = self.view is not None and self.view.header.recording
        box = QMessageBox(self)
        box.setWindowTitle(text("closing-title" if recording else "button-close-anyway"))
        box.setText(told)
        stay = box.addButton(text("button-keep-open"), QMessageBox.ButtonRole.RejectRole)
        leave = box.addButton(text("button-close-anyway"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(stay)
        box.exec()
        return box.clickedButton() is leave


def _review(sessions: Path | None) -> QWidget:
    from hemoview.ui.review.workspace import ReviewWorkspace  # noqa: PLC0415 – only who reviews waits for it

    return ReviewWorkspace(sessions)
