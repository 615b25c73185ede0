"""The emulators of one bedside in one thread: sense, send, answer, log; on the shared clock, waiting for nobody."""

from __future__ import annotations

import json
import os
import queue
import selectors
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recorder.clock import Clock
from recorder.devices import profiles
from recorder.devices.sim.adc import GAIN_MMHG_PER_V, AdcEmulator
from recorder.devices.sim.config import AdcConfig, BedsideConfig, E4Config, NoninConfig
from recorder.devices.sim.device_clock import DeviceClock
from recorder.devices.sim.e4_band import E4Band
from recorder.devices.sim.e4_server import E4Server
from recorder.devices.sim.logbook import TruthFile, write_whole
from recorder.devices.sim.nonin import NoninEmulator
from recorder.devices.sim.outlet import Tally
from recorder.devices.sim.patient import VirtualPatient
from recorder.devices.sim.serial_links import open_link
from recorder.devices.sim.source import PatientSource, Source
from recorder.devices.sim.subject import config_hash
from recorder.errors import ConfigError, DeviceBusy

if TYPE_CHECKING:
    from recorder.devices.sim.ble_bedside import BleBedside

Span = tuple[float, float]
LOG_EVERY_S = 1.0
MAX_WAIT_S = 0.05
"""Longest real wait without looking at requests and stop."""
LINGER_S = 1.0
"""Real seconds a stopping device leaves its readers to take what is in the cable."""
CATCH_UP_S = 5.0
"""After a standstill of the machine, time is made up in steps of this length."""


@dataclass(slots=True)
class _Wristband:
    band: E4Band
    server: E4Server
    tags_s: list[float]
    done_s: float = 0.0


