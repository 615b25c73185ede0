"""Profiles: the shipped ones load, and every mistake is named by file, table and field."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.devices import profiles
from recorder.errors import ConfigError
from recorder.protocols.adc_profile import BinaryFraming

SHIPPED = profiles.shipped()


def document(name: str = "lab-adc-binary") -> dict[str, Any]:
    return tomllib.loads((profiles.profiles_dir() / f"{name}.toml").read_text(encoding="utf-8"))


def test_these_are_shipped() -> None:
    assert SHIPPED == ["lab-adc-1k", "lab-adc-ascii", "lab-adc-binary"]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_is_a_lab_s_own_and_fits_its_port(name: str) -> None:
    profile = profiles.load(name)
    assert profile.name == name
    assert profile.status == "lab"
    assert "cnap" not in (profiles.profiles_dir() / f"{name}.toml").read_text(encoding="utf-8").lower()
    if isinstance(profile.framing, BinaryFraming):
        assert profile.framing.length * 10 * profile.rate_hz <= profile.link.baud, "start and stop bit"
    assert [channel.role for channel in profile.channels] == ["abp_wave"]
    assert "mmHg" not in {channel.unit for channel in profile.channels}, "mmHg only by a calibration"


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        (profiles.profiles_dir() / "lab-adc-ascii.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    assert profiles.load(path) == profiles.load("lab-adc-ascii") == profiles.load(str(path))


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("profile", "name"),
        ("profile", "version"),
        ("profile", "status"),
        ("transport", "kind"),
        ("transport", "baud"),
        ("framing", "kind"),
        ("framing", "sync"),
        ("framing", "struct"),
        ("framing", "length"),
        ("framing", "fields"),
        ("timing", "fs_nominal"),
        ("channel", "field"),
        ("channel", "role"),
        ("channel", "unit"),
        ("channel", "scale"),
    ],
)
def test_a_missing_field_is_named_with_its_table_and_file(table: str, field: str, tmp_path: Path) -> None:
    text = (profiles.profiles_dir() / "lab-adc-binary.toml").read_text(encoding="utf-8")
    lines = text.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.strip("[] ") == table)
    gone = next(n for n in range(begin, len(lines)) if lines[n].split("=")[0].strip() == field)
    path = tmp_path / "broken.toml"
    path.write_text("\n".join([*lines[:gone], *lines[gone + 1 :]]), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        profiles.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert f"[{table}]" in message
    assert field in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("table", "field", "value", "word"),
    [
        ("profile", "status", "cnsystems", "lab, vendor, simulator"),
        ("profile", "name", "CNAP protocol", "only where the maker"),
        ("profile", "naem", "x", "allowed are name"),
        ("transport", "kind", "usb", "serial"),
        ("transport", "baud", "fast", "whole number"),
        ("transport", "parity", "X", "N E O M S"),
        ("transport", "baud", True, "whole number"),
        ("framing", "kind", "morse", "ascii, binary"),
        ("framing", "sync", "zz", "hexadecimal"),
        ("framing", "sync", "", "1 to 8 bytes"),
        ("framing", "length", 12, "make 11"),
        ("framing", "struct", "HIh", "'<' or '>'"),
        ("framing", "struct", "<Hf", "letters of"),
        ("framing", "struct", "<HI", "2 values for 3 fields"),
        ("framing", "checksum", "md5", "none, sum8, xor8, crc16-ccitt"),
        ("framing", "fields", ["seq", 1, "x"], "list of text"),
        ("framing", "fields", ["seq", "seq", "adc0"], "not different"),
        ("timing", "counter", "count", "seq, t_us, adc0"),
        ("timing", "device_clock", "clock", "seq, t_us, adc0"),
        ("timing", "fs_nominal", 0, "0 to 100000"),
        ("timing", "counter_modulo", 1, "2 to"),
        ("watchdog", "no_data_s", 0, "0 to 3600"),
        ("channel", "field", "adc9", "seq, t_us, adc0"),
        ("channel", "scale", 0, "cannot be used"),
        ("channel", "saturation", [5], "two counts"),
        ("channel", "saturation", [5, 4], "[lowest, highest]"),
        ("channel", "invalid", ["x"], "whole numbers"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    table: str, field: str, value: object, word: str
) -> None:
    broken = document()
    (broken[table][0] if table == "channel" else broken[table])[field] = value
    with pytest.raises(ConfigError) as caught:
        profiles.parse(broken)
    assert word in str(caught.value)
    assert field in str(caught.value) or field == "struct"


def test_a_framing_without_its_kind_and_a_field_outside_any_table_are_named_in_words() -> None:
    broken = document()
    del broken["framing"]["kind"]
    with pytest.raises(ConfigError, match=r"^\[framing\] kind: is missing; it is one of ascii, binary$"):
        profiles.parse(broken)
    with pytest.raises(
        ConfigError, match=r"^'name' at the top of the file: is unknown; its tables are profile, "
    ):
        profiles.parse({"name": "x", **document()})


@pytest.mark.parametrize("table", ["profile", "transport", "framing", "channel", "timing"])
def test_a_missing_table_is_named(table: str) -> None:
    broken = document()
    del broken[table]
    with pytest.raises(ConfigError, match=table):
        profiles.parse(broken)


def test_unknown_profiles_files_and_text_that_is_no_toml_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lab-adc-1k, lab-adc-ascii, lab-adc-binary"):
        profiles.load("lab-adc")
    with pytest.raises(ConfigError, match="cannot be read"):
        profiles.load(tmp_path / "absent.toml")
    for octets in (b"[profile\n", b"\xff\xfe"):
        (tmp_path / "bad.toml").write_bytes(octets)
        with pytest.raises(ConfigError, match="not TOML"):
            profiles.load(tmp_path / "bad.toml")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_a_field_holds_it_loads_or_is_refused_politely(data: st.DataObject) -> None:
    broken = copy.deepcopy(document(data.draw(st.sampled_from(SHIPPED))))
    for _ in range(data.draw(st.integers(1, 3))):
        table = data.draw(st.sampled_from(sorted(broken)))
        inner = broken[table][0] if isinstance(broken[table], list) and broken[table] else broken[table]
        if isinstance(inner, dict) and inner and data.draw(st.booleans()):
            inner[data.draw(st.sampled_from(sorted(inner)))] = data.draw(JUNK)
        else:
            broken[table] = data.draw(JUNK)
    try:
        profiles.parse(broken)
    except ConfigError as error:
        assert str(error)
