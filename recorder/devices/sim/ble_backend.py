"""bleak over a virtual radio: a Bluetooth host of bumble behind bleak's ``backend=``, its controller in the emulators'
process at the other end of a loopback connection that carries HCI, as a USB adapter does.

Every value therefore passes ATT, L2CAP, HCI and a link layer; only the radio waves are missing. No part of it is
used with a real adapter.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import uuid as uuid_of
from typing import Any, ClassVar

from bleak.args import SizedBuffer
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDeviceNotFoundError,
    BleakError,
)
from bumble.att import ATT_Error
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Advertisement, Connection, Device, Peer
from bumble.gatt import Characteristic
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address
from bumble.transport import open_transport

from recorder.transports.ble_scan import Radio

_NUMBERS = itertools.count(1)
_BLEAK_PROPERTIES = {
    Characteristic.Properties.READ: "read",
    Characteristic.Properties.WRITE: "write",
    Characteristic.Properties.WRITE_WITHOUT_RESPONSE: "write-without-response",
    Characteristic.Properties.NOTIFY: "notify",
    Characteristic.Properties.INDICATE: "indicate",
}


class VirtualAdapter:
    """The adapter of this process at one virtual bedside; opened again if the bedside was started anew.

    Args:
        host, port: where the bedside's controllers listen.
    """

    def __init__(self, host: str, port: int) -> None:
        self._where = f"{host}:{port}"
        self._device: Device | None = None
        self._opening: asyncio.Lock | None = None

    async def device(self) -> Device:
        """The running Bluetooth host.

        Raises:
            BleakBluetoothNotAvailableError: no virtual bedside listens there.
        """
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._device is None:
                self._device = await self._open()
            return self._device

    async def _open(self) -> Device:
        try:
            transport = await open_transport(f"tcp-client:{self._where}")
        except OSError as error:
            raise BleakBluetoothNotAvailableError(
                f"no virtual bedside at {self._where}", BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            ) from error
        tail = os.getpid() * 16 + next(_NUMBERS)
        address = Address(f"F0:F1:{':'.join(f'{(tail >> s) & 255:02X}' for s in (24, 16, 8, 0))}")
        device = Device.with_hci("HemoView", address, transport.source, transport.sink)
        transport.source.terminated.add_done_callback(lambda _: self._gone())
        await device.power_on()
        return device

    def _gone(self) -> None:
        self._device = None


def virtual_radio(host: str, port: int) -> Radio:
    """The radio of the virtual bedside that listens on ``host:port``; one adapter a process, as on a computer."""
    key = (host, port)
    if key not in _RADIOS:
        adapter = VirtualAdapter(host, port)
        client = type("VirtualClient", (_Client,), {"adapter": adapter})
        scanner = type("VirtualScanner", (_Scanner,), {"adapter": adapter})
        _RADIOS[key] = Radio(client, scanner)
    return _RADIOS[key]


_RADIOS: dict[tuple[str, int], Radio] = {}


class _Scanner(BaseBleakScanner):
    adapter: ClassVar[VirtualAdapter]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        _scanning_mode: str,
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._device: Device | None = None

    async def start(self) -> None:
        self.seen_devices.clear()
        self._device = await self.adapter.device()
        self._device.on(Device.EVENT_ADVERTISEMENT, self._advertised)
        await self._device.start_scanning()

    async def stop(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.remove_listener(Device.EVENT_ADVERTISEMENT, self._advertised)
            await device.stop_scanning()

    def _advertised(self, found: Advertisement) -> None:
        name = found.data.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME)
        uuids = found.data.get(AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS) or []
        told = AdvertisementData(
            local_name=name if isinstance(name, str) else None,
            manufacturer_data={},
            service_data={},
            service_uuids=[_text(uuid) for uuid in uuids],
            tx_power=None,
            rssi=found.rssi,
            platform_data=(),
        )
        address = str(found.address).split("/")[0]
        device = self.create_or_update_device(address, address, told.local_name, found.address, told)
        self.call_detection_callbacks(device, told)


class _Client(BaseBleakClient):
    adapter: ClassVar[VirtualAdapter]

    def __init__(self, address_or_ble_device: BLEDevice | str, **kwargs: Any) -> None:
        super().__init__(
            address_or_ble_device,
            disconnected_callback=kwargs.get("disconnected_callback"),
            timeout=float(kwargs.get("timeout", 10.0)),
        )
        details = getattr(address_or_ble_device, "details", None)
        self._peer_address = details if isinstance(details, Address) else Address(self.address)
        self._connection: Connection | None = None
        self._peer: Peer | None = None

    @property
    def name(self) -> str:
        return self.address

    @property
    def mtu_size(self) -> int:
        return 23 if self._peer is None else self._peer.gatt_client.mtu

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:  # noqa: ARG002 (these bands do not pair)
        device = await self.adapter.device()
        try:
            connection = await device.connect(self._peer_address, timeout=self._timeout)
        except (BaseBumbleError, TimeoutError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError):
                raise
            raise BleakDeviceNotFoundError(self.address, f"{self.address} did not answer") from error
        self._connection = connection
        connection.on(Connection.EVENT_DISCONNECTION, self._disconnected)
        self._peer = Peer(connection)
        try:
            await self._bleak(self._peer.discover_services())
            for service in self._peer.services:
                await self._bleak(service.discover_characteristics())
            self.services = _collection(self._peer)
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.remove_listener(Connection.EVENT_DISCONNECTION, self._disconnected)
            await self._bleak(connection.disconnect())
            if self._disconnected_callback is not None:
                self._disconnected_callback()

    def _disconnected(self, _reason: int) -> None:
        if self._connection is not None:
            self._connection = None
            if self._disconnected_callback is not None:
                self._disconnected_callback()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        proxy: CharacteristicProxy[bytes] = characteristic.obj
        return bytearray(await self._bleak(proxy.read_value()))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        return bytearray(await self._bleak(descriptor.obj.read_value()))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool
    ) -> None:
        await self._bleak(characteristic.obj.write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._bleak(descriptor.obj.write_value(bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **_: Any
    ) -> None:
        await self._bleak(characteristic.obj.subscribe(lambda value: callback(bytearray(value))))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self._bleak(characteristic.obj.unsubscribe())

    async def _bleak(self, work: Any) -> Any:
        """Do it; a link that goes meanwhile is bleak's error, not bumble's."""
        try:
            return await work
        except (BaseBumbleError, ATT_Error) as error:
            raise BleakError(f"{type(error).__name__}: {error}") from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._connection is not None or (task is not None and task.cancelling()):
                raise
            raise BleakError("disconnected meanwhile") from None


def _text(uuid: UUID) -> str:
    return str(uuid_of.UUID(bytes=uuid.to_bytes(force_128=True)[::-1]))


def _collection(peer: Peer) -> BleakGATTServiceCollection:
    services = BleakGATTServiceCollection()
    for found in peer.services:
        service = BleakGATTService(found, found.handle, _text(found.uuid))
        services.add_service(service)
        for each in found.characteristics:
            properties: Any = [name for flag, name in _BLEAK_PROPERTIES.items() if each.properties & flag]
            services.add_characteristic(
                BleakGATTCharacteristic(each, each.handle, _text(each.uuid), properties, _max_write, service)
            )
    return services


def _max_write() -> int:
    return 20
