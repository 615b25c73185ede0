"""Decimal text kept exactly: ``mantissa`` and ``places``, so that it prints back identically.

A value ``-0.25`` is mantissa −25 with places 2. Negative zero (``-0.00``, which real E4 files hold) has no
integer of its own, so its places are stored as ``−1 − places``.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

_PLAIN = re.compile(r"([+-]?)(\d*)(?:[.,](\d*))?\Z")


def encode_decimal(text: str) -> tuple[int, int]:
    """``text`` → (mantissa, places). A decimal comma is read as a point.

    Raises:
        ValueError: not a plain decimal number of at most 18 digits.
    """
    match = _PLAIN.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a plain decimal number")
    sign, whole, fraction = match[1], match[2], match[3] or ""
    digits = whole + fraction
    if not digits or len(digits) > 18:
        raise ValueError(f"{text!r} is not a plain decimal number of at most 18 digits")
    mantissa = int(digits)
    if mantissa == 0 and sign == "-":
        return 0, -1 - len(fraction)
    return (-mantissa if sign == "-" else mantissa), len(fraction)


def decode_decimal(mantissa: int, places: int) -> str:
    """Inverse of :func:`encode_decimal` for text with a digit before the point, no sign ``+``."""
    negative_zero = places < 0
    count = -1 - places if negative_zero else places
    digits = str(abs(mantissa)).rjust(count + 1, "0")
    sign = "-" if mantissa < 0 or negative_zero else ""
    return f"{sign}{digits[:-count]}.{digits[-count:]}" if count else f"{sign}{digits}"


def decimals_to_float(values: NDArray[np.int64]) -> NDArray[np.float64]:
    """``(n, 2·c)`` mantissa/places columns → ``(n, c)`` physical values."""
    places = values[:, 1::2]
    count = np.where(places < 0, -1 - places, places).astype(np.float64)
    return values[:, 0::2] / np.power(10.0, count)
