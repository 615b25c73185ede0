"""A message of the service, over every page: it stands until somebody says that it was read."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from hemoview.ui.live.banners import SIGNS
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.live.service import Feedback


class MessageLine(QFrame):
    """The newest unread one, and how many more there are. A notice that goes by itself may have been seen by nobody."""

    read = Signal()
    """All that were told of here."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner-info")
        self.label = Words(16)
        self.label.setWordWrap(True)
        self.button = QPushButton(text("service-message-read"))
        self.button.setMinimumHeight(theme.touch_px())
        self.button.clicked.connect(lambda _=False: self.read.emit())
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 2, 8, 2)
        row.addWidget(self.label, 1)
        row.addWidget(self.button)
        self.hide()

    def show_unread(self, unread: tuple[Feedback, ...]) -> None:
        """Newest first; nothing to read, nothing here."""
        self.setVisible(bool(unread))
        if not unread:
            return
        newest, more = unread[0], len(unread) - 1
        which = "service-message-more" if more else "service-message-came"
        said = text(which, n=more, at=newest.at, author=newest.author, text=newest.text)
        self.label.show_text(f"{SIGNS['info']}  {said}", "text")
        self.setAccessibleName(said)
