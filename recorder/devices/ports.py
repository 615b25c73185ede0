"""Serial ports of this computer, as an operator would tell them apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from serial.tools import list_ports


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One serial port.

    Args:
        port: name to open.
        description: what the system calls it.
        maker: of the adapter, empty if unknown.
        usb_id: ``vendor:product`` in hexadecimal, empty if it is no USB adapter.
    """

    port: str
    description: str
    maker: str = ""
    usb_id: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def ports() -> list[PortInfo]:
    """Every port the system lists now; USB adapters first, for that is where an ADC is."""
    found = [
        PortInfo(
            info.device,
            info.description or "",
            info.manufacturer or "",
            f"{info.vid:04x}:{info.pid:04x}" if info.vid is not None and info.pid is not None else "",
        )
        for info in list_ports.comports()
    ]
    return sorted(found, key=lambda port: (not port.usb_id, port.port))
