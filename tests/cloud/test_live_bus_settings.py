"""The broker in the settings, and bytes that claim to be words of a replica: refused in words, never believed."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.cloud.identity import bus_tls
from hemoview.cloud.live import bus_wire
from hemoview.cloud.live.bus_wire import Unreadable
from hemoview.cloud.live.words import Confirmed, Ended, Heard, Word
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            {"bus_url": "mqtt://broker.example"},
            "another machine, and mqtt:// carries people's data in the clear",
        ),
        ({"bus_url": "mqtts://broker.example"}, "needs bus_cert and bus_key"),
        ({"bus_url": "http://broker.example"}, "mqtts://HOST"),
        ({"bus_url": "mqtts://"}, "mqtts://HOST"),
        ({"bus_url": "mqtts://broker:99999"}, "mqtts://HOST"),
        ({"bus_url": "mqtts://broker/topic"}, "mqtts://HOST"),
        ({"bus_url": "mqtts://nurse:secret@broker"}, "certificates say who this is"),
        ({"bus_cert": Path("/nowhere.pem")}, "no such file"),
    ],
)
def test_a_broker_that_is_unsafe_is_refused(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        Settings.read(None, told, {})
    assert "secret" not in str(refused.value)


def test_certificates_need_tls_and_a_broker(tmp_path: Path) -> None:
    files = bus_tls.init(tmp_path / "bus", ("broker.example",))
    pair = {"bus_cert": files.service_cert, "bus_key": files.service_key}
    for told, why in (({}, "bus_url is missing"), ({"bus_url": "mqtt://127.0.0.1"}, "need TLS")):
        with pytest.raises(ConfigError, match=why):
            Settings.read(None, {"folder": tmp_path} | pair | told, {})
    read = Settings.read(
        None, {"folder": tmp_path, "bus_url": "mqtts://broker", "bus_ca": files.ca} | pair, {}
    )
    assert (read.bus_access.host, read.bus_access.port) == ("broker", 8884)
    context = read.bus_access.context()
    assert context is not None and context.check_hostname
    assert Settings.read(None, {"folder": tmp_path, "bus_url": "mqtt://[::1]:1"}, {}).bus_access.port == 1


# ---- words

TEXT = st.text(st.characters(exclude_categories=("C", "Z")), max_size=60)
WHOLE = st.integers(0, 2**53)
WORD = st.one_of(
    st.builds(Heard, TEXT, TEXT, TEXT, WHOLE, TEXT, WHOLE, WHOLE, st.text(max_size=200)),
    st.builds(Ended, TEXT, WHOLE, TEXT),
    st.builds(Confirmed, TEXT, TEXT, TEXT, WHOLE, TEXT),
)


@given(WORD, TEXT, WHOLE)
def test_words_come_as_they_went(word: Word, sender: str, number: int) -> None:
    assert bus_wire.from_bytes(bus_wire.to_bytes(word, sender, number)) == (sender, number, word)


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_word_or_none(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        bus_wire.from_bytes(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda c: st.lists(c) | st.dictionaries(st.text(), c),
)


@given(st.data())
def test_a_damaged_word_is_one_or_none(data: st.DataObject) -> None:
    word = data.draw(WORD)
    head, _, body = bus_wire.to_bytes(word, "r", 1).partition(b"\n")

    told = json.loads(head)
    name = data.draw(st.sampled_from(sorted(told)))
    told[name] = data.draw(JSON)
    try:
        _, _, read = bus_wire.from_bytes(json.dumps(told).encode() + b"\n" + body)
    except Unreadable:
        return
    for field in fields(read):
        assert isinstance(getattr(read, field.name), str | int)


def test_a_word_that_is_too_long_is_none() -> None:
    whole = Heard("d", "b", "w", 1, "c", 0, 0, "x" * bus_wire.LIMIT_BYTES)
    with pytest.raises(Unreadable, match="longer"):
        bus_wire.from_bytes(bus_wire.to_bytes(whole, "r", 1))
