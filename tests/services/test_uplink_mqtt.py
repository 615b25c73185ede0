"""Bedsides over a real Mosquitto, by certificates that a real service gave them; a ward is blinded by none of it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from websockets.sync.client import ClientConnection

from hemoview.cloud.asking import COOKIE, CSRF_HEADER
from hemoview.cloud.identity import device_authority
from hemoview.cloud.settings import Settings
from recorder.sync import enrolling, signing
from recorder.sync.client import Patience, ServiceClient
from recorder.sync.identity import Identity
from recorder.sync.uplink import mqtt as uplink_mqtt
from recorder.sync.uplink import passing as uplink
from recorder.sync.uplink import topics as uplink_topics
from recorder.sync.uplink import ways as uplink_ways
from recorder.sync.uplink.mqtt import MqttTransport
from recorder.sync.uplink.passing import Uplink
from recorder.sync.uplink.site_pass import Pass, Passes, name_of
from recorder.sync.uplink.transport import LinkEnded
from recorder.sync.uplink.ways import Ways
from recorder.sync.uplink.websocket import WebSocketTransport
from tests.cloud import databases
from tests.cloud.live_rig import message
from tests.cloud.live_served import Ward, heard
from tests.services.broker_rig import Given, device_pass, pass_of
from tests.services.mosquitto_rig import Broker, own_broker
from tests.sync.uplink_rig import wait_for

pytestmark = pytest.mark.services

EVERY_S = 0.4
"""Within the pace that a service takes."""
HEARD_S = 60.0
"""A revoked device is heard no longer than this."""


@dataclass
class Site:
    """A service with its broker, and a nurse before the ward's page."""

    ward: Ward
    broker: Broker
    me: list[Identity] = field(default_factory=list)

    def enrol(self) -> Identity:
        """The next bed's bedside, as a recorder does it."""
        found = enrolling.enrol(self.ward.url, self.ward.codes[len(self.me)], station=f"bed-{len(self.me)}")
        self.me.append(found)
        return found

    def revoke(self, me: Identity) -> None:
        self._post(f"/v1/devices/{me.device_id}/revoke")

    def enrol_anew(self, me: Identity) -> Identity:
        """The same device, at another computer."""
        code = self._post(f"/v1/devices/{me.device_id}/enrolment")["code"]
        return enrolling.enrol(self.ward.url, code, station=f"{me.station}-new")

    def _post(self, path: str) -> Any:
        """By who keeps devices."""
        cookies = {COOKIE: self.ward.cookie}
        with httpx.Client(base_url=self.ward.url, trust_env=False, cookies=cookies) as nurse:
            csrf = {CSRF_HEADER: nurse.get("/v1/me").json()["csrf"]}
            return nurse.post(path, headers=csrf).raise_for_status().json()

    @property
    def figures(self) -> str:
        return httpx.get(f"{self.ward.url}/metrics", trust_env=False).text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site") / "service"
    keys = Settings(folder=folder).keys
    device_authority.make(keys)
    with own_broker(keys) as broker, pytest.MonkeyPatch.context() as patch:
        patch.setattr(databases, "SERVER", "")  # which database it is makes no difference here
        for name in ("bus_url", "bus_ca", "bus_cert", "bus_key", "bus_public_url"):
            patch.setenv(f"HEMOVIEW_SERVE_{name.upper()}", str(getattr(broker.settings, name)))
        ward = Ward(folder, production=False).furnish(10)
        ward.start()
        try:
            yield Site(ward, broker)
        finally:
            ward.stop()


@dataclass
class Streaming:
    """A bedside that tells how it stands, as ``recorder uplink`` does."""

    link: Uplink
    session_id: str
    client: ServiceClient

    @property
    def way(self) -> str:
        return self.link.standing.way


@contextmanager
def streaming(me: Identity, session_id: str) -> Iterator[Streaming]:
    client = ServiceClient(me, patience=Patience(tries=1))
    ways = Ways(
        WebSocketTransport(me.url, me.ca_pem, client.token), MqttTransport(Passes(client), name_of(me))
    )
    link, over, seqs = Uplink(me.host, ways), threading.Event(), itertools.count(1)

    def tell() -> None:
        while not over.wait(EVERY_S):
            link.put(message(next(seqs), session_id))

    telling = threading.Thread(target=tell)
    telling.start()
    try:
        yield Streaming(link, session_id, client)
    finally:
        over.set()
        telling.join()
        link.close()
        client.close()


