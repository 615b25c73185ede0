"""Commands from the window to the recorder: who sends them, and what is shown of a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox

from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import refusal, text
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.window_settings import WindowSettings


class Commands(Protocol):
    """The part of ``StationClient`` used here."""

    def call(self, verb: str, timeout_s: float = 5.0, **args: Any) -> dict[str, Any]:
        """Ask the recorder and wait for its answer."""
        ...


class CommandSender(QObject):
    """What every dialog of the Record page stands on. ``settings`` are those of this user.

    ``facts_now`` is what is known; ``reference_now`` gives (SBP, DBP) of a valid reference or None; ``wall_ns`` the
    calendar clock.
    """

    def __init__(
        self,
        window: MainWindow,
        bridge: Bridge,
        commands: Commands,
        settings: WindowSettings,
        *,
        wall_ns: Callable[[], int],
        reference_now: Callable[[], tuple[float, float] | None],
        facts_now: Callable[[], Facts] = lambda: Facts(0, 0),
    ) -> None:
        super().__init__(window)
        self.window, self.bridge, self.commands, self.settings = window, bridge, commands, settings
        self.wall_ns, self.reference_now, self.facts_now = wall_ns, reference_now, facts_now
        self._error_box: QMessageBox | None = None

    @property
    def operator(self) -> str:
        """Who works at this window."""
        return self.settings.form.operator

    def command(
        self, verb: str, done: Callable[[Any], None] | None = None, *, timeout_s: float = 10.0, **args: Any
    ) -> None:
        """Send a command from another thread; a refusal is shown in the recorder's own words."""
        self.bridge.call(lambda: self.commands.call(verb, timeout_s, **args), done, self.show_error)

    def show_error(self, error: Exception) -> None:
        """Who, what, what to do."""
        if self._error_box is None:
            self._error_box = QMessageBox(self.window)
            self._error_box.setIcon(QMessageBox.Icon.Warning)
            self._error_box.setWindowTitle(text("app-title"))
        self._error_box.setText(refusal(error))
        self._error_box.open()
