"""What the guide strip asks for becomes a command to the recorder, or a dialog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from PySide6.QtCore import QObject, Signal

from hemoview.ui.live.cuff_dialog import CuffDialog
from hemoview.ui.live.posture_dialog import PostureDialog
from hemoview.ui.live.readings_dialog import ReadingsDialog
from hemoview.ui.window.command_sender import CommandSender
from hemoview.viewmodel.live.cuff_form import CuffForm, CuffView
from hemoview.viewmodel.live.cuff_form import examine as examine_cuff
from hemoview.viewmodel.live.guide import course_now, sites_of
from hemoview.viewmodel.live.guide_due import posture_now
from hemoview.viewmodel.live.readings import form_now, last_reading_mmhg, readings
from hemoview.viewmodel.sessions.posture_form import PostureForm, Why
from hemoview.viewmodel.sessions.posture_form import examine as examine_posture

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

    next_subject_asked = Signal()

    def __init__(self, sender: CommandSender) -> None:
        super().__init__(sender)
        self._sender = sender
        self._dialogs: dict[str, Callable[[], None]] = {
            "reading": self.open_cuff,
            "readings": self.open_readings,
            "posture": self.open_posture,
            "height": lambda: self.open_posture("arm-moved", mark=False),
            "next-subject": self.next_subject_asked.emit,
        }
        strip = sender.window.record.guide
        strip.asked.connect(self.do)
        strip.phase_asked.connect(lambda index: self._command("begin_phase", index=index))
        strip.extend_asked.connect(lambda minutes: self._command("extend_phase", minutes=minutes))

    def do(self, action: str) -> None:
        """An action of the strip."""
        if action in COMMANDS:
            verb, args = COMMANDS[action]
            self._command(verb, **args)
        elif action in self._dialogs:
            self._dialogs[action]()

    def open_cuff(self) -> None:
        """Ask for a reading."""
        sender = self._sender
        dialog = CuffDialog(
            self._judge_cuff,
            sender.operator,
            sender.window,
            pressure_unit=sender.settings.wish.pressure_unit,
            form=form_now(sender.facts_now(), sender.operator),
        )
        dialog.entered.connect(lambda request: sender.command("cuff", **request))
        dialog.open()

    def _judge_cuff(self, form: CuffForm) -> CuffView:
        sender = self._sender
        return examine_cuff(
            form,
            wall_ns=sender.wall_ns(),
            reference_mmhg=sender.reference_now(),
            last_mmhg=last_reading_mmhg(sender.facts_now()),
        )

    def open_readings(self) -> None:
        """The readings of this session."""
        dialog = ReadingsDialog(lambda: readings(self._sender.facts_now()), self._sender.window)
        dialog.withdrawn.connect(
            lambda event_id, why: self._command("withdraw_cuff", event_id=event_id, why=why)
        )
        dialog.open()

    def open_posture(self, why: Why = "posture", *, mark: bool = True) -> None:
        """Posture and height of the hand; ``mark`` makes the marker as well."""
        facts = self._sender.facts_now()
        at, sites = course_now(facts), sites_of(facts)
        posture, height_cm = ("unknown", None) if at is None else posture_now(at, sites)
        typed = "" if height_cm is None or why == "arm-moved" else f"{height_cm:g}"
        form = PostureForm(posture, typed, why, mark, self._sender.operator)
        dialog = PostureDialog(examine_posture, form, self._sender.window)
        dialog.entered.connect(lambda request: self._sender.command("posture", **request))
        dialog.open()

    def _command(self, verb: str, **args: Any) -> None:
        self._sender.command(verb, operator=self._sender.operator, **args)
