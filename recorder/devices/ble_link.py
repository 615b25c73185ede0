"""What the drivers of Bluetooth LE devices share: their framing, raw packets as a stream, battery, link quality."""

from __future__ import annotations

from collections.abc import Iterable

from recorder.protocols.gatt_packets import SEQ_MODULO, GattDecoder, GattPacket, PacketKind, encode


class _GattFrames:
    """See :class:`recorder.transports.ble.Framing`."""

    def pack(self, kind: int, characteristic: int, data: bytes, seq: int) -> bytes:
        """One value that came."""
        return encode(GattPacket(PacketKind(kind), characteristic, data, seq % SEQ_MODULO))

    def unpack(self, data: bytes) -> Iterable[tuple[int, bytes]]:
        """Values to write."""
        return [(packet.characteristic, packet.data) for packet in GattDecoder().feed(data)]


GATT_FRAMES = _GattFrames()
