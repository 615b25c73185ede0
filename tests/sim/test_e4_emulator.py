"""The emulated streaming server over real sockets: the commands and replies of the vendor's pages."""

import socket
from itertools import pairwise

import pytest

from recorder.protocols.e4_events import News, Reply, Sample
from recorder.protocols.e4_server import E4Decoder

E4 = {"e4": {"serial": "9ff167", "strangers": ["7a3166"]}}


class Client:
    """A client that waits for what it asks for, and keeps all it hears."""

    def __init__(self, bedside, *, buffer: int = 0) -> None:
        self._decoder = E4Decoder()
        self.heard: list = []
        self.raw = b""
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        ready = bedside.ready()["e4"]
        self.socket.settimeout(5.0)
        self.socket.connect((ready["host"], ready["port"]))

    def listen(self, enough) -> list:
        """Read until ``enough(heard)``."""
        while not enough(self.heard):
            received = self.socket.recv(65536)
            if not received:
                return self.heard
            self.raw += received
            self.heard += self._decoder.feed(received)
        return self.heard

    def ask(self, line: str) -> Reply:
        """Send a command and wait for its reply; data may come in between."""
        before = len(self.replies())
        self.socket.sendall(line.encode() + b"\r\n")
        self.listen(lambda _: len(self.replies()) > before)
        return self.replies()[before]

    def replies(self) -> list:
        return [event for event in self.heard if isinstance(event, Reply)]

    def samples(self, kind: str) -> list:
        return [event for event in self.heard if isinstance(event, Sample) and event.kind == kind]

    def subscribe(self, *streams: str) -> None:
        assert self.ask("device_connect 9ff167").outcome == "ok"
        for stream in streams:
            assert self.ask(f"device_subscribe {stream} ON").outcome == "ok"


@pytest.fixture
def connect(bedside):
    clients = []

    def connect(made, **options) -> Client:
        clients.append(Client(made, **options))
        return clients[-1]

    yield connect
    for client in clients:
        client.socket.close()


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (
            "device_discover_list",
            "R device_discover_list 2 | 9ff167 Empatica_E4 allowed | 7a3166 Empatica_E4 not_allowed",
        ),
        ("device_list", "R device_list 1 | 9ff167 Empatica_E4"),
        ("device_connect_btle 9ff167", "R device_connect_btle OK"),
        ("device_connect_btle 9ff167 20", "R device_connect_btle OK"),
        (
            "device_connect_btle 7a3166",
            "R device_connect_btle ERR The device is not registered with the API key",
        ),
        ("device_connect_btle aaaaaa", "R device_connect_btle ERR The device has not been discovered yet"),
        (
            "device_disconnect_btle aaaaaa",
            "R device_disconnect_btle ERR The device is not connected over btle",
        ),
        ("device_disconnect_btle 9ff167", "R device_disconnect_btle OK"),
        ("device_connect 9ff167", "R device_connect OK"),
        (
            "device_connect 000000",
            "R device_connect ERR The device requested for connection is not available.",
        ),
        ("device_connect", "R device_connect ERR The device requested for connection is not available."),
        ("device_disconnect", "R device_disconnect ERR No connected device."),
        ("device_subscribe gsr ON", "R device_subscribe gsr ERR You are not connected to any device"),
        ("pause ON", "R pause ERR You are not connected to any device"),
        ("server_status", "R server_status OK"),
        ("make_coffee", "R make_coffee ERR Unknown command"),
    ],
)
def test_a_command_gets_its_documented_answer(bedside, connect, command, answer):
    client = connect(bedside(E4))
    client.ask(command)
    assert client.raw.decode().splitlines() == [answer]


def test_bound_answers(bedside, connect):
    client = connect(bedside(E4))
    for command in (
        "device_connect 9ff167",
        "pause ON",
        "device_subscribe gsr ON",
        "device_subscribe gsr OFF",
        "pause OFF",
    ):
        client.ask(command)
    assert client.ask("device_subscribe ecg ON").outcome == "error"
    assert client.ask("device_subscribe gsr MAYBE").outcome == "error"
    assert client.ask("pause").outcome == "error"
    lines = client.raw.decode().splitlines()
    assert lines[:5] == [
        "R device_connect OK",
        "R pause ON",
        "R device_subscribe gsr OK",
        "R device_subscribe gsr OK",
        "R pause OFF",
    ]


def test_disconnect_is_answered_and_then_closes(bedside, connect):
    client = connect(bedside(E4))
    client.ask("device_connect 9ff167")
    assert client.ask("device_disconnect").outcome == "ok"
    assert client.socket.recv(100) == b""


def test_a_disconnected_band_is_gone_for_everybody(bedside, connect):
    made = bedside(E4)
    first, second = connect(made), connect(made)
    first.subscribe("bvp")
    assert second.ask("device_disconnect_btle 9ff167").outcome == "ok"
    assert second.ask("device_list").bands == ()
    assert second.ask("device_connect 9ff167").outcome == "error"
    assert first.ask("pause ON").message == "You are not connected to any device"
    assert second.ask("device_connect_btle 9ff167").outcome == "ok"
    assert second.ask("device_connect 9ff167").outcome == "ok"


