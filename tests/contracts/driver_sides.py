"""The other end of every driver's wire, without the wire: what it answers, and the frames it sends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from recorder.devices.ble_link import GATT_FRAMES
from recorder.protocols import e4_ble, heart_rate, nonin
from recorder.protocols.adc_profile import AdcProfile
from recorder.protocols.e4_events import Band, Command, Reply, Sample
from recorder.protocols.e4_server import CommandDecoder, format_reply, format_sample
from recorder.protocols.heart_rate import HeartRate
from recorder.protocols.serial_adc import encode


class E4Side:
    """A streaming server without a socket: answers commands, makes sample lines."""

    def __init__(self) -> None:
        self._commands = CommandDecoder()

    def answer(self, data: bytes) -> bytes:
        return b"".join(format_reply(self._reply(command)) for command in self._commands.feed(data))

    @staticmethod
    def _reply(command: Command) -> Reply:
        if command.name == "device_list":
            return Reply("device_list", "list", bands=(Band("9ff167"), Band("7a3166")))
        if command.name == "pause":
            return Reply("pause", "on" if command.arguments == ("ON",) else "off")
        return Reply(command.name, "ok", command.arguments[0] if command.name == "device_subscribe" else "")

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        """BVP lines, each fourth with one of acceleration, each 16th with conductance and temperature."""
        lines = []
        for n in numbers:
            stamp = 1_700_000_000_000_000 + round(n * 1e6 / 64)
            lines.append(format_sample(Sample("bvp", stamp, ((n * 7 - 900, 2),))))
            if n % 2 == 0:
                lines.append(format_sample(Sample("acc", stamp, ((n % 64, 0), (-(n % 50), 0), (63, 0)))))
            if n % 16 == 0:
                lines.append(format_sample(Sample("gsr", stamp, ((n + 100, 3),))))
                lines.append(format_sample(Sample("tmp", stamp, ((3300 + n % 7, 2),))))
            if n % 50 == 0:
                lines.append(format_sample(Sample("ibi", stamp, ((828125, 6),))))
        return lines


@dataclass
class AdcSide:
    """An ADC without a cable."""

    profile: AdcProfile

    @staticmethod
    def answer(data: bytes) -> bytes:
        return b""

    def frames(self, numbers: Iterable[int]) -> list[bytes]:
        period_us = 1e6 / self.profile.rate_hz
        return [
            encode(self.profile, n, round(n * period_us), [1000 + n % 800] * len(self.profile.channels))
            for n in numbers
        ]


class NoninSide:
    """An oximeter without a cable: frame n is number n % 25 of its packet, its pleth n % 256."""

    @staticmethod
    def answer(data: bytes) -> bytes:
        return b""

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        said = nonin.float_bytes(nonin.Vitals(72, 73, 72, 73, 97, 97, 96, 95, 98, 98, 48))
        return [
            nonin.encode(nonin.Frame(0x80 | (n % 25 == 0), n % 256, said[n % 25]), "df2") for n in numbers
        ]


class GattSide:
    """A Bluetooth device without a radio: packets in the driver's own framing."""

    @staticmethod
    def answer(data: bytes) -> bytes:
        return b""

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        raise NotImplementedError


class E4BleSide(GattSide):
    """Six samples of acceleration a packet, and now and then one of the other sensors; each counts its packets."""

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        packets: list[tuple[int, bytes]] = []
        for n in numbers:
            acc = np.array([[n % 128, -(n % 64), (n + k) % 128] for k in range(6)], np.int32)
            packets.append((e4_ble.ACC, e4_ble.encode(e4_ble.ACC, acc, n)))
            light = np.array([[n % 60, -(n % 60)]] * 11, np.int32)
            packets.append((e4_ble.OPTICAL, e4_ble.encode(e4_ble.OPTICAL, light, n)))
            if n % 8 == 0:
                skin = np.full((6, 1), 500_000 + n, np.int32)
                packets.append((e4_ble.EDA, e4_ble.encode(e4_ble.EDA, skin, n // 8)))
            if n % 10 == 0:
                warm = np.full((8, 1), 15_400 + n % 9, np.int32)
                packets.append((e4_ble.TEMP, e4_ble.encode(e4_ble.TEMP, warm, n // 10)))
            if n % 50 == 0:
                packets.append((e4_ble.BATTERY, bytes([90 - n % 7])))
        return [GATT_FRAMES.pack(0, uuid, data, seq) for seq, (uuid, data) in enumerate(packets)]


class HeartRateSide(GattSide):
    """A strap that counts nothing; what is lost behind the operating system is seen by our own count of values."""

    @staticmethod
    def frames(numbers: Iterable[int]) -> list[bytes]:
        frames = []
        for n in numbers:
            rr = (700 + n % 300,) * (n % 3)
            told = HeartRate(40 + n % 150, contact=True, energy_kj=n, rr_1024=rr)
            frames.append(GATT_FRAMES.pack(0, heart_rate.MEASUREMENT, heart_rate.encode(told), n))
        return frames


Side = E4Side | AdcSide | NoninSide | GattSide
