"""Starts and stops the emulators' process, and says which devices it offers."""

from __future__ import annotations

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
from recorder.errors import DeviceError
from recorder.schema import Calibration

READY_TIMEOUT_S = 20.0


@dataclass(slots=True)
class VirtualBedside:
    """A running emulator process. ``ready`` is what it offers, ``folder`` holds its configuration, log and truth."""

    process: subprocess.Popen[bytes]
    folder: Path
    ready: dict[str, Any]
    config: dict[str, Any] = field(default_factory=dict)

    def device_configs(self) -> list[DeviceConfig]:
        """What the recorder needs to reach the emulated devices, as it would reach real ones."""
        configs = []
        if e4 := self.ready.get("e4"):
            options = {"host": e4["host"], "port": e4["port"], "band": e4["serial"]}
            configs.append(DeviceConfig("e4-tcp", "e4", options, simulated=True))
        if adc := self.ready.get("adc"):
            options = {"port": adc["port"], "profile": adc["profile"]}
            configs.append(DeviceConfig("serial-adc", "adc", options, simulated=True))
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

    def stop(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """Ask the emulators to stop sending and end; returns their last counters."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.log()


def start(folder: Path, clock: Clock, config: dict[str, Any]) -> VirtualBedside:
    """Start the emulators with ``config`` (see ``recorder.devices.sim``) and wait until they listen.

    Raises:
        DeviceError: they did not come up; the message holds what they said.
    """
    folder.mkdir(parents=True, exist_ok=True)
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
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **clock.to_environment()},
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
