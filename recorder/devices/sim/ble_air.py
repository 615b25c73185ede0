"""The air of a virtual bedside: a link layer on which emulated peripherals advertise, and a port where the Bluetooth
host of another process finds its controller (HCI over loopback TCP).

Needs bumble, a development dependency.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address, HCI_ErrorCode
from bumble.host import Host
from bumble.link import LocalLink
from bumble.ll import TerminateInd
from bumble.transport.common import StreamPacketSink, StreamPacketSource

from recorder.transports.ble_scan import long_uuid

ADVERTISE_EVERY_MS = 100.0
Written = Callable[[int, bytes], None]
"""Told what was written: characteristic and bytes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peripheral offers: service → characteristics it notifies, lets be read, lets be written (16-bit UUIDs).

    ``values`` holds what a read gives.
    """

    notify: Mapping[int, Sequence[int]] = field(default_factory=dict)
    read: Mapping[int, Sequence[int]] = field(default_factory=dict)
    write: Mapping[int, Sequence[int]] = field(default_factory=dict)
    values: dict[int, bytes] = field(default_factory=dict)
    advertise: Sequence[int] = ()


class Peripheral:
    """One emulated device on the air. All calls from the loop it lives on.

    Args:
        air: where it is.
        name: advertised.
        address: static random address, ``C0:…``.
        offer: its GATT table.
        written: told each write.
    """

    def __init__(
        self, air: Air, name: str, address: str, offer: Offer, written: Written = lambda _c, _d: None
    ) -> None:
        self.name, self.address, self.offer = name, address, offer
        self.connected = asyncio.Event()
        self.n_connections = 0
        self._written = written
        controller = Controller(name, link=air.link)
        host = Host()
        host.controller = controller
        controller.host = host
        self._device = Device(name=name, address=Address(address), host=host)
        self._chars: dict[int, Characteristic[bytes]] = {}
        for service in self._services():
            self._device.add_service(service)
        self._device.on(Device.EVENT_CONNECTION, self._on_connection)
        self._connection: Connection | None = None
        self._wants: set[int] = set()

    async def start(self) -> None:
        """Switch it on: it advertises until somebody connects, and again afterwards."""
        await self._device.power_on()
        await self._advertise()

    async def stop(self) -> None:
        """Switch it off."""
        await self.drop()
        with contextlib.suppress(BaseBumbleError):
            await self._device.stop_advertising()

    async def drop(self) -> None:
        """The peripheral ends the link, as a band does that is out of reach or resets."""
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(BaseBumbleError, asyncio.CancelledError):
                await connection.disconnect()

    def listens(self, characteristic: int) -> bool:
        """Somebody is connected and has asked for it."""
        return self._connection is not None and characteristic in self._wants

    async def notify(self, characteristic: int, value: bytes) -> bool:
        """Send a notification; False where nobody listens, which is then not sent."""
        connection = self._connection
        if connection is None or characteristic not in self._wants:
            return False
        with contextlib.suppress(BaseBumbleError):
            await self._device.notify_subscriber(connection, self._chars[characteristic], value)
            return self._connection is connection
        return False

    async def _advertise(self) -> None:
        told: list[tuple[int, Any]] = [(AdvertisingData.Type.COMPLETE_LOCAL_NAME, self.name.encode())]
        if self.offer.advertise:
            uuids = b"".join(uuid.to_bytes(2, "little") for uuid in self.offer.advertise)
            told.append((AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, uuids))
        await self._device.start_advertising(
            advertising_data=bytes(AdvertisingData(told)),
            auto_restart=True,
            advertising_interval_min=ADVERTISE_EVERY_MS,
            advertising_interval_max=ADVERTISE_EVERY_MS,
        )

    def _services(self) -> list[Service]:
        found: dict[int, list[Characteristic[bytes]]] = {}
        rights = Characteristic.Permissions
        for table, properties, permissions in (
            (self.offer.notify, Characteristic.Properties.NOTIFY, rights.READABLE),
            (self.offer.read, Characteristic.Properties.READ, rights.READABLE),
            (self.offer.write, Characteristic.Properties.WRITE, rights.WRITEABLE),
        ):
            for service, characteristics in table.items():
                for uuid in characteristics:
                    made = self._characteristic(uuid, properties, permissions)
                    found.setdefault(service, []).append(made)
        return [Service(UUID(long_uuid(service)), made) for service, made in found.items()]

    def _characteristic(self, uuid: int, properties: Any, permissions: Any) -> Characteristic[bytes]:
        value: CharacteristicValue[bytes] = CharacteristicValue(
            read=lambda _connection: self.offer.values.get(uuid, b""),
            write=lambda _connection, data: self._written(uuid, bytes(data)),
        )
        made: Characteristic[bytes] = Characteristic(UUID(long_uuid(uuid)), properties, permissions, value)
        made.on(
            Characteristic.EVENT_SUBSCRIPTION,
            lambda _bearer, notify, indicate: self._subscribed(uuid, wanted=notify or indicate),
        )
        self._chars[uuid] = made
        return made

    def _subscribed(self, uuid: int, *, wanted: bool) -> None:
        (self._wants.add if wanted else self._wants.discard)(uuid)

    def _on_connection(self, connection: Connection) -> None:
        self._connection, self._wants = connection, set()
        self.n_connections += 1
        self.connected.set()
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._connection, self._wants = None, set()
        self.connected.clear()


class Air:
    """One link layer; ``serve`` opens the port for Bluetooth hosts, each of which gets a controller of its own."""

    def __init__(self) -> None:
        self.link = LocalLink()  # type: ignore[no-untyped-call]
        self.ports: set[_HciPort] = set()
        self._server: asyncio.Server | None = None
        self._numbers = itertools.count(1)

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _HciPort(self, next(self._numbers)), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more, and unplug every adapter."""
        if self._server is not None:
            self._server.close()
        for port in list(self.ports):
            port.unplug()


class _HciPort(StreamPacketSource):
    """One Bluetooth host's connection: its adapter is plugged in while it lasts."""

    def __init__(self, air: Air, number: int) -> None:
        super().__init__()
        self._air, self._link, self._number = air, air.link, number
        self._controller: Controller | None = None
        self._connection: Any = None

    def unplug(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.abort()

    def connection_made(self, transport: Any) -> None:
        self._connection = transport
        self._air.ports.add(self)
        address = f"00:00:5E:00:{self._number >> 8 & 255:02X}:{self._number & 255:02X}"
        self._controller = Controller(
            f"adapter {self._number}", self, StreamPacketSink(transport), self._link, address
        )

    def connection_lost(self, _exc: Exception | None) -> None:
        """The adapter is gone: its links end as links do whose other side falls silent."""
        self._air.ports.discard(self)
        controller, self._controller = self._controller, None
        if controller is None:
            return
        for connection in list(controller.le_connections.values()):
            with contextlib.suppress(BaseBumbleError):
                connection.send_ll_control_pdu(TerminateInd(HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR))
        asyncio.get_running_loop().call_soon(self._link.remove_controller, controller)
