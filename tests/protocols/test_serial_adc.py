"""The serial ADC's frames: both framings, every checksum, resync, counter, several channels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.protocols.adc_profile import AdcChannel, AdcProfile, AsciiFraming, BinaryFraming, SerialLink
from recorder.protocols.checksums import CHECKSUMS
from recorder.protocols.serial_adc import AdcDecoder, AdcEvent, AdcFrames, Damage, encode

SIZES = {name: checksum.size for name, checksum in CHECKSUMS.items()}


def profile(
    framing: AsciiFraming | BinaryFraming, *, counter: str | None = "seq", modulo: int = 256
) -> AdcProfile:
    channels = (
        AdcChannel("adc0", "abp_wave", "V", 0.005, invalid=(-1,)),
        AdcChannel("adc1", "aux", "V", 0.005),
    )
    return AdcProfile("test", 1, "simulator", SerialLink(), framing, channels, 100.0, "seq", 256, "t_us")


def ascii_profile(checksum: str = "none", terminator: str = "\n", delimiter: str = ",") -> AdcProfile:
    return profile(AsciiFraming(("seq", "t_us", "adc0", "adc1"), terminator, delimiter, checksum))  # type: ignore[arg-type]


def binary_profile(checksum: str = "sum8", order: str = "<", sync: bytes = b"\xaa\x55") -> AdcProfile:
    length = len(sync) + 10 + SIZES[checksum]
    framing = BinaryFraming(("seq", "t_us", "adc0", "adc1"), sync, f"{order}HIhh", length, checksum)  # type: ignore[arg-type]
    return profile(framing)


PROFILES = {
    "ascii": ascii_profile(),
    "ascii-semicolon-crlf": ascii_profile(terminator="\r\n", delimiter=";"),
    **{f"ascii-{name}": ascii_profile(name) for name in SIZES if name != "none"},
    **{f"binary-{name}": binary_profile(name) for name in SIZES},
    "binary-big-endian": binary_profile("crc16-ccitt", ">"),
    "binary-one-sync": binary_profile("xor8", "<", b"\x02"),
}
every_profile = pytest.mark.parametrize("adc", PROFILES.values(), ids=PROFILES.keys())
with_checksum = [
    name for name in PROFILES if not name.endswith("none") and name not in {"ascii", "ascii-semicolon-crlf"}
]


def wire(adc: AdcProfile, numbers: range) -> bytes:
    return b"".join(encode(adc, n, n * 10_000, [n % 1000, -n]) for n in numbers)


def counts(events: list[AdcEvent]) -> np.ndarray:
    frames = [event.counts for event in events if isinstance(event, AdcFrames)]
    return np.concatenate(frames) if frames else np.zeros((0, 2), dtype=np.int32)


def damage(events: list[AdcEvent]) -> list[str]:
    return [event.kind for event in events if isinstance(event, Damage)]


@every_profile
def test_what_is_sent_is_read(adc: AdcProfile) -> None:
    events = AdcDecoder(adc).feed(wire(adc, range(700)))
    assert len(events) == 1, "one run of frames, nothing missing over two wraps of the counter"
    (frames,) = events
    assert isinstance(frames, AdcFrames)
    assert frames.counts[:, 0].tolist() == list(range(700))
    assert frames.counts[:, 1].tolist() == [-n for n in range(700)]
    assert frames.counter is not None
    assert frames.counter.tolist() == [n % 256 for n in range(700)]
    assert frames.device_time_us is not None
    assert frames.device_time_us.tolist() == [n * 10_000 for n in range(700)]


@every_profile
def test_missing_frames_are_counted_over_the_wrap(adc: AdcProfile) -> None:
    events = AdcDecoder(adc).feed(wire(adc, range(250)) + wire(adc, range(263, 300)))
    assert [event.n_missing for event in events if isinstance(event, AdcFrames)] == [0, 13]


@every_profile
def test_garbage_between_frames_costs_no_frame_but_those_it_touches(adc: AdcProfile) -> None:
    noise = b"\x00\xffnoise\xaa\x55\x02\n"
    events = AdcDecoder(adc).feed(
        wire(adc, range(10)) + noise + wire(adc, range(10, 20)) + wire(adc, range(20, 40))
    )
    got = counts(events)[:, 0].tolist()
    assert set(range(20, 40)) <= set(got) or "none" in adc.framing.checksum
    assert damage(events)


@pytest.mark.parametrize("name", with_checksum)
def test_a_wrong_checksum_is_counted_and_the_frame_is_missing(name: str) -> None:
    adc = PROFILES[name]
    frames = [encode(adc, n, 5000 + n, [600 + n, 700 - n]) for n in range(5)]
    broken = bytearray(frames[2])
    broken[len(broken) // 2] ^= 0x01
    decoder = AdcDecoder(adc)
    events = decoder.feed(b"".join([*frames[:2], bytes(broken), *frames[3:]]))
    assert decoder.counts["checksum"] + decoder.counts["malformed"] >= 1
    assert counts(events)[:, 0].tolist() == [600, 601, 603, 604]
    assert [event.n_missing for event in events if isinstance(event, AdcFrames)] == [0, 1]


def test_resync_goes_on_by_one_byte_and_finds_a_frame_inside_a_false_one() -> None:
    adc = binary_profile("crc16-ccitt")
    good = encode(adc, 7, 0, [70, 71])
    events = AdcDecoder(adc).feed(b"\xaa\x55\x01" + good + good)
    assert counts(events)[:, 0].tolist() == [70, 70]
    assert damage(events) == ["checksum", "skipped"]


def test_no_counter_means_no_claim_about_loss() -> None:
    framing = AsciiFraming(("adc0", "adc1"))
    adc = AdcProfile("test", 1, "simulator", SerialLink(), framing, PROFILES["ascii"].channels, 100.0)
    (frames,) = AdcDecoder(adc).feed(b"1,2\n5,6\n")
    assert isinstance(frames, AdcFrames)
    assert frames.counter is None
    assert frames.device_time_us is None


@pytest.mark.parametrize(
    "line", ["1,2,3", "1,2,3,4,5", "1,2,3,x", "1,2,3,4.5", "1,2,3,", "", "1,2,3,99999999999"]
)
def test_a_line_that_is_no_frame_is_malformed(line: str) -> None:
    decoder = AdcDecoder(ascii_profile())
    assert damage(decoder.feed(line.encode() + b"\n")) == ["malformed"]


def test_reset_forgets_the_unfinished_frame_and_the_counter() -> None:
    adc = binary_profile()
    decoder = AdcDecoder(adc)
    decoder.feed(wire(adc, range(3))[:-4])
    decoder.reset()
    (frames,) = decoder.feed(wire(adc, range(90, 91)))
    assert isinstance(frames, AdcFrames)
    assert frames.n_missing == 0


@given(st.lists(st.binary(min_size=7, max_size=7), min_size=1, max_size=20), st.sampled_from(sorted(SIZES)))
def test_many_checksums_at_once_are_those_of_one_by_one(rows: list[bytes], name: str) -> None:
    table = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, 7)
    assert CHECKSUMS[name].many(table).tolist() == [CHECKSUMS[name].one(row) for row in rows]


def test_the_crc_is_ccitt_false() -> None:
    assert CHECKSUMS["crc16-ccitt"].one(b"123456789") == 0x29B1, "check value of CRC-16/CCITT-FALSE"


def flat(events: list[AdcEvent]) -> tuple[list[list[int]], int, dict[str, int]]:
    missing = sum(event.n_missing for event in events if isinstance(event, AdcFrames))
    kinds = {kind: damage(events).count(kind) for kind in ("checksum", "malformed")}
    return counts(events).tolist(), missing, kinds


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(PROFILES)),
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.integers(0, 600).map(lambda n: n),
            st.sampled_from([b"\xaa\x55", b"\xaa", b"\n", b"1,2,3,4\n", b"\x02" * 20]),
        ),
        max_size=30,
    ),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_no_bytes_raise_and_every_cut_reads_the_same(
    name: str, pieces: list[bytes | int], cuts: list[int]
) -> None:
    adc = PROFILES[name]
    data = b"".join(p if isinstance(p, bytes) else wire(adc, range(p, p + 2)) for p in pieces)
    whole, cut = AdcDecoder(adc), AdcDecoder(adc)
    edges = sorted({0, len(data), *(c % (len(data) + 1) for c in cuts)})
    events = [e for a, b in itertools.pairwise(edges) for e in cut.feed(data[a:b])]
    assert flat(events) == flat(whole.feed(data))


def test_a_flood_of_false_syncs_is_read_in_linear_time() -> None:
    adc = binary_profile()
    decoder = AdcDecoder(adc)
    events = decoder.feed(b"\xaa\x55" * 20_000 + wire(adc, range(5)))
    assert counts(events)[-1, 0] == 4
