"""Profiles of serial ADCs: TOML in, :class:`AdcProfile` out, every mistake named by file, table and field."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from recorder.errors import ConfigError
from recorder.protocols.adc_profile import AdcChannel, AdcProfile, AsciiFraming, BinaryFraming, SerialLink

_PACKAGE: Final = Path(__file__).resolve().parents[1]

Spec = Mapping[str, tuple[type | tuple[type, ...], bool]]
"""field -> (allowed types, required)."""

_NUMBER: Final = (int, float)
_PROFILE: Final[Spec] = {
    "name": (str, True),
    "version": (int, True),
    "status": (str, True),
    "description": (str, False),
}
_TRANSPORT: Final[Spec] = {
    "kind": (str, True),
    "baud": (int, True),
    "bytesize": (int, False),
    "parity": (str, False),
    "stopbits": (_NUMBER, False),
    "timeout_s": (_NUMBER, False),
}
_FRAMING: Final[dict[str, Spec]] = {
    "ascii": {
        "kind": (str, True),
        "fields": (list, True),
        "terminator": (str, False),
        "delimiter": (str, False),
        "checksum": (str, False),
        "decimals": (list, False),
    },
    "binary": {
        "kind": (str, True),
        "fields": (list, True),
        "sync": (str, True),
        "struct": (str, True),
        "length": (int, True),
        "checksum": (str, False),
    },
}
_CHANNEL: Final[Spec] = {
    "field": (str, True),
    "role": (str, True),
    "unit": (str, True),
    "scale": (_NUMBER, True),
    "offset": (_NUMBER, False),
    "invalid": (list, False),
    "saturation": (list, False),
}
_TIMING: Final[Spec] = {
    "fs_nominal": (_NUMBER, True),
    "counter": (str, False),
    "counter_modulo": (int, False),
    "device_clock": (str, False),
}
_WATCHDOG: Final[Spec] = {"no_data_s": (_NUMBER, False)}
_TABLES: Final = ("profile", "transport", "framing", "channel", "timing", "watchdog")


def profiles_dir() -> Path:
    """Folder of the shipped profiles: inside an installed wheel, or beside the packages in a checkout."""
    inside = _PACKAGE / "_resources"
    return (inside if inside.is_dir() else _PACKAGE.parent / "resources") / "profiles"


def shipped() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(path.stem for path in profiles_dir().glob("*.toml"))


def load(path_or_name: str | Path) -> AdcProfile:
    """A profile from a file, or a shipped one by its name.

    Raises:
        ConfigError: no such profile, not TOML, or a wrong field; the message names file, table and field.
    """
    path = _find(path_or_name)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return parse(document)
    except OSError as error:
        raise ConfigError(
            f"profile {path}: cannot be read ({error.strerror}); choose another file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"profile {path}: is not TOML ({error}); correct that line") from error
    except ConfigError as error:
        raise ConfigError(f"profile {path}: {error}") from error


def parse(document: Mapping[str, Any]) -> AdcProfile:
    """A profile from its TOML document.

    Raises:
        ConfigError: names table and field, and what is allowed.
    """
    for name in document:
        if name not in _TABLES:
            tables = ", ".join(_TABLES)
            raise ConfigError(f"{name!r} at the top of the file: is unknown; its tables are {tables}")
    profile = _table(document, "profile", _PROFILE)
    transport = _table(document, "transport", _TRANSPORT)
    timing = _table(document, "timing", _TIMING)
    watchdog = _table(document, "watchdog", _WATCHDOG) if "watchdog" in document else {}
    if transport.pop("kind") != "serial":
        raise ConfigError('[transport] kind: must be "serial"')
    return AdcProfile(
        **profile,
        link=SerialLink(**transport),
        framing=_framing(document),
        channels=tuple(_channel(document)),
        rate_hz=float(timing.pop("fs_nominal")),
        **timing,
        **watchdog,
    )


def dump(profile: AdcProfile, comments: Sequence[str] = ()) -> str:
    """The TOML text that :func:`load` reads back as the same profile; ``comments`` stand above it, a line each."""
    lines = [*(f"# {line}" for line in comments), "", "[profile]"]
    lines += _pairs(name=profile.name, version=profile.version, status=profile.status)
    lines += _pairs(description=profile.description)
    link = profile.link
    lines += ["", "[transport]", *_pairs(kind="serial", baud=link.baud, bytesize=link.bytesize)]
    lines += _pairs(parity=link.parity, stopbits=link.stopbits, timeout_s=link.timeout_s)
    lines += ["", "[framing]", *_framing_pairs(profile.framing)]
    for channel in profile.channels:
        lines += ["", "[[channel]]", *_pairs(field=channel.field, role=channel.role, unit=channel.unit)]
        lines += _pairs(scale=channel.scale, offset=channel.offset, invalid=list(channel.invalid))
        lines += _pairs(saturation=list(channel.saturation)) if channel.saturation else []
    lines += ["", "[timing]", *_pairs(fs_nominal=profile.rate_hz)]
    if profile.counter is not None:
        lines += _pairs(counter=profile.counter, counter_modulo=profile.counter_modulo)
    lines += _pairs(device_clock=profile.device_clock) if profile.device_clock else []
    lines += ["", "[watchdog]", *_pairs(no_data_s=profile.no_data_s), ""]
    return "\n".join(lines).lstrip("\n")


def _framing_pairs(framing: AsciiFraming | BinaryFraming) -> list[str]:
    fields = {"fields": list(framing.fields), "checksum": framing.checksum}
    if isinstance(framing, AsciiFraming):
        decimals = {"decimals": list(framing.decimals)} if framing.decimals else {}
        return _pairs(
            kind="ascii", terminator=framing.terminator, delimiter=framing.delimiter, **fields, **decimals
        )
    return _pairs(
        kind="binary", sync=framing.sync.hex().upper(), length=framing.length, struct=framing.layout, **fields
    )


def _pairs(**values: Any) -> list[str]:
    """``name = value`` lines; JSON's text, numbers and lists of these are TOML's too."""
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]


def _find(path_or_name: str | Path) -> Path:
    path = Path(path_or_name)
    if path.suffix == ".toml" or path.parent != Path():
        return path
    if str(path_or_name) not in shipped():
        known = ", ".join(shipped())
        raise ConfigError(
            f"profile {str(path_or_name)!r}: is not shipped; choose one of {known}, or the path of a .toml file"
        )
    return profiles_dir() / f"{path_or_name}.toml"


def _framing(document: Mapping[str, Any]) -> AsciiFraming | BinaryFraming:
    table = document.get("framing")
    kind = table.get("kind") if isinstance(table, dict) else None
    if kind is None:
        raise ConfigError(f"[framing] kind: is missing; it is one of {', '.join(_FRAMING)}")
    if not isinstance(kind, str) or kind not in _FRAMING:
        raise ConfigError(f"[framing] kind: {kind!r} is none of {', '.join(_FRAMING)}")
    values = _table(document, "framing", _FRAMING[kind])
    values.pop("kind")
    values["fields"] = _list_of(values["fields"], str, "[framing] fields")
    if kind == "ascii":
        values["decimals"] = _list_of(values.get("decimals", []), int, "[framing] decimals")
        return AsciiFraming(**values)
    values["layout"] = values.pop("struct")
    try:
        values["sync"] = bytes.fromhex(values["sync"])
    except ValueError as error:
        raise ConfigError(f"[framing] sync: {values['sync']!r} is not hexadecimal") from error
    return BinaryFraming(**values)


def _channel(document: Mapping[str, Any]) -> list[AdcChannel]:
    tables = document.get("channel")
    if not isinstance(tables, list) or not tables:
        raise ConfigError("[[channel]]: is missing; there must be at least one")
    channels = []
    for number, table in enumerate(tables, start=1):
        where = f"[[channel]] {number}"
        values = _checked(where, table, _CHANNEL)
        for name in ("invalid", "saturation"):
            if name in values:
                values[name] = _list_of(values[name], int, f"{where} {name}")
        if "saturation" in values and len(values["saturation"]) != 2:
            raise ConfigError(f"{where} saturation: must be two counts, [lowest, highest]")
        channels.append(AdcChannel(**values))
    return channels


def _table(document: Mapping[str, Any], name: str, spec: Spec) -> dict[str, Any]:
    if name not in document:
        raise ConfigError(f"[{name}]: the table is missing; it needs {_needed(spec)}")
    return _checked(f"[{name}]", document[name], spec)


def _checked(where: str, table: Any, spec: Spec) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: must be a table")
    _allow(where, table, tuple(spec))
    for name, (allowed, required) in spec.items():
        if required and name not in table:
            raise ConfigError(f"{where} {name}: is missing; the table needs {_needed(spec)}")
        if name in table and (isinstance(table[name], bool) or not isinstance(table[name], allowed)):
            raise ConfigError(f"{where} {name}: {table[name]!r} must be {_type_words(allowed)}")
    return dict(table)


def _allow(where: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    unknown = [name for name in table if name not in allowed]
    if unknown:
        raise ConfigError(f"{where} {unknown[0]}: is unknown; allowed are {', '.join(allowed)}")


def _needed(spec: Spec) -> str:
    return ", ".join(name for name, (_, required) in spec.items() if required) or "nothing"


def _type_words(allowed: type | tuple[type, ...]) -> str:
    words = {str: "text", int: "a whole number", list: "a list"}
    return "a number" if isinstance(allowed, tuple) else words[allowed]


def _list_of(values: list[Any], kind: type, where: str) -> tuple[Any, ...]:
    if any(isinstance(value, bool) or not isinstance(value, kind) for value in values):
        raise ConfigError(
            f"{where}: {values!r} must be a list of {'text' if kind is str else 'whole numbers'}"
        )
    return tuple(values)
