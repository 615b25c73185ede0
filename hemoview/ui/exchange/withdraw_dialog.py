"""“Withdraw subject…”: whom, what holds them, reason and code, asked twice, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import theme
from hemoview.ui.parts.bell import Bell
from hemoview.ui.parts.enter_key import enter_presses
from hemoview.ui.parts.label import Words
from hemoview.ui.parts.working_dialog import WorkingDialog
from hemoview.ui.words.catalogue import clauses, text, words
from hemoview.viewmodel.exchange.withdraw_form import WithdrawForm, last_question, lines_of, summary
from hemoview.viewmodel.exchange.withdraw_job import (
    Searched,
    WithdrawJob,
    Withdrawn,
    carry_out,
    places_of,
    search,
)
from recorder.host import places

WATCH_MS = 100
_HEADS = ("kind", "name", "fate", "where")
_ROLE = {"deleted": "danger", "marked": "warn", "away": "quiet"}


class WithdrawDialog(WorkingDialog):
    """Sets and shows; :mod:`hemoview.viewmodel.exchange.withdraw_form` decides.

    Args:
        sessions: folder of the sessions that are looked at.
        subject: pseudonym to begin with.
        operator: code to begin with.
        home: folder that remembers what was made and who withdrew; the user's own where None.
    """

    def __init__(
        self,
        sessions: Path,
        subject: str = "",
        operator: str = "",
        home: Path | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("withdraw-title"))
        self.setMinimumWidth(880)
        self._home, self._sessions = home or places.home(), sessions
        self.form = WithdrawForm(subject=subject, operator=operator)
        self.job: WithdrawJob | None = None
        self.question: QMessageBox | None = None
        self.changed_something = False
        self._bell = Bell(self._ended)
        self._watch = QTimer(self, interval=WATCH_MS)
        self._watch.timeout.connect(self._show_progress)
        self._make_parts()
        self._lay_out()
        self._show()

    def _make_parts(self) -> None:
        self.subject = self._line("withdraw-subject", "", "subject", self.form.subject)
        self.why = self._line("withdraw-why", "withdraw-why-example", "why", "")
        self.operator = self._line("withdraw-operator", "", "operator", self.form.operator)
        self.again = self._line("withdraw-again", "withdraw-again-example", "again", "")
        self.folders, self.said, self.lines = self._words(13), self._words(15), self._words(13)
        self.search = self._button("withdraw-search", self.look)
        self.add = self._button("withdraw-add", self._ask_folder)
        self.do, self.leave = (
            self._button("withdraw-do", self.ask),
            self._button("withdraw-close", self.close),
        )
        self.table = QTableWidget(0, len(_HEADS))
        self.table.setHorizontalHeaderLabels([text(f"withdraw-head-{head}") for head in _HEADS])
        self.table.setAccessibleName(text("withdraw-list"))
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(True)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.table.setMinimumHeight(210)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(text("withdraw-progress"))

    def _lay_out(self) -> None:
        explained = self._words(13)
        explained.show_text(text("withdraw-explained"), "quiet")
        self._rows, self._answers = QWidget(), QWidget()
        rows, answers = QFormLayout(self._rows), QFormLayout(self._answers)
        for form in (rows, answers):
            form.setContentsMargins(0, 0, 0, 0)
            form.setLabelAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        rows.addRow(text("withdraw-subject"), self._beside(self.subject, self.search))
        rows.addRow(text("withdraw-folders"), self._beside(self.folders, self.add))
        answers.addRow(text("withdraw-why"), self.why)
        answers.addRow(text("withdraw-operator"), self.operator)
        answers.addRow(text("withdraw-again"), self.again)
        foot = QHBoxLayout()
        foot.addWidget(self.leave)
        foot.addStretch()
        foot.addWidget(self.do)
        enter_presses(self.search, self.add, self.do, self.leave)
        column = QVBoxLayout(self)
        for part in (explained, self._rows, self.table, self.bar, self.said, self.lines, self._answers):
            column.addWidget(part, 1 if part is self.table else 0)
        column.addLayout(foot)

    @staticmethod
    def _words(pixels: int) -> Words:
        line = Words(pixels)
        line.setWordWrap(True)
        return line

    def _line(self, label: str, example: str, name: str, begin: str) -> QLineEdit:
        line = QLineEdit(begin, placeholderText=text(example) if example else "")
        line.setAccessibleName(text(label))
        line.setMinimumHeight(theme.touch_px())
        line.textChanged.connect(lambda typed: self._change(name, typed))
        return line

    @staticmethod
    def _button(message_id: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text(message_id))
        button.setMinimumHeight(theme.touch_px())
        button.clicked.connect(lambda _checked: slot())
        return button

    @staticmethod
    def _beside(widget: QWidget, button: QPushButton) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(widget, 1)
        line.addWidget(button)
        return row

    # the form

    def _change(self, name: str, typed: str) -> None:
        self.form = self.form.changed(**{name: typed})
        if self.again.text() != self.form.again:
            self.again.setText(self.form.again)
        self._show()

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, text("withdraw-add"), str(Path.home()))
        if chosen:
            self.add_folder(Path(chosen))

    def add_folder(self, folder: Path) -> None:
        """Look through a further folder as well."""
        self.form = self.form.changed(folders=tuple(dict.fromkeys((*self.form.folders, folder))))
        self._show()

    def _show(self) -> None:
        form, running = self.form, self.job is not None
        named = "\n".join(map(str, form.folders))
        known = text("withdraw-no-folders")
        self.folders.show_text(f"{known}\n{named}" if named else known, "text")
        self._show_list()
        if not running:
            self.said.show_text(words(summary(form)), "text" if form.found is not None else "quiet")
            unread = text("withdraw-unread", folders=clauses(form.unread)) if form.unread else ""
            needs = "" if form.found is None else words(form.missing)
            self.lines.show_text("\n".join(each for each in (unread, needs) if each), "warn")
        self._rows.setEnabled(not running)
        self._answers.setVisible(form.found is not None)
        self._answers.setEnabled(not running)
        self.bar.setVisible(running)
        self.search.setEnabled(form.may_search)
        self.do.setVisible(form.found is not None and not running)
        self.do.setEnabled(form.missing is None)
        self.leave.setEnabled(not running)

    def _show_list(self) -> None:
        lines = lines_of(self.form.found or ())
        self.table.setVisible(bool(lines))
        self.table.setRowCount(len(lines))
        for row, line in enumerate(lines):
            fate = "\n".join((words(line.fate), *map(words, line.notes)))
            for column, shown in enumerate((words(line.kind), line.name, fate, line.where)):
                item = QTableWidgetItem(shown)
                item.setToolTip(shown)
                item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
                if column == _HEADS.index("fate"):
                    item.setForeground(theme.colour(_ROLE[line.what]))
                self.table.setItem(row, column, item)
        for column, width in enumerate((90, 210, 330)):
            self.table.setColumnWidth(column, width)
        self.table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)

    # the work

    def look(self) -> None:
        """Look for the subject."""
        if self.job is not None or not self.form.may_search:
            return
        form = self.form
        self.said.show_text(text("withdraw-searching"), "text")
        self.lines.show_text("", "quiet")
        self._begin(WithdrawJob(lambda _: search(form, self._home, self._sessions), self._bell.ring))

    def ask(self) -> None:
        """For the last time."""
        if self.form.missing is not None or self.job is not None:
            return
        asked = words(last_question(self.form))
        box = QMessageBox(QMessageBox.Icon.Warning, text("withdraw-title"), asked, parent=self)
        yes = box.addButton(text("withdraw-yes"), QMessageBox.ButtonRole.DestructiveRole)
        no = box.addButton(text("withdraw-no"), QMessageBox.ButtonRole.RejectRole)
        for button in (yes, no):
            button.setMinimumHeight(theme.touch_px())
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        yes.clicked.connect(self.withdraw)
        self.question = box
        box.open()

    def withdraw(self) -> None:
        """Do it: nothing is asked any more."""
        if self.form.missing is not None or self.job is not None:
            return
        form = self.form
        self.said.show_text(text("withdraw-working", subject=form.subject.strip()), "text")
        self.lines.show_text("", "quiet")
        steps, looked = len(form.found or ()), places_of(form, self._home, self._sessions)
        self._begin(WithdrawJob(lambda step: carry_out(form, looked, step), self._bell.ring, steps))

    def _begin(self, job: WithdrawJob) -> None:
        self.job = job
        self.bar.setRange(0, job.steps)
        self._watch.start()
        self._show()

    def _show_progress(self) -> None:
        if self.job is not None:
            self.bar.setValue(self.job.done)

    def _ended(self) -> None:
        job, self.job = self.job, None
        self._watch.stop()
        if job is None:
            return
        if isinstance(job.outcome, Searched):
            self.form = self.form.changed(found=job.outcome.found, unread=job.outcome.unread)
            self._show()
            (self.why if self.form.operator.strip() else self.operator).setFocus()
        elif isinstance(job.outcome, Withdrawn):
            self._tell(job.outcome)
        else:
            self._show()
            self.said.show_text(text("withdraw-problem", why=job.problem), "danger")

    def _tell(self, done: Withdrawn) -> None:
        """The result; the list stays, so that what it says of copies elsewhere can still be done."""
        self.changed_something = True
        subject = self.form.subject.strip()
        beyond = any(holding.beyond for holding in self.form.found or ())
        self._show()
        said = text("withdraw-done", subject=subject, erased=len(done.erased), marked=len(done.marked))
        self.said.show_text(said, "ok" if not done.failed else "warn")
        failed = text("withdraw-failed", lines=clauses(done.failed)) if done.failed else ""
        rest = text("withdraw-left-over") if beyond else ""
        self.lines.show_text("\n".join(each for each in (failed, rest) if each), "warn")
        self._answers.hide()
        self.do.hide()
        self._rows.setEnabled(False)
        self.leave.setFocus()
