"""“Build dataset…”: sessions to tick, options, progress with Stop, and what came of it with a button to its card."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.labels.datasets import build
from hemoview.labels.datasets.build_options import BuildOptions
from hemoview.ui.exchange.report_dialog import ReportDialog
from hemoview.ui.parts import theme
from hemoview.ui.parts.bell import Bell, end_with
from hemoview.ui.parts.enter_key import enter_presses
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.exchange.dataset_form import (
    DatasetFacts,
    DatasetView,
    DatasetWish,
    Phase,
    SessionLine,
    order_of,
    view_of,
    with_all,
)
from hemoview.viewmodel.exchange.dataset_jobs import DatasetJobs, Ended, Looked, Pool, Went
from hemoview.viewmodel.messages import Message
from recorder.errors import ConfigError
from recorder.host import places

_PATH = Qt.ItemDataRole.UserRole


class DatasetDialog(QDialog):
    """Sets and shows; :mod:`hemoview.viewmodel.exchange.dataset_form` decides.

    Args:
        folder: of session folders.
        home: folder that remembers datasets and withdrawals; the user's own where None.
        pool: of workers.
    """

    def __init__(
        self,
        folder: Path,
        home: Path | None = None,
        parent: QWidget | None = None,
        pool: Pool = build.processes,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("dataset.title"))
        self.resize(1040, 720)
        self._folder, self._home = folder, home or places.home()
        self._jobs = jobs = DatasetJobs(self._home, Bell(self._on_report).ring, pool)
        end_with(self, jobs.close)
        out = self._home / "datasets" / f"dataset-{time.strftime('%Y%m%d-%H%M%S')}"
        self.wish, self.facts = DatasetWish(out=str(out)), DatasetFacts()
        self._turn, self._first = 0, True
        self.sessions = QListWidget()
        self.sessions.setAccessibleName(text("dataset.sessions"))
        self.sessions.itemChanged.connect(self._on_ticked)
        self.outcome = QListWidget()
        self.outcome.setAccessibleName(text("dataset.result-title"))
        self.outcome.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        pad = max(4, (theme.touch_px() - 24) // 2)
        self.sessions.setStyleSheet(f"QListWidget::item {{ padding: {pad}px 6px; }}")
        for part in (self.sessions, self.outcome):
            part.setWordWrap(True)
            part.setFont(theme.font(14))
        self.fields = {name: self._line(name) for name in ("out", "window_s", "hop_s", "label_set")}
        self.ticks = {name: self._tick(name) for name in ("allow_simulated", "keep_uncalibrated_co")}
        self.browse = self._button("dataset.browse", self._browse)
        self.all = self._button("dataset.all", lambda: self._wish(with_all(self.wish, self.facts)))
        self.build, self.stop = (
            self._button("dataset.build", self._build),
            self._button("dataset.stop", self._stop),
        )
        self.card, self.report, self.leave = (
            self._button("dataset.card", self._open_card),
            self._button("dataset.report", self._report),
            self._button("dataset.close", self.reject),
        )
        self.build.setObjectName("start")
        enter_presses(self.build, self.stop, self.card, self.report, self.leave, self.browse, self.all)
        self.bar = QProgressBar(textVisible=False)
        self.bar.setAccessibleName(text("dataset.progress"))
        self.said, self.problem = Words(15, bold=True), Words(14)
        for line in (self.said, self.problem):
            line.setWordWrap(True)
        self._lay_out()
        self._look()
        self._show()

    def reject(self) -> None:
        """Close, Escape and the frame of the window, which asks here: a build under way is given up."""
        self._jobs.close()
        super().reject()

    # ---- parts

    def _line(self, name: str) -> QLineEdit:
        line = QLineEdit(getattr(self.wish, name))
        line.setAccessibleName(text(f"dataset.{name}"))
        line.textChanged.connect(lambda typed: self._wish(replace(self.wish, **{name: typed})))
        if name != "out":
            line.editingFinished.connect(self._look)
        return line

    def _tick(self, name: str) -> QCheckBox:
        tick = QCheckBox(text(f"dataset.{name}"))
        tick.toggled.connect(lambda on: self._wish(replace(self.wish, **{name: on})))
        tick.toggled.connect(lambda _on: self._look())
        return tick

    def _button(self, message_id: str, slot: object) -> QPushButton:
        button = QPushButton(text(message_id))
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        explained = Words(14)
        explained.setWordWrap(True)
        explained.show_text(text("dataset.explained"), "quiet")
        where = QHBoxLayout()
        where.addWidget(QLabel(text("dataset.out")))
        where.addWidget(self.fields["out"], 1)
        where.addWidget(self.browse)
        form = QFormLayout()
        for name in ("window_s", "hop_s", "label_set"):
            form.addRow(text(f"dataset.{name}"), self.fields[name])
        for tick in self.ticks.values():
            form.addRow(tick)
        options = QGroupBox(text("dataset.options"))
        options.setLayout(form)
        right = QVBoxLayout()
        right.addWidget(options)
        right.addWidget(self.outcome, 1)
        left = QVBoxLayout()
        left.addWidget(self.sessions, 1)
        left.addWidget(self.all)
        middle = QHBoxLayout()
        middle.addLayout(left, 3)
        middle.addLayout(right, 2)
        foot = QHBoxLayout()
        foot.addWidget(self.leave)
        foot.addStretch(1)
        for button in (self.card, self.report, self.stop, self.build):
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.addWidget(explained)
        column.addLayout(middle, 1)
        column.addLayout(where)
        for part in (self.bar, self.said, self.problem):
            column.addWidget(part)
        column.addLayout(foot)

    # ---- what happens

    def _look(self) -> None:
        """Under other options other sessions are barred."""
        try:
            options = self.wish.options()
        except ConfigError:
            options = BuildOptions()
        self._turn = self._jobs.look(self._folder, options)
        if self.facts.phase not in ("building", "stopping"):
            self.facts = replace(self.facts, phase="looking")
            self._show()

    def _wish(self, wish: DatasetWish) -> None:
        self.wish = wish
        self._show()

    def _on_ticked(self, item: QListWidgetItem) -> None:
        path = str(item.data(_PATH))
        on = item.checkState() == Qt.CheckState.Checked
        chosen = self.wish.chosen | {path} if on else self.wish.chosen - {path}
        self._wish(replace(self.wish, chosen=chosen))

    def _browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, text("dataset.out"), str(Path(self.wish.out).parent))
        if chosen:
            self.fields["out"].setText(chosen)

    def _build(self) -> None:
        try:
            order = order_of(self.wish, self._home)
        except ConfigError:
            return
        self.facts = replace(self.facts, phase="building", hours_done=0.0, hours=0.0, now="")
        self._jobs.build(order)
        self._show()

    def _stop(self) -> None:
        self.facts = replace(self.facts, phase="stopping")
        self._jobs.stop()
        self._show()

    def _report(self) -> None:
        """A model against the reference of what was built."""
        if path := view_of(self.wish, self.facts).card:
            ReportDialog(Path(path).parent, self._home, parent=self).open()

    def _open_card(self) -> None:
        if path := view_of(self.wish, self.facts).card:
            QDesktopServices.openUrl(QUrl.fromLocalFile(path))

    def _on_report(self) -> None:
        for report in self._jobs.drain():
            if isinstance(report, Looked):
                self._take_looked(report)
            elif isinstance(report, Went):
                self.facts = replace(
                    self.facts, hours_done=report.hours_done, hours=report.hours, now=report.name
                )
            else:
                self._take_ended(report)
        self._show()

    def _take_looked(self, report: Looked) -> None:
        if report.turn != self._turn:
            return
        phase: Phase = "choosing" if self.facts.phase == "looking" else self.facts.phase
        self.facts = replace(self.facts, candidates=report.candidates, phase=phase)
        if self._first:
            self.wish, self._first = with_all(self.wish, self.facts), False

    def _take_ended(self, report: Ended) -> None:
        phase: Phase = "stopped" if report.stopped else "done" if report.told is not None else "failed"
        self.facts = replace(self.facts, phase=phase, told=report.told or {}, problem=report.problem)

    # ---- showing

    def _show(self) -> None:
        view = view_of(self.wish, self.facts)
        self._show_sessions(view)
        for part in (*self.fields.values(), *self.ticks.values(), self.browse, self.all, self.sessions):
            part.setEnabled(view.may_edit)
        self.build.setEnabled(view.may_build)
        self.build.setVisible(not view.card)
        self.stop.setVisible(view.may_stop or not view.may_edit)
        self.stop.setEnabled(view.may_stop)
        for button in (self.card, self.report):
            button.setVisible(bool(view.card))
        self.bar.setVisible(not view.may_edit)
        self.bar.setRange(0, 0 if view.share is None else 1000)
        if view.share is not None:
            self.bar.setValue(round(1000 * view.share))
        self.said.show_text(words(view.said), "danger" if self.facts.phase == "failed" else "text")
        self.problem.show_text("\n".join(words(p) for p in view.problems), "warn")
        self.problem.setVisible(bool(view.problems))
        self.outcome.setVisible(bool(view.result))
        if self.outcome.count() != len(view.result):
            self.outcome.clear()
            self.outcome.addItems([_said(line) for line in view.result])

    def _show_sessions(self, view: DatasetView) -> None:
        quiet = QSignalBlocker(self.sessions)
        if self.sessions.count() != len(view.lines):
            self.sessions.clear()
            for line in view.lines:
                item = QListWidgetItem()
                item.setData(_PATH, line.path)
                self.sessions.addItem(item)
        for row, line in enumerate(view.lines):
            _show_line(self.sessions.item(row), line)
        quiet.unblock()


def _show_line(item: QListWidgetItem, line: SessionLine) -> None:
    head = text("dataset.line", name=line.name, subject=line.subject or "–", hours=f"{line.hours:.1f}")
    head += f"  {text('review.sim')}" if line.simulated else ""
    item.setText("\n".join([head, *(f"    ✕ {words(bar)}" for bar in line.bars)]))
    flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
    item.setFlags(flags | Qt.ItemFlag.ItemIsUserCheckable if line.may else flags)
    item.setForeground(theme.colour("text" if line.may else "quiet"))  # why one is barred is there to be read
    ticked = Qt.CheckState.Checked if line.chosen else Qt.CheckState.Unchecked
    item.setData(Qt.ItemDataRole.CheckStateRole, ticked if line.may else None)


def _said(message: Message) -> str:
    """A line of the result; the reason in it has words of its own."""
    values = {k: words(v) if isinstance(v, Message) else v for k, v in message.values}
    return text(message.id, **values)
