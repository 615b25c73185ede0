"""Every driver with the other end of its wire, for the one suite that all must pass.

A new driver adds one case here; the suite refuses to pass without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from driver_links import ADDRESS, air_link, pty_link, socket_url_link, tcp_link
from driver_sides import AdcSide, E4BleSide, E4Side, HeartRateSide, NoninSide, Side

from recorder.clock import Clock
from recorder.devices import profiles
from recorder.devices.contract import DeviceConfig, Driver
from recorder.devices.registry import make_driver


@dataclass(frozen=True)
class Case:
    """One driver and its other end.

    Args:
        kind: of the registry.
        options: without the address.
        main: the stream whose numbering is looked at.
        side: makes a fresh other end.
        link: opens a real loopback link: gives the options that lead there, the file number is the other end's.
        rate_hz: of ``main``.
        per_frame: samples of ``main`` that each number of ``side.frames`` gives.
        lost: numbers left out where samples are lost.
    """

    name: str
    kind: str
    options: dict[str, object]
    address: dict[str, object]
    main: str
    side: Callable[[], Side]
    link: Callable[[Side], object]
    rate_hz: float
    nothing_there: dict[str, object] = field(default_factory=dict)
    per_frame: int = 1
    lost: range = range(100, 137)

    @property
    def absent_name(self) -> str:
        """What a message must name where nothing is."""
        return str(list(self.nothing_there.values())[-1])

    def driver(self, address: dict[str, object] | None = None) -> Driver:
        options = {**self.options, **(self.address if address is None else address)}
        return make_driver(DeviceConfig(self.kind, "dev", options, simulated=True), Clock())


NO_AIR = {"radio": "virtual:127.0.0.1:1", "address": "C0:00:00:00:00:0B"}
TWO_CHANNELS = Path(__file__).parent / "two-channels.toml"
CASES = [
    Case(
        "e4",
        "e4-tcp",
        {},
        {"host": "127.0.0.1", "port": 28000},
        "dev.bvp",
        E4Side,
        tcp_link,
        64.0,
        {"host": "127.0.0.1", "port": 1},
    ),
    *(
        Case(
            f"adc-{profile if isinstance(profile, str) else profile.stem}-{'pty' if link is pty_link else 'socket'}",
            "serial-adc",
            {"profile": str(profile)},
            {"port": "/dev/tty-of-a-test"},
            "dev.wave",
            lambda profile=profile: AdcSide(profiles.load(profile)),  # type: ignore[misc]
            link,
            1000.0 if profile == "lab-adc-1k" else 100.0,
            {"port": "/dev/tty-that-is-not-there"},
        )
        for profile, link in [
            ("lab-adc-ascii", pty_link),
            ("lab-adc-binary", socket_url_link),
            ("lab-adc-1k", pty_link),
            (TWO_CHANNELS, socket_url_link),
        ]
    ),
    Case(
        "nonin",
        "nonin-serial",
        {},
        {"port": "/dev/tty-of-a-test"},
        "dev.pleth",
        NoninSide,
        pty_link,
        75.0,
        {"port": "/dev/tty-that-is-not-there"},
        lost=range(100, 112),  # it numbers within a packet of 25 only
    ),
    Case(
        "e4-ble",
        "e4-ble",
        {},
        {"address": ADDRESS},
        "dev.acc",
        E4BleSide,
        air_link,
        32.0,
        NO_AIR,
        per_frame=6,
    ),
    Case("ble-hr", "ble-hr", {}, {"address": ADDRESS}, "dev.hr", HeartRateSide, air_link, 1.0, NO_AIR),
]
