"""Strangers' bytes become a live message or are refused; nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.sync.uplink.wire import LIMIT_BYTES, LiveMessage, LiveRefused, read
from tests.cloud.live_rig import message, numeric

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [at, *(p for k, v in value.items() for p in paths(v, (*at, k)))]
    if isinstance(value, list):
        return [at, *(p for i, v in enumerate(value) for p in paths(v, (*at, i)))]
    return [at]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


def test_what_is_written_is_read() -> None:
    told = message()
    kept = read(json.dumps(told))
    assert kept.to_json() == told
    assert read(json.dumps(kept.to_json())) == kept


def test_what_nobody_knows_is_dropped() -> None:
    told = message() | {"new": "<script>"}
    told["head"]["new"] = told["state"]["new"] = 1
    assert "new" not in json.dumps(read(json.dumps(told)).to_json())


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=200) | st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(text: str | bytes) -> None:
    with pytest.raises(LiveRefused):
        read(text)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_damage_is_refused_or_reads_as_a_message_again(data: Any) -> None:
    told = message()
    path = data.draw(st.sampled_from(paths(told)))
    damaged = replaced(told, path, data.draw(JSON))
    try:
        kept = read(json.dumps(damaged))
    except LiveRefused as error:
        assert len(str(error)) < 300
        return
    assert isinstance(kept, LiveMessage)
    text = json.dumps(kept.to_json(), allow_nan=False, ensure_ascii=False)
    assert read(text.encode("utf-8")) == kept


@pytest.mark.parametrize(
    "text",
    [
        "x" * (LIMIT_BYTES + 1),
        "[" * 20_000,
        '{"v":1,' + '"a":' * 10_000,
        '{"v":' + "9" * 5000 + "}",
        json.dumps(message()).replace('"rate_hz": 64.0', '"rate_hz": Infinity'),
        json.dumps(message() | {"footer": "\ud800"}),
        json.dumps(message() | {"waves": {"ppg": {**message()["waves"]["ppg"], "i16": "AAA"}}}),
        json.dumps(message() | {"waves": {"ppg": {**message()["waves"]["ppg"], "i16": "A" * 40_000}}}),
        json.dumps(message() | {"t_us": 5}),
    ],
)
def test_nasty_ones_are_refused(text: str) -> None:
    with pytest.raises(LiveRefused):
        read(text)


def test_without_estimates_no_number_of_them_is_left() -> None:
    told = read(json.dumps(message(numerics={"SBP": numeric(141.5), "HR": numeric(77.75, ref=None)})))
    bare = json.dumps(told.without_estimates().to_json())
    assert "141.5" not in bare and "77.75" not in bare and "124.0" in bare
