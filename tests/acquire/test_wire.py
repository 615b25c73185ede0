"""Packing is exact both ways, and unpacking never raises anything but WireError."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from recorder import errors
from recorder.acquire import wire
from recorder.acquire.wire import Request, WireError
from recorder.schema import DiskStatus, Event, SampleBlock, SessionStatus, StationStatus

INT64 = st.integers(-(2**63), 2**63 - 1)


@st.composite
def blocks(draw: st.DrawFn) -> SampleBlock:
    n = draw(st.integers(1, 40))
    dtype = draw(st.sampled_from(wire.DTYPES))
    values = draw(hnp.arrays(dtype, (n, draw(st.integers(1, 5)))))
    times = st.none() | hnp.arrays("<i8", (n,), elements=INT64)
    return SampleBlock(
        draw(st.sampled_from(["e4.bvp", "adc.wave", "edge.est"])),
        draw(st.integers(0, 2**62)),
        values,
        draw(st.integers(0, 2**62)),
        draw(st.integers(0, 9)),
        draw(times),
        draw(times),
    )


def assert_same(left: SampleBlock, right: SampleBlock) -> None:
    assert (left.stream_id, left.first_sample_no, left.t_host_ns, left.era) == (
        right.stream_id,
        right.first_sample_no,
        right.t_host_ns,
        right.era,
    )
    for name in ("values", "device_time_us", "row_t_host_ns"):
        a, b = getattr(left, name), getattr(right, name)
        assert (a is None) == (b is None)
        if a is not None:
            assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(blocks(), st.integers(0, 2**40))
def test_a_block_survives_the_bus(block: SampleBlock, seq: int) -> None:
    message = wire.unpack(wire.pack_block(block, seq))
    assert message.topic == f"block/{block.stream_id}" and message.bus_seq == seq
    assert isinstance(message.item, SampleBlock)
    assert_same(block, message.item)


@given(st.lists(blocks(), max_size=4))
def test_derived_blocks_survive_together(many: list[SampleBlock]) -> None:
    headers, frames = wire.pack_blocks(many)
    back = wire.unpack_blocks(headers, frames)
    assert len(back) == len(many)
    for left, right in zip(many, back, strict=True):
        assert_same(left, right)


def test_frames_must_match_headers() -> None:
    headers, frames = wire.pack_blocks([SampleBlock("e4.bvp", 0, np.zeros((3, 1), np.int32), 5)])
    with pytest.raises(WireError, match="0 frames"):
        wire.unpack_blocks(headers, [])
    with pytest.raises(WireError, match="2 frames for 1"):
        wire.unpack_blocks(headers, [*frames, b""])


def test_big_endian_values_travel_by_value() -> None:
    block = SampleBlock("adc.wave", 7, np.array([[1], [-2]], ">i4"), 5)
    item = wire.unpack(wire.pack_block(block, 1)).item
    assert isinstance(item, SampleBlock) and item.values.tolist() == [[1], [-2]]


def test_an_unknown_dtype_is_refused_by_name() -> None:
    with pytest.raises(WireError, match="uint8 does not travel"):
        wire.pack_block(SampleBlock("e4.bvp", 0, np.zeros((1, 1), np.uint8), 0), 0)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_answered_with_wire_error_only(frames: list[bytes]) -> None:
    for unpack in (wire.unpack, wire.unpack_request):
        with pytest.raises(WireError):
            unpack(frames)


@given(
    st.dictionaries(
        st.sampled_from(["stream_id", "first_sample_no", "t_host_ns", "era", "dtype", "shape", "parts"]),
        st.none()
        | st.integers()
        | st.text(max_size=4)
        | st.lists(st.integers(), max_size=3)
        | st.just("<i4"),
    ),
    st.lists(st.binary(max_size=16), max_size=3),
)
def test_any_header_is_answered_with_wire_error_or_a_block(header: dict, frames: list[bytes]) -> None:
    with contextlib.suppress(WireError):
        assert isinstance(wire.block_from_parts(header, frames), SampleBlock)


def test_status_and_event_survive() -> None:
    status = StationStatus("bed1", 0, 5, 6, 1.0, 7, SessionStatus(), DiskStatus("/x", 10, None))
    event = Event("id", "marker", 5, 6, 0, {"label": "arm move"})
    assert wire.unpack(wire.pack_status(status, 3)).item == status
    assert wire.unpack(wire.pack_event(event, 3)).item == event


def test_requests_and_results_survive() -> None:
    request = Request("id", "window", "marker", {"label": "ä"}, (b"\x00",))
    assert wire.unpack_request(wire.pack_request(request)) == request
    reply = wire.pack_result("id", {"n": np.int64(3)})
    assert wire.reply_id(reply) == "id" and wire.unpack_reply(reply) == {"n": 3}


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (errors.SessionRefused("no subject"), errors.SessionRefused),
        (errors.StorageError("disk full"), errors.StorageError),
        (errors.NotReadyErrors({"e4": errors.LinkLost("gone")}), errors.DeviceError),
    ],
)
def test_an_error_arrives_as_its_own_type(
    raised: errors.RecorderError, expected: type[errors.RecorderError]
) -> None:
    with pytest.raises(expected) as caught:
        wire.unpack_reply(wire.pack_error("id", raised))
    assert str(caught.value) == str(raised) and caught.value.advice == raised.advice


def test_an_unknown_error_type_is_still_a_recorder_error() -> None:
    frame = b'{"id":"x","ok":false,"error":{"type":"annotations","message":"m","advice":"a"}}'
    with pytest.raises(errors.RecorderError, match="m"):
        wire.unpack_reply(frame)
