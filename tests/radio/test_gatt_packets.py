"""GATT values as bytes, and as rows that keep every one exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.protocols.gatt_packets import (
    RAW_COLUMNS,
    GattDecoder,
    GattPacket,
    PacketKind,
    encode,
    packets_of_rows,
    raw_rows,
)

packets = st.builds(
    GattPacket,
    st.sampled_from(PacketKind),
    st.integers(0, 65535),
    st.binary(max_size=120),
    st.integers(0, 65535),
)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


@given(st.lists(packets, max_size=6), st.lists(st.integers(0, 30), max_size=20))
def test_however_the_bytes_are_cut_the_packets_are_the_same(sent, sizes):
    decoder = GattDecoder()
    data = b"".join(map(encode, sent))
    assert [p for piece in cut(data, sizes) for p in decoder.feed(piece)] == sent
    assert decoder.n_skipped == 0


@given(st.lists(st.binary(max_size=80), max_size=8), packets)
def test_no_bytes_raise_and_a_packet_behind_them_is_found_in_the_end(noise, packet):
    decoder = GattDecoder()
    for piece in noise:
        list(decoder.feed(piece))
    # a false head in the noise may claim up to 512 bytes more before its checksum fails
    flood = [p for _ in range(60) for p in decoder.feed(encode(packet))]
    assert flood[-1] == packet


@given(packets, st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_never_gives_another_packet(packet, at, change):
    data = bytearray(encode(packet))
    data[at % len(data)] ^= change
    assert list(GattDecoder().feed(bytes(data))) == []


@given(st.lists(packets, max_size=8))
def test_rows_keep_every_byte(sent):
    rows = [raw_rows(packet) for packet in sent]
    assert all(r.dtype == np.int32 and r.shape[1] == len(RAW_COLUMNS) for r in rows)
    assert (
        packets_of_rows(np.concatenate(rows) if rows else np.empty((0, len(RAW_COLUMNS)), np.int32)) == sent
    )


def test_a_packet_whose_rows_are_not_all_there_is_left_out():
    first, second = GattPacket(PacketKind.NOTIFY, 1, bytes(45)), GattPacket(PacketKind.NOTIFY, 2, b"ab")
    rows = np.concatenate([raw_rows(first)[:2], raw_rows(second)])
    assert packets_of_rows(rows) == [second]
    assert packets_of_rows(raw_rows(first)[1:]) == []


@pytest.mark.parametrize("wrong", [(0, 65536, b"", 0), (0, 1, bytes(513), 0), (0, 1, b"", -1)])
def test_what_could_not_be_framed_cannot_be_made(wrong):
    with pytest.raises(ValueError, match=r"16 bits|longer"):
        GattPacket(PacketKind(wrong[0]), *wrong[1:])
