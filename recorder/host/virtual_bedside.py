"""Starts and stops the emulators' process, and says which devices it offers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recorder.clock import Clock
from recorder.devices.contract import DeviceConfig
from recorder.errors import DeviceError, StorageError
from recorder.host import platform
from recorder.private_folder import make_private
from recorder.schema import Calibration

READY_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 10.0


def standard_config(seed: int = 1, script: str = "demo") -> dict[str, Any]:
    """A wristband and a monitor as a ward would have them: clocks a little off, radio packets jittering."""
    link = "pty" if hasattr(os, "openpty") else "socket"
    return {
        "seed": seed,
        "script": script,
        "e4": {"serial": "9ff167", "port": 0, "ppm": 40.0, "jitter_ms": [5, 60]},
        "adc": {"profile": "lab-adc-ascii", "ppm": -30.0, "link": link},
    }


@dataclass(slots=True)
class VirtualBedside:
    """A running emulator process. ``ready`` is what it offers, ``folder`` holds its configuration, log and truth."""

    process: subprocess.Popen[bytes]
    folder: Path
    ready: dict[str, Any]
    config: dict[str, Any] = field(default_factory=dict)
    _asked: int = 0

    def device_configs(self) -> list[DeviceConfig]:
        """What the recorder needs to reach the emulated devices, as it would reach real ones."""
        configs = []
        if e4 := self.ready.get("e4"):
            options = {"host": e4["host"], "port": e4["port"], "band": e4["serial"]}
            configs.append(DeviceConfig("e4-tcp", "e4", options, simulated=True))
        if adc := self.ready.get("adc"):
            options = {"port": adc["port"], "profile": adc["profile"]}
            configs.append(DeviceConfig("serial-adc", "adc", options, simulated=True))
        if oximeter := self.ready.get("nonin"):
            configs.append(DeviceConfig("nonin-serial", "nonin", oximeter, required=False, simulated=True))
        for name, kind, device_id in (("e4_ble", "e4-ble", "e4"), ("ble_hr", "ble-hr", "hr")):
            if radio := self.ready.get(name):
                configs.append(DeviceConfig(kind, device_id, radio, simulated=True))
        return configs

    def calibration(self, clock: Clock) -> Calibration | None:
        """The emulated monitor's own volt scale, entered as a two-point calibration."""
        adc = self.ready.get("adc")
        if not adc:
            return None
        gain, offset = adc["calibration"]["gain_mmhg_per_v"], adc["calibration"]["offset_mmhg"]
        return Calibration(
            calibration_id="virtual-bedside",
            stream_id="adc.wave",
            channel=adc.get("channel", "abp"),
            gain_mmhg_per_v=gain,
            offset_mmhg=offset,
            method="two-point",
            wall_ns=clock.wall_ns(),
            operator="virtual bedside",
            points_v_mmhg=((0.0, offset), (2.0, 2.0 * gain + offset)),
        )

    def log(self) -> dict[str, Any]:
        """The emulators' own counters: what they put to their links."""
        value: dict[str, Any] = json.loads((self.folder / "emulator-log.json").read_text())
        return value

    def count(self) -> dict[str, Any]:
        """The emulators' counters as they stand at this moment."""
        return self._ask("count")

    def quiet(self) -> dict[str, Any]:
        """Ask the devices to send nothing more but stay connected; returns their counters once all is sent."""
        return self._ask("quiet")

    def check(self) -> None:
        """Do they run?

        Raises:
            DeviceError: the emulators have died.
        """
        if self.process.poll() is not None:
            raise self._died()

    def press_button(self, serial: str = "") -> None:
        """Of the wristband, or of a companion of that serial on the same server."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": "tag", "serial": serial}).encode() + b"\n")
        self.process.stdin.flush()

    def _ask(self, what: str) -> dict[str, Any]:
        """Send a request and wait until the log answers it.

        Raises:
            DeviceError: the emulators have died, or do not answer.
        """
        self._asked += 1
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        try:
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps({"do": what, "request": self._asked}).encode() + b"\n")
            self.process.stdin.flush()
            while (log := self.log()).get("answered") != self._asked:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise DeviceError(
                        f"the virtual bedside ended by itself; see {self.folder / 'emulators.log'}"
                    )
                time.sleep(0.02)
        except OSError as error:
            raise self._died() from error
        return log

    def _died(self) -> DeviceError:
        return DeviceError(f"the virtual bedside has died; see {self.folder / 'emulators.log'}")

    def stop(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """Ask the emulators to stop sending and end; returns their last counters."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        return self.log()


def start(folder: Path, clock: Clock, config: dict[str, Any]) -> VirtualBedside:
    """Start the emulators with ``config`` (see ``recorder.devices.sim``) and wait until they listen.

    They run in a session of their own, so that Ctrl-C in a terminal reaches only the command that started them.

    Raises:
        StorageError: their folder cannot be written.
        DeviceError: they did not come up; the message holds what they said.
    """
    try:
        make_private(folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be made ({error.strerror}): choose another folder") from error
    ready_file = folder / "ready.json"
    ready_file.unlink(missing_ok=True)
    files = {
        "ready_file": str(ready_file),
        "log_file": str(folder / "emulator-log.json"),
        "truth_file": str(folder / "truth.jsonl"),
    }
    config_file = folder / "config.json"
    config_file.write_text(json.dumps({**config, **files}, indent=1))
    with (folder / "emulators.log").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "recorder.devices.sim", str(config_file)],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            env={**os.environ, **clock.to_environment()},
            **platform.detach_options(),
        )
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            said = (folder / "emulators.log").read_text(errors="replace").strip().splitlines()[-1:]
            raise DeviceError(
                f"the virtual bedside did not start: {' '.join(said) or 'no answer'}; see {folder}"
            )
        time.sleep(0.02)
    return VirtualBedside(process, folder, json.loads(ready_file.read_text()), config)
