"""Fields of wire bodies: each knows how it is read, so that a body with a wrong one cannot be made. Pure.

A reader takes ``(where, value)`` and returns the value as the body keeps it, or raises WireError naming ``where``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, ClassVar, Final, Self

from recorder.errors import WireError

Reader = Callable[[str, Any], Any]

WHOLE_MAX: Final = 2**53 - 1
"""Largest whole number that every JSON reader keeps (RFC 8259, section 6)."""
_READER: Final = "reader"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*\Z")
_SHOWN: Final = 60


def of(reader: Reader, **options: Any) -> Any:
    """A dataclass field read by ``reader``; options as of :func:`dataclasses.field`."""
    return field(metadata={_READER: reader}, **options)


class Body:
    """What travels: a frozen dataclass of :func:`of` fields, checked whenever one is made.

    ``OPEN`` bodies are answers of the service: a newer one may say more than this version understands. All others are
    read strictly, since an unknown field that is dropped would no longer be what was signed.
    """

    __slots__ = ()
    OPEN: ClassVar[bool] = False

    def __post_init__(self) -> None:
        name = type(self).__name__
        for f in _fields_of(self):
            object.__setattr__(self, f.name, f.metadata[_READER](f"{name}.{f.name}", getattr(self, f.name)))
        self.check()

    def check(self) -> None:
        """What binds several fields; raises WireError."""

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Read plain JSON values.

        Raises:
            WireError: names the field and what is wrong with it.
        """
        if not isinstance(value, Mapping):
            raise WireError(f"{cls.__name__}: not an object but {_shown(value)}")
        known = {f.name: f for f in _fields_of(cls)}
        unknown = sorted(str(k) for k in value.keys() - known.keys())
        if unknown and not cls.OPEN:
            raise WireError(f"{cls.__name__}: unknown field {_shown(unknown[0])}")
        for name, f in known.items():
            if name not in value and f.default is MISSING and f.default_factory is MISSING:
                raise WireError(f"{cls.__name__}.{name}: missing")
        return cls(**{k: v for k, v in value.items() if k in known})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; inverse of :meth:`from_json`."""
        return {f.name: _plain(getattr(self, f.name)) for f in _fields_of(self)}


def _fields_of(body: Any) -> tuple[Field[Any], ...]:
    return fields(body)


# ---- readers


def text(longest: int, pattern: str | None = None, shortest: int = 0) -> Reader:
    """One line of text without control characters; ``pattern`` must match the whole of it."""
    wanted = re.compile(pattern) if pattern else None

    def read(where: str, value: Any) -> str:
        if not isinstance(value, str):
            raise WireError(f"{where}: text is wanted, not {_shown(value)}")
        if not shortest <= len(value) <= longest:
            raise WireError(f"{where}: {len(value)} characters; {shortest} to {longest} are allowed")
        if _CONTROL.search(value) or (wanted and not wanted.fullmatch(value)):
            raise WireError(f"{where}: {_shown(value)} is not allowed here")
        return value

    return read


def lines(longest: int) -> Reader:
    """Text of several lines."""
    one = text(longest)

    def read(where: str, value: Any) -> str:
        one(where, re.sub(r"[\n\t]", " ", value) if isinstance(value, str) else value)
        return str(value)

    return read


def whole(low: int = 0, high: int = WHOLE_MAX) -> Reader:
    """A whole number, both ends included; 1.0 and true are none."""

    def read(where: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise WireError(f"{where}: a whole number is wanted, not {_shown(value)}")
        if not low <= value <= high:
            raise WireError(f"{where}: {_shown(value)} is not in {low} to {high}")
        return value

    return read


def flag(where: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WireError(f"{where}: true or false is wanted, not {_shown(value)}")
    return value


def hexadecimal(shortest_bytes: int, longest_bytes: int | None = None) -> Reader:
    """Bytes as lower-case hexadecimal text; so many exactly where no longest is given."""
    longest = shortest_bytes if longest_bytes is None else longest_bytes

    def read(where: str, value: Any) -> str:
        if not isinstance(value, str) or not _HEX.match(value):
            raise WireError(f"{where}: lower-case hexadecimal is wanted, not {_shown(value)}")
        if not shortest_bytes <= len(value) // 2 <= longest:
            raise WireError(
                f"{where}: {len(value) // 2} bytes; {shortest_bytes} to {longest} are wanted, in hexadecimal"
            )
        return value

    return read


def choice(*allowed: str) -> Reader:
    """One of these words."""

    def read(where: str, value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise WireError(f"{where}: {_shown(value)}; one of {', '.join(allowed)} is wanted")
        return value

    return read


def optional(reader: Reader) -> Reader:
    """None, or what ``reader`` reads."""
    return lambda where, value: None if value is None else reader(where, value)


def several(reader: Reader, most: int) -> Reader:
    """A list of at most ``most``, kept as a tuple."""

    def read(where: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise WireError(f"{where}: a list is wanted, not {_shown(value)}")
        if len(value) > most:
            raise WireError(f"{where}: {len(value)} entries; {most} are allowed")
        return tuple(reader(f"{where}[{i}]", one) for i, one in enumerate(value))

    return read


def table(key: Reader, reader: Reader, most: int) -> Reader:
    """An object of named values, kept as a plain dict."""

    def read(where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise WireError(f"{where}: an object is wanted, not {_shown(value)}")
        if len(value) > most:
            raise WireError(f"{where}: {len(value)} entries; {most} are allowed")
        return {key(f"{where} name", k): reader(f"{where}.{k}", v) for k, v in value.items()}

    return read


def body(cls: type[Body]) -> Reader:
    """A body within a body."""

    def read(where: str, value: Any) -> Body:
        if isinstance(value, cls):
            return value
        try:
            return cls.from_json(value)
        except WireError as error:
            raise WireError(f"{where}: {error}") from error

    return read


def _plain(value: Any) -> Any:
    if isinstance(value, Body):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _shown(value: Any) -> str:
    words = ascii(value)
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
