"""Heart Rate Measurement: vectors of the service's specification and of two open implementations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.protocols.heart_rate import RR_PER_S, HeartRate, battery_share, decode, encode

VECTORS = [
    ("00ff", HeartRate(255)),
    ("018080", HeartRate(32896)),
    ("0648", HeartRate(72, contact=True)),
    ("0448", HeartRate(72, contact=False)),
    ("0200", HeartRate(0)),
    ("10480004", HeartRate(72, rr_1024=(1024,))),
    ("08007f80", HeartRate(0, energy_kj=32895)),
    ("1e4b640000048003", HeartRate(75, contact=True, energy_kj=100, rr_1024=(1024, 896))),
    ("1048000400034c03", HeartRate(72, rr_1024=(1024, 768, 844))),
    ("16483c03", HeartRate(72, contact=True, rr_1024=(828,))),
]


@pytest.mark.parametrize(("octets", "expected"), VECTORS)
def test_vectors(octets, expected):
    assert decode(bytes.fromhex(octets)) == expected


def test_intervals_in_seconds():
    rr = decode(bytes.fromhex("1048000400034c03")).rr_1024
    assert [value / RR_PER_S for value in rr] == [1.0, 0.75, 0.82421875]


@pytest.mark.parametrize("octets", ["", "00", "0148", "0848", "084801", "1048000403", "1e4b6400000480"])
def test_fewer_bytes_than_the_flags_promise_are_refused(octets):
    assert decode(bytes.fromhex(octets)) is None


@given(
    st.builds(
        HeartRate,
        st.integers(0, 65535),
        st.none() | st.booleans(),
        st.none() | st.integers(0, 65535),
        st.lists(st.integers(0, 65535), max_size=9).map(tuple),
    )
)
def test_every_measurement_comes_back(measured):
    assert decode(encode(measured)) == measured


@given(st.binary(max_size=40))
def test_no_bytes_raise(data):
    decoded = decode(data)
    assert decoded is None or decode(encode(decoded)) == decoded
    assert battery_share(data) is None or 0 <= battery_share(data) <= 1
