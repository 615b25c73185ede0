"""Words of radio devices and the pulse oximeter on the Record page."""

from typing import Final

ENGLISH: Final[dict[str, str]] = {
    "experimental": "experimental",
    "stream-experimental": "{stream} (exp.)",
    "lane-optical": "Light",
    "lane-pleth": "Pleth",
    "stream-e4.optical": "Light",
    "stream-nonin.pleth": "Pleth",
    "stream-nonin.spo2": "SpO₂",
}

CHINESE: Final[dict[str, str]] = {
    "experimental": "试验性",
    "stream-experimental": "{stream}（试验）",
    "lane-optical": "光信号",
    "lane-pleth": "容积波",
    "stream-e4.optical": "光信号",
    "stream-nonin.pleth": "容积波",
    "stream-nonin.spo2": "SpO₂",
}
