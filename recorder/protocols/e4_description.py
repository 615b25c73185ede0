"""How the streams of an E4 are described, whichever way its samples come: from the server, or from an exported file."""

from __future__ import annotations

from typing import Final

from recorder.protocols.e4_events import SampleKind
from recorder.schema import Channel, StreamInfo
from recorder.schema.streams import Origin

RATES_HZ: Final[dict[SampleKind, float]] = {"bvp": 64.0, "acc": 32.0, "gsr": 4.0, "tmp": 4.0}
_NAMES: Final[dict[SampleKind, str]] = {
    "bvp": "bvp",
    "acc": "acc",
    "gsr": "eda",
    "tmp": "temp",
    "ibi": "ibi",
    "hr": "hr",
    "bat": "battery",
}
# samples a radio packet carries, and so a block usually has (devices.md B.3)
_PACKET: Final[dict[SampleKind, int]] = {"bvp": 11, "acc": 6, "gsr": 6, "tmp": 8}
_G: Final = tuple(Channel(axis, "g", scale=1 / 64) for axis in "xyz")


def stream_infos(device_id: str, origin: Origin) -> dict[SampleKind, StreamInfo]:
    """The seven streams of a wristband, by kind of sample."""

    def waveform(kind: SampleKind, role: str, channels: tuple[Channel, ...], note: str) -> StreamInfo:
        return StreamInfo(
            f"{device_id}.{_NAMES[kind]}",
            device_id,
            "waveform",
            channels,
            "int16" if kind == "acc" else "decimal",
            RATES_HZ[kind],
            role,
            device_clock=True,
            origin=origin,
            metadata={"note": note, "block_s": f"{_PACKET[kind] / RATES_HZ[kind]:g}"},
        )

    def numeric(kind: SampleKind, role: str, unit: str, note: str) -> StreamInfo:
        return StreamInfo(
            f"{device_id}.{_NAMES[kind]}",
            device_id,
            "numeric",
            (Channel(role, unit),),
            "float64",
            None,
            role,
            device_clock=True,
            origin=origin,
            metadata={"note": note},
        )

    return {
        "bvp": waveform("bvp", "ppg", (Channel("bvp", "1"),), "Empatica's own combination of two colours"),
        "acc": waveform("acc", "acc", _G, "x to the slot, y to the shorter strap, z to the underside; ±2 g"),
        "gsr": waveform("gsr", "eda", (Channel("eda", "uS"),), "skin conductance"),
        "tmp": waveform("tmp", "temp", (Channel("temp", "Cel"),), "skin temperature"),
        "ibi": numeric("ibi", "ibi", "s", "only beats the wristband accepted; long absence is normal"),
        "hr": numeric("hr", "hr", "/min", "comes with ibi"),
        "bat": numeric("bat", "battery", "1", "share of full"),
    }
