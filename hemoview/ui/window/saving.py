"""Save figure, Save data, Open data, Clear view, the unit of pressures, full screen: the menu of every page.

What a page shows is asked of the page; nothing here changes a record.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QProgressDialog

from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.parts.figure import Figure, save_figure
from hemoview.ui.parts.notice import Notice
from hemoview.ui.parts.savable import Savable, Wanted
from hemoview.ui.window.main_window import RECORD, MainWindow
from hemoview.ui.window.operations import Operations
from hemoview.ui.window.record_figure import RecordKept
from hemoview.ui.words.catalogue import text
from recorder.errors import ConfigError
from recorder.exchange.trends.saved_trend import open_trend
from recorder.exchange.trends.trend_csv import SavingStopped, save_trend

PROGRESS_AFTER_MS = 400


class SavingMenu(QObject):
    """Entries of the menu, and the work behind them.

    Args:
        window: its header has the menu.
        bridge: runs the long work.
        operations: what was touched goes there.
        record: what Record has to keep.

    Signals: ``saved(path)`` after each file; ``full_screen_asked``.
    """

    saved = Signal(str)
    full_screen_asked = Signal()

    def __init__(
        self, window: MainWindow, bridge: Bridge, operations: Operations, record: RecordKept
    ) -> None:
        super().__init__(window)
        self._window, self._bridge, self._operations, self._record = window, bridge, operations, record
        self._share, self._stopped = 0.0, False
        self._progress: QProgressDialog | None = None
        self._notice = Notice(window)
        self.menu = window.header.menu
        self.actions: dict[str, QAction] = {}
        self._fill()
        self.menu.aboutToShow.connect(self._show_state)
        self.full_screen_asked.connect(window.toggle_far)

    def _fill(self) -> None:
        entries: tuple[tuple[str, Callable[[], object], str], ...] = (
            ("menu-figure", self.ask_figure, "Ctrl+S"),
            ("menu-data", self.ask_data, "Ctrl+Shift+S"),
            ("menu-open", self.ask_open, "Ctrl+O"),
            ("menu-open-file", self.ask_open_file, ""),
            ("menu-clear", self._operations.clear_asked.emit, ""),
            ("menu-kpa", self._choose_unit, ""),
            ("menu-full-screen", self.full_screen_asked.emit, "F11"),
        )
        for message_id, act, keys in entries:
            self.actions[message_id] = self._window.header.add_action(
                message_id, act, keys, before="button-about"
            )
        self.actions["menu-kpa"].setCheckable(True)
        self._fill_compact()
        self.menu.insertSeparator(self.actions["menu-figure"])
        self.menu.insertSeparator(self.actions["menu-clear"])

    def _fill_compact(self) -> None:
        """The menu of the compact bar: the same, with what the header holds on the wide screen."""
        more, header = self._window.compact.bar.more, self._window.header
        for name in sorted(header.tabs, key=lambda name: header.row.indexOf(header.tabs[name])):
            if name == RECORD:
                continue
            chosen = more.addAction(text(f"tab-{name}"))
            chosen.triggered.connect(lambda _=False, name=name: self._window.show_page(name))
        more.addSeparator()
        for name in ("menu-figure", "menu-data", "menu-clear", "menu-kpa", "menu-full-screen"):
            more.addAction(self.actions[name])
        more.addSeparator()
        more.addAction(text("button-undo")).triggered.connect(self._window.record.undo_asked)
        for name in ("button-show", "button-correct", "button-about"):
            more.addAction(header.actions_by_id[name])
        more.aboutToShow.connect(self._show_state)

    def _choose_unit(self) -> None:
        self._operations.use_pressure_unit("kPa" if self.actions["menu-kpa"].isChecked() else "mmHg")

    def _front(self) -> Savable | None:
        """The page in front, if it has anything to keep."""
        if self._window.page == RECORD:
            return self._record
        page = self._window.front
        return page if isinstance(page, Savable) else None

    def _figure(self) -> Figure | None:
        front = self._front()
        return None if front is None else front.figure()

    def _wanted(self) -> Wanted | None:
        front = self._front()
        return None if front is None else front.wanted()

    def _show_state(self) -> None:
        """What can be done now."""
        self.actions["menu-figure"].setEnabled(self._figure() is not None)
        self.actions["menu-data"].setEnabled(self._wanted() is not None)
        self.actions["menu-clear"].setEnabled(self._window.page == RECORD)
        for name in ("menu-open", "menu-open-file"):
            self.actions[name].setEnabled(self._window.form == "wide")
        self.actions["menu-kpa"].setChecked(self._window.pressure_unit == "kPa")

    # ---- figure

    def ask_figure(self) -> None:
        """Where to, then the picture as it stood when it was asked for."""
        figure = self._figure()
        if figure is None:
            self._operations.show_error(ConfigError(text("nothing-to-save")))
            return
        kinds = "PNG (*.png);;SVG (*.svg)"
        chosen, kind = QFileDialog.getSaveFileName(
            self._window, text("menu-figure"), str(_folder() / f"{figure.head.file_name}.png"), kinds
        )
        if chosen:
            self.keep_figure(figure, _ended(Path(chosen), ".svg" if kind.startswith("SVG") else ".png"))

    def keep_figure(self, figure: Figure, path: Path) -> None:
        """Write a picture; an error is shown."""
        try:
            save_figure(figure, path)
        except OSError as error:
            self._operations.show_error(error)
            return
        self._kept(path)

    def _kept(self, path: Path) -> None:
        """Say for a moment where it is."""
        self.saved.emit(str(path))
        self._notice.say(text("saved-to", file=path))

    # ---- data

    def ask_data(self) -> None:
        """Where to, then the span as it stood when it was asked for."""
        wanted = self._wanted()
        if wanted is None:
            self._operations.show_error(ConfigError(text("nothing-to-save")))
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, text("menu-data"), str(_folder() / f"{wanted.file_name}.csv"), "CSV (*.csv)"
        )
        if chosen:
            self.keep_data(wanted, _ended(Path(chosen), ".csv"))

    def keep_data(self, wanted: Wanted, path: Path) -> None:
        """Write a span in another thread, with progress; cancelling leaves nothing behind."""
        self._share, self._stopped = 0.0, False
        progress = QProgressDialog(
            text("saving", file=path.name), text("button-cancel"), 0, 1000, self._window
        )
        progress.setWindowTitle(text("menu-data"))
        progress.setWindowModality(Qt.WindowModality.WindowModal)
        progress.setMinimumDuration(PROGRESS_AFTER_MS)
        progress.canceled.connect(self._stop)
        self._progress = progress
        watch = QTimer(progress, interval=100)
        watch.timeout.connect(lambda: progress.setValue(min(999, round(self._share * 1000))))
        watch.start()

        def work() -> int:
            with contextlib.closing(open_trend(wanted.source)) as session:
                return save_trend(session, path, wanted.saving, self._tell, lambda: self._stopped)

        self._bridge.call(work, lambda _: self._done(path), self._failed)

    def _stop(self) -> None:
        self._stopped = True

    def _tell(self, share: float) -> None:
        self._share = share  # read by the timer; a float is set in one step

    def _done(self, path: Path) -> None:
        self._end_progress()
        self._kept(path)

    def _failed(self, error: Exception) -> None:
        self._end_progress()
        if not isinstance(error, SavingStopped):
            self._operations.show_error(error)

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.canceled.disconnect(self._stop)
            self._progress.close()
            self._progress.deleteLater()
            self._progress = None

    # ---- open

    def ask_open(self) -> None:
        """A session folder, to be looked at in Trends."""
        chosen = QFileDialog.getExistingDirectory(self._window, text("menu-open"), str(_folder()))
        if chosen:
            self.open(chosen)

    def open(self, path: str) -> None:
        """Show a session folder or a saved file in Trends."""
        self._window.show_page("trends")
        from hemoview.ui.trends.workspace import TrendsWorkspace  # noqa: PLC0415 – as the page itself, when wanted

        page = self._window.pages.currentWidget()
        if isinstance(page, TrendsWorkspace):
            page.open_session(path)

    def ask_open_file(self) -> None:
        """A file that Save data made."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, text("menu-open-file"), str(_folder()), "CSV (*.csv)"
        )
        if chosen:
            self.open(chosen)


def _folder() -> Path:
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(place) if place and os.access(place, os.W_OK) else Path.home()


def _ended(path: Path, ending: str) -> Path:
    """With the ending of its kind, unless it names one of ours."""
    return path if path.suffix.lower() in (".png", ".svg", ".csv") else path.with_name(f"{path.name}{ending}")
