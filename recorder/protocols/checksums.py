"""Checksums of the serial frames, for one frame and for many at once."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

ChecksumName = Literal["none", "sum8", "xor8", "crc16-ccitt"]


@dataclass(frozen=True, slots=True)
class Checksum:
    """``one`` of bytes, ``many`` of ``(n_frames, n_bytes)`` uint8 rows; ``size`` in bytes on the wire."""

    size: int
    one: Callable[[bytes], int]
    many: Callable[[NDArray[np.uint8]], NDArray[np.uint32]]


def _crc_table() -> NDArray[np.uint32]:
    return np.asarray([binascii.crc_hqx(bytes([i]), 0) for i in range(256)], dtype=np.uint32)


_CRC_TABLE: Final = _crc_table()


def _crc_many(rows: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """CRC-16/CCITT-FALSE (poly 0x1021, start 0xFFFF), the same as ``binascii.crc_hqx(row, 0xFFFF)``."""
    crc = np.full(rows.shape[0], 0xFFFF, dtype=np.uint32)
    for column in rows.T:
        crc = ((crc << np.uint32(8)) & np.uint32(0xFFFF)) ^ _CRC_TABLE[(crc >> np.uint32(8)) ^ column]
    return crc


CHECKSUMS: Final[dict[str, Checksum]] = {
    "none": Checksum(0, lambda _data: 0, lambda rows: np.zeros(rows.shape[0], dtype=np.uint32)),
    "sum8": Checksum(
        1, lambda data: sum(data) & 0xFF, lambda rows: rows.sum(axis=1, dtype=np.uint32) & np.uint32(0xFF)
    ),
    "xor8": Checksum(
        1,
        lambda data: reduce(xor, data, 0),
        lambda rows: np.bitwise_xor.reduce(rows, axis=1).astype(np.uint32),
    ),
    "crc16-ccitt": Checksum(2, lambda data: binascii.crc_hqx(data, 0xFFFF), _crc_many),
}
