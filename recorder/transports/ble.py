"""A Bluetooth LE device as a transport: bleak on its one thread, every value stamped where it arrives.

Values come as chunks in the caller's framing, so that drivers stay free of I/O; see
:mod:`recorder.protocols.gatt_packets`.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError

from recorder.clock import Clock
from recorder.errors import DeviceAbsent, DeviceError, DeviceRefused, LinkLost
from recorder.transports.ble_loop import FINDING, Attempt
from recorder.transports.ble_scan import (
    SYSTEM_RADIO,
    Radio,
    Seen,
    Sighting,
    long_uuid,
    run,
    search,
    short_uuid,
    sighting,
)
from recorder.transports.contract import Chunk

SEARCH_S: Final = 4.0
"""A band advertises several times a second; one connected elsewhere never does."""
SETTLE_S: Final = 1.5
"""After the first of several possible devices: is there another of the same name?"""
CONNECT_S: Final = 10.0
WRITE_S: Final = 5.0
CLOSE_S: Final = 3.0
"""bleak's disconnect can stall; the link is given up all the same."""
READ_AGAIN_S: Final = 60.0
_NOTIFIES: Final = frozenset({"notify", "indicate"})
ROOM: Final = 8192
"""Values waiting for the device's thread, 10 min of a wristband; more are dropped, and their numbers tell."""


class Framing(Protocol):
    """How values become bytes; kinds are 0 notified, 1 read, 2 written, 3 signal strength."""

    def pack(self, kind: int, characteristic: int, data: bytes, seq: int) -> bytes:
        """One value that came."""
        ...

    def unpack(self, data: bytes) -> Iterable[tuple[int, bytes]]:
        """Values to write: characteristic and bytes."""
        ...


@dataclass(frozen=True, slots=True)
class BleTarget:
    """Which device is wanted and what it must offer.

    Args:
        what: what it is, for messages: ``E4 wristband``.
        address: of the one device; empty = the only one that fits ``name`` or ``advertises``.
        name: beginning of its advertised name; empty = any.
        advertises: service it must advertise where no name is asked for, None = any.
        services: what it must have once connected, else it is something else of that name.
        notify: characteristics to listen to; those it lacks are left out, except the first.
        read: characteristics to read at the beginning and every minute, where it has them.
    """

    what: str
    address: str = ""
    name: str = ""
    advertises: int | None = None
    services: tuple[int, ...] = ()
    notify: tuple[int, ...] = ()
    read: tuple[int, ...] = ()

    def fits(self, seen: Sighting) -> bool:
        """Whether it may be this one."""
        if self.address:
            return seen.address.lower() == self.address.lower()
        named = bool(self.name) and seen.name.startswith(self.name)
        return named or (not self.name and (self.advertises is None or self.advertises in seen.services))

    def __str__(self) -> str:
        return f"{self.what} {self.address}" if self.address else self.what


