"""Nonin frames: the packet of a public unit test, vectors of our own, any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.protocols import nonin
from recorder.protocols.nonin import (
    FORMATS,
    PACKET_FRAMES,
    Frame,
    NoninDecoder,
    Skipped,
    Vitals,
    encode,
    float_bytes,
    frame_at,
    vitals,
)


def public_packet() -> bytes:
    """The packet of a public ventilator project's unit test."""
    frames = ["0180010082"] * 26
    frames[1:5] = ["0181010083", "01800148ca", "01800161e3", "01800130b2"]
    for at in (9, 10, 11, 16, 17):
        frames[at] = "01800161e3"
    for at in (15, 21, 23):
        frames[at] = "01800148ca"
    return bytes.fromhex("".join(frames[1:]))


def feed(data_format, *pieces):
    decoder = NoninDecoder(data_format)
    return [event for piece in pieces for event in decoder.feed(piece)]


def test_the_public_packet():
    frames = feed("df2", public_packet())
    assert len(frames) == 25
    told = vitals(frames)
    assert (told.pr, told.spo2, told.e_pr, told.firmware) == (72, 97, 72, 48)
    assert (told.spo2_d, told.spo2_fast, told.spo2_beat, told.e_spo2, told.e_spo2_d) == (97,) * 5
    assert (told.pr_d, told.e_pr_d) == (72, 72)
    assert not told.smart_point
    assert [frame.pleth for frame in frames] == [1] * 25
    assert [frame.is_first for frame in frames] == [True] + [False] * 24


def test_format_2_with_a_rate_above_127():
    first, second = feed("df2", bytes.fromhex("01814001c3018041480a"))
    assert first.is_first
    assert (first.pleth, second.pleth) == (64, 65)
    assert (first.float_byte & 3) << 7 | second.float_byte == 200


def test_format_7():
    frame = frame_at(bytes.fromhex("8180400041"), 0, "df7")
    assert frame is not None
    assert frame.is_first
    assert (frame.pleth, frame.float_byte) == (32832, 0)


def test_a_wrong_sum_costs_one_frame():
    good = bytes.fromhex("01800148ca")
    events = feed("df2", good * 2 + bytes.fromhex("01800148cb") + good * 3)
    assert [type(e) for e in events] == [Frame, Frame, Skipped, Frame, Frame, Frame]
    assert events[2] == Skipped(5, 1)


def test_a_status_below_80_is_no_frame_though_its_sum_fits():
    assert frame_at(bytes.fromhex("017f0148c9"), 0, "df2") is None


@pytest.mark.parametrize(("bits", "colour"), [(0, ""), (1, "green"), (2, "red"), (3, "yellow")])
def test_the_two_bits_of_perfusion_are_read_together(bits, colour):
    assert Frame(0x80 | bits << 1, 1, 0).perfusion == colour


def test_missing_values():
    told = vitals([Frame(0x80 | (n == 0), 0, b) for n, b in enumerate(float_bytes(Vitals()))])
    assert told == Vitals()


frames = st.builds(Frame, st.integers(0x80, 0xFF), st.integers(0, 255), st.integers(0, 0x7F))
rate, saturation = st.none() | st.integers(0, 510), st.none() | st.integers(0, 126)


@given(st.builds(Vitals, *[rate] * 4, *[saturation] * 6, st.integers(16, 127), st.booleans()))
def test_every_set_of_vitals_comes_back(told):
    octets = float_bytes(told)
    assert len(octets) == PACKET_FRAMES
    assert vitals([Frame(0x80 | (n == 0), 0, octet) for n, octet in enumerate(octets)]) == told


@given(st.sampled_from(FORMATS), st.lists(frames, min_size=2, max_size=8), st.lists(st.integers(0, 9)))
def test_however_the_bytes_are_cut_the_frames_are_the_same(data_format, sent, sizes):
    data, pieces = b"".join(encode(frame, data_format) for frame in sent), []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    assert feed(data_format, *pieces, data) == sent


@given(st.sampled_from(FORMATS), st.lists(st.binary(max_size=30), max_size=6))
def test_no_bytes_raise_and_every_byte_is_accounted_for(data_format, pieces):
    decoder, seen = NoninDecoder(data_format), 0
    for piece in pieces:
        for event in decoder.feed(piece):
            seen += event.n_bytes if isinstance(event, Skipped) else nonin.FRAME_BYTES
    total = sum(map(len, pieces))
    assert 0 <= total - seen < 2 * nonin.FRAME_BYTES


@pytest.mark.parametrize("wrong", [Frame(0x7F, 0, 0), Frame(0x80, 256, 0), Frame(0x80, 0, 0x80)])
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(ValueError, match=r"no frame|does not fit"):
        encode(wrong, "df2")


def test_half_a_packet_is_none():
    with pytest.raises(ValueError, match="24 frames"):
        vitals(feed("df2", public_packet())[:24])
