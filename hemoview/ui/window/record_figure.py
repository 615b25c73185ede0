"""What Record keeps: the screen as it stands, and the numbers of the span of its trend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from hemoview.ui.parts.figure import Figure
from hemoview.ui.parts.savable import Wanted
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.facts import NS, Facts
from hemoview.viewmodel.review.figure_head import file_name, head_of_record
from recorder.exchange.trends.trend_csv import Saving


class RecordKept:
    """Record as the menu sees it.

    Args:
        window: with its view.
        facts: what is known now.
        folder: of the session being recorded, None without one.
    """

    def __init__(
        self, window: MainWindow, facts: Callable[[], Facts], folder: Callable[[], Path | None]
    ) -> None:
        self._window, self._facts, self._folder = window, facts, folder

    def figure(self) -> Figure | None:
        """The page in front as it stands; before the first word of the recorder there is none."""
        view, facts = self._window.view, self._facts()
        page = self._window.pages.currentWidget()
        if view is None or page is None:
            return None
        unit = self._window.pressure_unit
        head = head_of_record(view, _pseudonym(facts), unit, _now(facts), hidden=facts.estimates_hidden)
        return Figure(head, page.size(), lambda painter: _render(page, painter))

    def wanted(self) -> Wanted | None:
        """The running session over the span of the trend; nothing older than the last Clear view asked for."""
        view, facts, folder = self._window.view, self._facts(), self._folder()
        start_ns = facts.session_start_ns
        if view is None or folder is None or start_ns is None:
            return None
        elapsed_s = (facts.now_ns - start_ns) / NS
        begin_s = max(0.0, min(view.trend.span_s[0], elapsed_s))
        left_out = frozenset(("estimate",)) if facts.estimates_hidden else frozenset[str]()
        saving = Saving(begin_s, elapsed_s, left_out, words(view.numerics.footer))
        return Wanted(folder, saving, file_name(_pseudonym(facts), _now(facts), "record"))


def _render(page: QWidget, painter: QPainter) -> None:
    page.render(painter, QPoint(0, 0))


def _pseudonym(facts: Facts) -> str:
    session = facts.status.session if facts.status else None
    return str(session.subject.get("pseudonym", "")) if session is not None and session.subject else ""


def _now(facts: Facts) -> datetime:
    return datetime.fromtimestamp(facts.wall_ns / 1e9).astimezone()
