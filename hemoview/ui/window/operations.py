"""What the operator sets going: dialogs ask, the bridge carries the command to the recorder, the answer is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from PySide6 import __version__ as qt_version
from PySide6.QtCore import QLibraryInfo, Qt, Signal
from PySide6.QtWidgets import QMessageBox

from hemoview.ui.live.estimates_dialog import EstimatesDialog
from hemoview.ui.live.scale_dialog import ScaleDialog
from hemoview.ui.live.show_panel import ShowPanel
from hemoview.ui.parts import theme
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.ui.sessions.stop_dialog import StopDialog
from hemoview.ui.sessions.templates_dialog import TemplatesDialog
from hemoview.ui.window.command_sender import Commands, CommandSender
from hemoview.ui.window.guide_actions import GuideActions
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.window.subject_actions import SubjectActions
from hemoview.ui.words.catalogue import refusal, text, words
from hemoview.viewmodel.live.banners import ASK_SUBJECT
from hemoview.viewmodel.live.estimates_form import Command
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.scale_form import AdcNow, ScaleForm, ScaleView
from hemoview.viewmodel.live.scale_form import examine as examine_scale
from hemoview.viewmodel.sessions.pseudonym import Known, known_from
from hemoview.viewmodel.sessions.start_form import next_subject
from hemoview.viewmodel.sessions.template_choice import chosen, template_library, with_template
from hemoview.viewmodel.window_settings import Taste, WindowSettings
from recorder import __version__
from recorder.acquire.template_library import TemplateLibrary
from recorder.schema import REFERENCE_CALIBRATED


class Operations(CommandSender):
    """Wires what was touched to commands; ``settings_changed`` after each change of the settings.

    ``adc_now`` is the channel of the pressure and its volt, None without one; ``levels_now`` the two volts of the
    monitor's rectangular signal; the others as of :class:`CommandSender`.
    """

    settings_changed = Signal()
    virtual_bedside_asked = Signal()
    clear_asked = Signal()
    pin_asked = Signal()

    def __init__(
        self,
        window: MainWindow,
        bridge: Bridge,
        commands: Commands,
        settings: WindowSettings,
        *,
        client: str,
        wall_ns: Callable[[], int],
        reference_now: Callable[[], tuple[float, float] | None],
        adc_now: Callable[[], AdcNow | None] = lambda: None,
        levels_now: Callable[[], tuple[float, float] | None] = lambda: None,
        templates: TemplateLibrary | None = None,
        facts_now: Callable[[], Facts] = lambda: Facts(0, 0),
    ) -> None:
        super().__init__(
            window,
            bridge,
            commands,
            settings,
            wall_ns=wall_ns,
            reference_now=reference_now,
            facts_now=facts_now,
        )
        self._client, self._adc_now, self._levels_now = client, adc_now, levels_now
        self.templates = templates or template_library()
        self.start_dialog: StartDialog | None = None
        self.stop_dialog: StopDialog | None = None
        self.show_panel: ShowPanel | None = None
        self.guide = GuideActions(self)
        self.subject = SubjectActions(self)
        self._wire()

    def _wire(self) -> None:
        header, record = self.window.header, self.window.record
        header.start_asked.connect(self.open_start)
        header.stop_asked.connect(self.ask_stop)
        header.show_asked.connect(self.open_show)
        header.about_asked.connect(self.open_about)
        header.control_asked.connect(lambda: self.command("take_control", name=self._client))
        record.marked.connect(self.mark)
        record.undo_asked.connect(self._undo_marker)
        record.cuff_asked.connect(self.open_cuff)
        record.calibration_confirmed.connect(self.confirm_calibration)
        record.scale_asked.connect(self.open_scale)
        record.estimates_asked.connect(self.open_estimates)
        self.window.banner_asked.connect(self._banner)
        self.guide.next_subject_asked.connect(self.open_start)
        self.subject.stop_asked.connect(self.ask_stop)

    # ---- markers, calibration, cuff

    def mark(self, key: int, label: str, source: str) -> None:
        """A marker by ``key`` or ``button``."""
        self.command("marker", label=label, key=key, source=source, operator=self.operator)

    def _undo_marker(self) -> None:
        self.command("undo_marker", operator=self.operator)

    def confirm_calibration(self) -> None:
        """The operator has seen the monitor calibrate itself."""
        self.command("marker", label=REFERENCE_CALIBRATED, source="button", operator=self.operator)

    def open_scale(self) -> None:
        """Ask for two points of volt and mmHg."""
        operator, levels = self.operator, self._levels_now
        dialog = ScaleDialog(self._judge_scale, self._volt_now, operator, self.window, levels_now=levels)
        dialog.entered.connect(lambda request: self.command("calibrate", **request))
        dialog.open()

    def _judge_scale(self, form: ScaleForm) -> ScaleView:
        return examine_scale(form, self._adc_now(), wall_ns=self.wall_ns())

    def _volt_now(self) -> float | None:
        adc = self._adc_now()
        return None if adc is None else adc.volt

    def open_estimates(self) -> None:
        """What personalises, and showing what the template hides."""
        now = self.window.view.numerics.estimate_choice if self.window.view else None
        if now is None:
            return
        dialog = EstimatesDialog(now, self.operator, self.window)
        dialog.entered.connect(self._send)
        dialog.open()

    def _send(self, commands: tuple[Command, ...]) -> None:
        for verb, args in commands:
            self.command(verb, **args)

    def open_cuff(self) -> None:
        """Ask for a reading."""
        self.guide.open_cuff()

    # ---- start and stop

    def open_start(self) -> None:
        """The form for the next subject. The one before it goes: a window stays open for weeks of subjects."""
        if self.start_dialog is not None:
            self.start_dialog.deleteLater()
        form = next_subject(self.settings.form)
        form = chosen(form, self.templates.by_name(form.template))
        dialog = StartDialog(
            form, self.window, today=self._today, templates=self.templates, wall_ns=self.wall_ns
        )
        dialog.checks_asked.connect(self._ask_checks)
        dialog.start_asked.connect(self._start)
        dialog.subject_asked.connect(self._ask_known)
        dialog.templates_asked.connect(lambda: self.open_templates(dialog))
        dialog.resize(min(1100, self.window.width() - 60), min(720, self.window.height() - 40))
        self.start_dialog = dialog
        dialog.open()

    def open_templates(self, start: StartDialog | None = None) -> None:
        """The templates of this machine; afterwards the start form knows them."""
        chosen_now = start.form.template if start else self.settings.form.template
        dialog = TemplatesDialog(self.templates, chosen_now, start or self.window)
        if start is not None:
            dialog.finished.connect(start.templates_changed)
        dialog.open()

    def _today(self) -> date:
        return datetime.fromtimestamp(self.wall_ns() / 1e9).date()

    def _ask_checks(self) -> None:
        dialog = self.start_dialog
        assert dialog is not None
        self.bridge.call(
            lambda: self.commands.call("preflight", 10.0, **self._with_template(dialog.view_request())),
            self._if_there(dialog, lambda answer: dialog.show_checks(answer["checks"])),
            self._if_there(dialog, lambda error: dialog.show_refusal(refusal(error))),
        )

    def _ask_known(self, pseudonym: str) -> None:
        """Earlier sessions of a pseudonym; without an answer none are known."""
        dialog = self.start_dialog
        assert dialog is not None
        self.bridge.call(
            lambda: self.commands.call("known_subject", 10.0, pseudonym=pseudonym),
            self._if_there(dialog, lambda answer: dialog.show_known(known_from(pseudonym, answer))),
            self._if_there(dialog, lambda _: dialog.show_known(Known(pseudonym))),
        )

    def _if_there(self, dialog: StartDialog, show: Callable[[Any], None]) -> Callable[[Any], None]:
        """An answer that comes when the next form is there already is for nobody."""
        return lambda answer: show(answer) if dialog is self.start_dialog else None

    def _start(self, request: Mapping[str, Any]) -> None:
        dialog = self.start_dialog
        assert dialog is not None

        def started(_: Any) -> None:
            clock = dialog.confirm.clock.request
            if clock is not None:
                self.subject.tell_clock(clock)
            self._keep(form=next_subject(dialog.form))
            if dialog is self.start_dialog:
                dialog.accept()
            if answer := dialog.confirm.checklist.answer:
                self.command("checklist", when="before", operator=dialog.form.operator, **answer)

        refused = self._if_there(dialog, lambda error: dialog.show_refusal(refusal(error)))
        order = self._with_template(request)
        self.bridge.call(lambda: self.commands.call("start", 20.0, **order), started, refused)

    def _with_template(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request with the chosen template as it lies in the library now."""
        return with_template(request, self.templates.by_name(request["template"].get("name", "")))

    def ask_stop(self) -> None:
        """Once more before the recording ends."""
        view = self.window.view
        if view is None:
            return
        if self.stop_dialog is not None:
            self.stop_dialog.deleteLater()
        operator = self.operator
        dialog = StopDialog(words(view.header.subject), view.header.elapsed, operator, self.window)
        dialog.stop_asked.connect(self._stop)
        dialog.early_asked.connect(lambda verb, request: self.command(verb, timeout_s=120.0, **request))
        self.stop_dialog = dialog
        dialog.open()

    def _stop(self, then_next: bool) -> None:
        """End it; with ``then_next`` the form for the next subject opens once it is sealed."""
        then = (lambda _: self.open_start()) if then_next else None
        self.command("stop", then, timeout_s=120.0, reason="operator", operator=self.operator)

    # ---- looking

    def open_show(self) -> None:
        """What is shown."""
        panel = ShowPanel(self.settings.wish, self.settings.taste, self.window)
        panel.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        panel.wished.connect(lambda wish: self._keep(wish=wish))
        panel.tasted.connect(self._use_taste)
        panel.pin_asked.connect(self.pin_asked)
        self.show_panel = panel
        panel.show()

    def open_about(self) -> None:
        """Version, licences, Qt."""
        folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.LibrariesPath)
        box = QMessageBox(self.window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle(text("button-about"))
        box.setText(text("about-text", version=__version__, qt=qt_version, folder=folder))
        box.open()

    def use_pressure_unit(self, unit: str) -> None:
        """``mmHg`` or ``kPa`` on every screen; what is stored stays as it is."""
        self._keep(wish=replace(self.settings.wish, pressure_unit=unit))

    def _use_taste(self, taste: Taste) -> None:
        theme.use_palette(taste.palette)
        self._keep(taste=taste)

    def _keep(self, **changes: Any) -> None:
        self.settings = replace(self.settings, **changes)
        self.settings_changed.emit()

    def _banner(self, action: str) -> None:
        if action == "confirm-calibration":
            self.confirm_calibration()
        elif action == "virtual-bedside":
            self.virtual_bedside_asked.emit()
        elif action in ASK_SUBJECT:
            self.subject.ask()
        elif action == "arm-moved":
            self.guide.do("height")
