"""``recorder uplink``: tells every service the station is enrolled with, once a second, how it stands.

A process of its own, kept by ``recorder serve`` as long as there is an enrolment: nothing that happens to it, or to a
service, reaches the recorder.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from recorder.acquire.sync_board import LIVE_FILE
from recorder.clock import Clock
from recorder.errors import RecorderError
from recorder.host import lock, logs, places
from recorder.host.client import StationClient
from recorder.host.connection import check_station
from recorder.host.uplink_board import UplinkBoard
from recorder.sync import identity
from recorder.sync.client import Patience, ServiceClient
from recorder.sync.identity import Identity
from recorder.sync.uplink.heard import WAVE_S, Heard
from recorder.sync.uplink.message import is_known, message_of
from recorder.sync.uplink.mqtt import MqttTransport
from recorder.sync.uplink.passing import Uplink
from recorder.sync.uplink.site_pass import Passes, name_of
from recorder.sync.uplink.ways import Ways
from recorder.sync.uplink.websocket import WebSocketTransport

EVERY_S: Final = 1.0
LOOK_S: Final = 5.0
"""How often enrolments are looked at."""
ALONE: Final = 30
"""Without a recorder for so many turns it ends: without one there is no station."""
ASK_S: Final = 0.8
LOCK_PATIENCE_S: Final = 3.0
"""One that was told to stop may still be ending."""

log = logging.getLogger(__name__)


def main(station: str, home: Path | None) -> None:
    """Be that process, until a signal ends it.

    Raises:
        as :func:`run`.
    """
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    run(station, home, ending)


def run(station: str, home: Path | None, ending: threading.Event) -> None:
    """Until ``ending`` is set.

    Raises:
        ConfigError: no such station.
        StationLocked: another process does this for the station.
    """
    check_station(station)
    lock.hold_uplink(station, home, patience_s=LOCK_PATIENCE_S)
    logs.begin(f"uplink-{station}", home or places.home())
    clock = Clock.from_environment()
    with StationClient(station, home, name="uplink", clock=clock) as client:
        feed, heard = client.feed(max_age_s=WAVE_S), Heard(clock)
        board = UplinkBoard(places.station_dir(station, home) / LIVE_FILE)
        with _Services(station, home) as services, closing(board):
            seq, due_s, alone = 0, time.monotonic(), 0
            while not ending.is_set() and alone < ALONE:
                heard.take(feed.drain())
                _ask(client, heard)
                second = heard.second()
                if is_known(second):
                    seq += 1
                    for server_id, uplink in services.all():
                        uplink.put(message_of(second, seq, server_id))
                board.show({server_id: uplink.standing for server_id, uplink in services.all()})
                alone = 0 if lock.is_held(station, home) else alone + 1
                due_s = max(due_s + EVERY_S, time.monotonic())
                ending.wait(due_s - time.monotonic())


def _ask(client: StationClient, heard: Heard) -> None:
    """What the bus does not tell; a recorder that does not answer is asked again the next second."""
    try:
        if heard.wants_describe:
            heard.described(client.call("describe", timeout_s=ASK_S))
        if heard.wants_events:
            heard.events_told(client.call("events", timeout_s=ASK_S, since=heard.event_no))
    except RecorderError as error:
        log.debug("the recorder was not asked: %s", error)


class _Services:
    """A live path to each service the station is enrolled with."""

    def __init__(self, station: str, home: Path | None) -> None:
        self._folder = places.station_dir(station, home)
        self._open: dict[Identity, tuple[ServiceClient, Uplink]] = {}
        self._looked_s = -LOOK_S

    def __enter__(self) -> _Services:
        return self

    def __exit__(self, *_: object) -> None:
        for one in list(self._open):
            self._end(one)

    def all(self) -> Iterator[tuple[str, Uplink]]:
        """(id of the service, path to it)."""
        if time.monotonic() - self._looked_s >= LOOK_S:
            self._looked_s = time.monotonic()
            self._look()
        for one, (_, uplink) in self._open.items():
            yield one.server_id, uplink

    def _look(self) -> None:
        try:
            enrolled = set(identity.identities(self._folder))
        except RecorderError as error:
            log.warning("enrolments could not be read: %s", error)
            return
        for gone in set(self._open) - enrolled:
            self._end(gone)
        for new in enrolled - set(self._open):
            client = ServiceClient(new, patience=Patience(tries=1))
            broker = MqttTransport(Passes(client), name_of(new))
            ways = Ways(WebSocketTransport(new.url, new.ca_pem, client.token), broker)
            self._open[new] = (client, Uplink(new.host, ways))

    def _end(self, one: Identity) -> None:
        client, uplink = self._open.pop(one)
        uplink.close()
        client.close()
