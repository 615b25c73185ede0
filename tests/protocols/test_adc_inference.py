"""An unknown ADC's bytes → how to read them. What is proposed must read back exactly what was sent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wrong_speed import heard_at

from recorder.devices import profiles
from recorder.protocols.adc_findings import Findings
from recorder.protocols.adc_inference import Heard, infer, profile_of, raw_channels
from recorder.protocols.adc_profile import (
    AdcChannel,
    AdcProfile,
    AsciiFraming,
    BinaryFraming,
    SerialLink,
)
from recorder.protocols.serial_adc import AdcDecoder, AdcFrames, encode

SECONDS = 4.0


def signals(profile: AdcProfile, n: int, seed: int, full: int) -> np.ndarray:
    """``(n, channels)``: smooth waves of different speed and height with a little noise, whole numbers."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / profile.rate_hz
    columns = []
    for k in range(len(profile.channels)):
        speed = 1.1 + 0.4 * k + 0.2 * rng.random()
        wave = np.sin(2 * np.pi * speed * t) + 0.3 * np.sin(4 * np.pi * speed * t + 1)
        columns.append(full / 2 + full / 4 * wave * (0.6 + 0.4 * rng.random()) + rng.normal(0, full / 800, n))
    return np.rint(np.stack(columns, axis=1)).astype(np.int64)


def sent(
    profile: AdcProfile, counts: np.ndarray, *, first: int = 37, join: int = 5, batch_s: float = 0.032
) -> Heard:
    """Frames as a USB adapter hands them over, the first one cut."""
    rate = profile.rate_hz
    frames = [
        encode(profile, first + i, round((first + i) * 1e6 / rate) + 7_000_000, row.tolist())
        for i, row in enumerate(counts)
    ]
    size = max(1, round(batch_s * rate))
    chunks = [
        (b"".join(frames[i : i + size]), round((i + size) / rate * 1e9)) for i in range(0, len(frames), size)
    ]
    return [(chunks[0][0][join:], chunks[0][1]), *chunks[1:]]


def read_back(found: Findings, heard: Heard) -> np.ndarray:
    """``(n, channels)`` of the proposal's own decoder."""
    decoder = AdcDecoder(profile_of(found, "found", SerialLink(), raw_channels(found)))
    events = [event for data, _ in heard for event in decoder.feed(data)]
    return np.concatenate([e.counts for e in events if isinstance(e, AdcFrames)])


def assert_reads(found: Findings, heard: Heard, counts: np.ndarray) -> None:
    """Every channel that was sent is one of the columns that are read."""
    assert found.proposes, found
    back = read_back(found, heard)[1:]  # what is left of a cut line may be a number too
    assert len(counts) - 8 <= len(back) <= len(counts)
    for column in counts.T:
        tail = column[-len(back) :]
        assert any((tail == read).all() for read in back.T), (found, tail[:5], back[:5])


@pytest.mark.parametrize("name", profiles.shipped())
def test_the_shipped_profiles_are_found_again(name: str) -> None:
    profile = profiles.load(name)
    counts = signals(profile, int(SECONDS * profile.rate_hz), 1, 4000)
    heard = sent(profile, counts)
    found = infer(heard)
    again = profile_of(found, name, profile.link, raw_channels(found))
    assert (again.framing, again.rate_hz) == (profile.framing, profile.rate_hz)
    assert (again.counter, again.device_clock, again.counter_modulo) == ("seq", "t_us", 65536)
    assert found.confidence > 0.9
    assert_reads(found, heard, counts)


def names(n: int) -> tuple[AdcChannel, ...]:
    return tuple(AdcChannel(f"adc{i}", "x", "V", 1.0) for i in range(n))


