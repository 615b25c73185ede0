"""The emulated ADC over a real pseudo-terminal and a real socket."""

import contextlib
import os
import socket
import time

import numpy as np
import pytest

from recorder.devices import profiles
from recorder.protocols.serial_adc import AdcDecoder, AdcFrames

pty_only = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
QUIET = {"motion_fraction": 0.0}


class PtyReader:
    """Reads frames from a terminal, never waiting longer than asked."""

    def __init__(self, made, profile: str) -> None:
        self.decoder = AdcDecoder(profiles.load(profile))
        self.fd = os.open(made.ready()["adc"]["port"], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.frames: list[AdcFrames] = []

    def read(self) -> int:
        try:
            received = os.read(self.fd, 65536)
        except BlockingIOError:
            return 0
        if not received:
            raise OSError("hung up")
        self.frames += [event for event in self.decoder.feed(received) if isinstance(event, AdcFrames)]
        return len(received)

    def until(self, n: int, timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while self.n < n:
            assert time.monotonic() < deadline, f"{self.n} frames of {n}"
            if not self.read():
                time.sleep(0.005)

    def until_hung_up(self, timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline:
                if not self.read():
                    time.sleep(0.002)
        assert time.monotonic() < deadline, "nobody hung up"

    @property
    def n(self) -> int:
        return sum(len(f.counts) for f in self.frames)

    @property
    def n_missing(self) -> int:
        return sum(f.n_missing for f in self.frames)

    @property
    def counts(self):
        return np.concatenate([f.counts[:, 0] for f in self.frames])

    def close(self) -> None:
        os.close(self.fd)


@pytest.fixture
def reader(bedside):
    readers = []

    def attach(made, profile):
        readers.append(PtyReader(made, profile))
        return readers[-1]

    yield attach
    for one in readers:
        try:
            one.close()
        except OSError:
            continue


def config(profile, **options):
    return {"seed": 2, "subject": QUIET, "adc": {"profile": profile, **options}}


@pty_only
@pytest.mark.parametrize("profile", ["lab-adc-ascii", "lab-adc-binary", "lab-adc-1k"])
def test_pressure_arrives_whole_in_the_profiles_framing(bedside, reader, tmp_path, profile):
    made = bedside({**config(profile), "ready_file": str(tmp_path / "r.json")}, speed=10.0)
    port = reader(made, profile)
    rate_hz = port.decoder.profile.rate_hz
    port.until(round(8 * rate_hz))
    channel = port.decoder.profile.channels[0]
    mmhg = (port.counts * channel.scale + channel.offset) * made.ready()["adc"]["calibration"][
        "gain_mmhg_per_v"
    ]
    assert 50 < mmhg.min() < 80
    assert 100 < mmhg.max() < 150
    assert port.n_missing == 0
    stamps = np.concatenate([f.device_time_us for f in port.frames])
    assert (np.abs(np.diff(stamps) - 1e6 / rate_hz) <= 1).all()
    assert dict(port.decoder.counts).keys() == {"frames"}


@pty_only
def test_what_nobody_listens_to_is_no_overrun(bedside, reader, tmp_path, wait_until):
    made = bedside({**config("lab-adc-binary"), "ready_file": str(tmp_path / "r.json")}, speed=20.0)
    wait_until(lambda: made.tally.generated["adc.wave"] > 300)
    assert made.tally.sent["adc.wave"] == made.tally.overrun["adc.wave"] == 0
    port = reader(made, "lab-adc-binary")
    port.until(100)
    assert port.frames[0].counter[0] >= 300


@pty_only
def test_a_reader_that_stalls_loses_counted_frames(bedside, reader, tmp_path, wait_until):
    made = bedside({**config("lab-adc-1k"), "ready_file": str(tmp_path / "r.json")}, speed=50.0)
    port = reader(made, "lab-adc-1k")
    port.until(1000)
    wait_until(lambda: made.tally.overrun["adc.wave"] > 2000)
    port.until(port.n + 12_000)
    made.stop()
    port.until_hung_up()
    sent, overrun = made.tally.sent["adc.wave"], made.tally.overrun["adc.wave"]
    assert port.n_missing >= 2000
    assert port.n + port.n_missing <= sent + overrun
    assert dict(port.decoder.counts).keys() == {"frames"}


@pty_only
def test_all_that_was_sent_arrives_even_at_the_end(bedside, reader, tmp_path):
    made = bedside({**config("lab-adc-1k"), "ready_file": str(tmp_path / "r.json")})
    port = reader(made, "lab-adc-1k")
    port.until(300)
    made.stop()
    port.until_hung_up()
    assert port.n == made.tally.sent["adc.wave"]
    assert made.tally.overrun["adc.wave"] == 0


@pty_only
def test_dropouts_jump_the_counter_and_recalibration_is_rectangular(bedside, reader, tmp_path):
    options = {"dropouts": [[3.0, 1.0]], "recalibrations": [[5.0, 3.0]]}
    made = bedside(
        {**config("lab-adc-binary", **options), "ready_file": str(tmp_path / "r.json")}, speed=10.0
    )
    port = reader(made, "lab-adc-binary")
    port.until(900)
    assert port.n_missing == pytest.approx(100, abs=1)
    assert made.tally.on_air_lost["adc.wave"] == port.n_missing
    numbers = np.concatenate([f.counter for f in port.frames])
    square = port.counts[(numbers > 510) & (numbers < 790)]
    assert len(np.unique(square)) == 2
    assert len(np.unique(port.counts[numbers > 810])) > 20


@pty_only
def test_a_pulled_cable_ends_the_link_and_the_same_address_works_again(bedside, reader, tmp_path, wait_until):
    made = bedside(
        {**config("lab-adc-binary", disconnects=[[4.0, 3.0]]), "ready_file": str(tmp_path / "r.json")},
        speed=10.0,
    )
    address = made.ready()["adc"]["port"]
    port = reader(made, "lab-adc-binary")
    with pytest.raises(OSError, match=r".*"):
        port.until(10_000)
    first_n = port.n
    assert first_n > 100
    wait_until(lambda: made.adc.link._master >= 0)
    again = reader(made, "lab-adc-binary")
    again.until(100)
    assert made.ready()["adc"]["port"] == address
    assert again.frames[0].counter[0] >= 690


def test_the_socket_serves_one_client_and_turns_a_second_away(bedside):
    made = bedside(config("lab-adc-ascii", link="socket"), speed=20.0)
    scheme, _, where = made.ready()["adc"]["port"].partition("://")
    host, port = where.split(":")
    assert scheme == "socket"
    decoder = AdcDecoder(profiles.load("lab-adc-ascii"))
    with socket.create_connection((host, int(port)), 5) as first:
        n = 0
        while n < 200:
            n += sum(len(e.counts) for e in decoder.feed(first.recv(4096)) if isinstance(e, AdcFrames))
        with socket.create_connection((host, int(port)), 5) as second:
            assert second.recv(100) == b""
    with socket.create_connection((host, int(port)), 5) as third:
        assert third.recv(100)


def test_the_monitors_own_error_is_an_offset(bedside):
    levels = []
    for offset_mmhg in (0.0, 12.0):
        made = bedside(config("lab-adc-ascii", link="socket", offset_mmhg=offset_mmhg), speed=20.0)
        host, port = made.ready()["adc"]["port"].removeprefix("socket://").split(":")
        decoder, counts = AdcDecoder(profiles.load("lab-adc-ascii")), {}
        with socket.create_connection((host, int(port)), 5) as link:
            while len(counts) < 600:
                for event in decoder.feed(link.recv(4096)):
                    counts |= dict(zip(event.counter.tolist(), event.counts[:, 0].tolist(), strict=True))
        levels.append(counts)
    scale = profiles.load("lab-adc-ascii").channels[0].scale
    common = sorted(set(levels[0]) & set(levels[1]))
    shift = np.array([levels[1][n] - levels[0][n] for n in common])
    np.testing.assert_allclose(shift * scale * 100, 12.0, atol=0.3)


def test_a_recording_without_pressure_sends_nothing(bedside, ramp, tmp_path):
    np.savez(tmp_path / "r.npz", bvp=np.zeros(640), bvp_fs=64.0, bvp_t0=0.0)
    made = bedside({**config("lab-adc-ascii", link="socket"), "replay": str(tmp_path / "r.npz")}, speed=20.0)
    host, port = made.ready()["adc"]["port"].removeprefix("socket://").split(":")
    with socket.create_connection((host, int(port)), 5) as link:
        link.settimeout(0.5)
        with pytest.raises(TimeoutError):
            link.recv(100)
    assert made.tally.sent["adc.wave"] == 0
