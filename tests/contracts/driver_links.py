"""Real loopback links, by which a driver meets its other end."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from driver_sides import E4BleSide, HeartRateSide, Side

from recorder.devices.sim.ble_air import Offer
from recorder.protocols import e4_ble, heart_rate
from recorder.protocols.gatt_packets import GattDecoder
from tests.radio.air_rig import air_rig


@contextmanager
def tcp_link(side: Side) -> Iterator[tuple[dict[str, object], Callable[[bytes], None]]]:
    """A TCP server thread that answers for ``side``; gives the address and a function that sends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connected, peers = threading.Event(), []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    peers.append(peer)
                    connected.set()
                    while data := peer.recv(4096):
                        peer.sendall(side.answer(data))

        def send(data: bytes) -> None:
            assert connected.wait(60)
            peers[-1].sendall(data)

        thread = threading.Thread(target=serve, name="test-tcp-link", daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield {"host": "127.0.0.1", "port": port}, send
        finally:
            for peer in peers:
                with suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)
                peer.close()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(10)
            assert not thread.is_alive()


@contextmanager
def socket_url_link(side: Side) -> Iterator[tuple[dict[str, object], Callable[[bytes], None]]]:
    with tcp_link(side) as (address, send):
        yield {"port": f"socket://127.0.0.1:{address['port']}"}, send


@contextmanager
def pty_link(side: Side) -> Iterator[tuple[dict[str, object], Callable[[bytes], None]]]:
    """A pseudo-terminal; its master end is the device."""
    master, slave = os.openpty()
    name = os.ttyname(slave)

    def send(data: bytes) -> None:
        while data:
            data = data[os.write(master, data[:512]) :]

    try:
        yield {"port": name}, send
    finally:
        os.close(slave)
        os.close(master)


ADDRESS = "C0:00:00:00:00:0A"
OFFERS = {
    E4BleSide: Offer(
        notify={0x3EA0: list(e4_ble.LAYOUTS), 0x3EB0: [e4_ble.BUTTON, e4_ble.BATTERY]},
        write={e4_ble.COMMANDS: [e4_ble.COMMAND]},
    ),
    HeartRateSide: Offer(notify={heart_rate.SERVICE: [heart_rate.MEASUREMENT]}, advertise=(0x180D,)),
}


@contextmanager
def air_link(side: Side) -> Iterator[tuple[dict[str, object], Callable[[bytes], None]]]:
    """A peripheral on a virtual air; what is sent are notifications, once the driver has asked for them."""
    with air_rig() as rig:
        peripheral = rig.add("Empatica E4", ADDRESS, OFFERS[type(side)])  # type: ignore[index]

        def send(data: bytes) -> None:
            for packet in GattDecoder().feed(data):
                deadline = time.monotonic() + 10
                while not rig.do(peripheral.notify(packet.characteristic, packet.data)):
                    assert time.monotonic() < deadline, "nobody listens"
                    time.sleep(0.01)

        yield {"address": ADDRESS, "radio": rig.radio}, send