def test_data_and_replies_interleave_and_pause_stops_the_data(bedside, connect, wait_until):
    made = bedside(E4, speed=20.0)
    client = connect(made)
    client.subscribe("bvp", "acc", "gsr", "tmp", "bat")
    kinds = {"bvp", "acc", "gsr", "tmp", "bat"}
    client.listen(lambda _: all(client.samples(kind) for kind in kinds))
    assert client.ask("pause ON").outcome == "on"
    n_before = len(client.heard)
    assert client.ask("server_status").outcome == "ok"
    assert client.ask("device_list").outcome == "list"
    n_generated = made.tally.generated["e4.bvp"]
    wait_until(lambda: made.tally.generated["e4.bvp"] > n_generated + 50)
    assert client.ask("device_list").outcome == "list"
    assert len(client.heard) == n_before + 3
    assert client.ask("pause OFF").outcome == "off"
    n_bvp = len(client.samples("bvp"))
    client.listen(lambda _: len(client.samples("bvp")) > n_bvp)
    stamps = [s.stamp_us for s in client.samples("bvp")]
    assert max(b - a for a, b in pairwise(stamps)) > 2e6 / 64


def test_hr_comes_with_ibi(bedside, connect):
    client = connect(bedside({"subject": {"motion_fraction": 0.0}, **E4}, speed=20.0))
    client.subscribe("ibi")
    client.listen(lambda _: len(client.samples("hr")) > 5)
    ibi = client.samples("ibi")
    assert len(ibi) >= len(client.samples("hr"))
    assert {event.kind for event in client.heard if isinstance(event, Sample)} == {"ibi", "hr"}


def test_two_clients_get_the_same_samples(bedside, connect):
    made = bedside(E4, speed=20.0)
    clients = [connect(made), connect(made)]
    for client in clients:
        client.subscribe("bvp")
    for client in clients:
        client.listen(lambda _, c=client: len(c.samples("bvp")) > 300)
    a, b = ({s.stamp_us: s.values for s in client.samples("bvp")} for client in clients)
    common = sorted(set(a) & set(b))
    assert len(common) > 200
    assert all(a[stamp] == b[stamp] for stamp in common)


def test_decimal_comma(bedside, connect):
    client = connect(bedside({"e4": {**E4["e4"], "comma": True}}, speed=20.0))
    client.subscribe("bvp")
    client.listen(lambda _: len(client.samples("bvp")) > 20)
    lines = [line for line in client.raw.decode().splitlines() if line.startswith("E4_")]
    assert all("." not in line and line.count(",") == 2 for line in lines[:-1])


def test_loss_and_return_of_the_radio_are_told_and_subscriptions_survive(bedside, connect):
    client = connect(bedside({"e4": {**E4["e4"], "disconnects": [[6.0, 5.0]]}}, speed=10.0))
    client.subscribe("bvp")
    client.listen(lambda heard: any(isinstance(e, News) and e.kind == "link-back" for e in heard))
    news = [e for e in client.heard if isinstance(e, News)]
    assert news == [News("link-lost", "9ff167"), News("link-back", "9ff167")]
    assert b"R connection lost to device 9ff167\r\n" in client.raw
    assert b"R connection re-established to device 9ff167\r\n" in client.raw
    n_bvp = len(client.samples("bvp"))
    client.listen(lambda _: len(client.samples("bvp")) > n_bvp + 20)


def test_a_tag_on_its_time_and_on_request(bedside, connect):
    made = bedside({"e4": {**E4["e4"], "tags": [3.0]}}, speed=10.0)
    client = connect(made)
    client.subscribe("tag")
    client.listen(lambda _: len(client.samples("tag")) == 1)
    made._requests.put('{"do": "tag"}')
    client.listen(lambda _: len(client.samples("tag")) == 2)
    made._requests.put('{"do": "turn-off"}')
    client.listen(lambda heard: News("turned-off", "9ff167") in heard)
    assert client.raw.count(b"E4_Tag ") == 2


def test_a_client_that_does_not_read_loses_counted_samples_and_stalls_nobody(bedside, connect, wait_until):
    made = bedside(E4, speed=100.0)
    stuck, reader = connect(made, buffer=2048), connect(made)
    for client in (stuck, reader):
        client.subscribe("bvp", "acc")
    n_stuck = len(stuck.samples("bvp"))
    reader.listen(lambda _: made.tally.overrun["e4.bvp"] > 500)
    n_before = len(reader.samples("bvp"))
    reader.listen(lambda _: len(reader.samples("bvp")) > n_before + 500)
    stamps = [s.stamp_us for s in reader.samples("bvp")]
    assert max(b - a for a, b in pairwise(stamps)) <= 1e6 / 64 + 1
    assert len(stuck.samples("bvp")) == n_stuck


def test_every_sample_put_to_the_link_is_counted(bedside, connect):
    made = bedside(E4, speed=20.0)
    client = connect(made)
    client.subscribe("bvp")
    client.listen(lambda _: len(client.samples("bvp")) > 500)
    made.stop()
    client.listen(lambda _: False)
    assert made.tally.sent["e4.bvp"] == len(client.samples("bvp"))
    assert made.tally.overrun["e4.bvp"] == 0


def test_noise_on_the_socket_is_answered_or_ignored(bedside, connect):
    client = connect(bedside(E4))
    client.socket.sendall(b"\xff\xfe\x00\r\n\r\n   \r\ndevice_list\r\n")
    client.listen(lambda _: any(reply.outcome == "list" for reply in client.replies()))
    assert client.raw.count(b"\r\n") == 2


def test_a_client_that_vanishes_does_no_harm(bedside, connect):
    made = bedside(E4, speed=20.0)
    first = connect(made)
    first.subscribe("bvp")
    first.socket.close()
    second = connect(made)
    second.subscribe("bvp")
    second.listen(lambda _: len(second.samples("bvp")) > 100)
    steps_us = [b.stamp_us - a.stamp_us for a, b in pairwise(second.samples("bvp"))]
    assert len(steps_us) >= 100 and min(steps_us) > 0 and max(steps_us) <= 1e6 / 64 + 1
