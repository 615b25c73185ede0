"""The Export button of Review, and what it opens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton, QWidget

from hemoview.ui.exchange.export_dialog import ExportDialog
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.exchange.export_form import ExportSource, allows_others
from hemoview.viewmodel.review.model import ReviewView
from recorder.errors import RecorderError
from recorder.host import places


class ExportDesk(QObject):
    """Opens the dialog on what Review shows; ``opened(dialog)`` follows.

    Args:
        page: whose session.
        view: what it shows now.
        home: where exports are on record.
    """

    opened = Signal(object)

    def __init__(self, page: QWidget, view: Callable[[], ReviewView], home: Path | None = None) -> None:
        super().__init__(page)
        self._page, self._view, self.home = page, view, home
        self.dialog: ExportDialog | None = None
        self.button = QPushButton(text("export-button"))
        self.button.setToolTip(text("export-button-tip"))
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.clicked.connect(self.ask)
        QShortcut(
            QKeySequence("Ctrl+E"), page, self.ask, context=Qt.ShortcutContext.WidgetWithChildrenShortcut
        )

    def show_view(self, view: ReviewView) -> None:
        """Nothing to export, nothing to press."""
        self.button.setEnabled(view.facts is not None)

    def ask(self) -> None:
        """Open the dialog."""
        source = source_of(self._view())
        if source is None:
            return
        dialog = ExportDialog(source, self.home or places.home(), parent=self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(lambda _: setattr(self, "dialog", None))
        self.dialog = dialog
        dialog.open()
        self.opened.emit(dialog)


def source_of(view: ReviewView) -> ExportSource | None:
    """What the session in view offers; None while there is none."""
    facts = view.facts
    if facts is None:
        return None
    path = Path(facts.path)
    only_simulated = facts.simulated and all(s.origin in ("simulated", "derived") for s in facts.streams)
    try:
        scope = allows_others(path, simulated=only_simulated)
    except RecorderError:  # damaged: in doubt, no
        scope = False
    hidden = (
        frozenset(s.stream_id for s in facts.streams if s.role == "estimate")
        if facts.estimates_hidden
        else None
    )
    return ExportSource(
        path,
        facts.pseudonym,
        tuple(s.stream_id for s in facts.streams),
        hidden or frozenset(),
        facts.duration_s,
        (max(0.0, view.wish.t0_s), min(view.wish.t1_s, facts.duration_s)),
        scope,
        facts.live,
    )
