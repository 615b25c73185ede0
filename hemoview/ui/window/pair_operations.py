"""Wires the pairing dialog: look for bands, listen to them, take the one that answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from hemoview.ui.devices.pair_dialog import PairDialog
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.command_sender import Commands
from hemoview.ui.words.catalogue import refusal
from hemoview.viewmodel.devices.pairing import PairView, resolve_pairing
from hemoview.viewmodel.messages import Message
from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.devices.discovery import SCAN_S
from recorder.errors import DeviceError
from recorder.host.pairing import Band, BandState, Pairing, held_elsewhere, radio_bands, server_bands

RADIO_KINDS = ("e4-ble", "ble-hr")


class PairOperations(QObject):
    """One dialog at a time. Whatever it connected to is let go of when it closes.

    Args:
        parent: the window.
        bridge, commands, clock: of the window.
        station, home: to know the other stations.
    """

    def __init__(
        self, parent: QWidget, bridge: Bridge, commands: Commands, clock: Clock, *, station: str, home: Path
    ) -> None:
        super().__init__(parent)
        self._window, self._bridge, self._commands, self._clock = parent, bridge, commands, clock
        self._station, self._home = station, home
        self._pairing: Pairing | None = None
        self.dialog: PairDialog | None = None

    def open(
        self,
        config: DeviceConfig,
        *,
        name: str,
        in_use: str,
        own_pressed_ns: Callable[[], int | None],
        own_battery: Callable[[], float | None],
        locked: Callable[[], Message | None],
        choose: Callable[[DeviceConfig], None],
    ) -> PairDialog:
        """Find out which band is on this wrist.

        Args:
            config: the device's settings now.
            name: what it is called.
            in_use: serial of the band it has now; a band that is connected by radio is not found by a search.
            own_pressed_ns: when the button of that one was last pressed, by the live link.
            own_battery: its charge, by the same.
            locked: why its settings cannot be changed now.
            choose: told the settings with the chosen band.
        """

        def view_now() -> PairView | None:
            if self._pairing is None:
                return None
            now_ns = self._clock.monotonic_ns()
            states = self._pairing.states()
            if in_use and in_use.lower() not in [s.band.serial.lower() for s in states]:
                states = (_own(Band(in_use, config), own_pressed_ns(), own_battery()), *states)
            return resolve_pairing(states, now_ns=now_ns, in_use=in_use, locked=locked())

        dialog = self.dialog = PairDialog(name, view_now, self._window)

        def take(serial: str) -> None:
            pairing = self._pairing
            band = (
                next((s.band for s in pairing.states() if s.band.serial == serial), None) if pairing else None
            )
            if band is not None:
                dialog.accept()
                choose(band.config)

        dialog.chosen.connect(take)
        dialog.again_asked.connect(lambda: self._look(config, dialog))
        dialog.finished.connect(lambda _: self._let_go())
        self._look(config, dialog)
        dialog.open()
        return dialog

    def _look(self, config: DeviceConfig, dialog: PairDialog) -> None:
        """In another thread: a search takes seconds."""
        self._let_go()
        dialog.look_again()

        def found(bands: list[Band]) -> None:
            if dialog.isVisible() and self.dialog is dialog:
                self._pairing = Pairing(bands, self._clock)
                self._pairing.start()

        self._bridge.call(
            lambda: self._bands(config), found, lambda error: dialog.show_failure(refusal(error))
        )

    def _bands(self, config: DeviceConfig) -> list[Band]:
        elsewhere = held_elsewhere(self._station, self._home)
        if config.kind not in RADIO_KINDS:
            return server_bands(config, self._clock, elsewhere)
        radio = str(config.options.get("radio", ""))
        answer: dict[str, Any] = self._commands.call("scan", SCAN_S + 15.0, seconds=SCAN_S, radio=radio)
        if answer["error"]:
            raise DeviceError(str(answer["error"]))
        return radio_bands(config, answer["found"], elsewhere)

    def _let_go(self) -> None:
        """Stopped elsewhere: the screen does not wait for links to close."""
        pairing, self._pairing = self._pairing, None
        if pairing is not None:
            self._bridge.call(pairing.stop)


def _own(band: Band, pressed_ns: int | None, battery: float | None) -> BandState:
    """The band this station is connected to, by what its live link tells."""
    return BandState(
        band, "listening", presses=int(pressed_ns is not None), pressed_ns=pressed_ns, battery=battery
    )
