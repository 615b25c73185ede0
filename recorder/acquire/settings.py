"""What a station remembers over a restart: its devices and the session that is open. Never the subject."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from recorder.devices.contract import DeviceConfig
from recorder.errors import ConfigError
from recorder.private_folder import make_private
from recorder.schema import Calibration


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings file of one station.

    Args:
        devices: as configured last.
        open_session: folder of the session that has not been stopped, or empty.
        calibrations: the newest of every stream and channel; one that was refused is kept beside the one in use.
    """

    devices: tuple[DeviceConfig, ...] = ()
    open_session: str = ""
    calibrations: tuple[Calibration, ...] = ()

    def with_devices(self, devices: Sequence[DeviceConfig]) -> Settings:
        """Other devices."""
        return replace(self, devices=tuple(devices))

    def with_calibration(self, new: Calibration) -> Settings:
        """Another calibration, in place of the former of its channel; a refused one replaces no accepted one."""
        place = (new.stream_id, new.channel)
        others = tuple(
            c
            for c in self.calibrations
            if (c.stream_id, c.channel) != place or (c.accepted and not new.accepted)
        )
        return replace(self, calibrations=(*others, replace(new, t_host_ns=None)))

    def with_session(self, folder: Path | None) -> Settings:
        """Another open session, or none."""
        return replace(self, open_session=str(folder) if folder else "")


def read(path: Path) -> Settings:
    """The settings of a station; fresh ones where there are none.

    Raises:
        ConfigError: the file is not ours.
    """
    try:
        value = json.loads(path.read_text())
        return Settings(
            tuple(device_from(d) for d in value["devices"]),
            str(value.get("open_session", "")),
            tuple(Calibration.from_json(c) for c in value.get("calibrations", ())),
        )
    except FileNotFoundError:
        return Settings()
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"settings {path}: cannot be used ({error}); correct or remove the file") from None


def write(path: Path, settings: Settings) -> None:
    """Replace the file at once, so that a kill leaves the old or the new one."""
    make_private(path.parent)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="utf-8", opener=_owner_only) as file:
        json.dump(asdict(settings), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # the folder of the open session names the pseudonym


def device_from(value: Any) -> DeviceConfig:
    """A device's settings from plain JSON or TOML values.

    Raises:
        ConfigError: a field is missing or unknown; names it.
    """
    if not isinstance(value, dict):
        raise ConfigError(f"device {value!r}: is not a table; give kind and device_id")
    unknown = set(value) - set(DeviceConfig.__dataclass_fields__)
    missing = {"kind", "device_id"} - set(value)
    if unknown or missing:
        fault = (
            f"misses {', '.join(sorted(missing))}" if missing else f"has unknown {', '.join(sorted(unknown))}"
        )
        raise ConfigError(f"device {value.get('device_id', '?')}: {fault}; correct its settings")
    return DeviceConfig(**value)