def sees(page: ClientConnection, bedside: Streaming, wait_s: float = 15.0) -> dict[str, Any]:
    """The ward's page is told of it."""
    return heard(page, lambda told: told.get("msg", {}).get("session_id") == bedside.session_id, wait_s)


def waits(what: Callable[[], Any], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_an_enrolled_bedside_streams_over_the_broker_and_the_ward_sees_it(site: Site) -> None:
    with streaming(site.enrol(), "a1" * 16) as bedside, site.ward.browser() as page:
        told = sees(page, bedside)
        assert bedside.way == "broker"
        assert told["msg"]["numerics"]["SBP"]["est"] == pytest.approx(100.0)
        seqs = [sees(page, bedside)["msg"]["seq"] for _ in range(6)]
        assert seqs == list(range(seqs[0], seqs[0] + 6))
        assert "hemoview_live_broker_listening 1.0" in site.figures
        assert (bedside.link.standing.trouble, bedside.link.counts.connects) == ("", 1)


def _raw(me: Identity) -> bytes:
    return signing.key_from_hex(me.private_key).public_key().public_bytes_raw()


def _given(site: Site, me: Identity, pem: str) -> Pass:
    return pass_of(site.broker, me.device_id, signing.key_from_hex(me.private_key), pem)


def test_who_may_not_is_kept_out_and_told_why(site: Site, tmp_path: Path) -> None:
    me, other = site.enrol(), site.me[0]
    raw = _raw(me)
    keys = site.ward.folder / "keys"

    def told(pem: str, topic_of: str) -> LinkEnded:
        given = _given(site, me, pem)
        with pytest.raises(LinkEnded) as ended:
            link = MqttTransport(Given(lambda: given), topic_of).open(lambda: None)
            try:
                link.send("{}")
            finally:
                link.close()
        assert not ended.value.told and ended.value.why
        return ended.value

    mine = device_pass(keys, name_of(me), raw)
    assert told(mine, name_of(other)).trouble == "broker-denies"
    old = device_pass(keys, name_of(me), raw, datetime.now(UTC) - timedelta(days=3))
    assert told(old, name_of(me)).trouble == "broker-refuses"
    device_authority.make(tmp_path / "foreign")
    foreign = device_pass(tmp_path / "foreign", name_of(me), raw)
    assert told(foreign, name_of(me)).trouble == "broker-refuses"


def test_a_newer_connection_of_a_device_is_the_one_that_speaks(site: Site) -> None:
    me = site.enrol()
    with site.ward.browser() as page, streaming(me, "b2" * 16) as first:
        sees(page, first)
        with streaming(me, "c3" * 16) as second:  # a copy of the disk, at another computer
            told = sees(page, second)
            assert (
                told["binding"]["confirmed_us"] is None or told["binding"]["session_id"] == second.session_id
            )
            wait_for(lambda: first.link.standing.trouble == "replaced")
            assert "took over" in first.link.trouble


def test_a_revoked_device_is_heard_no_longer_and_told_so(site: Site) -> None:
    me = site.enrol()
    with site.ward.browser() as page, streaming(me, "d4" * 16) as bedside:
        sees(page, bedside)
        site.revoke(me)
        waits(lambda: "revoked" in bedside.link.trouble, HEARD_S)
        with pytest.raises((AssertionError, TimeoutError)):
            sees(page, bedside, wait_s=3)
        with pytest.raises(Exception, match="revoked"):
            bedside.client.live_certificate()
        # with the certificate it still has the broker lets it in: nobody takes what it says
        given = _given(site, me, device_pass(site.ward.folder / "keys", name_of(me), _raw(me)))
        link = MqttTransport(Given(lambda: given), name_of(me)).open(lambda: None)
        with pytest.raises(LinkEnded, match="revoked"):
            for seq in itertools.count(1):
                link.send(json.dumps(message(seq)))
                time.sleep(0.5)
        link.close()


def test_who_has_the_key_of_before_is_heard_no_longer(site: Site) -> None:
    """A stolen computer was revoked, and another became this device: the certificate of the stolen one is good for the
    broker until tomorrow."""
    stolen = site.enrol()
    site.revoke(stolen)
    me = site.enrol_anew(stolen)
    assert me.device_id == stolen.device_id
    keys = site.ward.folder / "keys"
    with site.ward.browser() as page, streaming(me, "3a" * 16) as bedside:
        sees(page, bedside)
        given = _given(site, stolen, device_pass(keys, name_of(stolen), _raw(stolen)))
        link = MqttTransport(Given(lambda: given), name_of(stolen)).open(lambda: None)
        with pytest.raises(LinkEnded, match="enrolled anew"):
            for seq in itertools.count(900):
                link.send(json.dumps(message(seq, "3b" * 16)))
                time.sleep(0.5)
        link.close()
        for _ in range(3):
            assert sees(page, bedside)["binding"]["session_id"] == "3a" * 16
        assert bedside.way == "broker"


def test_a_device_that_does_ill_harms_nobody_else(site: Site) -> None:
    ill = site.enrol()
    with site.ward.browser() as page, streaming(site.enrol(), "aa" * 16) as good:
        sees(page, good)
        given = _given(site, ill, device_pass(site.ward.folder / "keys", name_of(ill), _raw(ill)))
        client = MqttTransport(Given(lambda: given), name_of(ill)).open(lambda: None)._client
        topic = uplink_topics.live_topic(name_of(ill))

        def say(payload: bytes, **properties: str) -> None:
            told = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            told.UserProperty = list(properties.items())
            client.publish(topic, payload, 0, properties=told)

        say(b"{}")  # by no connection
        say(b"{}", link="a/b")
        for n in range(300):  # by a new one each time
            say(json.dumps(message(n, "bb" * 16)).encode(), link=f"l{n}")
        for payload in (b"", b"\xff\xfe", b"[" * 60_000, b"x" * 65_000):
            say(payload, link="last")
        seqs = [sees(page, good)["msg"]["seq"] for _ in range(5)]
        assert seqs == list(range(seqs[0], seqs[0] + 5))
        wait_for(lambda: 'live_refused_total{why="malformed"}' in site.figures)
        fast = [line for line in site.figures.splitlines() if 'live_refused_total{why="too-fast"}' in line]
        assert float(fast[0].split()[-1]) > 200
        client.disconnect()
        client.loop_stop()


def test_a_broker_that_dies_blinds_nobody_and_is_gone_back_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink_ways, "AGAIN_S", 4.0)
    monkeypatch.setattr(uplink, "STEADY_S", 1.0)
    with site.ward.browser() as page, streaming(site.enrol(), "e5" * 16) as bedside:
        assert sees(page, bedside)["gap"] == 0
        wait_for(lambda: bedside.way == "broker")
        site.broker.kill()
        wait_for(lambda: bedside.way == "service")
        assert bedside.link.standing.trouble == "broker-away"
        seq = sees(page, bedside)["msg"]["seq"]
        # custody asks no broker
        assert httpx.get(f"{site.ward.url}/healthz", trust_env=False).is_success
        assert bedside.client.missing(["0" * 64]) == {"0" * 64}
        site.broker.start()
        wait_for(lambda: bedside.way == "broker")
        assert bedside.link.standing.trouble == ""
        assert sees(page, bedside)["msg"]["seq"] > seq
        assert bedside.link.counts.dropped == 0  # what the queue holds covers every change of way


def test_a_broker_that_hangs_loses_nothing_and_what_it_held_back_harms_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink_mqtt, "SEND_S", 1.5)
    with site.ward.browser() as page, streaming(site.enrol(), "cc" * 16) as bedside:
        sees(page, bedside)
        wait_for(lambda: bedside.way == "broker")
        with site.broker.hanging():
            wait_for(lambda: bedside.way == "service")
            seq = sees(page, bedside)["msg"]["seq"]
        for _ in range(8):  # the broker hands on what it had: nobody is shown out for it
            told = sees(page, bedside)
            assert (told["msg"]["seq"], told["gap"]) == (seq + 1, 0)
            seq += 1
        assert (bedside.way, bedside.link.counts.dropped) == ("service", 0)


def test_a_service_that_starts_again_is_told_who_it_is(site: Site) -> None:
    with streaming(site.enrol(), "f6" * 16) as bedside:
        with site.ward.browser() as page:
            sees(page, bedside)
        site.ward.kill()
        site.ward.start()
        with site.ward.browser() as page:
            assert sees(page, bedside, wait_s=30)["msg"]["head"]["pseudonym"] == "P-001"
