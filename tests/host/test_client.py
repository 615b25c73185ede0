"""Client, feed and bus together, over real sockets: acknowledged, carried out once, holes counted."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.acquire import wire
from recorder.acquire.bus import BusServer, Keys
from recorder.acquire.commands import CommandDesk, Control, Verb
from recorder.acquire.wire import Message, Request
from recorder.clock import Clock
from recorder.errors import ConfigError, SessionRefused, StationUnreachable
from recorder.host.client import StationClient
from recorder.host.connection import Connection, file_of
from recorder.host.feed import LiveFeed, Rings
from recorder.host.sockets import open_socket
from recorder.schema import DiskStatus, Event, SampleBlock, SessionStatus, StationStatus

CLOCK = Clock()


class Bedside:
    """A bus with a few verbs, and its connection file."""

    def __init__(self, home: Path) -> None:
        self.home, self.calls = home, []
        self.hold, self.entered = threading.Event(), threading.Event()
        verbs = {
            "status": Verb(lambda r: {"status": "ok"}, once=False),
            "count": Verb(self._count),
            "slowly": Verb(self._slowly, slow=True),
            "scan": Verb(self._slowly, slow=True, apart=True),
            "soon": Verb(self._count, slow=True),
            "refuse": Verb(self._refuse),
            "missing": Verb(lambda r: {"x": r.args["label"]}),
            "broken": Verb(lambda r: {"x": 1 / 0}),
        }
        self.desk = CommandDesk(verbs, Control(lambda new, old: None))
        self.bus = BusServer(self.desk, Keys.fresh(), CLOCK.monotonic_ns)
        self.bus.start()
        keys = self.bus.keys
        self.connection = Connection(
            "bed1",
            os.getpid(),
            self.bus.pub_port,
            self.bus.router_port,
            keys.server_public,
            keys.client_public,
            keys.client_secret,
        )
        self.connection.write(home)

    def _count(self, request: Request) -> dict:
        self.calls.append(request.request_id)
        return {"n": len(self.calls)}

    def _slowly(self, request: Request) -> dict:
        self.entered.set()
        self.hold.wait(60)
        return self._count(request)

    def _refuse(self, request: Request) -> dict:
        raise SessionRefused("subject: no pseudonym; enter one")

    def publish_until(self, make: Callable[[int], object], feed: LiveFeed) -> None:
        """A PUB drops what it sends before the reader has joined: repeat until something arrived."""
        for n in range(200):
            self.bus.publish(make(n))
            if feed.wait(0.05):
                return
        raise AssertionError("nothing arrived")


@pytest.fixture
def bedside(tmp_path: Path) -> Iterator[Bedside]:
    made = Bedside(tmp_path)
    yield made
    made.bus.close()


@pytest.fixture
def client(bedside: Bedside) -> Iterator[StationClient]:
    with StationClient("bed1", bedside.home, name="window", clock=CLOCK) as made:
        yield made


def status(n: int) -> StationStatus:
    return StationStatus("bed1", 0, n, 6, 1.0, 7, SessionStatus(), DiskStatus("/x", 10, None))


def block(n: int, t_host_ns: int | None = None) -> SampleBlock:
    at = CLOCK.monotonic_ns() if t_host_ns is None else t_host_ns
    return SampleBlock("e4.bvp", n, np.full((1, 1), n, np.int32), at)


def test_a_command_is_acknowledged(client: StationClient) -> None:
    assert client.call("count") == {"n": 1}
    assert client.call("count") == {"n": 2}


def test_a_slow_command_is_retried_with_the_same_id_and_carried_out_once(
    bedside: Bedside, client: StationClient
) -> None:
    threading.Timer(1.3, bedside.hold.set).start()  # longer than one attempt of the client
    assert client.call("slowly", timeout_s=60) == {"n": 1}
    assert len(bedside.calls) == 1


def test_quick_commands_are_answered_while_a_slow_one_runs(bedside: Bedside, client: StationClient) -> None:
    slow = threading.Thread(target=client.call, args=("slowly", 60.0))
    slow.start()
    for _ in range(3):
        assert client.call("status") == {"status": "ok"}
    assert slow.is_alive()
    bedside.hold.set()
    slow.join()


def test_a_scan_of_the_air_holds_up_no_other_slow_command(bedside: Bedside, client: StationClient) -> None:
    scan = threading.Thread(target=client.call, args=("scan", 60.0))
    scan.start()
    assert bedside.entered.wait(30)
    assert client.call("soon", timeout_s=30) == {"n": 1}
    assert scan.is_alive()
    bedside.hold.set()
    scan.join()


def test_closing_gives_up_calls_under_way(bedside: Bedside) -> None:
    client = StationClient("bed1", bedside.home, name="other", clock=CLOCK)
    said: list[Exception] = []

    def ask() -> None:
        try:
            client.call("slowly", timeout_s=60)
        except StationUnreachable as error:
            said.append(error)

    slow = threading.Thread(target=ask)
    slow.start()
    assert bedside.entered.wait(30)
    client.close()
    slow.join(30)
    assert len(said) == 1
    bedside.hold.set()


def test_refusals_arrive_with_type_and_words(client: StationClient) -> None:
    with pytest.raises(SessionRefused, match="subject: no pseudonym; enter one"):
        client.call("refuse")
    with pytest.raises(ConfigError, match="argument 'label' is missing"):
        client.call("missing")
    with pytest.raises(ConfigError, match="verb 'dance' is unknown"):
        client.call("dance")
    with pytest.raises(Exception, match="broken failed inside"):
        client.call("broken")


def test_calls_from_many_threads_do_not_mix(client: StationClient) -> None:
    answers: dict[str, list[str]] = {name: [] for name in "abcdefgh"}

    def ask(name: str) -> None:
        answers[name] += [client.call("missing", label=f"{name}{n}")["x"] for n in range(5)]

    threads = [threading.Thread(target=ask, args=(name,)) for name in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {name: [f"{name}{n}" for n in range(5)] for name in answers}, "each its own answer"


def test_no_recorder_is_said_so(tmp_path: Path) -> None:
    with (
        StationClient("bed9", tmp_path, name="window", clock=CLOCK) as client,
        pytest.raises(StationUnreachable, match="station bed9: no recorder has been started"),
    ):
        client.connect(timeout_s=0.2)


def test_a_dead_recorder_is_said_so(tmp_path: Path) -> None:
    bedside = Bedside(tmp_path)
    bedside.bus.close()
    with (
        StationClient("bed1", tmp_path, name="window", clock=CLOCK) as client,
        pytest.raises(StationUnreachable, match="no answer to status within"),
    ):
        client.connect(timeout_s=0.3)


def test_the_client_finds_a_restarted_recorder(bedside: Bedside, client: StationClient) -> None:
    client.connect()
    bedside.bus.close()
    again = Bedside(bedside.home)
    try:
        assert client.call("count", timeout_s=60) == {"n": 1}
    finally:
        again.bus.close()


def test_a_stranger_without_the_key_hears_and_says_nothing(bedside: Bedside) -> None:
    public, secret = zmq.curve_keypair()
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.curve_serverkey = bedside.connection.server_public.encode()
    socket.curve_publickey, socket.curve_secretkey = public, secret
    socket.connect(f"tcp://127.0.0.1:{bedside.connection.router_port}")
    socket.send(b'{"id":"1","client":"x","verb":"count","args":{}}')
    assert socket.poll(400) == 0 and not bedside.calls
    socket.close()
    context.term()


def test_the_connection_file_is_owner_only(bedside: Bedside) -> None:
    assert file_of("bed1", bedside.home).stat().st_mode & 0o077 == 0


def test_blocks_status_and_events_arrive_in_order(bedside: Bedside, client: StationClient) -> None:
    feed = client.feed(max_age_s=60.0)
    bedside.publish_until(lambda n: Event(f"joined {n}", "joined", 1, 2), feed)  # the topic it asks for last
    feed.drain()
    event = Event("id", "marker", 1, 2)
    for item in (block(0), event, block(1)):
        bedside.bus.publish(item)
    seen: list[object] = []
    while len(seen) < 3:
        assert feed.wait(30)
        seen += [i for i in feed.drain() if not (isinstance(i, Event) and i.kind == "joined")]
    assert isinstance(seen[0], SampleBlock) and seen[1] == event and isinstance(seen[2], SampleBlock)
    assert feed.holes == 0 and feed.discarded_old == 0


def test_blocks_over_a_second_old_are_discarded_and_counted(bedside: Bedside, client: StationClient) -> None:
    feed = client.feed()
    bedside.publish_until(status, feed)
    bedside.bus.publish(block(0, CLOCK.monotonic_ns() - 2_000_000_000))
    seen: list[SampleBlock] = []
    for n in itertools.count(1):  # a busy machine may make one or the other too old as well
        bedside.bus.publish(block(n))
        feed.wait(1)
        seen += [i for i in feed.drain() if isinstance(i, SampleBlock)]
        if seen:
            break
    assert 0 not in [b.first_sample_no for b in seen] and feed.discarded_old >= 1


def test_a_reader_that_stalls_loses_and_can_count_what_it_lost(bedside: Bedside) -> None:
    """A full PUB never tells and a stalled SUB keeps the oldest: only the numbers show it."""
    context = zmq.Context()
    socket = open_socket(context, zmq.SUB, bedside.connection, bedside.connection.pub_port)
    socket.subscribe(b"block/")
    witness = open_socket(context, zmq.SUB, bedside.connection, bedside.connection.pub_port)
    witness.subscribe(b"event")
    big = np.zeros((2500, 1), np.int32)
    sent = 0
    while not (socket.poll(10) and witness.poll(10)):  # joined
        bedside.bus.publish(SampleBlock("e4.bvp", sent, big, 0))
        bedside.bus.publish(Event("joined", "marker", 0, 0))
        sent += 1
    for n in range(sent, sent + 18_000):  # 180 MB: more than all buffers on the way hold
        bedside.bus.publish(SampleBlock("e4.bvp", n, big, 0))
    sent += 18_000
    bedside.bus.publish(Event("all-out", "marker", 0, 0))
    while b"all-out" not in b"".join(witness.recv_multipart()):
        pass  # nothing is read before all of it has gone out, or nowhere
    rings, got, last = Rings(size=1 << 20), 0, 0
    first = None
    while last < sent:  # the last one sent does arrive, once there is room again
        if not socket.poll(200):
            bedside.bus.publish(SampleBlock("e4.bvp", sent, big, 0))
            sent += 1
            continue
        message = wire.unpack(socket.recv_multipart())
        first = first or message.bus_seq
        rings.put(message)
        got, last = got + 1, message.bus_seq
    socket.close()
    witness.close()
    context.term()
    assert rings.holes > 0
    assert got + rings.holes == sent - first + 1


def test_a_stalled_reader_keeps_the_newest_and_counts_the_holes() -> None:
    rings = Rings(size=10)
    for seq in range(1, 31):
        rings.put(Message("block/e4.bvp", seq, 0, block(seq)))
    rings.put(Message("block/e4.bvp", 41, 0, block(41)))  # ten lost on the way
    kept = [m.bus_seq for m in rings.take()]
    assert kept == [*range(22, 31), 41]
    assert rings.holes == 21 + 10


def test_a_full_ring_of_one_topic_leaves_the_others_alone() -> None:
    rings = Rings(size=3)
    rings.put(Message("event", 1, 0, Event("a", "marker", 0, 0)))
    for seq in range(1, 9):
        rings.put(Message("block/e4.bvp", seq, 0, block(seq)))
    assert [m.topic for m in rings.take()] == ["event", *["block/e4.bvp"] * 3]


def test_holes_are_not_counted_across_a_restart() -> None:
    rings = Rings()
    rings.put(Message("status", 100, 0, status(0)))
    rings.restart()
    rings.put(Message("status", 500, 0, status(0)))
    assert rings.holes == 0


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    print_blob=True,
)
@given(frames=st.lists(st.binary(max_size=80), min_size=1, max_size=4))
def test_any_frames_leave_the_command_server_answering(
    bedside: Bedside, client: StationClient, frames: list[bytes]
) -> None:
    context = zmq.Context()
    socket = open_socket(context, zmq.DEALER, bedside.connection, bedside.connection.router_port)
    socket.send_multipart(frames)
    assert client.call("status") == {"status": "ok"}
    socket.close()
    context.term()
