"""The second step before Start: the person large, questions to answer, what pre-flight found."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts.checklist_box import ChecklistBox
from hemoview.ui.parts.label import Words
from hemoview.ui.sessions.monitor_clock import ClockLine
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.sessions.start_form import StartView


class ConfirmStep(QWidget):
    """Pseudonym, sex and age large; questions to answer; what pre-flight found; the button that starts."""

    overrides_changed = Signal(str, str)
    answered = Signal(str, bool)

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns) -> None:
        super().__init__()
        self.clock = ClockLine(wall_ns)
        centre = Qt.AlignmentFlag.AlignHCenter
        self.title = Words(18, align=centre)
        self.title.show_text(text("confirm-title"), "quiet")
        self.pseudonym = Words(64, bold=True, align=centre)
        self.person = Words(34, bold=True, align=centre)
        self.details, self.warnings = Words(15, align=centre), Words(15, align=centre)
        self.state = Words(15, bold=True, align=centre)
        for label in (self.details, self.warnings, self.state):
            label.setWordWrap(True)
        self.questions, self.findings = QVBoxLayout(), QVBoxLayout()
        self.checklist = ChecklistBox()
        self._questioned: tuple[object, ...] = ()
        self._found: tuple[object, ...] = ()
        self.back = QPushButton(text("button-back"))
        self.start = QPushButton(text("button-confirm-start"))
        self.start.setObjectName("start")
        buttons = QHBoxLayout()
        buttons.addWidget(self.back)
        buttons.addStretch()
        buttons.addWidget(self.start)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(10)
        column.addStretch()
        for label in (self.title, self.pseudonym, self.person, self.details, self.warnings):
            column.addWidget(label)
        column.addWidget(self.checklist)
        column.addLayout(self.questions)
        column.addWidget(self.state)
        column.addLayout(self.findings)
        column.addWidget(self.clock)
        column.addStretch()
        said = QScrollArea()  # many findings on a small screen are scrolled, never squeezed into each other
        said.setWidget(inside)
        said.setWidgetResizable(True)
        said.setFrameShape(QScrollArea.Shape.NoFrame)
        said.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        said.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole = QVBoxLayout(self)
        whole.addWidget(said, 1)
        whole.addLayout(buttons)

    def show_view(self, view: StartView) -> None:
        """The card and the findings."""
        if view.card is None:
            return
        self.pseudonym.show_text(view.card.pseudonym, "text")
        sex = text(f"choice-{view.card.sex}")
        self.person.show_text(text("confirm-person", sex=sex, age=view.card.age), "text")
        self.details.show_text(words(view.card.details), "quiet")
        self.warnings.show_text("\n".join(words(w) for w in view.card.warnings), "warn")
        self.state.show_text(*_state(view))
        self._show_questions(view)
        self._show_findings(view)
        self.start.setEnabled(view.can_start)

    def show_refusal(self, message: str) -> None:
        """What the recorder said to Start."""
        self.state.show_text(f"{text('preflight-refused')} {message}", "danger")

    def _show_questions(self, view: StartView) -> None:
        """A tick for each; rebuilt only when something else is asked."""
        asked = tuple(q.key for q in view.questions)
        if asked == self._questioned:
            return
        self._questioned = asked
        _empty(self.questions)
        for question in view.questions:
            label = Words(17, bold=True, align=Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
            label.show_text(words(question.message), "warn")
            tick = QCheckBox(words(question.answer))
            tick.setObjectName(f"answer-{question.key}")
            tick.toggled.connect(lambda on, key=question.key: self.answered.emit(key, on))
            self.questions.addWidget(label)
            self.questions.addWidget(tick, 0, Qt.AlignmentFlag.AlignHCenter)

    def _show_findings(self, view: StartView) -> None:
        """Rebuilt only when something else was found: somebody may be typing a reason."""
        found = tuple((f.check_id, f.level, f.message) for f in view.findings)
        if found == self._found:
            return
        self._found = found
        _empty(self.findings)
        for finding in view.findings:
            role = {"refuse": "danger", "override": "warn"}.get(finding.level, "info")
            label = Words(15)
            label.setWordWrap(True)
            label.show_text(words(finding.message), role)
            self.findings.addWidget(label)
            if finding.level == "override":
                self.findings.addWidget(self._reason(finding.device, finding.reason))

    def _reason(self, device: str, reason: str) -> QLineEdit:
        line = QLineEdit(reason)
        line.setPlaceholderText(text("preflight-override"))
        line.setObjectName(f"override-{device}")
        line.textChanged.connect(lambda typed: self.overrides_changed.emit(device, typed))
        return line


def _empty(layout: QVBoxLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()


def _state(view: StartView) -> tuple[str, str]:
    if view.refused:
        return text("preflight-refused"), "danger"
    if view.can_start:
        return text("preflight-ok"), "ok"
    if any(f.level == "override" and not f.reason.strip() for f in view.findings):
        return text("preflight-reasons"), "warn"
    return (text("questions-first"), "warn") if view.questions else (text("preflight-asking"), "quiet")
