"""Check characters of pseudonyms, ISO/IEC 7064: one wrong character, and nearly every exchange of two, is noticed.

MOD 37,36 ends a pseudonym of digits and letters with one of ``0-9A-Z``; MOD 11,10 ends one of digits with a digit. Both
are the hybrid systems of the standard: ``p = 2·((p + a) mod M or M) mod (M + 1)`` from ``p = M`` over every character
but the last, and ``(p + last) mod M = 1``.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

CheckScheme = Literal["none", "mod37-36", "mod11-10"]
CHECK_SCHEMES: Final[tuple[CheckScheme, ...]] = get_args(CheckScheme)

_ALPHABETS: Final[dict[str, str]] = {
    "mod37-36": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "mod11-10": "0123456789",
}


def check_character(body: str, scheme: CheckScheme) -> str:
    """The character that ends ``body``; empty for ``none``."""
    if scheme == "none":
        return ""
    alphabet = _ALPHABETS[scheme]
    return alphabet[(1 - _product(_values(body, alphabet), len(alphabet))) % len(alphabet)]


def carries_check(pseudonym: str, scheme: CheckScheme) -> bool:
    """Whether the last character of ``pseudonym`` is the right one for those before it; never for ``none``.

    Separators (``.``, ``_``, ``-``) are passed over and small letters count as capitals. MOD 11,10 passes over letters
    as well, so a wrong letter is not noticed by it.
    """
    if scheme == "none":
        return False
    alphabet = _ALPHABETS[scheme]
    values = _values(pseudonym, alphabet)
    if len(values) < 2 or pseudonym[-1:].upper() not in alphabet:
        return False
    return (_product(values[:-1], len(alphabet)) + values[-1]) % len(alphabet) == 1


def scheme_of(value: object) -> CheckScheme:
    """The scheme a template names; nothing named is ``none``.

    Raises:
        ValueError: there is no such scheme.
    """
    for scheme in CHECK_SCHEMES:
        if value == scheme:
            return scheme
    if value in (None, ""):
        return "none"
    raise ValueError(f"pseudonym_check {value!r} is none of {', '.join(CHECK_SCHEMES)}")


def _values(text: str, alphabet: str) -> list[int]:
    return [alphabet.index(c) for c in text.upper() if c in alphabet]


def _product(values: list[int], modulus: int) -> int:
    product = modulus
    for value in values:
        product = 2 * ((product + value) % modulus or modulus) % (modulus + 1)
    return product
