"""Base85 text of footers, read fast: a day holds a thousand of them. Pure."""

from __future__ import annotations

import base64

import numpy as np

encode = base64.b85encode
_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
"""RFC 1924; the same as :mod:`base64`'s."""
_DIGITS = np.full(256, 255, np.uint8)
_DIGITS[np.frombuffer(_ALPHABET, np.uint8)] = np.arange(85)
_WEIGHTS = 85 ** np.arange(4, -1, -1, dtype=np.uint64)


def decode(text: str | bytes) -> bytes:
    """Inverse of :func:`encode`; the same answers as :func:`base64.b85decode`.

    Raises:
        ValueError: a character or a group of five that no encoder writes.
    """
    raw = text.encode("ascii") if isinstance(text, str) else text
    missing = -len(raw) % 5
    digits = _DIGITS[np.frombuffer(raw + b"~" * missing, np.uint8)].reshape(-1, 5)
    if (digits > 84).any():
        raise ValueError("not base85 text")
    words = digits.astype(np.uint64) @ _WEIGHTS
    if (words > 0xFFFFFFFF).any():
        raise ValueError("base85 group above 32 bits")
    content = words.astype(">u4").tobytes()
    return content[: len(content) - missing]
