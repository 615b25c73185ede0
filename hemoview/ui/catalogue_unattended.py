"""Words of what watches while nobody does: battery, chime, login."""

from __future__ import annotations

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "battery-level": "{device} battery {percent} %",
    "battery-forecast": "{device} battery {percent} % · {left}",
    "battery-low": "{device}: battery at {percent} %. Charge it, or change the device, before it ends.",
    "battery-ends": "{device}: battery at {percent} %, lasts about {left} more. Charge it or change the device.",
    "show-chime": "Sound",
    "chime-on": "Chime when something technical is wrong",
    "chime-off": "No sound",
}

CHINESE: Final[dict[str, str]] = {
    "battery-level": "{device} 电量 {percent} %",
    "battery-forecast": "{device} 电量 {percent} % · {left}",
    "battery-low": "{device}：电量 {percent} %。请在耗尽前充电或更换设备。",
    "battery-ends": "{device}：电量 {percent} %，大约还能用 {left}。请充电或更换设备。",
    "show-chime": "声音",
    "chime-on": "出现技术问题时响提示音",
    "chime-off": "静音",
}
