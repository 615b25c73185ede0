"""What a segment says of itself, in the texts of its Parquet footer. Pure."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recorder.errors import SessionDamaged
from recorder.session import base85
from recorder.session.levels import Level, rescaled, unpack_level
from recorder.session.points import ClockPoints

KEY = "hemoview."
"""Of our texts in a footer."""


@dataclass(frozen=True)
class Footer:
    """What a segment says of itself.

    Args:
        about: session, stream id, format, kind and, for sample segments, stream and era as JSON values.
        level: low and high of short bins; None where a stream's numbers do not fit one.
        points: thinned clock points, clock segments only.
    """

    about: dict[str, Any]
    level: Level | None
    points: dict[str, ClockPoints]


def footer_of(content: bytes) -> bytes:
    """The Parquet footer with length and magic: the end of the file.

    Raises:
        SessionDamaged: no Parquet footer.
    """
    if len(content) < 12 or content[-4:] != b"PAR1":
        raise SessionDamaged("segment: truncated (no Parquet footer)")
    length = int.from_bytes(content[-8:-4], "little") + 8
    if length > len(content):
        raise SessionDamaged("segment: truncated (footer longer than the file)")
    return content[-length:]


def read_footer(footer: bytes) -> Footer:
    """What a segment says of itself, from the bytes :func:`footer_of` gives.

    Raises:
        SessionDamaged: not the footer of a segment.
    """
    metadata = metadata_of(b"PAR1" + footer)
    about = about_of(metadata)
    return footer_from(about, *(metadata.metadata.get(f"{KEY}{name}".encode()) for name in ("level", "thin")))


def footer_from(about: dict[str, Any], level: bytes | None, thin: bytes | None) -> Footer:
    """What the texts of a footer say.

    Raises:
        SessionDamaged: they make no sense.
    """
    try:
        return Footer(
            about,
            None if level is None else _physical_level(about, unpack_level(level.decode())),
            {} if thin is None else _unpack_thin(thin),
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error) as error:
        raise SessionDamaged(f"segment: its footer makes no sense ({error})") from error


def _physical_level(about: dict[str, Any], level: Level) -> Level:
    channels = about["stream"]["channels"]
    places = about["decimal_places"] or [0] * len(channels)
    scale = np.array([c["scale"] / 10.0**p for c, p in zip(channels, places, strict=True)])
    return rescaled(level, scale, np.array([c["offset"] for c in channels]))


def metadata_of(content: bytes) -> Any:
    """Parquet's own of a file, or of its end.

    Raises:
        SessionDamaged: there is none.
    """
    try:
        return pq.read_metadata(pa.BufferReader(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SessionDamaged(f"segment: {str(error).splitlines()[0]}") from error


def about_of(metadata: Any) -> dict[str, Any]:
    """``about`` of a footer.

    Raises:
        SessionDamaged: it is not there, or was changed.
    """
    try:
        about = dict(json.loads(metadata.metadata[f"{KEY}about".encode()]))
        whole = about.pop("crc32") == about_crc(about)
    except (KeyError, TypeError, ValueError) as error:
        raise SessionDamaged("segment: its footer names no session") from error
    if not whole:
        raise SessionDamaged("segment: what its footer says of it was changed (CRC differs)")
    return about


def about_crc(about: dict[str, Any]) -> int:
    """Stored beside it: what a lost manifest is rebuilt from must be as it was written."""
    return zlib.crc32(json.dumps(about, sort_keys=True).encode())


def pack_thin(points: dict[str, ClockPoints]) -> str:
    """As a text of a footer."""
    deltas = {
        name: [np.diff(a, prepend=0).tolist() for a in (p.sample_no, p.n_samples, p.t_host_ns, p.era)]
        for name, p in points.items()
    }
    return base85.encode(zlib.compress(json.dumps(deltas, separators=(",", ":")).encode(), 9)).decode()


def _unpack_thin(text: bytes) -> dict[str, ClockPoints]:
    deltas = json.loads(zlib.decompress(base85.decode(text)))
    return {
        name: ClockPoints(*(np.cumsum(np.asarray(a, np.int64)) for a in lists))
        for name, lists in deltas.items()
    }


def read_proven_footer(footer: bytes) -> Footer:
    """As :func:`read_footer`, without a Parquet reader: opening a day reads a thousand. For those whose hash is
    that of the manifest: what it proves is not proved twice.

    Raises:
        SessionDamaged: not the footer of a segment.
    """
    about, level, thin = (text_in(footer, name) for name in ("about", "level", "thin"))
    if about is None:
        return read_footer(footer)
    try:
        told = json.loads(about)
        told.pop("crc32")
    except (ValueError, KeyError, AttributeError) as error:
        raise SessionDamaged(f"segment: its footer makes no sense ({error})") from error
    return footer_from(told, level, thin)


def text_in(footer: bytes, name: str) -> bytes | None:
    """One of our texts in a footer, found by its key; None where it is not as it was written.

    Thrift's compact protocol: a key and its value are two binary fields one after the other, each the byte 0x18, the
    length as a varint, the bytes. JSON and base85 hold no byte 0x18, so no text can look like a key.
    """
    key = f"{KEY}{name}".encode()
    at = footer.find(b"\x18" + bytes([len(key)]) + key + b"\x18")
    if at < 0:
        return None
    at += len(key) + 3
    length = shift = 0
    while at < len(footer):
        byte = footer[at]
        at, length, shift = at + 1, length | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80:
            break
    return footer[at : at + length] if at + length <= len(footer) else None