@st.composite
def text_profiles(draw: st.DrawFn) -> AdcProfile:
    n, counter, clock = draw(st.integers(1, 4)), draw(st.booleans()), draw(st.booleans())
    fields = (*(["seq"] if counter else []), *(["t_us"] if clock else []), *(f"adc{i}" for i in range(n)))
    decimals = draw(st.sampled_from([0, 0, 2, 3]))
    framing = AsciiFraming(
        fields,
        draw(st.sampled_from(["\n", "\r\n", "\r"])),
        draw(st.sampled_from([",", ";", "\t", " ", "|"])),
        draw(st.sampled_from(["none", "none", "sum8", "xor8", "crc16-ccitt"])),
        tuple(decimals if f.startswith("adc") else 0 for f in fields) if decimals else (),
    )
    return AdcProfile(
        "made",
        1,
        "lab",
        SerialLink(),
        framing,
        names(n),
        float(draw(st.sampled_from([20, 50, 100, 250]))),
        "seq" if counter else None,
        draw(st.sampled_from([256, 1000, 65536])),
        "t_us" if clock else None,
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(text_profiles(), st.integers(0, 99), st.sampled_from([1023, 4095, 60_000]))
def test_any_columns_of_text_are_found(profile: AdcProfile, seed: int, full: int) -> None:
    counts = signals(profile, int(SECONDS * profile.rate_hz), seed, full)
    heard = sent(profile, counts)
    found = infer(heard)
    assert found.verdict == "text"
    assert_reads(found, heard, counts)
    assert found.rate_hz == profile.rate_hz
    assert found.framing is not None and found.framing.checksum == profile.framing.checksum
    if profile.counter is not None:
        assert found.named("counter") == "seq"
    if profile.device_clock is not None:
        assert found.named("clock") == "t_us"


@st.composite
def binary_profiles(draw: st.DrawFn) -> AdcProfile:
    n = draw(st.integers(1, 4))
    checksum = draw(st.sampled_from(["none", "sum8", "xor8", "crc16-ccitt"]))
    counter, modulo = draw(st.sampled_from([("B", 256), ("H", 65536)]))
    clock = draw(st.booleans())
    letters = counter + ("I" if clock else "") + draw(st.sampled_from(["h", "H"])) * n
    fields = ("seq", *(["t_us"] if clock else []), *(f"adc{i}" for i in range(n)))
    sync = draw(
        st.sampled_from([b"\xaa\x55", b"\xa5\x5a", b"\x55\xaa", b"\xff\xfe", b"\x7e\x81", b"\xde\xad"])
    )
    size = {"none": 0, "sum8": 1, "xor8": 1, "crc16-ccitt": 2}[checksum]
    packed = {"B": 1, "H": 2}[counter] + (4 if clock else 0) + 2 * n
    layout = draw(st.sampled_from("<>")) + letters
    framing = BinaryFraming(fields, sync, layout, len(sync) + packed + size, checksum)  # type: ignore[arg-type]
    return AdcProfile(
        "made",
        1,
        "lab",
        SerialLink(),
        framing,
        names(n),
        float(draw(st.sampled_from([100, 250, 500]))),
        "seq",
        modulo,
        "t_us" if clock else None,
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(binary_profiles(), st.integers(0, 99), st.sampled_from([1023, 4095, 30_000]))
def test_any_packed_frames_are_found(profile: AdcProfile, seed: int, full: int) -> None:
    counts = signals(profile, int(SECONDS * profile.rate_hz), seed, full)
    heard = sent(profile, counts)
    found = infer(heard)
    assert found.verdict == "binary", found
    assert_reads(found, heard, counts)
    assert found.rate_hz == profile.rate_hz
    assert found.framing is not None and found.framing.checksum == profile.framing.checksum
    assert found.named("counter") is not None


@pytest.mark.parametrize("name", profiles.shipped())
def test_lost_and_damaged_bytes_are_told_and_do_not_hide_the_framing(name: str) -> None:
    profile = profiles.load(name)
    counts = signals(profile, int(SECONDS * profile.rate_hz), 3, 4000)
    rng = np.random.default_rng(4)
    heard = [
        (data if rng.random() > 0.04 else data[:3] + data[9:] + bytes([data[0] ^ 0x40]), t)
        for data, t in sent(profile, counts)
    ]
    found = infer(heard)
    assert found.proposes and found.framing is not None
    assert found.framing.fields == profile.framing.fields
    assert 0.8 < found.read_share < 1.0 or any(e.id == "lost" for e in found.evidence)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 40_000))
def test_noise_proposes_nothing(seed: int, size: int) -> None:
    octets = np.random.default_rng(seed).bytes(size)
    heard = [(octets[i : i + 300], i * 10**5) for i in range(0, size, 300)]
    found = infer(heard)
    assert not found.proposes and found.verdict in ("noise", "too-little")


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=400), max_size=12))
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    found = infer([(piece, i * 10**8) for i, piece in enumerate(pieces)])
    assert found.proposes == (found.verdict in ("text", "binary"))
    assert 0 <= found.read_share <= 1


