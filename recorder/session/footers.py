"""Footers whose hash is that of the manifest, read without a Parquet reader: opening a day reads a thousand. Pure."""

from __future__ import annotations

import json

from recorder.errors import SessionDamaged
from recorder.session.segments import KEY, Footer, footer_from, read_footer


def read_proven_footer(footer: bytes) -> Footer:
    """As :func:`recorder.session.segments.read_footer`; what the manifest proves is not proved twice.

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
