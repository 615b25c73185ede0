"""The text lines of the Empatica E4 streaming server, both sides. Bytes in, events out.

Facts from the vendor's pages (Windows streaming server: usage, commands, data; kept in the history of
empatica.github.io at a4082ec). Replies and samples interleave on one socket; the wording of errors, the decimal
sign and some names vary between versions, so what varies is read loosely and what is measured is read exactly.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from recorder.protocols.e4_events import (
    Band,
    Command,
    Decimal,
    Malformed,
    News,
    NewsKind,
    Outcome,
    Reply,
    Sample,
    SampleKind,
    ServerEvent,
)
from recorder.protocols.lines import LineSplitter, excerpt
from recorder.schema.decimals import decode_decimal, encode_decimal

SAMPLE_NAMES: Final[dict[str, SampleKind]] = {
    "E4_Acc": "acc",
    "E4_Bvp": "bvp",
    "E4_Gsr": "gsr",
    "E4_Temperature": "tmp",
    "E4_Temp": "tmp",
    "E4_Ibi": "ibi",
    "E4_Hr": "hr",
    "E4_Battery": "bat",
    "E4_Batt": "bat",
    "E4_Tag": "tag",
}
"""Names on the wire, aliases included; the first of a kind is the one written."""

_WIRE_NAME: Final = {kind: name for name, kind in reversed(SAMPLE_NAMES.items())}
_N_VALUES: Final[dict[SampleKind, tuple[int, ...]]] = {"acc": (3,), "tag": (0, 1)}
_NEWS: Final[tuple[tuple[re.Pattern[str], NewsKind], ...]] = (
    (re.compile(r"connection lost to device (\S+)\Z", re.IGNORECASE), "link-lost"),
    (re.compile(r"connection re-?established to device (\S+)\Z", re.IGNORECASE), "link-back"),
    (re.compile(r"device (\S+) turned off via button\Z", re.IGNORECASE), "turned-off"),
)
_NEWS_TEXT: Final[dict[NewsKind, str]] = {
    "link-lost": "connection lost to device {}",
    "link-back": "connection re-established to device {}",
    "turned-off": "device {} turned off via button",
}
_LISTS: Final = ("device_list", "device_discover_list")
_OUTCOMES: Final[dict[str, Outcome]] = {"OK": "ok", "ERR": "error", "ON": "on", "OFF": "off"}
_STAMP = re.compile(r"(\d{1,12})(?:[.,](\d{1,6}))?\Z", re.ASCII)
_SCIENTIFIC = re.compile(r"([^eE]+)[eE]([+-]?\d{1,2})\Z", re.ASCII)
_INT16 = range(-32768, 32768)


class E4Decoder:
    """Bytes of a streaming server → events, in order. Never raises, whatever the bytes.

    ``counts`` tells how many of each event there were since the decoder was made.
    """

    def __init__(self) -> None:
        self._lines = LineSplitter()
        self.counts: Counter[str] = Counter()

    def feed(self, data: bytes) -> list[ServerEvent]:
        """Events that ``data`` completes."""
        overlong = self._lines.n_overlong
        events = [parse_line(line) for line in self._lines.feed(data)]
        cut = self._lines.n_overlong - overlong
        events.extend([Malformed("the line is longer than any of this protocol", "")] * cut)
        self.counts.update(type(event).__name__ for event in events)
        return events

    def reset(self) -> None:
        """A new connection: forget the unfinished line."""
        self._lines.reset()

    @property
    def n_malformed(self) -> int:
        """Lines that meant nothing, over-long ones included."""
        return self.counts["Malformed"]


def parse_line(line: bytes) -> ServerEvent:
    """One line without its newline → what it says; :class:`Malformed` if nothing."""
    text = line.decode("utf-8", errors="replace").strip()
    fields = text.split()
    try:
        if fields and fields[0] in SAMPLE_NAMES:
            return _sample(fields)
        if fields and fields[0] == "R":
            return _reply(text[1:].strip())
    except ValueError as error:
        return Malformed(str(error), excerpt(text))
    return Malformed("neither a reply nor a sample of an E4 streaming server", excerpt(text))


def _sample(fields: list[str]) -> Sample:
    kind = SAMPLE_NAMES[fields[0]]
    if len(fields) - 2 not in _N_VALUES.get(kind, (1,)):
        raise ValueError(f"{len(fields) - 1} fields do not make a sample of {fields[0]}")
    values = tuple(parse_value(field) for field in fields[2:])
    if kind == "acc" and not all(places == 0 and mantissa in _INT16 for mantissa, places in values):
        raise ValueError("acceleration must be whole numbers")
    return Sample(kind, parse_stamp(fields[1]), values)


def parse_stamp(text: str) -> int:
    """Unix seconds with at most six decimals → µs, exactly.

    Raises:
        ValueError: not such a number; a stamp is never rounded.
    """
    match = _STAMP.match(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not seconds with at most six decimals")
    return int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0"))


def parse_value(text: str) -> Decimal:
    """Decimal text, comma or point; an exponent (a tiny skin conductance) is multiplied out exactly.

    Raises:
        ValueError: not a decimal number.
    """
    match = _SCIENTIFIC.match(text)
    if match is None:
        return encode_decimal(text) if text.isascii() else _refuse(text)
    mantissa, places = encode_decimal(match[1]) if text.isascii() else _refuse(text)
    exponent = int(match[2])
    if places < 0 or places - exponent not in range(19):
        _refuse(text)
    return mantissa, places - exponent


def _refuse(text: str) -> Decimal:
    raise ValueError(f"{text[:40]!r} is not a plain decimal number")


def _reply(text: str) -> Reply | News:
    for pattern, kind in _NEWS:
        if match := pattern.match(text):
            return News(kind, match[1])
    command, _, rest = text.partition(" ")
    if command in _LISTS and not rest.lstrip().startswith("ERR"):
        return Reply(command, "list", bands=_bands(rest))
    if not command:
        raise ValueError("a reply without a command")
    argument = ""
    words = rest.split(None, 1)
    if command == "device_subscribe" and words and words[0] not in _OUTCOMES:
        argument, rest = words[0], words[1] if len(words) > 1 else ""
    word, _, message = rest.strip().partition(" ")
    outcome = _OUTCOMES.get(word, "other")
    return Reply(command, outcome, argument, message.strip() if outcome != "other" else rest.strip())


def _bands(text: str) -> tuple[Band, ...]:
    count, *items = [part.strip() for part in text.split("|")]
    if not (count.isascii() and count.isdigit()):
        raise ValueError(f"a device list of {count[:40]!r} devices")
    words = [item.split() for item in items if item]
    return tuple(Band(item[0], allowed="not_allowed" not in item) for item in words)


# --- the server's side, for the virtual bedside --------------------------------------------------------------


def format_sample(sample: Sample, *, comma: bool = False) -> bytes:
    """The line of a sample; ``comma``: as a server on a comma-locale Windows writes it."""
    seconds, micros = divmod(sample.stamp_us, 1_000_000)
    numbers = [f"{seconds}.{micros:06d}", *(decode_decimal(*value) for value in sample.values)]
    text = " ".join(numbers)
    return f"{_WIRE_NAME[sample.kind]} {text.replace('.', ',') if comma else text}\r\n".encode()


def format_reply(reply: Reply | News) -> bytes:
    """The line of a reply or of news."""
    if isinstance(reply, News):
        return f"R {_NEWS_TEXT[reply.kind].format(reply.serial)}\r\n".encode()
    if reply.outcome == "list":
        return _format_list(reply)
    word = {"ok": "OK", "error": "ERR", "on": "ON", "off": "OFF", "other": ""}[reply.outcome]
    words = ("R", reply.command, reply.argument, word, reply.message)
    return (" ".join(part for part in words if part) + "\r\n").encode()


def _format_list(reply: Reply) -> bytes:
    discovered = reply.command == "device_discover_list"
    items = [f" | {band.serial} Empatica_E4{_allowed(band) if discovered else ''}" for band in reply.bands]
    return f"R {reply.command} {len(items)}{''.join(items)}\r\n".encode()


def _allowed(band: Band) -> str:
    return " allowed" if band.allowed else " not_allowed"


class CommandDecoder:
    """Bytes of a client → commands; empty lines are passed over. Never raises."""

    def __init__(self) -> None:
        self._lines = LineSplitter()

    def feed(self, data: bytes) -> list[Command]:
        """Commands that ``data`` completes."""
        return [c for line in self._lines.feed(data) if (c := parse_command(line)) is not None]


def parse_command(line: bytes) -> Command | None:
    """One command line, or None if it holds no word."""
    words = line.decode("utf-8", errors="replace").split()
    return Command(words[0], tuple(words[1:])) if words else None


# --- the client's side ---------------------------------------------------------------------------------------


def format_command(command: Command) -> bytes:
    """The line of a command."""
    return (" ".join((command.name, *command.arguments)) + "\r\n").encode()


def as_float(value: Decimal) -> float:
    """A decimal as a number."""
    mantissa, places = value
    return float(mantissa / 10 ** (-1 - places if places < 0 else places))


def battery_fraction(value: Decimal) -> float:
    """0 to 1; a server that sends percent (above 1) is read as such."""
    level = as_float(value)
    return level / 100.0 if level > 1.0 else level
