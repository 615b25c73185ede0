"""Looking at a real port's bytes: the emulated ADC on a pseudo-terminal, as a wizard meets it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from recorder.clock import Clock
from recorder.devices import profiles
from recorder.devices.adc_look import BAUDS, Look, look, open_link, speeds
from recorder.errors import DeviceBusy, LinkLost
from recorder.host import virtual_bedside
from recorder.protocols.adc_inference import profile_of, raw_channels
from recorder.protocols.adc_profile import SerialLink

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")


@contextmanager
def adc(folder: Path, profile: str) -> Iterator[str]:
    """The port of an emulated ADC."""
    config = {"seed": 2, "script": "rest", "adc": {"profile": profile, "ppm": 40.0, "link": "pty"}}
    bedside = virtual_bedside.start(folder / profile, Clock(), config)
    try:
        yield bedside.ready["adc"]["port"]
    finally:
        bedside.stop()


@pytest.mark.parametrize("name", profiles.shipped())
def test_the_shipped_profiles_are_recognised_on_a_port(tmp_path: Path, name: str) -> None:
    shipped = profiles.load(name)
    steps: list[int] = []
    with adc(tmp_path, name) as port:
        found = look(port, Clock(), speeds(SerialLink()), told=lambda link, *_: steps.append(link.baud))
    assert steps == [115200], "a pseudo-terminal has no speed: the first one fits"
    assert found.findings.confidence > 0.85, found.findings
    made = profile_of(found.findings, name, found.link, raw_channels(found.findings))
    assert made.framing == shipped.framing
    assert (made.rate_hz, made.counter, made.device_clock) == (shipped.rate_hz, "seq", "t_us")


@contextmanager
def talker(octets: bytes) -> Iterator[str]:
    """A port on which something else speaks, once it is listened to."""
    master, slave = os.openpty()
    pytest.importorskip("tty").setraw(slave)  # not on Windows
    ended = threading.Event()

    def speak() -> None:
        at = 0
        while not ended.wait(0.02):
            os.write(master, octets[at : at + 120])
            at = (at + 120) % max(1, len(octets) - 120)

    thread = threading.Thread(target=speak, daemon=True)
    thread.start() if octets else None
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        if octets:
            thread.join()
        os.close(slave)
        os.close(master)


def heard_on(octets: bytes, bauds: tuple[int, ...] = (115200, 9600)) -> Look:
    with talker(octets) as port:
        return look(port, Clock(), [SerialLink(baud) for baud in bauds], seconds=0.6)


def test_noise_is_tried_at_every_speed_and_nothing_is_proposed() -> None:
    found = heard_on(os.urandom(40_000))
    assert found.findings.verdict == "noise" and not found.findings.proposes


def test_a_gps_receiver_is_named_and_ends_the_search() -> None:
    found = heard_on(b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n" * 200, BAUDS)
    assert (found.findings.verdict, found.link.baud) == ("gps", 115200)


@pytest.mark.slow
def test_a_silent_line_is_given_up_after_two_speeds() -> None:
    steps: list[int] = []
    with talker(b"") as port:
        found = look(port, Clock(), speeds(SerialLink()), told=lambda link, *_: steps.append(link.baud))
    assert found.findings.verdict == "nothing" and len(steps) == 2


def test_a_look_can_be_cancelled_and_a_missing_or_busy_port_is_told() -> None:
    with talker(os.urandom(9000)) as port:
        asked = iter([False, *[True] * 1000])
        found = look(port, Clock(), speeds(SerialLink()), cancelled=lambda: next(asked))
        assert not found.findings.proposes
    with pytest.raises(LinkLost, match="no serial port"):
        look("/dev/no-such-port", Clock(), [SerialLink()])
    with talker(b"x" * 300) as port:
        held = open_link(port, Clock(), SerialLink())
        with pytest.raises(DeviceBusy, match="in use"):
            look(port, Clock(), [SerialLink()])
        held.close()