NMEA = (
    b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n"
    b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"
)


@pytest.mark.parametrize(
    ("octets", "verdict"),
    [
        (b"", "nothing"),
        (b"17,1,2\n", "too-little"),
        (NMEA * 12, "gps"),
        (b"temperature is fine\r\n" * 40, "words"),
        (b"\x00" * 4000, "noise"),
        (b"\xff" * 4000, "noise"),
        (b"1234,5678\n" * 100, "noise"),
    ],
)
def test_what_is_no_adc_is_said_and_proposes_nothing(octets: bytes, verdict: str) -> None:
    heard = [(octets[i : i + 100], i * 10**7) for i in range(0, len(octets), 100)]
    found = infer(heard)
    assert (found.verdict, found.proposes) == (verdict, False)


def test_frames_without_a_fixed_beginning_are_told_by_their_length() -> None:
    """A Nonin finger clip: status bit 7, no fixed byte."""
    t = np.arange(300)
    frames = [
        bytes([0x80 | (i % 25 == 0), int(64 + 60 * np.sin(i / 9)) & 0x7F, (i * 3) & 0x7F, i % 25 & 0x7F])
        for i in t.tolist()
    ]
    octets = b"".join(f + bytes([sum(f) & 0xFF]) for f in frames)
    found = infer([(octets[i : i + 50], i * 10**7) for i in range(0, len(octets), 50)])
    assert not found.proposes and found.verdict in ("no-start", "noise")


def test_a_greeting_decimals_and_runs_of_spaces_are_read() -> None:
    lines = [f"{np.sin(i / 9):8.3f} {500 + int(90 * np.sin(i / 5)):5d}\r\n".encode() for i in range(200)]
    heard = [(b"Lab ADC v1\r\nready\r\n", 0), *((line, 20_000_000 * (i + 1)) for i, line in enumerate(lines))]
    found = infer(heard)
    assert isinstance(found.framing, AsciiFraming)
    assert (found.framing.delimiter, found.framing.decimals, found.rate_hz) == (" ", (3, 0), 50.0)
    assert read_back(found, heard)[5, 0] == round(1000 * np.sin(5 / 9))


def test_a_profile_survives_its_file(tmp_path: object) -> None:
    profile = profiles.load("lab-adc-binary")
    heard = sent(profile, signals(profile, 400, 1, 4000))
    found = infer(heard)
    channel = AdcChannel("adc0", "abp_wave", "V", 5 / 4096, saturation=(0, 4095), invalid=(-1,))
    made = profile_of(
        found, "ward-3 \N{GREEK SMALL LETTER MU}C", replace(profile.link, baud=57600), [channel]
    )
    path = tmp_path / "x.toml"  # type: ignore[operator]
    path.write_text(profiles.dump(made, ["made by looking at its bytes"]), encoding="utf-8")
    assert profiles.load(path) == made


ONE_COLUMN = AdcProfile(
    "plain", 1, "lab", SerialLink(), AsciiFraming(("adc0",)), (AdcChannel("adc0", "x", "V", 1.0),), 100.0
)


@pytest.mark.parametrize(
    ("profile", "baud"),
    [
        (profiles.load("lab-adc-1k"), 230400),
        (profiles.load("lab-adc-ascii"), 57600),
        (profiles.load("lab-adc-binary"), 115200),
        (ONE_COLUMN, 9600),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_wrong_speed_proposes_nothing_and_the_right_one_does(profile: AdcProfile, baud: int) -> None:
    counts = signals(profile, int(2.5 * profile.rate_hz), 2, 1000)
    frames = [encode(profile, 37 + i, (37 + i) * 10_000, row.tolist()) for i, row in enumerate(counts)]
    size = len(frames[20])
    idle_s = 1 / profile.rate_hz - size * 10 / baud
    for tried in (9600, 57600, 115200, 230400):
        octets = heard_at(b"".join(frames), baud, tried, size, idle_s)
        step = max(1, len(octets) // 100)
        heard = [(octets[i : i + step], round(i / len(octets) * 2.5e9)) for i in range(0, len(octets), step)]
        found = infer(heard)
        assert found.proposes == (tried == baud), (tried, found)
