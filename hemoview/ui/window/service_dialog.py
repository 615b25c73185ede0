"""The service as the bedside sees it: how to get there, how it goes, messages, the way out. Shows and emits."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from hemoview.ui.parts import on_screen, theme
from hemoview.ui.parts.enter_key import enter_presses
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import error_words, text, words
from hemoview.viewmodel.live.service import Feedback, ServiceView, form_problem
from hemoview.viewmodel.messages import Message


class ServiceDialog(QDialog):
    """Emits what was asked; its maker answers with :meth:`show_state`, :meth:`show_busy` and :meth:`show_said`."""

    enrol_asked = Signal(str, str, str)
    """Address, code, path of the CA file or empty."""
    page_asked = Signal(str)
    sign_out_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(text("service-title"))
        self.setMinimumWidth(640)
        self._ca_path = self._url = ""
        self._opened = False
        self.said = Words(15)
        self.said.setWordWrap(True)
        self.form, self.state = self._form(), self._state()
        self.close_button = self._button("service-close", self.reject)
        self._column = column = QVBoxLayout(self)
        column.setSpacing(10)
        column.addWidget(_explained("service-explained"))
        for widget in (self.state, self.form, self.said):
            column.addWidget(widget)
        column.addStretch()
        column.addWidget(self.close_button)
        enter_presses(self.enrol, self.close_button, *self._never)
        self.show_state(None, ())

    # ---- how to get there

    def _form(self) -> QWidget:
        box = QWidget()
        rows = QFormLayout(box)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setVerticalSpacing(8)
        self.how_to = _explained("service-how")
        rows.addRow(self.how_to)
        self.address, self.code = QLineEdit(), QLineEdit()
        self.address.setPlaceholderText(text("service-address-example"))
        for message_id, field in (("service-address", self.address), ("service-code", self.code)):
            field.setAccessibleName(text(message_id))
            field.setMinimumHeight(theme.touch_px())
            rows.addRow(_beside(message_id), field)
        self.ca_name, self.ca = (
            QLabel(text("service-ca-none")),
            self._button("service-ca-choose", self._choose_ca),
        )
        self.ca.setAccessibleName(text("service-ca"))
        ca_row = QHBoxLayout()
        ca_row.addWidget(self.ca_name, 1)
        ca_row.addWidget(self.ca)
        rows.addRow(_beside("service-ca"), ca_row)
        self.enrol = self._button("service-enrol", self._ask)
        self.enrol.setObjectName("start")
        rows.addRow(self.enrol)
        self._never = (self.ca,)
        return box

    def _choose_ca(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, text("service-ca"), "", text("service-ca-filter"))
        if path:
            self.use_ca(path)

    def use_ca(self, path: str) -> None:
        """This CA file."""
        self._ca_path = path
        self.ca_name.setText(path.rsplit("/", 1)[-1])

    def _ask(self) -> None:
        problem = form_problem(self.address.text(), self.code.text())
        if problem is not None:
            self.show_said(words(problem), "warn")
            return
        self.enrol_asked.emit(self.address.text(), self.code.text(), self._ca_path)

    # ---- how it goes

    def _state(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self.title, self.how = Words(20, bold=True), Words(17, bold=True)
        self.queue, self.home, self.warnings, self.error = Words(15), Words(15), Words(15), Words(14)
        for line in (self.title, self.how, self.queue, self.home, self.warnings, self.error):
            line.setWordWrap(True)
            column.addWidget(line)
        self.ward = self._button("service-open-ward", lambda: self.page_asked.emit("/"))
        self.reports = self._button("service-open-reports", lambda: self.page_asked.emit("/sessions"))
        self.sign_out = self._button("service-sign-out", self.sign_out_asked.emit)
        buttons = QHBoxLayout()
        buttons.addWidget(self.ward)
        buttons.addWidget(self.reports)
        self.again = self._button("service-again", self.open_form)
        buttons.addWidget(self.again)
        buttons.addStretch()
        buttons.addWidget(self.sign_out)
        column.addLayout(buttons)
        self.heading = QLabel(text("service-feedback"))
        self.feedback = QListWidget()
        self.feedback.setAccessibleName(text("service-feedback"))
        self.feedback.setWordWrap(True)
        self.feedback.setMinimumHeight(110)
        column.addWidget(self.heading)
        column.addWidget(self.feedback)
        return box

    def show_state(self, view: ServiceView | None, feedback: tuple[Feedback, ...]) -> None:
        """Of the service, or how to get to one."""
        self.form.setVisible(view is None or self._opened)
        self.how_to.setVisible(view is None)
        self.state.setVisible(view is not None)
        if view is None:
            self._fit()
            return
        self._url = view.url
        self.again.setVisible(view.needs_code and not self._opened)
        self.title.show_text(words(view.title), "text")
        self.how.show_text(words(view.state), view.level)
        self.queue.show_text(words(view.queue), "quiet")
        self._line(self.home, words(view.home) if view.home else "", "quiet")
        self._line(self.warnings, "\n".join(words(one) for one in view.warnings), "warn")
        self._line(self.error, _last_error(view), "warn")
        lines = [text("service-feedback-line", at=f.at, author=f.author, text=f.text) for f in feedback]
        shown = [self.feedback.item(i).text() for i in range(self.feedback.count())]
        if (lines or [text("service-no-feedback")]) != shown:
            self.feedback.clear()
            self.feedback.addItems(lines or [text("service-no-feedback")])
        self._fit()

    def open_form(self) -> None:
        """A new code for the same service, without signing out: what is known of sessions stays."""
        self._opened = True
        self.address.setText(self._url)
        self.code.clear()
        self.ca_name.setText(text("service-ca-before"))
        for widget in (self.how_to, self.again, self.heading, self.feedback):
            widget.hide()
        self.form.show()
        self._fit()
        self.code.setFocus()

    def close_form(self) -> None:
        """It did what it was for."""
        self._opened = False
        self.heading.show()
        self.feedback.show()

    def _fit(self) -> None:
        """As high as what is said now: a line more must not cut off another."""
        needed = max(self._column.totalHeightForWidth(self.width()), self._column.totalMinimumSize().height())
        most = self.screen().availableGeometry().height() - on_screen.TITLE_PX
        if self.isVisible() and min(needed, most) > self.height():
            self.resize(self.width(), min(needed, most))

    def show_busy(self, said: Message | None) -> None:
        """Something is asked of the service; None: no longer."""
        for widget in (self.enrol, self.address, self.code, self.ca):
            widget.setEnabled(said is None)
        if said is not None:
            self.show_said(words(said), "quiet")
        elif self.form.isVisible():  # where one goes on typing; disabled, it lost the focus to Close
            self.code.setFocus()
            self.code.selectAll()

    def show_said(self, said: str, role: str = "quiet") -> None:
        """A line at the foot: what was done, or what went wrong."""
        self._line(self.said, said, role)
        self._fit()

    @staticmethod
    def _line(label: Words, said: str, role: str) -> None:
        label.show_text(said, role)
        label.setVisible(bool(said))

    @staticmethod
    def _button(message_id: str, act: object) -> QPushButton:
        button = QPushButton(text(message_id))
        button.setMinimumHeight(theme.touch_px())
        button.setAutoDefault(False)
        button.clicked.connect(lambda _=False: act())  # type: ignore[operator]
        return button


def _last_error(view: ServiceView) -> str:
    return text("service-last-error", error=error_words(view.error, view.advice)) if view.error else ""


def _beside(message_id: str) -> QLabel:
    label = QLabel(text(message_id))
    label.setMinimumHeight(theme.touch_px())
    label.setAlignment(Qt.AlignmentFlag.AlignVCenter)
    return label


def _explained(message_id: str) -> Words:
    label = Words(14)
    label.setWordWrap(True)
    label.show_text(text(message_id), "quiet")
    return label
