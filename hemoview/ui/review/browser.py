"""The session browser: every session of a folder, what state it is in, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import (
    QItemSelectionModel,
    QSortFilterProxyModel,
    Qt,
    QUrl,
    Signal,
)
from PySide6.QtGui import QDesktopServices, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.exchange.dataset_dialog import DatasetDialog
from hemoview.ui.exchange.import_dialog import ImportDialog
from hemoview.ui.exchange.report_dialog import ReportDialog
from hemoview.ui.exchange.withdraw_dialog import WithdrawDialog
from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.picture.palette import colour, font
from hemoview.ui.picture.text import said
from hemoview.ui.review.table import COLUMNS, SEARCH_ROLE, SORT_ROLE, SessionTable, size_text
from hemoview.ui.sessions.changes import SessionChanges
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.jobs import Finished, Listed, SessionJobs, Work
from hemoview.viewmodel.review.sessions import SessionRow
from hemoview.viewmodel.window_settings import last_operator
from recorder.host import places
from recorder.session.quarantine import QUARANTINE_FOLDER

_ROW_PX = 40


class SessionBrowser(QWidget):
    """Lists, opens, verifies and recovers sessions. Signal ``open_requested(path)``.

    Args:
        folder: of session folders; the user's own where None.
    """

    open_requested = Signal(str)

    def __init__(self, folder: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder or places.sessions_dir()
        self._jobs = jobs = SessionJobs(Bell(self._on_report).ring)
        end_with(self, jobs.close)
        self._table = SessionTable()
        self._proxy = QSortFilterProxyModel()
        self._proxy.setSourceModel(self._table)
        self._proxy.setSortRole(SORT_ROLE)
        self._proxy.setFilterRole(SEARCH_ROLE)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._view = self._make_view()
        self._search = QLineEdit(placeholderText=text("browser.search"))
        self._search.setAccessibleName(text("browser.search"))
        self._search.textChanged.connect(self._proxy.setFilterFixedString)
        self._folder_label, self._counts, self._said = QLabel(), QLabel(), QLabel()
        self._said.setWordWrap(True)
        self._progress = QProgressBar(textVisible=False)
        self._progress.setFixedHeight(4)
        self._buttons = {
            name: self._button(f"browser.{name}", slot)
            for name, slot in (
                ("open", self.open_selected),
                ("report", self.report_selected),
                ("verify", self.verify_selected),
                ("recover", self.recover_selected),
                ("correct", self.correct_selected),
                ("discard", self.discard_selected),
                ("withdraw", self.withdraw_subject),
                ("restore", self.restore_selected),
                ("show-in-folder", self.show_in_folder),
            )
        }
        self._quarantine = self._button("browser.quarantine", self.toggle_quarantine)
        self._dataset = self._button("browser.build-dataset", self.build_dataset)
        self._import = self._button("browser.import", self.import_recording)
        self._awaited = ""
        self._changes = SessionChanges(self, self._change)
        self._working = ""
        self._proved: dict[str, SessionRow] = {}
        self._lay_out()
        self._show_state()

    @property
    def table(self) -> SessionTable:
        """The rows shown."""
        return self._table

    def refresh(self) -> None:
        """Read the folder again."""
        inside = self._folder.name == QUARANTINE_FOLDER
        self._folder_label.setText(text("browser.folder", folder=self._folder))
        self._quarantine.setText(text("browser.sessions" if inside else "browser.quarantine"))
        self._progress.setRange(0, 0)
        self._progress.show()
        self._jobs.list(self._folder)

    def close_jobs(self) -> None:
        """End the working thread; the browser is not used afterwards."""
        self._jobs.close()

    def selected(self) -> SessionRow | None:
        """The chosen session."""
        index = self._view.currentIndex()
        return self._table.rows[self._proxy.mapToSource(index).row()] if index.isValid() else None

    def select(self, path: str) -> None:
        """Choose the session of that folder, if it is listed."""
        for place, row in enumerate(self._table.rows):
            if row.path == path:
                index = self._proxy.mapFromSource(self._table.index(place, 0))
                flags = (
                    QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
                )
                self._view.selectionModel().setCurrentIndex(index, flags)

    def open_selected(self) -> None:
        """Ask for the chosen session to be opened."""
        row = self.selected()
        if row is not None and row.openable:
            self.open_requested.emit(row.path)

    def verify_selected(self) -> None:
        """Prove the chosen session whole; the answer appears below the table."""
        self._start("verify")

    def recover_selected(self) -> None:
        """Make the chosen session whole; the answer appears below the table."""
        self._start("recover")

    def correct_selected(self) -> None:
        """Correct what was written about the chosen session."""
        self._with_selected(self._changes.correct)

    def discard_selected(self) -> None:
        """Put the chosen session into quarantine, with a reason."""
        self._with_selected(self._changes.discard)

    def withdraw_subject(self) -> WithdrawDialog:
        """Find and delete what holds a subject; of the chosen session, if one is chosen."""
        row = self.selected()
        subject = row.pseudonym if row is not None else ""
        operator = last_operator(Path(row.path)) if row is not None else ""
        folder = self._folder.parent if self._folder.name == QUARANTINE_FOLDER else self._folder
        dialog = WithdrawDialog(folder, subject, operator, parent=self)
        dialog.finished.connect(lambda _: self.refresh() if dialog.changed_something else None)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.resize(min(1120, self.width()), min(760, self.height()))
        dialog.open()
        return dialog

    def restore_selected(self) -> None:
        """Take the chosen session out of quarantine."""
        self._with_selected(self._changes.restore)

    def toggle_quarantine(self) -> None:
        """Between the sessions and those that were discarded."""
        inside = self._folder.name == QUARANTINE_FOLDER
        self._folder = self._folder.parent if inside else self._folder / QUARANTINE_FOLDER
        self._table.replace([])
        self.refresh()
        self._show_state()

    def build_dataset(self) -> DatasetDialog:
        """Choose sessions of this folder and build a dataset of them."""
        dialog = DatasetDialog(self._folder, parent=self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog

    def import_recording(self) -> ImportDialog:
        """Make a session of foreign recordings; it is chosen in the list when it is there."""
        operator = last_operator(Path(self._table.rows[0].path)) if self._table.rows else ""
        dialog = ImportDialog(self._folder, operator, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.imported.connect(self._take_imported)
        dialog.resize(min(1120, self.width()), min(700, self.height()))
        dialog.open()
        return dialog

    def _take_imported(self, path: str) -> None:
        self._awaited = path
        self._say(text("import-done", name=Path(path).name), "ok")
        self.refresh()

    def report_selected(self) -> None:
        """A model against the reference of the chosen session."""
        self._with_selected(lambda row: ReportDialog(Path(row.path), parent=self).open())

    def _with_selected(self, act: Callable[[SessionRow], None]) -> None:
        row = self.selected()
        if row is not None and not self._working:
            act(row)

    def _change(self, row: SessionRow, work: Work) -> None:
        self._working = row.path
        self._say(text("browser.working", name=row.name), "dim")
        self._jobs.change(Path(row.path), work)
        self._show_state()

    def show_in_folder(self) -> None:
        """Open the chosen session's folder in the system's own file viewer."""
        row = self.selected()
        place = Path(row.path) if row is not None else self._folder
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(place)))

    def choose_folder(self) -> None:
        """List another folder."""
        chosen = QFileDialog.getExistingDirectory(self, text("browser.choose-folder"), str(self._folder))
        if chosen:
            self._folder = Path(chosen)
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Every time it comes into view the list is fresh."""
        super().showEvent(event)
        self.refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return opens, F5 reads the folder again."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_selected()
        elif event.key() == Qt.Key.Key_F5:
            self.refresh()
        else:
            super().keyPressEvent(event)

    def _start(self, kind: str) -> None:
        row = self.selected()
        if row is None or self._working:
            return
        self._working = row.path
        self._say(text(f"browser.{kind}-running", name=row.name), "dim")
        self._progress.setRange(0, 0)
        self._progress.show()
        (self._jobs.verify if kind == "verify" else self._jobs.recover)(Path(row.path))
        self._show_state()

    def _on_report(self) -> None:
        for report in self._jobs.drain():
            if isinstance(report, Listed):
                self._take_listed(report)
            else:
                self._take_finished(report)
        self._show_state()

    def _take_listed(self, report: Listed) -> None:
        rows = tuple(self._as_proved(row) for row in report.rows)
        if report.first:
            chosen = self.selected()
            self._table.replace(list(rows))
            if chosen is not None:
                self.select(chosen.path)
        else:
            self._table.append(rows)
        if self._awaited in (row.path for row in rows):
            self.select(self._awaited)
            self._awaited = ""
        self._progress.setRange(0, report.total)
        self._progress.setValue(report.done)
        self._progress.setVisible(report.done < report.total or bool(self._working))

    def _take_finished(self, report: Finished) -> None:
        self._working = ""
        self._progress.hide()
        self._proved[report.row.path] = report.row
        self._table.update(report.row)
        if report.kind == "change" and not Path(report.row.path).is_dir():
            self.refresh()
        self._say(said(report.message), "ok" if report.ok else "warn")

    def _as_proved(self, row: SessionRow) -> SessionRow:
        """What verify found stands until the folder's size changes."""
        proved = self._proved.get(row.path)
        return proved if proved is not None and proved.n_bytes == row.n_bytes else row

    def _say(self, words: str, key: str) -> None:
        self._said.setText(words)
        self._said.setStyleSheet(f"color: {colour(key).name()};")

    def _show_state(self) -> None:
        """Counts, and which buttons may be pressed."""
        row, rows = self.selected(), self._table.rows
        total = size_text(sum(r.n_bytes for r in rows))
        counts = text("browser.counts-one" if len(rows) == 1 else "browser.counts", n=len(rows), size=total)
        self._counts.setText(counts if rows else text("browser.none"))
        idle = row is not None and not self._working
        self._buttons["open"].setEnabled(row is not None and row.openable)
        self._buttons["report"].setEnabled(idle and row is not None and row.state == "sealed")
        self._buttons["verify"].setEnabled(idle and row is not None and row.openable)
        may_recover = row is not None and row.state in ("killed", "damaged")
        self._buttons["recover"].setEnabled(idle and may_recover)
        settled = idle and row is not None and row.openable and row.state != "open"
        discarded = row is not None and row.in_quarantine
        self._buttons["correct"].setEnabled(settled and row is not None and row.state != "damaged")
        self._buttons["discard"].setEnabled(settled and not discarded)
        self._buttons["restore"].setEnabled(settled and discarded)
        self._import.setVisible(self._folder.name != QUARANTINE_FOLDER)
        self._buttons["restore"].setVisible(self._folder.name == QUARANTINE_FOLDER)
        self._buttons["discard"].setVisible(self._folder.name != QUARANTINE_FOLDER)

    def _button(self, message_id: str, slot: object) -> QPushButton:
        button = QPushButton(text(message_id))
        button.clicked.connect(slot)
        return button

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setModel(self._proxy)
        view.setAccessibleName(text("browser.title"))
        view.setSortingEnabled(True)
        view.sortByColumn(COLUMNS.index("start"), Qt.SortOrder.DescendingOrder)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setShowGrid(False)
        view.setTabKeyNavigation(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(_ROW_PX)
        header = view.horizontalHeader()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for place, width in enumerate((150, 160, 110, 110, 120, 70, 90)):
            view.setColumnWidth(place, width)
        view.doubleClicked.connect(self.open_selected)
        view.selectionModel().currentChanged.connect(self._show_state)
        return view

    def _lay_out(self) -> None:
        title = QLabel(text("browser.title"))
        title.setFont(font(22, bold=True))
        for label in (self._folder_label, self._counts):
            label.setStyleSheet(f"color: {colour('dim').name()};")
        head = QHBoxLayout()
        head.addWidget(title)
        head.addWidget(self._counts)
        head.addStretch(1)
        head.addWidget(self._search, 1)
        for message_id, slot in (
            ("browser.refresh", self.refresh),
            ("browser.choose-folder", self.choose_folder),
        ):
            head.addWidget(self._button(message_id, slot))
        head.addWidget(self._dataset)
        head.addWidget(self._quarantine)
        head.addWidget(self._import)
        foot = QHBoxLayout()
        foot.addWidget(self._said, 1)
        for button in self._buttons.values():
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        for part in (head, self._folder_label, self._progress, self._view, foot):
            if isinstance(part, QHBoxLayout):
                column.addLayout(part)
            else:
                column.addWidget(part)
