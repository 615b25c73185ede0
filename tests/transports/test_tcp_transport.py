"""TCP: what an operator is told when it does not work, and that bytes come at once, stamped."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from recorder.clock import Clock
from recorder.errors import ConfigError, LinkLost
from recorder.transports.tcp import TcpTransport, is_loopback, open_tcp


@pytest.fixture
def link() -> Iterator[tuple[TcpTransport, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = open_tcp("127.0.0.1", listener.getsockname()[1], Clock(), peer="E4 streaming server")
        peer, _ = listener.accept()
        with peer:
            yield transport, peer
        transport.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_bytes_come_at_once_and_are_stamped_after_they_arrived(
    link: tuple[TcpTransport, socket.socket],
) -> None:
    transport, peer = link
    clock = Clock()
    sent = clock.monotonic_ns()
    threading.Timer(0.05, peer.sendall, [b"E4_Bvp 1.0 2.0\r\n"]).start()
    chunk = transport.read(5.0)
    assert chunk is not None
    assert chunk.data == b"E4_Bvp 1.0 2.0\r\n"
    assert sent + 40_000_000 < chunk.t_host_ns <= clock.monotonic_ns()


def test_no_bytes_is_none_not_an_error(link: tuple[TcpTransport, socket.socket]) -> None:
    assert link[0].read(0.01) is None


def test_a_closed_connection_is_lost(link: tuple[TcpTransport, socket.socket]) -> None:
    transport, peer = link
    peer.sendall(b"last")
    peer.shutdown(socket.SHUT_RDWR)
    chunk = transport.read(1.0)
    assert chunk is not None
    assert chunk.data == b"last"
    with pytest.raises(LinkLost, match="closed the connection"):
        transport.read(1.0)


def test_a_closed_transport_reads_and_writes_no_more(link: tuple[TcpTransport, socket.socket]) -> None:
    transport, _ = link
    transport.close()
    with pytest.raises(LinkLost):
        transport.read(0.1)
    with pytest.raises(LinkLost):
        transport.write(b"x")


def test_batching_gathers_what_comes_within_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        transport = open_tcp("127.0.0.1", port, Clock(), peer="ADC", batch_s=0.25)
        peer, _ = listener.accept()
        with peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.sendall(b"a")
            threading.Timer(0.02, peer.sendall, [b"b"]).start()
            chunk = transport.read(5.0)
            assert chunk is not None
            assert chunk.data == b"ab"
        transport.close()


def test_nothing_listens() -> None:
    port = free_port()
    with pytest.raises(LinkLost, match=f"Nothing listens on 127.0.0.1:{port}: start the E4 streaming server"):
        open_tcp("127.0.0.1", port, Clock(), peer="E4 streaming server")


def test_a_host_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", unknown)
    with pytest.raises(LinkLost, match="No computer is called 'ward3'"):
        open_tcp("ward3", 28000, Clock(), peer="E4 streaming server")


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*args: object, **kwargs: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    with pytest.raises(LinkLost, match="did not answer within 3 s: check the host"):
        open_tcp("192.0.2.1", 28000, Clock(), peer="E4 streaming server")


def test_an_impossible_port() -> None:
    with pytest.raises(ConfigError, match="correct host and port"):
        open_tcp("127.0.0.1", 99999, Clock(), peer="E4 streaming server")


@pytest.mark.parametrize(
    ("host", "loop"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("10.0.0.4", False),
        ("ward3", False),
    ],
)
def test_loopback(host: str, loop: bool) -> None:
    assert is_loopback(host) is loop


def test_a_short_timeout_is_kept(link: tuple[TcpTransport, socket.socket]) -> None:
    begin = time.monotonic()
    for _ in range(5):
        assert link[0].read(0.02) is None
    assert time.monotonic() - begin >= 0.1
