"""The pass to the broker: renewed in time, kept while the service is away, of our own key, never open on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from hemoview.cloud.identity import device_authority, tls
from hemoview.cloud.identity.device_authority import DeviceAuthority
from recorder.errors import RecorderError, ServiceUnreachable
from recorder.sync import signing, wire
from recorder.sync.answers import Refused
from recorder.sync.identity import Identity
from recorder.sync.live_offer import LiveCertificate, LiveOffer
from recorder.sync.uplink.site_pass import AGAIN_S, GREET_S, Passes
from recorder.sync.uplink.transport import LinkEnded

LIFE_S = 86_400.0
BROKER = "mqtts://broker.example:8883"


class Client:
    """The service as a :class:`ServiceClient` shows it."""

    def __init__(self, folder: Path) -> None:
        device_authority.make(folder / "keys")
        authority = DeviceAuthority.read(folder / "keys")
        assert authority is not None
        self.authority = authority
        self.ca_pem = tls.init(folder / "tls", ()).ca.read_text()
        self.key = signing.new_key()
        self.identity = Identity(
            "https://w",
            "s",
            "d",
            signing.private_hex(self.key),
            "00",
            "00",
            "k",
            production=True,
            station="b",
        )
        self.live: LiveOffer | None = LiveOffer(BROKER)
        self.fails: RecorderError | None = None
        self.asked, self.greeted, self.now_s = 0, 0, 5000.0
        self.of = self.key

    def clock(self) -> float:
        return self.now_s

    def server_now_us(self) -> int:
        return int(self.now_s * 1e6)

    def greet(self) -> Any:
        if self.fails:
            raise self.fails
        self.greeted += 1
        return self

    def live_certificate(self) -> LiveCertificate:
        if self.fails:
            raise self.fails
        self.asked += 1
        raw = self.of.public_key().public_bytes_raw()
        pem = self.authority.certify("d", raw, datetime.now(UTC)).public_bytes(Encoding.PEM).decode()
        ends_us = self.server_now_us() + int(LIFE_S * 1e6)
        assert self.live is not None
        return LiveCertificate("d", "s", self.live.mqtt, self.ca_pem, pem, ends_us, "00" * 64)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


@pytest.fixture
def passes(client: Client) -> Passes:
    told: Any = client
    found = Passes(told, clock=client.clock)
    assert found.offered() == BROKER
    return found


def test_it_is_asked_for_once_and_renewed_at_half_of_its_life(client: Client, passes: Passes) -> None:
    first = passes.now()
    assert (first.host, first.port) == ("broker.example", 8883)
    client.now_s += LIFE_S / 2 - 1
    assert passes.now() is first
    client.now_s += 2
    assert passes.now() is not first and client.asked == 2
    passes.forget()
    passes.now()
    assert client.asked == 3


def test_while_the_service_is_away_it_is_kept_and_asked_for_again_later(
    client: Client, passes: Passes
) -> None:
    first = passes.now()
    client.now_s += LIFE_S / 2 + 1
    client.fails = ServiceUnreachable("w: does not answer")
    kept = passes.now()
    assert kept.told == first.told and kept.renew_s == client.now_s + AGAIN_S
    client.fails = None
    assert passes.now() is kept
    client.now_s += AGAIN_S + 1
    assert passes.now().told != first.told


def test_without_one_and_without_the_service_there_is_none(client: Client, passes: Passes) -> None:
    client.fails = ServiceUnreachable("w: does not answer")
    with pytest.raises(LinkEnded, match="does not answer") as ended:
        passes.now()
    assert ended.value.trouble == "broker-certificate" and not ended.value.told


def test_a_service_that_cannot_sign_is_told_in_its_words(client: Client, passes: Passes) -> None:
    problem = wire.Problem("Contradicts", 409, detail="there is no authority for devices")
    client.fails = Refused("w: there is no authority for devices", problem)
    with pytest.raises(LinkEnded, match="no certificate for the broker: w: there is no authority"):
        passes.now()


def test_another_broker_wants_another_pass(client: Client, passes: Passes) -> None:
    first = passes.now()
    client.live = LiveOffer("mqtts://other.example")
    assert passes.offered() == BROKER  # asked a moment ago
    client.now_s += GREET_S
    assert passes.offered() == "mqtts://other.example"
    assert passes.now().host == "other.example" and passes.now() is not first
    client.live, client.now_s = None, client.now_s + GREET_S
    assert passes.offered() == ""


def test_a_service_that_does_not_answer_has_the_broker_it_had(client: Client, passes: Passes) -> None:
    client.now_s += GREET_S
    client.fails = ServiceUnreachable("w: does not answer")
    assert passes.offered() == BROKER
    client.fails = None
    client.live = None
    assert passes.offered() == ""  # asked again at once


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: replace(told, certificate_pem="none"),
        lambda told: replace(told, ca_pem="none"),
        lambda told: replace(told, ca_pem="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ],
)
def test_what_is_no_certificate_is_said_and_ends_nothing(
    client: Client,
    passes: Passes,
    spoil: Callable[[LiveCertificate], LiveCertificate],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = client.live_certificate()
    monkeypatch.setattr(client, "live_certificate", lambda: spoil(good))
    with pytest.raises(LinkEnded, match="no certificate for the broker"):
        passes.now()


def test_a_certificate_for_another_key_is_none(client: Client, passes: Passes) -> None:
    client.of = signing.new_key()
    with pytest.raises(LinkEnded, match="for another key"):
        passes.now()


def test_the_key_lies_on_no_disk_in_the_clear(
    passes: Passes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    written: list[bytes] = []
    write = Path.write_bytes
    monkeypatch.setattr(
        Path, "write_bytes", lambda path, data: (written.append(bytes(data)), write(path, data))[1]
    )
    passes.now()
    assert len(written) == 1
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in written[0] and b"BEGIN PRIVATE KEY" not in written[0]
    assert list((tmp_path / "t").iterdir()) == []
