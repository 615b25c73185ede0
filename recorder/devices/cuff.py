"""The upper-arm cuff: no link, an operator types what it shows. Here so that a template can name it."""

from __future__ import annotations

from recorder.devices.contract import DeviceConfig
from recorder.devices.options import read_options
from recorder.schema import DeviceInfo


def cuff_info(config: DeviceConfig) -> DeviceInfo:
    """The cuff as a device of the session; option ``model``: what is written on it.

    Raises:
        ConfigError: another option.
    """
    model = read_options(config, {"model": ""})["model"]
    product = f"Arm cuff, typed in ({model})" if model else "Arm cuff, typed in"
    return DeviceInfo(config.device_id, product, None, "manual", config.simulated)