class BleTransport:
    """A connected device.

    Args:
        target: what was asked for.
        framing: see :class:`Framing`.
        clock: stamps arrivals, on the Bluetooth thread.
    """

    def __init__(self, target: BleTarget, framing: Framing, clock: Clock) -> None:
        self._target, self._framing, self._clock = target, framing, clock
        self._arrived: queue.Queue[Chunk | None] = queue.Queue(ROOM)
        self._seq = itertools.count()
        self._client: BleakClient | None = None
        self._reading: asyncio.Task[None] | None = None
        self._over, self._closed = "", False
        self.address, self.name = target.address, ""

    # ---- the device's thread

    def read(self, timeout_s: float) -> Chunk | None:
        """See :class:`recorder.transports.Transport`; what arrived before the device's end is handed over first."""
        if self._closed:
            raise LinkLost(self._over)
        try:
            chunk = self._arrived.get(timeout=max(timeout_s, 0.001) if not self._over else 0.001)
        except queue.Empty:
            chunk = None
        if chunk is None and self._over:
            raise LinkLost(self._over)
        return chunk

    def write(self, data: bytes) -> None:
        """See :class:`recorder.transports.Transport`."""
        for characteristic, value in self._framing.unpack(data):
            run(self._write(characteristic, value), WRITE_S, str(self))

    def close(self) -> None:
        """See :class:`recorder.transports.Transport`."""
        self._end(f"{self} was disconnected by this computer")
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(DeviceError):
                run(self._disconnect(client), CLOSE_S, str(self))

    def __str__(self) -> str:
        return f"{self._target.what} {self.address}"

    # ---- the Bluetooth thread

    async def connect(self, seen: Seen, radio: Radio) -> None:
        """Connect, check what it is, listen, read.

        Raises:
            DeviceRefused: it is another device of that name.
            BleakError, OSError, TimeoutError: bleak's own.
        """
        device, _ = seen
        found = sighting(seen)
        self.address, self.name = found.address, found.name
        client = BleakClient(device, self._dropped, timeout=CONNECT_S, backend=radio.client)
        async with FINDING:
            await client.connect()
        self._client = client
        try:
            offered = self._offered(client)
            self._take(3, 0, struct.pack("b", max(-128, min(127, found.rssi_dbm))))
            for uuid in self._target.notify:
                if uuid in offered and _NOTIFIES & set(offered[uuid].properties):
                    await client.start_notify(offered[uuid], self._notified)
            await self._read_once(client, offered)
        except BaseException:
            self._client = None
            await self._disconnect(client)
            raise
        self._reading = asyncio.create_task(self._read_again(client, offered))

    def _offered(self, client: BleakClient) -> dict[int, BleakGATTCharacteristic]:
        there = {short_uuid(service.uuid) for service in client.services}
        offered: dict[int, BleakGATTCharacteristic] = {}
        for characteristic in client.services.characteristics.values():
            uuid = short_uuid(characteristic.uuid)
            if uuid is not None:
                offered.setdefault(uuid, characteristic)
        lacking = [long_uuid(service)[4:8] for service in self._target.services if service not in there]
        lacking += [f"{uuid:04x}" for uuid in self._target.notify[:1] if uuid not in offered]
        if lacking:
            raise DeviceRefused(
                f"{self} ({self.name or 'no name'}) is no {self._target.what}: it lacks {', '.join(lacking)}; "
                "choose another address"
            )
        return offered

    async def _read_once(self, client: BleakClient, offered: dict[int, BleakGATTCharacteristic]) -> None:
        for uuid in self._target.read:
            if uuid in offered:
                with contextlib.suppress(BleakError):  # what cannot be read now is simply not known
                    self._take(1, uuid, bytes(await client.read_gatt_char(offered[uuid])))

    async def _read_again(self, client: BleakClient, offered: dict[int, BleakGATTCharacteristic]) -> None:
        while not self._over:
            await asyncio.sleep(self._clock.real_timeout(READ_AGAIN_S))
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                await self._read_once(client, offered)

    async def _write(self, characteristic: int, value: bytes) -> None:
        client = self._client
        found = client.services.get_characteristic(long_uuid(characteristic)) if client else None
        if client is None or found is None:
            raise LinkLost(f"{self} cannot be written to ({characteristic:04x}): the link is gone")
        await client.write_gatt_char(found, value, response="write" in found.properties)

    async def _disconnect(self, client: BleakClient) -> None:
        if self._reading is not None:
            self._reading.cancel()
        with contextlib.suppress(BleakError, OSError, EOFError, TimeoutError):
            await client.disconnect()

    def _notified(self, characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        uuid = short_uuid(characteristic.uuid)
        if uuid is not None:
            self._take(0, uuid, bytes(data))

    def _take(self, kind: int, uuid: int, data: bytes) -> None:
        now = self._clock.monotonic_ns()
        frame = self._framing.pack(kind, uuid, data, next(self._seq))
        with contextlib.suppress(queue.Full):  # the next one's number tells
            self._arrived.put_nowait(Chunk(frame, now))

    def _dropped(self, _: BleakClient) -> None:
        self._end(
            f"{self} dropped the Bluetooth link: bring it near this computer and check its charge; trying again"
        )

    def _end(self, why: str) -> None:
        if not self._over:
            self._over = why
            with contextlib.suppress(queue.Full):  # a reader that waits wakes; one that is busy looks itself
                self._arrived.put_nowait(None)


def open_ble(
    target: BleTarget,
    framing: Framing,
    clock: Clock,
    radio: Radio = SYSTEM_RADIO,
    *,
    connected_as: Callable[[str, str], None] = lambda _address, _name: None,
    attempt: Attempt | None = None,
) -> BleTransport:
    """Find the device, connect, listen.

    Args:
        connected_as: told address and name of what was connected.
        attempt: lets another thread end it.

    Raises:
        DeviceAbsent: nothing that fits advertises: off, far away or connected elsewhere.
        LinkLost: several fit, or the link broke at once; retried.
        DeviceRefused: it is not what it should be.
        DeviceError: no Bluetooth.
    """
    settle_s = 0.0 if target.address else SETTLE_S
    longest_s = SEARCH_S + SETTLE_S + 10.0
    found = run(search(target.fits, SEARCH_S, settle_s, radio), longest_s, str(target), attempt)
    if not found:
        raise DeviceAbsent(
            f"{target} is not in range: switch it on near this computer; if a phone, another computer or another"
            " station is connected to it, disconnect it there"
        )
    if len(found) > 1:
        raise LinkLost(f"{_several(target, found)}: {_WHICH}")
    transport = BleTransport(target, framing, clock)
    try:
        who = f"{target.what} {found[0][0].address}"
        run(transport.connect(found[0], radio), 2 * CONNECT_S, who, attempt)
    except DeviceError:
        transport.close()
        raise
    connected_as(transport.address, transport.name)
    return transport


_WHICH: Final = "pair by button, or choose one by its address"


def _several(target: BleTarget, found: list[Seen]) -> str:
    each = ", ".join(
        f"{s.address} ({s.rssi_dbm} dBm)" for s in sorted(map(sighting, found), key=lambda s: s.address)
    )
    if target.name:
        return f"{len(found)} devices called {target.name} are in range, {each}"
    return f"{len(found)} devices of the kind {target.what} are in range, {each}"
