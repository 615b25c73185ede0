"""Import of foreign recordings: which files, of whom, when; what will come of them; progress; Cancel leaves nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.exchange.import_list import ImportList
from hemoview.ui.exchange.import_questions import ImportQuestions
from hemoview.ui.parts import theme
from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.parts.enter_key import answer_row, enter_presses
from hemoview.ui.parts.inputs import Choice, ScanLine
from hemoview.ui.parts.label import Words
from hemoview.ui.parts.notes import missing, note, paint
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.exchange.import_form import (
    ImportForm,
    ImportView,
    accepted_ids,
    examine,
    order_of,
    zones,
)
from hemoview.viewmodel.exchange.import_job import Ended, ImportGivenUp, ImportJob, Looked, Written
from hemoview.viewmodel.sessions.pseudonym import half_width
from hemoview.viewmodel.sessions.start_fields import StartForm
from recorder.exchange.imports.importing import Plan
from recorder.exchange.imports.kinds import sources_of
from recorder.exchange.sources.local_time import FOLDS

LOOK_AFTER_MS = 350
"""After the last key: a zone is typed letter by letter."""
_CONSENT = ("consent_version", "consent_date", "consent_upload", "consent_training", "consent_feedback")
_WHOSE = ("pseudonym", "pseudonym_again", "operator")


class ImportDialog(QDialog):
    """Emits ``imported(path)`` with the folder of the new session.

    Args:
        sessions: folder it is made in.
        operator: code of who was last here.
    """

    imported = Signal(str)

    def __init__(
        self,
        sessions: Path,
        operator: str = "",
        parent: QWidget | None = None,
        *,
        today: Callable[[], date] = date.today,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("import-title"))
        self._today = today
        self.form = ImportForm(who=StartForm(operator=operator))
        self._plan: Plan | None = None
        self._failure: Exception | None = None
        self._writing = self._reading = False
        self._job = job = ImportJob(sessions, Bell(self._hear).ring)
        end_with(self, job.close)
        self._soon = QTimer(self, interval=LOOK_AFTER_MS, singleShot=True)
        self._soon.timeout.connect(self._look)
        self.inputs: dict[str, QWidget] = {}
        self.notes: dict[str, QLabel] = {}
        self._touched: set[str] = set()
        self._lay_out()
        self._show()

    @property
    def view(self) -> ImportView:
        """The form as examined now."""
        return examine(self.form, self._plan, self._failure, self._today())

    def add(self, paths: Sequence[Path]) -> None:
        """Take files or folders into the list, each for the recording it stands for."""
        chosen = [wanted.path for wanted in self.form.wanted]
        wanted, refused = sources_of([*chosen, *paths])
        self._change(replace(self.form, wanted=wanted, refused=refused))

    def remove(self) -> None:
        """Take the chosen recording out of the list."""
        gone = self.list.chosen()
        kept = tuple(w for w in self.form.wanted if str(w.path) != gone)
        self._change(replace(self.form, wanted=kept, refused=()))

    def write(self) -> None:
        """Import what is shown."""
        if self._plan is not None and self.view.can_import and not self._writing:
            self._writing = True
            plan = replace(self._plan, order=order_of(self.form))
            self._job.write(plan, accepted_ids(self.form))
            self._show()

    def reject(self) -> None:
        """Cancel: the import under way is given up first, and the dialog stays until that is done."""
        if self._writing:
            self._job.give_up()
            return
        self._job.close()
        super().reject()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped."""
        if event.mimeData().hasUrls() and not self._writing:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """As if they had been chosen."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            self.add(paths)

    # ---- what comes

    def _hear(self) -> None:
        for report in self._job.drain():
            if isinstance(report, Looked):
                if report.order.wanted == self.form.wanted:
                    self._plan, self._failure, self._reading = report.plan, report.failure, False
            elif isinstance(report, Written):
                self.progress.setRange(0, report.total)
                self.progress.setValue(report.done)
                percent = 100 * report.done // max(report.total, 1)
                self._say(text("import-writing", percent=percent), "info")
            else:
                self._end(report)
                return
        self._show()

    def _end(self, report: Ended) -> None:
        self._writing = False
        if report.folder is not None:
            self._job.close()
            self.accept()
            self.imported.emit(str(report.folder))
            return
        self._show()
        if isinstance(report.failure, ImportGivenUp):
            self._say(text("import-given-up"), "info")
        else:
            self._failure = report.failure
            self._show()

    # ---- what is typed

    def _change(self, form: ImportForm) -> None:
        before, self.form = self.form, form
        read_by = ("wanted", "zone", "fold", "start")
        if any(getattr(before, name) != getattr(form, name) for name in read_by):
            if before.wanted != form.wanted:
                self._plan = None
            self._failure = None
            self._reading = bool(form.wanted)
            self._soon.start()
        self._show()

    def _look(self) -> None:
        if self.form.wanted:
            self._job.look(order_of(self.form))
        else:
            self._plan = self._failure = None
            self._reading = False
            self._show()

    def _typed(self, name: str, value: str | bool) -> None:
        self._touched.add(name)
        if name == "pseudonym" and isinstance(value, str):
            value = half_width(value)
        if isinstance(value, str):
            value = value.strip()
        self._change(replace(self.form, who=replace(self.form.who, **{name: value})))  # type: ignore[arg-type]

    def _accept(self, key: str, on: bool) -> None:
        found = self.form.accepted | {key} if on else self.form.accepted - {key}
        self._change(replace(self.form, accepted=found))

    # ---- what is shown

    def _show(self) -> None:
        view = self.view
        self.list.show_lines(view.lines)
        self.list.setEnabled(not self._writing)
        self._show_notes(view)
        self.questions.show_questions(view.questions)
        for part in self._again_row:
            part.setVisible(view.needs_again)
        for part in self._fold_row:
            part.setVisible(view.needs_fold)
        for part in self._start_row:
            part.setVisible(view.undated)
        self.no_consent.setVisible(view.no_consent and bool(view.lines))
        self.progress.setVisible(self._writing or self._reading)
        self.progress.setRange(0, 0 if self._reading else self.progress.maximum())
        self.side.setEnabled(not self._writing)
        self.remove_button.setEnabled(bool(self.form.wanted) and not self._writing)
        self.ok.setEnabled(view.can_import and not self._writing and not self._reading)
        self.cancel.setText(text("import-cancel-writing" if self._writing else "button-cancel"))
        self.missing.show_text(missing(view.problems) if view.lines else "", "quiet")
        self._show_state(view)

    def _show_state(self, view: ImportView) -> None:
        refused = [words(message) for message in view.refused]
        if self._writing:
            return
        if self._reading:
            self._say(text("import-reading"), "quiet")
        elif view.complaint is not None:
            self._say("\n".join([words(view.complaint), *refused]), "warn")
        elif refused:
            self._say("\n".join(refused), "warn")
        elif not view.lines:
            self._say(text("import-empty"), "quiet")
        elif self._plan is not None:
            rows = sum(n for line in view.lines for _, n, _ in line.rows)
            streams = sum(len(line.rows) for line in view.lines)
            self._say(text("import-ready", rows=f"{rows:,}".replace(",", " "), streams=streams), "text")

    def _show_notes(self, view: ImportView) -> None:
        said = {p.field: words(p.message) for p in view.problems}
        for name, line in self.notes.items():
            line.setText(said.get(name, "") if name in self._touched else "")
            paint(line, "warn")
            line.setVisible(bool(line.text()))

    def _say(self, said: str, role: str) -> None:
        self.said.show_text(said, role)

    # ---- layout

    def _lay_out(self) -> None:
        self.list = ImportList()
        self.said = Words(15)
        self.said.setWordWrap(True)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName(text("import-title"))
        left = QVBoxLayout()
        left.addLayout(self._buttons())
        left.addWidget(self.list, 1)
        left.addWidget(self.progress)
        left.addWidget(self.said)
        self.no_consent = Words(13)
        self.no_consent.setWordWrap(True)
        self.no_consent.show_text(text("import-no-consent"), "info")
        self.questions = ImportQuestions()
        self.questions.answered.connect(self._accept)
        left.addWidget(self.questions)
        left.addWidget(self.no_consent)
        columns = QHBoxLayout()
        columns.addLayout(left, 7)
        self.side = self._side()
        columns.addWidget(self.side, 4)
        self.cancel, self.ok = QPushButton(text("button-cancel")), QPushButton(text("import-ok"))
        self.ok.setObjectName("start")
        enter_presses(self.ok, self.cancel)
        self.cancel.clicked.connect(self.reject)
        self.ok.clicked.connect(self.write)
        column = QVBoxLayout(self)
        column.addLayout(columns, 1)
        self.missing = Words(14)
        self.missing.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        foot = answer_row(self.cancel, self.ok)
        foot.insertWidget(1, self.missing, 1)
        column.addLayout(foot)
        self.setAcceptDrops(True)
        away = QShortcut(QKeySequence(Qt.Key.Key_Delete), self.list)
        away.setContext(Qt.ShortcutContext.WidgetShortcut)
        away.activated.connect(self.remove)
        self.resize(1120, 700)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.remove_button = QPushButton(text("import-remove"))
        self.remove_button.clicked.connect(self.remove)
        files, folder = QPushButton(text("import-add-files")), QPushButton(text("import-add-folder"))
        files.clicked.connect(self._choose_files)
        folder.clicked.connect(self._choose_folder)
        for button in (files, folder, self.remove_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _side(self) -> QWidget:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.addWidget(self._group("import-whose", _WHOSE))
        column.addWidget(self._when())
        column.addWidget(self._group("import-consent-optional", _CONSENT))
        explained = Words(13)
        explained.show_text(text("import-explained"), "quiet")
        column.addWidget(explained)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _group(self, title: str, names: Sequence[str]) -> QGroupBox:
        box = QGroupBox(text(title))
        rows = QFormLayout(box)
        rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        for name in names:
            widget, below = self._input(name), note(wraps=True)
            widget.setAccessibleName(text(f"field-{name}"))
            self.inputs[name], self.notes[name] = widget, below
            label = QLabel("" if isinstance(widget, QCheckBox) else text(f"field-{name}"))
            line = QVBoxLayout()
            line.setSpacing(1)
            line.addWidget(widget)
            line.addWidget(below)
            if isinstance(widget, QCheckBox):
                rows.addRow(line)
            else:
                rows.addRow(label, line)
            if name == "pseudonym_again":
                self._again_row = (label, widget)
        return box

    def _input(self, name: str) -> QWidget:
        value = getattr(self.form.who, name)
        if isinstance(value, bool):
            tick = QCheckBox(text(f"field-{name}"))
            tick.toggled.connect(lambda on: self._typed(name, on))
            return tick
        line = ScanLine(value) if name.startswith("pseudonym") else QLineEdit(value)
        line.textChanged.connect(lambda typed: self._typed(name, typed))
        if isinstance(line, ScanLine):
            line.scanned.connect(lambda code: self._typed("scanned", code))
        return line

    def _when(self) -> QGroupBox:
        box = QGroupBox(text("import-when"))
        rows = QFormLayout(box)
        rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        self.zone = QComboBox()
        self.zone.setEditable(True)
        self.zone.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.zone.addItems(["", *zones()])
        line = self.zone.lineEdit()
        if line is not None:
            line.setPlaceholderText(text("import-zone-none"))
        self.zone.setAccessibleName(text("import-zone"))
        self.zone.currentTextChanged.connect(
            lambda typed: self._change(replace(self.form, zone=typed.strip()))
        )
        self.fold = Choice(FOLDS, "", text("import-fold"))
        self.fold.chosen.connect(lambda value: self._change(replace(self.form, fold=value)))
        self.start = QLineEdit(placeholderText=text("import-start-hint"))
        self.start.setAccessibleName(text("import-start"))
        self.start.textChanged.connect(lambda typed: self._change(replace(self.form, start=typed.strip())))
        made = []
        for message_id, widget in (
            ("import-zone", self.zone),
            ("import-fold", self.fold),
            ("import-start", self.start),
        ):
            label = QLabel(text(message_id))
            label.setFont(theme.font(14))
            rows.addRow(label, widget)
            made.append((label, widget))
        _, self._fold_row, self._start_row = made
        return box

    def _choose_files(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(self, text("import-add-files"))
        if chosen:
            self.add([Path(name) for name in chosen])

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, text("import-add-folder"))
        if chosen:
            self.add([Path(chosen)])
