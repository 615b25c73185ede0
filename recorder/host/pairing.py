"""Pairing by button (safety rule 1): every wristband in reach is listened to; the one whose button is pressed answers.

All wristbands have the same name. Only the serial tells them apart, and only the button tells which serial is on this
wrist. A band that another station uses is named with that station.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from recorder.clock import Clock
from recorder.devices import registry
from recorder.devices.contract import DeviceConfig, Driver, Notice
from recorder.devices.discovery import FoundDevice
from recorder.devices.e4_bands import bands_on
from recorder.errors import DeviceRefused, RecorderError
from recorder.host import lock
from recorder.host.client import StationClient
from recorder.host.conversation import conversation
from recorder.schema import StationStatus

MOST_BANDS: Final = 6
"""So many are listened to at once; a server has at most seven."""
ANSWER_S: Final = 1.0
AGAIN_S: Final = 2.0

Listening = Literal["connecting", "listening", "refused"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Another station that has the band. ``recording``: a session of it is open."""

    station: str
    recording: bool


@dataclass(frozen=True, slots=True)
class Band:
    """One wristband in reach.

    Args:
        serial: what tells it from the others: serial number, or radio address.
        config: the device's settings if this band is chosen.
        rssi_dbm: strength of its radio, if that is known here.
        holder: who else has it.
    """

    serial: str
    config: DeviceConfig
    rssi_dbm: int | None = None
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class BandState:
    """How far it is: ``said`` is why it is refused; ``presses`` counts its button, ``pressed_ns`` is the newest;
    ``battery`` is its charge, 0 to 1, once it told.
    """

    band: Band
    state: Listening = "connecting"
    said: str = ""
    presses: int = 0
    pressed_ns: int | None = None
    battery: float | None = None


# ---- who is in reach


def server_bands(config: DeviceConfig, clock: Clock, elsewhere: Mapping[str, Holder]) -> list[Band]:
    """The bands of a device's streaming server.

    Raises:
        DeviceError: the server does not answer.
        ConfigError: its address is none.
    """
    options = {"host": "127.0.0.1", "port": 28000, **config.options}
    serials = bands_on(str(options["host"]), int(options["port"]), clock)
    return [
        Band(s, replace(config, options={**config.options, "band": s}), None, elsewhere.get(s.lower()))
        for s in serials
    ]


def radio_bands(
    config: DeviceConfig, found: Iterable[Mapping[str, Any]], elsewhere: Mapping[str, Holder]
) -> list[Band]:
    """Those of the recorder's answer to ``scan`` that this kind of driver fits, strongest first."""
    fitting = [d for d in (FoundDevice(**one) for one in found) if d.kind == config.kind]
    return [
        Band(
            d.address,
            replace(config, options={**config.options, "address": d.address}),
            d.rssi_dbm,
            elsewhere.get(d.address.lower()),
        )
        for d in sorted(fitting, key=lambda d: -d.rssi_dbm)
    ]


def held_elsewhere(station: str, home: Path) -> dict[str, Holder]:
    """Serials and addresses that other stations of this computer are connected to, in small letters."""
    found: dict[str, Holder] = {}
    for folder in sorted((home / "stations").glob("*")):
        if folder.name == station or not lock.is_held(folder.name, home):
            continue
        try:
            with StationClient(folder.name, home, name="pairing") as client:
                status = StationStatus.from_json(client.call("status", ANSWER_S)["status"])
        except (RecorderError, KeyError, TypeError):
            continue  # its recorder starts or hangs; a band it really has refuses by itself
        holder = Holder(folder.name, recording=status.session.state == "open")
        found |= {link.serial.lower(): holder for link in status.links if link.serial}
    return found


# ---- which one answers


class Pairing:
    """Listens to bands until it is stopped, a thread each. Nothing is recorded.

    Args:
        bands: in reach; the first :data:`MOST_BANDS` are listened to.
        clock: stamps arrivals.
        make_driver: kind of device → driver.
    """

    def __init__(
        self,
        bands: Sequence[Band],
        clock: Clock,
        make_driver: Callable[[DeviceConfig, Clock], Driver] = registry.make_driver,
    ) -> None:
        self._clock, self._make = clock, make_driver
        self._stop = threading.Event()
        self._states = [BandState(band) for band in bands[:MOST_BANDS]]
        self._threads = [
            threading.Thread(target=self._listen, args=(i,), name=f"pair-{i}", daemon=True)
            for i in range(len(self._states))
        ]

    def start(self) -> None:
        """Connect to all of them."""
        for thread in self._threads:
            thread.start()

    def states(self) -> tuple[BandState, ...]:
        """How far each is."""
        return tuple(self._states)

    def stop(self, timeout_s: float = 5.0) -> None:
        """Let go of all of them."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout_s)

    def _listen(self, place: int) -> None:
        """Until it is stopped; a band that refuses is asked again, for it may be switched on meanwhile."""
        driver: Driver | None = None
        while not self._stop.is_set():
            try:
                driver = driver or self._make(self._states[place].band.config, self._clock)
                self._converse(place, driver)
            except RecorderError as error:
                if not self._stop.is_set():
                    self._states[place] = replace(self._states[place], state="refused", said=str(error))
            self._stop.wait(AGAIN_S)

    def _converse(self, place: int, driver: Driver) -> None:
        transport = driver.open()
        try:
            for event in conversation(driver, transport, self._clock, lambda: not self._stop.is_set()):
                if isinstance(event, Notice):
                    self._hear(place, event)
        finally:
            transport.close()

    def _hear(self, place: int, notice: Notice) -> None:
        """Which one was pressed.

        Raises:
            DeviceRefused: the conversation cannot go on.
        """
        state = self._states[place]
        if notice.kind == "tag":
            presses = state.presses + 1
            self._states[place] = replace(
                state, state="listening", presses=presses, pressed_ns=notice.t_host_ns
            )
        elif notice.kind == "ready":
            self._states[place] = replace(state, state="listening", said="")
        elif notice.kind == "battery":
            self._states[place] = replace(state, battery=notice.payload.get("fraction"))
        if notice.fatal:
            raise DeviceRefused(notice.message)