class Bedside:
    """Everything the configuration asks for, listening from construction on.

    Args:
        config: what to be.
        clock: shared host clock; time 0 of the patient is now.
        requests: JSON lines from outside: ``{"do": "tag"}`` (and the ``serial`` of a companion),
            ``{"do": "e4-disconnect", "for_s": 5}``,
            ``{"do": "adc-disconnect" | "adc-dropout" | "recalibrate", "for_s": 5}``, ``{"do": "turn-off"}``,
            ``{"do": "nonin-disconnect", "for_s": 5}``, ``{"do": "ble-drop"}``,
            ``{"do": "count"}`` (write the log now), ``{"do": "quiet"}`` (sense nothing more, send what waits, keep
            the links, then write the log). A ``request`` number in these two comes back as ``answered`` in the log.

        source: signals to send instead of those the configuration names.

    Raises:
        ConfigError: profile or replay file is wrong.
        DeviceBusy: the port is in use.
    """

    def __init__(
        self,
        config: BedsideConfig,
        clock: Clock,
        requests: queue.SimpleQueue[str] | None = None,
        source: Source | None = None,
    ) -> None:
        self._config, self._clock = config, clock
        self._requests: queue.SimpleQueue[str] = requests or queue.SimpleQueue()
        self.tally = Tally()
        self._selector = selectors.DefaultSelector()
        self._t0_ns = clock.monotonic_ns()
        self._wall_us = clock.wall_ns() // 1000
        self._rng_e4, self._rng_adc, self._rng_nonin = np.random.default_rng([config.seed, 1]).spawn(3)
        self.source = make_source(config) if source is None else source
        self._wristband = None if config.e4 is None else self._make_wristband(config.e4)
        self.adc = None if config.adc is None else self._make_adc(config.adc)
        self.nonin = None if config.nonin is None else self._make_nonin(config.nonin)
        self.ble = self._make_ble()
        self._truth = TruthFile(config.truth_file, self._truth_header())
        self._next_log_ns, self._done_s = 0, 0.0
        self.stopped = self.quiet = False
        self._request: int | None = None
        self._answered: int | None = None
        self._log()
        write_whole(config.ready_file, self.ready())

    def now_s(self) -> float:
        """Patient time, s."""
        return (self._clock.monotonic_ns() - self._t0_ns) / 1e9

    def ready(self) -> dict[str, Any]:
        """What is offered, as the ready file says it."""
        oximeter = None
        if self.nonin is not None and self._config.nonin is not None:
            oximeter = {"port": self.nonin.link.address, "format": self._config.nonin.format}
        return {
            "pid": os.getpid(),
            "e4": self._ready_e4(),
            "adc": self._ready_adc(),
            "nonin": oximeter,
            **self._ready_ble(),
        }

    def fail(
        self, e4_away: Sequence[Span], adc_pulled: Sequence[Span] = (), adc_dropouts: Sequence[Span] = ()
    ) -> None:
        """More ``(at_s, for_s)`` of patient time: no radio, the cable pulled, nothing converted."""
        if self._wristband is not None:
            self._wristband.band.disconnects.extend(e4_away)
        if self.adc is not None:
            self.adc.disconnects.extend(adc_pulled)
            self.adc.dropouts.extend(adc_dropouts)

    def run(self) -> None:
        """Until :meth:`stop`."""
        while not self.stopped:
            self.step()
        self._finish()

    def stop(self) -> None:
        """End :meth:`run` soon; may be called from a signal."""
        self.stopped = True

    def step(self) -> None:
        """Do everything due, then wait for the next thing to do."""
        now_s = self._done_s = min(self.now_s(), self._done_s + CATCH_UP_S)
        self._obey()
        if self.quiet:
            self._rest()
            return
        due_s = [now_s + MAX_WAIT_S * self._clock.speed]
        if self._wristband is not None:
            self._run_wristband(self._wristband, now_s)
            due_s.append(self._wristband.band.next_s)
        for serial in self._serials:
            if not serial.ended:
                serial.advance(now_s)
                due_s.append(serial.next_s)
        if self._clock.monotonic_ns() >= self._next_log_ns:
            self._log()
        wait_s = self._clock.real_timeout(min(due_s) - self.now_s())
        for key, _ in self._selector.select(min(max(wait_s, 0.001), MAX_WAIT_S)):
            key.data()

    def _answer(self) -> None:
        self._answered, self._request = self._request, None
        self._log()

    def _rest(self) -> None:
        """Only send what waits and answer what is asked; the log says once that nothing waits any more."""
        if not self._flush() and self._request is not None:
            self._answer()
        for key, _ in self._selector.select(MAX_WAIT_S):
            key.data()

    @property
    def done(self) -> bool:
        """A replayed recording is over."""
        ended = [] if self._wristband is None else [self._wristband.band.ended]
        return self.stopped or all([*ended, *(serial.ended for serial in self._serials)])

    @property
    def _serials(self) -> list[AdcEmulator | NoninEmulator]:
        return [serial for serial in (self.adc, self.nonin) if serial is not None]

    def _run_wristband(self, wristband: _Wristband, now_s: float) -> None:
        band, server = wristband.band, wristband.server
        if band.lost_since(wristband.done_s, now_s):  # and perhaps back by now: the server tells both
            server.set_away(away=True)
        wristband.done_s = now_s
        server.set_away(away=band.is_away(now_s))
        server.deliver(band.arrivals(now_s))
        while wristband.tags_s and wristband.tags_s[0] <= now_s:
            server.deliver(band.tag(wristband.tags_s.pop(0)))

    def _finish(self) -> None:
        """Leave the readers a moment for what is on its way, then close."""
        deadline_ns = Clock().monotonic_ns() + int(LINGER_S * 1e9)
        while self._flush() and Clock().monotonic_ns() < deadline_ns:
            Clock().sleep(0.01)
        if self._wristband is not None:
            self._wristband.server.close()
        for serial in self._serials:
            serial.close()
        if self.ble is not None:
            self.ble.close()
        self._log()
        self._truth.close()
        self._selector.close()

    def _flush(self) -> int:
        """Send what waits; how many bytes have not been taken yet."""
        servers = [self._wristband.server] if self._wristband else []
        return sum(part.flush() for part in (*servers, *self._serials))

    def _obey(self) -> None:
        while not self._requests.empty():
            try:
                request = json.loads(self._requests.get_nowait())
            except ValueError:
                continue
            if isinstance(request, dict):
                self._request = request.get("request", self._request)
                self._do(
                    str(request.get("do")), float(request.get("for_s", 5.0)), str(request.get("serial", ""))
                )

    def _do(self, what: str, for_s: float, serial: str = "") -> None:
        span = (self.now_s(), for_s)
        if what == "quiet":
            self.quiet = True
        elif what == "count":
            self._answer()
        if self._wristband is not None:
            if what == "tag":
                self._wristband.server.deliver(self._wristband.band.tag(span[0]), serial)
            elif what == "turn-off":
                self._wristband.server.turn_off()
            elif what == "e4-disconnect":
                self._wristband.band.disconnects.append(span)
        if self.adc is not None:
            spans = {
                "adc-disconnect": self.adc.disconnects,
                "adc-dropout": self.adc.dropouts,
                "recalibrate": self.adc.recalibrations,
            }
            if what in spans:
                spans[what].append(span)
        if self.nonin is not None and what == "nonin-disconnect":
            self.nonin.disconnects.append(span)
        if self.ble is not None and what == "ble-drop":
            self.ble.drop()

    def _make_wristband(self, config: E4Config) -> _Wristband:
        clock_rng, radio_rng = self._rng_e4.spawn(2)
        low_ms, high_ms = config.jitter_ms
        band = E4Band(
            self.source,
            DeviceClock(config.ppm, clock_rng),
            radio_rng,
            self.tally,
            self._wall_us,
            jitter_s=(low_ms / 1e3, high_ms / 1e3),
            dropout=config.dropout,
            disconnects=config.disconnects,
        )
        try:
            server = E4Server(
                config.serial,
                self.tally,
                self._selector,
                host=config.host,
                port=config.port,
                comma=config.comma,
                strangers=config.strangers,
                companions=config.companions,
            )
        except OSError as error:
            raise DeviceBusy(
                f"virtual E4 server: {config.host}:{config.port} cannot be used ({error.strerror}); choose another port"
            ) from error
        return _Wristband(band, server, sorted(config.tags))

    def _make_ble(self) -> BleBedside | None:
        config = self._config
        if config.e4_ble is None and config.ble_hr is None:
            return None
        try:
            from recorder.devices.sim.ble_bedside import BleBedside  # noqa: PLC0415 (needs bumble)
        except ImportError as error:
            raise ConfigError("virtual bedside: radio devices need the package bumble: install it") from error
        return BleBedside(
            lambda: make_source(config),
            self._clock,
            e4=() if config.e4_ble is None else (config.e4_ble,),
            hr=config.ble_hr,
            seed=config.seed,
            t0_ns=self._t0_ns,
        )

    def _ready_ble(self) -> dict[str, Any]:
        if self.ble is None:
            return {"e4_ble": None, "ble_hr": None}
        return {
            name: part and {"address": part.address, "radio": self.ble.radio}
            for name, part in (("e4_ble", self._config.e4_ble), ("ble_hr", self._config.ble_hr))
        }

    def _link_folder(self) -> Path:
        ready = self._config.ready_file
        return (ready.parent if ready is not None else Path(tempfile.gettempdir())).resolve()

    def _make_nonin(self, config: NoninConfig) -> NoninEmulator:
        clock_rng, wire_rng = self._rng_nonin.spawn(2)
        return NoninEmulator(
            config.format,
            self.source,
            DeviceClock(config.ppm, clock_rng),
            self.tally,
            open_link(config.link, self._link_folder(), self._selector, "nonin"),
            rng=wire_rng,
            damage=config.damage,
            dropouts=config.dropouts,
            disconnects=config.disconnects,
        )

    def _make_adc(self, config: AdcConfig) -> AdcEmulator:
        return AdcEmulator(
            profiles.load(config.profile),
            self.source,
            DeviceClock(config.ppm, self._rng_adc),
            self.tally,
            open_link(config.link, self._link_folder(), self._selector),
            offset_mmhg=config.offset_mmhg,
            recalibrations=config.recalibrations,
            dropouts=config.dropouts,
            disconnects=config.disconnects,
            speed=self._clock.speed,
        )

    def _ready_e4(self) -> dict[str, Any] | None:
        if self._wristband is None or self._config.e4 is None:
            return None
        server = self._wristband.server
        return {"host": server.host, "port": server.port, "serial": self._config.e4.serial}

    def _ready_adc(self) -> dict[str, Any] | None:
        if self.adc is None or self._config.adc is None:
            return None
        channel = next(
            (c for c in self.adc.profile.channels if c.role == "abp_wave"), self.adc.profile.channels[0]
        )
        return {
            "port": self.adc.link.address,
            "profile": self._config.adc.profile,
            "channel": channel.field,
            "calibration": {"gain_mmhg_per_v": GAIN_MMHG_PER_V, "offset_mmhg": 0.0},
        }

    def _truth_header(self) -> dict[str, Any]:
        config = self._config
        return {
            "simulated": True,
            "site": "finger",
            "subject": config.subject.to_json(),
            "seed": config.seed,
            "script": config.script.to_json(),
            "config_sha256": config_hash(config.subject, config.script.to_json(), config.seed),
            "t0_host_ns": self._t0_ns,
            "replay": None if config.replay is None else config.replay.name,
        }

    def _log(self) -> None:
        self._truth.write(self.source.truth(self._done_s), self._t0_ns)
        now_ns = self._clock.monotonic_ns()
        self._next_log_ns = now_ns + int(LOG_EVERY_S * self._clock.speed * 1e9)
        write_whole(
            self._config.log_file,
            {
                "t_host_ns": now_ns,
                "done": self.done,
                "answered": self._answered,
                "streams": self.tally.to_json() | ({} if self.ble is None else self.ble.tally.to_json()),
            },
        )


def make_source(config: BedsideConfig) -> Source:
    """The recording to replay, or the virtual patient."""
    if config.replay is not None:
        from recorder.devices.sim.replay import load  # noqa: PLC0415 (only where a recording is replayed)

        return load(config.replay)
    return PatientSource(VirtualPatient(config.subject, config.script, config.seed))
