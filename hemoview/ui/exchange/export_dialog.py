"""Export of the session in Review: what and where, then how far, then what came of it and where it lies."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts.bell import Bell
from hemoview.ui.parts.enter_key import enter_presses, ok_and_cancel
from hemoview.ui.parts.inputs import Choice
from hemoview.ui.parts.label import Words
from hemoview.ui.parts.working_dialog import WorkingDialog
from hemoview.ui.words.catalogue import text, words
from hemoview.ui.words.pages.export import ENGLISH
from hemoview.viewmodel.exchange.export_form import (
    KINDS,
    OTHERS,
    OWN,
    VIEW,
    WHOLE,
    ExportForm,
    ExportOrder,
    ExportSource,
    examine,
)
from hemoview.viewmodel.exchange.export_job import ExportJob
from hemoview.viewmodel.review.axis import elapsed_text
from recorder.exchange.exports.export import Report
from recorder.exchange.exports.placed import LATE_S

WATCH_MS = 100
_LIST_ROWS = 5
_WIDE_PX = 720


def _line(pixels: int = 13) -> Words:
    line = Words(pixels)
    line.setWordWrap(True)
    return line


class ExportDialog(WorkingDialog):
    """Form, progress and result in one place. Emits ``exported(path)``.

    Args:
        source: what can be exported.
        home: where exports are on record.
        operator: code to begin with.
        start: begins the work; the test's own where it wants to look on.
    """

    exported = Signal(str)

    def __init__(
        self,
        source: ExportSource,
        home: Path,
        operator: str = "",
        parent: QWidget | None = None,
        start: Callable[[ExportOrder, Callable[[], None]], ExportJob] = ExportJob,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("export-title"))
        self.setMinimumWidth(_WIDE_PX)
        self.form = ExportForm(source, operator=operator, folder=_folder())
        self.job: ExportJob | None = None
        self._home, self._start_job = home, start
        self._bell = Bell(self._ended)
        self._watch = QTimer(self, interval=WATCH_MS)
        self._watch.timeout.connect(self._show_progress)
        self.pages = QStackedWidget()
        for page in (self._form_page(), self._progress_page(), self._result_page()):
            self.pages.addWidget(page)
        column = QVBoxLayout(self)
        column.addWidget(self.pages)
        self._show()
        self.resize(_WIDE_PX, column.totalHeightForWidth(_WIDE_PX))  # its hint takes wrapped lines for one

    # the form

    def _form_page(self) -> QWidget:
        source, page = self.form.source, QWidget()
        heading = Words(17, bold=True)
        heading.show_text(text("export-subject", subject=source.pseudonym or "—"), "text")
        place = _line()
        place.show_text(source.path.name, "quiet")
        self.to = Choice(KINDS, self.form.to, text("export-format"))
        self.to.chosen.connect(lambda to: self._change(to=to))
        self.about, self.part, self.scope, self.deidentify_says = (_line() for _ in range(4))
        self.span = Choice((WHOLE, VIEW), self.form.span, text("export-span"))
        self.span.chosen.connect(lambda span: self._change(span=span))
        self.whom = Choice((OWN, OTHERS), self.form.whom, text("export-whom"))
        self.whom.chosen.connect(lambda whom: self._change(whom=whom))
        self.deidentify = QCheckBox(text("export-deidentify"))
        self.deidentify.toggled.connect(lambda on: self._change(deidentify=on))
        self.deidentify_says.show_text(text("export-deidentify-says"), "quiet")
        rows = QFormLayout()
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        rows.addRow(text("export-format"), _above(self.to, self.about))
        rows.addRow(text("export-span"), _above(self.span, self.part))
        rows.addRow(text("export-streams"), self._stream_list())
        rows.addRow(text("export-whom"), _above(self.whom, self.scope))
        self.reason, self.operator = QLineEdit(), QLineEdit(self.form.operator)
        for line, name, label in (
            (self.reason, "reason", "export-reason"),
            (self.operator, "operator", "field-operator"),
        ):
            line.setAccessibleName(text(label))
            line.textChanged.connect(lambda typed, name=name: self._change(**{name: typed}))
            rows.addRow(text(label), line)
        rows.addRow("", _above(self.deidentify, self.deidentify_says))
        rows.addRow(text("export-folder"), self._folder_row())
        self.name = QLineEdit()
        self.name.setAccessibleName(text("export-name"))
        self.name.textChanged.connect(lambda typed: self._change(name=typed))
        rows.addRow(text("export-name"), self.name)
        self._rows = rows
        self.problem = _line(14)
        self.ok, buttons = ok_and_cancel(self, self.start, "export-start")
        self.ok.setObjectName("start")
        column = QVBoxLayout(page)
        column.addWidget(heading)
        column.addWidget(place)
        if source.live:
            live = _line(14)
            live.show_text(text("export-live"), "warn")
            column.addWidget(live)
        column.addLayout(rows, 1)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        return page

    def _stream_list(self) -> QListWidget:
        self.streams = QListWidget()
        self.streams.setAccessibleName(text("export-streams"))
        self.streams.setStyleSheet("QListWidget::item { padding: 4px 6px; }")  # ticks do not touch
        for stream in self.form.source.streams:
            hidden = stream in self.form.source.hidden
            item = QListWidgetItem(text("export-stream-hidden", stream=stream) if hidden else stream)
            item.setData(Qt.ItemDataRole.UserRole, stream)
            item.setCheckState(Qt.CheckState.Unchecked if hidden else Qt.CheckState.Checked)
            if hidden:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.streams.addItem(item)
        self.streams.ensurePolished()  # or its lines are measured without their padding
        rows = min(_LIST_ROWS, max(2, self.streams.count()))
        self.streams.setFixedHeight(rows * max(self.streams.sizeHintForRow(0), 22) + 8)
        self.streams.itemChanged.connect(self._on_ticked)
        return self.streams

    def _folder_row(self) -> QWidget:
        row = QWidget()
        self.folder = _line(14)
        change = QPushButton(text("export-change"))
        change.setAccessibleName(f"{text('export-folder')}: {text('export-change')}")
        change.setAutoDefault(False)
        change.clicked.connect(self._ask_folder)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.folder, 1)
        line.addWidget(change)
        return row

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, text("export-folder"), str(self.form.folder))
        if chosen:
            self.use_folder(Path(chosen))

    def use_folder(self, folder: Path) -> None:
        """Where to."""
        self._change(folder=folder)

    def _on_ticked(self, _item: QListWidgetItem) -> None:
        items = [self.streams.item(i) for i in range(self.streams.count())]
        off = [i for i in items if i.checkState() == Qt.CheckState.Unchecked and i.flags()]
        self._change(without=frozenset(str(i.data(Qt.ItemDataRole.UserRole)) for i in off))

    def _change(self, **changes: object) -> None:
        self.form = replace(self.form, **changes)  # type: ignore[arg-type]
        self._show()

    def _show(self) -> None:
        form, source = self.form, self.form.source
        self.about.show_text(text(f"export-about-{form.to}"), "quiet")
        ends = source.view_s if form.span == VIEW else (0.0, source.duration_s)
        start, end = (elapsed_text(t, 1.0) for t in ends)
        self.part.show_text(text("export-span-is", start=start, end=end), "quiet")
        if form.whom == OWN:
            self.scope.show_text("" if source.scope else text("export-scope-own"), "quiet")
        elif source.scope:
            self.scope.show_text(text("export-scope-given"), "quiet")
        else:
            self.scope.show_text(text("export-scope-missing"), "warn")
        self.scope.setVisible(bool(self.scope.text()))
        for line in (self.reason, self.operator):
            self._rows.setRowVisible(line, form.asks_reason)
        self.folder.show_text(str(form.folder), "text")
        self.name.setPlaceholderText(form.suggested or text("export-name-code"))
        view = examine(form, self._home)
        self.problem.show_text("" if view.problem is None else words(view.problem), "warn")
        self.problem.setVisible(view.problem is not None)
        self.ok.setEnabled(view.order is not None)

    # the work

    def _progress_page(self) -> QWidget:
        page = QWidget()
        self.doing = _line(16)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(text("export-title"))
        self.stop = QPushButton(text("button-cancel"))
        self.stop.clicked.connect(self._stop)
        foot = QHBoxLayout()
        foot.addStretch()
        foot.addWidget(self.stop)
        column = QVBoxLayout(page)
        column.addStretch()
        column.addWidget(self.doing)
        column.addWidget(self.bar)
        column.addStretch()
        column.addLayout(foot)
        return page

    def start(self) -> None:
        """Begin, if the form is complete."""
        order = examine(self.form, self._home).order
        if order is None:
            return
        self.doing.show_text(text("export-running", name=self.form.source.path.name), "text")
        self.bar.setValue(0)
        self.stop.setEnabled(True)
        self.pages.setCurrentIndex(1)
        self.stop.setFocus()
        self.job = self._start_job(order, self._bell.ring)
        self._watch.start()

    def _show_progress(self) -> None:
        if self.job is not None:
            self.bar.setValue(min(1000, round(self.job.share * 1000)))

    def _stop(self) -> None:
        if self.job is not None:
            self.job.stop()
            self.stop.setEnabled(False)
            self.doing.show_text(text("export-stopping"), "text")

    # what came of it

    def _result_page(self) -> QWidget:
        page = QWidget()
        self.outcome, self.where = Words(18, bold=True), _line(14)
        self.where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.told = _line(13)
        self.show_folder = QPushButton(text("export-show"))
        self.back, self.finish = QPushButton(text("export-again")), QPushButton(text("export-close"))
        self.show_folder.clicked.connect(self._show_folder)
        self.back.clicked.connect(lambda: self.pages.setCurrentIndex(0))
        self.finish.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addWidget(self.back)
        foot.addWidget(self.show_folder)
        foot.addStretch()
        foot.addWidget(self.finish)
        column = QVBoxLayout(page)
        for widget in (self.outcome, self.where, self.told):
            column.addWidget(widget)
        column.addStretch()
        column.addLayout(foot)
        return page

    def _ended(self) -> None:
        job, self.job = self.job, None
        self._watch.stop()
        if job is None:
            return
        job.wait()
        if job.report is None and job.error is None:
            self.pages.setCurrentIndex(0)
            return
        done = job.report is not None
        self.outcome.show_text(text("export-done" if done else "export-failed"), "ok" if done else "danger")
        self.where.show_text(
            str(job.report.path) if job.report else text("export-why", error=str(job.error)), "text"
        )
        self.told.show_text("\n".join(_told(job.report)) if job.report else "", "quiet")
        self.show_folder.setVisible(done)
        self.back.setVisible(not done)
        self.pages.setCurrentIndex(2)
        enter_presses(self.finish, self.back, self.show_folder)
        self.finish.setFocus()
        if job.report is not None:
            self.exported.emit(str(job.report.path))

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self.folder_shown))

    @property
    def folder_shown(self) -> str:
        """The folder that "Show in folder" opens."""
        return str(Path(self.where.text()).parent)


def _told(report: Report) -> list[str]:
    """What is in it, and what its reader should know."""
    rows = sum(int(stream["rows"]) for stream in report.streams)
    lines = [
        text(
            "export-holds",
            streams=len(report.streams),
            rows=f"{rows:,}".replace(",", " "),
            markers=report.markers,
            gaps=report.spans.get("gap", 0),
            quality=report.spans.get("quality", 0),
        )
    ]
    if report.snapshot:
        lines.append(text("export-snapshot"))
    if report.warning:
        lines.append(text("review.sim"))
    late_s = max(report.written.time_error_s.values(), default=0.0)
    if late_s > LATE_S:
        lines.append(text("export-late", ms=round(late_s * 1000)))
    if report.written.is_broken:
        lines.append(text("export-broken"))
    if report.written.day != "named":
        lines.append(text(f"export-day-{report.written.day}-{report.to}"))
    if report.dropped:
        kinds: Counter[str] = Counter()
        for name, n in report.dropped.items():
            first = re.split(r"[ .-]", name)[0]
            kinds[first if f"export-free-{first}" in ENGLISH else "other"] += n
        what = [f"{text(f'export-free-{kind}')} ({n})" for kind, n in kinds.most_common()]
        lines.append(text("export-dropped", what=what))
    if report.unfinished:
        lines.append(text("export-unfinished", sets=report.unfinished))
    if report.left_out:
        lines.append(text("export-left-out", what=[each.split(":")[0] for each in report.left_out]))
    return lines


def _above(upper: QWidget, lower: QWidget) -> QWidget:
    both = QWidget()
    column = QVBoxLayout(both)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(upper)
    column.addWidget(lower)
    return both


def _folder() -> Path:
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(place) if place and os.access(place, os.W_OK) else Path.home()
