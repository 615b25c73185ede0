"""Serial ports: exclusive, prompt, and refused in words."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import serial

from recorder.clock import Clock
from recorder.errors import ConfigError, DeviceBusy, DeviceError, LinkLost
from recorder.transports.serial import open_serial

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


@pytest.fixture
def pty() -> Iterator[tuple[str, int]]:
    master, slave = os.openpty()
    yield os.ttyname(slave), master
    for number in (slave, master):
        os.close(number)


def test_bytes_come_at_once(pty: tuple[str, int]) -> None:
    name, master = pty
    transport, clock = open_serial(name, Clock()), Clock()
    os.write(master, b"17,170000,1843\n")
    before = clock.monotonic_ns()
    chunk = transport.read(5.0)
    assert chunk is not None
    assert chunk.data == b"17,170000,1843\n"
    assert before <= chunk.t_host_ns <= clock.monotonic_ns()
    assert transport.read(0.01) is None
    transport.write(b"hello")
    assert os.read(master, 10) == b"hello"
    transport.close()


def test_bytes_are_not_changed_by_the_line_discipline(pty: tuple[str, int]) -> None:
    name, master = pty
    transport = open_serial(name, Clock(), batch_s=0.02)
    every = bytes(range(256))
    os.write(master, every)
    got = b""
    deadline = time.monotonic() + 10
    while len(got) < 256 and time.monotonic() < deadline:
        chunk = transport.read(0.2)
        got += chunk.data if chunk else b""
    assert got == every
    transport.close()


def test_a_port_is_opened_by_one_only(pty: tuple[str, int]) -> None:
    first = open_serial(pty[0], Clock())
    with pytest.raises(DeviceBusy, match=f"{pty[0]} is in use by another program or station"):
        open_serial(pty[0], Clock())
    first.close()
    open_serial(pty[0], Clock()).close()


def test_a_port_that_goes_away_is_lost() -> None:
    master, slave = os.openpty()
    transport = open_serial(os.ttyname(slave), Clock())
    os.close(slave)
    os.close(master)
    with pytest.raises(LinkLost, match="is gone"):
        transport.read(1.0)
    transport.close()


def test_a_closed_transport_reads_and_writes_no_more(pty: tuple[str, int]) -> None:
    transport = open_serial(pty[0], Clock())
    transport.close()
    transport.close()
    with pytest.raises(LinkLost):
        transport.read(0.1)
    with pytest.raises(LinkLost):
        transport.write(b"x")


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(LinkLost, match="There is no serial port /dev/ttyUSB99: plug the device in"):
        open_serial("/dev/ttyUSB99", Clock())


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (serial.SerialException(errno.EACCES, "Permission denied"), DeviceBusy, "dialout"),
        (serial.SerialException(errno.EBUSY, "Device or resource busy"), DeviceBusy, "in use"),
        (
            serial.SerialException("could not open port 'COM3': PermissionError(13, 'Access is denied.')"),
            DeviceBusy,
            "COM3",
        ),
        (
            serial.SerialException("could not open port 'COM3': FileNotFoundError(2, '…')"),
            LinkLost,
            "no serial port COM3",
        ),
        (serial.SerialException("Cannot configure port"), LinkLost, "cannot be opened"),
        (ValueError("Not a valid baudrate"), ConfigError, "transport"),
    ],
)
def test_what_the_system_says_in_an_operator_s_words(
    error: Exception, kind: type[Exception], word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux gives numbers, Windows only text."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(kind, match=word):
        open_serial("COM3", Clock())


def test_a_socket_stands_in_where_there_is_no_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = open_serial(f"socket://127.0.0.1:{listener.getsockname()[1]}", Clock())
        peer, _ = listener.accept()
        with peer:
            threading.Timer(0.01, peer.sendall, [b"1,2,3\n"]).start()
            chunk = transport.read(5.0)
            assert chunk is not None
            assert chunk.data == b"1,2,3\n"
        transport.close()


@pytest.mark.parametrize("url", ["socket://", "socket://host", "socket://host:x", "socket://:5"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises((ConfigError, DeviceError), match="socket://host:port"):
        open_serial(url, Clock())
