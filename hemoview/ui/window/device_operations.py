"""What is touched on the Devices screen becomes commands and dialogs; the answers are shown where they belong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from hemoview.ui.devices.adc_wizard import AdcWizard
from hemoview.ui.devices.device_dialog import DeviceDialog
from hemoview.ui.devices.page import DevicesPage
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.calibration_operations import CalibrationOperations
from hemoview.ui.window.operations import Operations
from hemoview.ui.window.pair_operations import PairOperations
from hemoview.ui.words.catalogue import refusal, text, words
from hemoview.viewmodel.devices import trial as device_trial
from hemoview.viewmodel.devices.form import (
    DeviceForm,
    DeviceFormView,
    edit_form,
    examine,
    new_form,
    with_device,
    with_new_device,
    with_option,
    without_device,
)
from hemoview.viewmodel.devices.page import (
    PRESSURE_ROLE,
    CardView,
    DevicesView,
    battery_of,
    button_pressed_ns,
    product,
    resolve_devices,
)
from hemoview.viewmodel.devices.raw_preview import Preview, preview
from hemoview.viewmodel.devices.trial import Trial, TrialView
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.messages import Message, say
from recorder.clock import Clock
from recorder.devices import profiles, registry
from recorder.devices.contract import DeviceConfig
from recorder.devices.discovery import SCAN_S, FoundDevice
from recorder.devices.option_form import kinds
from recorder.devices.ports import PortInfo
from recorder.host import places
from recorder.host.probe import probe
from recorder.protocols.adc_profile import AdcProfile
from recorder.schema import StreamInfo

PROFILE_COMMENTS: Final = (
    "Made by looking at the device's bytes; names, units and scale are the operator's.",
    "It describes this ADC and says nothing about the protocol of any monitor.",
)


@dataclass(frozen=True, slots=True)
class Bed:
    """What the screen works on: the live model of this window, the clock, the station and its home."""

    model: LiveModel
    clock: Clock
    station: str
    home: Path

    @property
    def profiles_folder(self) -> Path:
        """ADC profiles that were made here."""
        return places.profiles_dir(self.home)


class DeviceOperations(QObject):
    """One a window; :meth:`page` builds the screen when it is first wanted."""

    def __init__(self, operations: Operations, bridge: Bridge, bed: Bed) -> None:
        super().__init__(operations.window)
        self.window: QWidget = operations.window
        self._operations, self._bridge, self._bed = operations, bridge, bed
        self._long = Bridge(self)  # what takes seconds holds up no marker
        self._closed = threading.Event()
        operations.window.closing.connect(self.close)
        self.dialog: DeviceDialog | None = None
        self.wizard: AdcWizard | None = None
        self.pairing = PairOperations(
            operations.window, self._long, operations.commands, bed.clock, station=bed.station, home=bed.home
        )
        self.calibrations = CalibrationOperations(
            operations,
            self._long,
            bed.model,
            bed.clock,
            places.sessions_dir(bed.home),
            preview_of=self.preview_of,
        )
        self._trials: dict[str, Trial] = {}
        self._found: dict[str, TrialView] = {}
        self._found_ns: dict[str, int] = {}

    def close(self) -> None:
        """The window closes: whatever listens to a device lets go of it."""
        self._closed.set()
        for dialog in (self.wizard, self.pairing.dialog):
            if dialog is not None:
                dialog.reject()
        self._long.stop()

    def page(self) -> DevicesPage:
        """The screen."""
        page = DevicesPage(self.view_now, self.preview_of)
        page.asked.connect(self._asked)
        page.add_asked.connect(self.add)
        page.wizard_asked.connect(self.look_at_adc)
        page.templates_asked.connect(self._operations.open_templates)
        return page

    def view_now(self) -> tuple[DevicesView, Mapping[str, TrialView]]:
        """Cards and trials of this moment; what a trial found says nothing of a later minute."""
        facts = self._bed.model.facts()
        for device_id, run in list(self._trials.items()):
            self._found[device_id] = device_trial.judge(run, facts)
            self._found_ns[device_id] = facts.now_ns
            if self._found[device_id].left_s is None:
                del self._trials[device_id]
        for device_id, told_ns in list(self._found_ns.items()):
            if facts.age_s(told_ns) > device_trial.SHOWN_S:
                del self._found_ns[device_id], self._found[device_id]
        return resolve_devices(facts), self._found

    def preview_of(self, stream_id: str) -> Preview:
        """The trace of a stream."""
        clock = self._bed.clock
        stream = self._bed.model.streams.get(stream_id)
        return preview(stream, now_ns=clock.monotonic_ns(), speed=clock.speed)

    # ---- cards

    def _asked(self, what: str, device_id: str) -> None:
        acts = {"test": self.test, "edit": self.edit, "remove": self.remove, "pair": self.pair}
        acts["calibrate"] = self.calibrate
        acts[what](device_id)

    def test(self, device_id: str) -> None:
        """Watch what the live link of a device delivers from now on."""
        self._trials[device_id] = device_trial.begin(self._bed.model.facts(), device_id)

    def remove(self, device_id: str) -> None:
        """Ask, then take it out of the station."""
        facts = self._bed.model.facts()
        link = (
            next((one for one in facts.status.links if one.device_id == device_id), None)
            if facts.status
            else None
        )
        box = QMessageBox(self.window)
        box.setWindowTitle(text("device-remove"))
        name = words(product(link.product if link else "", device_id))
        box.setText(text("device-remove-ask", device=name))
        yes = box.addButton(text("device-remove"), QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(text("button-cancel"), QMessageBox.ButtonRole.RejectRole))
        yes.clicked.connect(lambda: self._configure(lambda now: without_device(now, device_id)))
        box.open()

    def calibrate(self, device_id: str) -> None:
        """Volt → mmHg of the channel that carries the pressure."""
        infos = self._bed.model.facts().infos.values()
        info = next((i for i in infos if i.device_id == device_id and i.role == PRESSURE_ROLE), None)
        if info is not None:
            self.calibrations.open(info.stream_id, info.channels[0].name)

    def pair(self, device_id: str) -> None:
        """Which wristband is on this wrist? The one whose button is pressed."""
        config = next((c for c in self._configured if c.device_id == device_id), None)
        card = self._card(device_id)
        if config is None or card is None:
            return

        def locked() -> Message | None:
            now = self._card(device_id)
            return now.locked if now is not None else None

        def choose(chosen: DeviceConfig) -> None:
            self._configure(lambda now: with_device(now, chosen))

        self.pairing.open(
            config,
            name=words(card.product),
            in_use=card.serial,
            own_pressed_ns=lambda: button_pressed_ns(self._bed.model.facts(), device_id),
            own_battery=lambda: battery_of(self._bed.model.facts(), device_id),
            locked=locked,
            choose=choose,
        )

    def _card(self, device_id: str) -> CardView | None:
        cards = resolve_devices(self._bed.model.facts()).cards
        return next((card for card in cards if card.device_id == device_id), None)

    # ---- adding and editing

    def add(self) -> None:
        """A device of the first kind; another may be chosen."""
        self._open(new_form(kinds()[0], self._taken()))

    def edit(self, device_id: str) -> None:
        """The settings of a device."""
        config = next((c for c in self._configured if c.device_id == device_id), None)
        if config is not None:
            self._open(edit_form(config))

    def _open(self, form: DeviceForm) -> None:
        taken = self._taken(form)
        dialog = DeviceDialog(
            form, lambda typed: self._judge(typed, taken), self._profiles(), taken, self.window
        )
        dialog.ports_asked.connect(lambda: self._ask_ports(dialog))
        dialog.radios_asked.connect(lambda radio: self._ask_radios(dialog, radio))
        dialog.saved.connect(self._save)
        dialog.trial_asked.connect(self._probe)
        self.dialog = dialog
        self._ask_ports(dialog)
        dialog.open()

    def _judge(self, form: DeviceForm, taken: Sequence[str]) -> DeviceFormView:
        return examine(form, taken, self._driver_of)

    def _driver_of(self, config: DeviceConfig) -> object:
        return registry.make_driver(config, self._bed.clock) if registry.has_link(config) else None

    def _save(self, config: DeviceConfig) -> None:
        dialog = self.dialog
        assert dialog is not None

        def done(_: Any) -> None:
            self._found.pop(config.device_id, None)
            self._found_ns.pop(config.device_id, None)
            dialog.accept()
            if registry.has_link(config):
                self.test(config.device_id)  # what was set is seen to work, or not, at once

        change = with_device if dialog.form.before is not None else with_new_device
        self._configure(
            lambda now: change(now, config), done, lambda error: dialog.show_refusal(refusal(error))
        )

    def _configure(
        self,
        change: Callable[[Sequence[DeviceConfig]], list[DeviceConfig]],
        done: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """From the devices the recorder has at this moment: what this window knows may be a moment old."""
        commands = self._operations.commands

        def work() -> dict[str, Any]:
            now = [DeviceConfig(**d) for d in commands.call("describe", 10.0)["configured"]]
            return commands.call("configure", 20.0, devices=[asdict(device) for device in change(now)])

        self._bridge.call(work, done, failed or self._operations.show_error)

    def _ask_ports(self, asking: DeviceDialog | AdcWizard) -> None:
        def told(answer: dict[str, Any]) -> None:
            if asking.isVisible():
                asking.show_ports([PortInfo(**port) for port in answer["ports"]])

        self._bridge.call(
            lambda: self._operations.commands.call("ports", 10.0), told, self._operations.show_error
        )

    def _ask_radios(self, dialog: DeviceDialog, radio: str) -> None:
        """What advertises: a search of some seconds, by the recorder."""
        commands = self._operations.commands

        def told(answer: dict[str, Any]) -> None:
            if dialog.isVisible():
                dialog.show_radios([FoundDevice(**one) for one in answer["found"]], str(answer["error"]))

        def failed(error: Exception) -> None:
            told({"found": [], "error": str(error)})

        self._bridge.call(
            lambda: commands.call("scan", SCAN_S + 15.0, seconds=SCAN_S, radio=radio), told, failed
        )

    def _probe(self, config: DeviceConfig) -> None:
        """Connect from here, without recording: the station does not know the device yet."""
        dialog = self.dialog
        assert dialog is not None
        seconds = device_trial.TRIAL_S
        waiting = say("test-running", seconds=f"{seconds:.0f}")
        dialog.show_trial(TrialView(seconds, ((waiting, "info"),)))
        infos = self._streams_of(config)

        def told(found: dict[str, Any]) -> None:
            if dialog.isVisible():
                dialog.show_trial(device_trial.probed(found, infos, seconds))

        def failed(error: Exception) -> None:
            told({"rows": {}, "error": str(error)})

        self._long.call(lambda: probe(config, seconds, lambda: not self._closed.is_set()), told, failed)

    def _streams_of(self, config: DeviceConfig) -> tuple[StreamInfo, ...]:
        return registry.make_driver(config, self._bed.clock).streams if registry.has_link(config) else ()

    # ---- an unknown ADC

    def look_at_adc(self) -> None:
        """Make a profile of it by looking at its bytes; one wizard at a time, for a port has one reader."""
        if self.wizard is not None and self.wizard.isVisible():
            self.wizard.raise_()
            return
        names = {*profiles.shipped(), *(path.stem for path in self._bed.profiles_folder.glob("*.toml"))}
        holders = {str(c.options["port"]): c.device_id for c in self._configured if "port" in c.options}
        wizard = AdcWizard(self._long, self._bed.clock, names, holders, self.window)
        wizard.ports_asked.connect(lambda: self._ask_ports(wizard))
        wizard.made.connect(lambda profile, port: self._keep_profile(wizard, profile, port))
        self.wizard = wizard
        self._ask_ports(wizard)
        wizard.open()

    def _keep_profile(self, wizard: AdcWizard, profile: AdcProfile, port: str) -> None:
        """Its file, then the device with it."""
        path = self._bed.profiles_folder / f"{profile.name}.toml"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(profiles.dump(profile, PROFILE_COMMENTS), encoding="utf-8")
        except OSError as error:
            wizard.show_refusal(text("wizard-not-saved", path=path, why=error.strerror or str(error)))
            return
        wizard.accept()
        form = new_form("serial-adc", self._taken())
        self._open(with_option(with_option(form, "port", port), "profile", str(path)))

    # ---- what is known

    @property
    def _configured(self) -> tuple[DeviceConfig, ...]:
        return self._bed.model.facts().configured

    def _taken(self, form: DeviceForm | None = None) -> list[str]:
        own = form.device_id if form is not None and form.before is not None else ""
        return [c.device_id for c in self._configured if c.device_id != own]

    def _profiles(self) -> list[tuple[str, str]]:
        """Shipped ones by name, the user's own by path."""
        own = sorted(self._bed.profiles_folder.glob("*.toml"))
        mine = [(str(path), text("profile-own", name=path.stem)) for path in own]
        return [*mine, *((name, name) for name in profiles.shipped())]
