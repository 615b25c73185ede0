"""“Report…” of a session or dataset: which kind, and what that one asks; then progress with Stop, then the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.estimate import bundle as bundles
from hemoview.report.session import session_report
from hemoview.report.session.words import LANGUAGES
from hemoview.ui.parts.bell import Bell
from hemoview.ui.parts.enter_key import enter_presses
from hemoview.ui.parts.inputs import Choice
from hemoview.ui.parts.label import Words
from hemoview.ui.parts.working_dialog import WorkingDialog
from hemoview.ui.words import catalogue
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.exchange.report_form import KINDS, POINTS, ReportForm, form_for, order_of, problem
from hemoview.viewmodel.exchange.report_job import AnyOrder, Made, ReportJob
from recorder.host import places

WATCH_MS = 100
_WIDE_PX = 860
"""Room for both kinds beside the longest name of a row."""
Start = Callable[[AnyOrder, Callable[[], None]], ReportJob]


class ReportDialog(WorkingDialog):
    """Sets and shows; :mod:`hemoview.viewmodel.exchange.report_form` decides.

    Args:
        source: folder of the session.
        home: folder for reports, and that remembers withdrawals; the user's own where None.
        start: begins the work; the test's own where it wants to look on.
    """

    def __init__(
        self,
        source: Path,
        home: Path | None = None,
        parent: QWidget | None = None,
        start: Start = ReportJob,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("report.title"))
        self.setMinimumWidth(_WIDE_PX)
        self._home, self._start_job = home or places.home(), start
        self._models = places.models_dir()
        found = sorted(p.parent for p in self._models.glob("*/card.json"))
        default = bundles.default_bundle(self._models).name if found else ""
        self.form: ReportForm = form_for(source, self._home / "reports", found, default, catalogue.language())
        self.job: ReportJob | None = None
        self._made: Made | None = None
        self._bell = Bell(self._ended)
        self._watch = QTimer(self, interval=WATCH_MS)
        self._watch.timeout.connect(self._show_progress)
        self._lay_out()
        self._show()

    def _lay_out(self) -> None:
        self.explained = self._words(13)
        self.kind = Choice(KINDS, self.form.kind, text("report.kind"))
        self.kind.chosen.connect(lambda kind: self._change(kind=kind))
        self.language = Choice(LANGUAGES, self.form.language, text("report.language"))
        self.language.chosen.connect(lambda language: self._change(language=language))
        self.source, self.out = self._words(15), self._words(13)
        self.dataset = self._button("report.dataset", self._ask_dataset)
        self.change = self._button("report.change", self._ask_folder)
        self.model = QComboBox()
        self.model.setAccessibleName(text("report.model"))
        self.model.addItems(list(self.form.models))
        self.model.currentTextChanged.connect(lambda name: self._change(model=name))
        self.points = Choice(tuple(map(str, POINTS)), "0", text("report.points"))
        self.points.chosen.connect(lambda points: self._change(points=int(points)))
        self._rows = QWidget()
        rows = QFormLayout(self._rows)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        rows.addRow(text("report.kind"), self.kind)
        rows.addRow(text("report.source"), self._beside(self.source, self.dataset))
        rows.addRow(text("report.language"), self.language)
        rows.addRow(text("report.model"), self.model)
        rows.addRow(text("report.points"), self.points)
        rows.addRow(text("report.out"), self._beside(self.out, self.change))
        self._form = rows
        self.said, self.lines = self._words(15), self._words(13)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName(text("report.progress"))
        self.begin, self.stop = (
            self._button("report.begin", self.start),
            self._button("report.stop", self._stop),
        )
        self.page = self._button("report.page", lambda: self._open(session_report.PAGE))
        self.print = self._button("report.print", lambda: self._open(session_report.PRINT))
        self.book = self._button("report.book", lambda: self._open(session_report.BOOK))
        self.leave = self._button("report.close", self.close)
        foot = QHBoxLayout()
        for button in (self.page, self.print, self.book, self.stop):
            foot.addWidget(button)
        foot.addStretch()
        for button in (self.leave, self.begin):
            foot.addWidget(button)
        enter_presses(self.begin, self.leave, self.page, self.print, self.book, self.stop)
        column = QVBoxLayout(self)
        for part in (self.explained, self._rows, self.bar, self.said, self.lines):
            column.addWidget(part)
        column.addStretch()
        column.addLayout(foot)

    @staticmethod
    def _words(pixels: int) -> Words:
        line = Words(pixels)
        line.setWordWrap(True)
        return line

    @staticmethod
    def _button(message_id: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text(message_id))
        button.clicked.connect(lambda _checked: slot())
        return button

    @staticmethod
    def _beside(words_: Words, button: QPushButton) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(words_, 1)
        line.addWidget(button)
        return row

    def _ask_dataset(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, text("report.dataset"), str(self._home / "datasets"))
        if chosen:
            self._change(source=Path(chosen), out=self.form.out.parent / f"report-{Path(chosen).name}")

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, text("report.out"), str(self.form.out.parent))
        if chosen:
            self._change(out=Path(chosen))

    def _change(self, **changes: object) -> None:
        self.form = replace(self.form, **changes)  # type: ignore[arg-type]
        self.said.show_text("", "quiet")
        self._show()

    def _show(self, made: Made | None = None) -> None:
        running, done = self.job is not None, made is not None and not made.problem
        hemodynamic = self.form.kind == "hemodynamic"
        self.explained.show_text(text(f"report.explained-{self.form.kind}"), "quiet")
        for field, wanted in (
            (self.language, hemodynamic),
            (self.model, not hemodynamic),
            (self.points, not hemodynamic),
        ):
            self._form.setRowVisible(field, wanted)
        self.dataset.setVisible(not hemodynamic)
        self.source.show_text(self.form.source.name, "text")
        self.out.show_text(str(self.form.out), "text")
        wrong = None if running or made is not None else problem(self.form)
        if wrong is not None:
            self.said.show_text(words(wrong), "warn")
        self._rows.setEnabled(not running)
        for part, shown in (
            (self.bar, running),
            (self.stop, running),
            (self.page, done),
            (self.print, made is not None and done and made.pdf),
            (self.book, done and hemodynamic),
            (self.lines, done),
            (self.begin, not running and not done),
        ):
            part.setVisible(shown)
        self.begin.setEnabled(wrong is None)
        self.resize(self.width(), max(self.height(), self.sizeHint().height()))

    # the work

    def start(self) -> None:
        """Begin, if the form is complete."""
        if self.job is not None or problem(self.form) is not None:
            return
        working = "report.reading" if self.form.kind == "hemodynamic" else "report.working"
        self.said.show_text(text(working, name=self.form.source.name), "text")
        self.bar.setValue(0)
        self.job = self._start_job(order_of(self.form, self._home, self._models), self._bell.ring)
        self._watch.start()
        self._show()
        self.stop.setFocus()

    def _show_progress(self) -> None:
        if self.job is None:
            return
        self.bar.setValue(round(self.job.share * 1000))
        if self.job.share >= 1.0:
            self.bar.setRange(0, 0)
            self.said.show_text(text("report.writing"), "text")

    def _stop(self) -> None:
        if self.job is not None:
            self.job.stop()

    def _ended(self) -> None:
        job, self.job = self.job, None
        self._watch.stop()
        self.bar.setRange(0, 1000)
        if job is None:
            return
        made = self._made = job.made
        if made is None:
            self.said.show_text(text("report.stopped"), "text")
        elif made.problem:
            self.said.show_text(text("report.failed", why=made.problem), "danger")
        else:
            self.said.show_text(text("report.done"), "ok")
            self.lines.show_text("\n".join(_lines(made)), "text")
        self._show(made)
        (self.page if made is not None and not made.problem else self.leave).setFocus()

    def _open(self, name: str) -> None:
        if self._made is not None and self._made.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._made.folder / name)))


def _lines(made: Made) -> list[str]:
    """What is worth reading before the page is opened."""
    lines = [text("report.simulated")] if made.simulated else []
    lines += [words(line) for line in made.lines]
    return [*lines, text("report.leakage", said=made.leakage)] if made.leakage else lines
