"""What the guide strip asks for becomes a command to the recorder, or a dialog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from hemoview.ui.operations import Operations

COMMANDS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "end": ("end_phase", {}),
    "inflate-left": ("inflate", {"arm": "left"}),
    "inflate-right": ("inflate", {"arm": "right"}),
    "end-inflation": ("end_inflation", {}),
    "cuff-skip": ("reminder", {"what": "cuff", "state": "skipped"}),
    "same-height": ("reminder", {"what": "arm-moved", "state": "skipped"}),
    "finger-done": ("reminder", {"what": "finger-switch", "state": "done"}),
    "finger-later": ("reminder", {"what": "finger-switch", "state": "skipped"}),
    "skin-done": ("reminder", {"what": "skin-check", "state": "done"}),
    "skin-later": ("reminder", {"what": "skin-check", "state": "skipped"}),
}
"""Action of the strip → verb of the recorder and its arguments."""


class GuideActions(QObject):
    """Wires the strip of the Record page."""

    def __init__(self, operations: Operations) -> None:
        super().__init__(operations)
        self._operations = operations
        strip = operations.window.record.guide
        strip.asked.connect(self.do)
        strip.phase_asked.connect(lambda index: self._command("begin_phase", index=index))
        strip.extend_asked.connect(lambda minutes: self._command("extend_phase", minutes=minutes))

    def do(self, action: str) -> None:
        """An action of the strip."""
        if action in COMMANDS:
            verb, args = COMMANDS[action]
            self._command(verb, **args)
        elif action == "reading":
            self._operations.open_cuff()
        elif action == "next-subject":
            self._operations.open_start()

    def _command(self, verb: str, **args: Any) -> None:
        self._operations.command(verb, operator=self._operations.settings.form.operator, **args)
