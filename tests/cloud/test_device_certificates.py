"""Certificates of bedsides for the site's broker: for whom, of what, by whom, and what is said where there is none."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hemoview import cli
from hemoview.cloud.custody import keybox
from hemoview.cloud.identity import device_authority, tls
from hemoview.cloud.identity.device_authority import DEVICE_LIVES, DeviceAuthority
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError, SignatureWrong, WireError
from recorder.sync import signing, wire
from recorder.sync.live_offer import LiveOffer
from recorder.sync.uplink import topics as uplink_topics
from tests.cloud.cloud_rig import Bedside, Clock, Rig, running

BROKER = "mqtts://broker.example:8883"
PATH = "/v1/devices/me/certificate"


def settings_of(folder: Path, **told: Any) -> Settings:
    return Settings(folder=folder / "service", bus_public_url=BROKER, **told)


@contextmanager
def with_broker(folder: Path, clock: Clock) -> Iterator[tuple[Rig, Bedside]]:
    ca = tls.init(folder / "broker", ("broker.example",)).ca
    settings = settings_of(folder, bus_ca=ca)
    device_authority.make(settings.keys)
    with running(settings, clock) as rig:
        rig.ward("A")
        yield rig, rig.bedside("A-1")


def test_a_bedside_gets_a_certificate_for_its_own_key_and_nothing_else(tmp_path: Path, clock: Clock) -> None:
    with with_broker(tmp_path, clock) as (rig, bedside):
        hello = wire.Hello.from_json(rig.http.get("/v1/hello").json())
        assert hello.live == LiveOffer(BROKER)
        told = rig.http.post(PATH, headers=bedside.headers).json()
        got = signing.verify_certificate(hello.signing_public_key, hello.server_id, bedside.id, told)
        assert got.mqtt == BROKER and got.ca_pem == (tmp_path / "broker" / "ca.pem").read_text()
        assert "PRIVATE" not in str(told)
        cert = x509.load_pem_x509_certificate(got.certificate_pem.encode())
        own = bedside.key.public_key().public_bytes_raw()
        assert [a.value for a in cert.subject] == [uplink_topics.name_of(bedside.id, own)]
        assert cert.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        raw = cert.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        assert raw == own
        use = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert list(use) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        now = datetime.fromtimestamp(clock() / 1e6, UTC)
        assert now < cert.not_valid_after_utc <= now + min(DEVICE_LIVES, timedelta(days=7))
        assert abs(cert.not_valid_after_utc.timestamp() * 1e6 - got.ends_us) < 1e6
        authority = DeviceAuthority.read(rig.service.settings.keys)
        assert authority is not None
        cert.verify_directly_issued_by(authority.ca)
        again = rig.http.post(PATH, headers=bedside.headers).json()["certificate_pem"]
        assert x509.load_pem_x509_certificate(again.encode()).serial_number != cert.serial_number
        auditor = rig.person("auditor", ("auditor", None))
        lines = [e for e in auditor.get("/v1/audit").json()["entries"] if e["action"] == "device.certificate"]
        assert len(lines) == 2 and {e["object"] for e in lines} == {bedside.id}
        assert f"{cert.serial_number:x}" in str(lines)


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path, clock: Clock) -> None:
    with with_broker(tmp_path, clock) as (rig, bedside):
        answers = [rig.http.post(PATH, headers=bedside.headers) for _ in range(40)]
        assert {a.status_code for a in answers} == {201, 429}
        assert int(answers[-1].headers["Retry-After"]) >= 1
        clock.forward(3600)
        assert rig.http.post(PATH, headers=bedside.headers).status_code == 201


def test_a_revoked_device_and_people_get_none(tmp_path: Path, clock: Clock) -> None:
    with with_broker(tmp_path, clock) as (rig, bedside):
        admin = rig.person("admin", ("admin", None))
        assert admin.post(PATH).status_code == 403
        assert rig.http.post(PATH).status_code == 401
        admin.post(f"/v1/devices/{bedside.id}/revoke")
        refused = rig.http.post(PATH, headers=bedside.headers)
        assert refused.status_code == 401 and "revoked" in refused.json()["detail"]


def test_without_a_broker_or_an_authority_it_says_so(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with running(Settings(folder=tmp_path / "none"), clock) as rig:
        rig.ward("A")
        assert "live" not in rig.http.get("/v1/hello").json()
        refused = rig.http.post(PATH, headers=rig.bedside("A-1").headers)
        assert refused.status_code == 404 and "no broker" in refused.json()["detail"]
    with running(settings_of(tmp_path), clock) as rig:  # an installation from before
        rig.ward("A")
        assert "live" not in rig.http.get("/v1/hello").json()  # nobody is sent where nobody lets them in
        refused = rig.http.post(PATH, headers=rig.bedside("A-1").headers)
        assert refused.status_code == 409 and "--init-tls" in refused.json()["detail"]
    assert "no authority for devices: hemoview serve --init-tls" in caplog.text


def test_init_tls_makes_it_once_beside_the_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path))
    words = ["serve", "--init-tls", "ward.example", "--folder", str(tmp_path / "service")]
    assert cli.main(words) == 0
    keys = tmp_path / "service" / "keys"
    before = (keys / "devices-ca.key").read_bytes()
    assert f"let it trust {keys / 'devices-ca.pem'}" in capsys.readouterr().out
    assert {stat.S_IMODE((keys / name).stat().st_mode) for name in device_authority.FILES} == {0o600}
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert before != (tmp_path / "service" / "tls" / "ca.key").read_bytes()
    assert cli.main(words) == 0
    assert (keys / "devices-ca.key").read_bytes() == before


def test_it_is_in_the_file_of_keys_and_comes_back(tmp_path: Path, clock: Clock) -> None:
    settings = settings_of(tmp_path)
    device_authority.make(settings.keys)
    with running(settings, clock) as rig:
        server_id = rig.service.server_id
    box = tmp_path / "keys.json"
    keybox.write(box, settings.keys, settings.tls, server_id, "correct horse battery")
    other = tmp_path / "other"
    keybox.put_back(keybox.read(box, "correct horse battery"), other / "keys", other / "tls")
    for name in device_authority.FILES:
        assert (other / "keys" / name).read_bytes() == (settings.keys / name).read_bytes()
    assert DeviceAuthority.read(other / "keys") is not None
    device_authority.make(tmp_path / "third")
    with pytest.raises(ConfigError, match="another key lies there"):
        keybox.put_back(keybox.read(box, "correct horse battery"), tmp_path / "third", other / "tls")


def test_a_damaged_authority_is_refused_by_name(tmp_path: Path) -> None:
    ca, key = (tmp_path / "keys" / name for name in device_authority.FILES)
    device_authority.make(tmp_path / "keys")
    device_authority.make(tmp_path / "other")
    key.write_bytes((tmp_path / "other" / key.name).read_bytes())
    with pytest.raises(ConfigError, match="not the key"):
        DeviceAuthority.read(tmp_path / "keys")
    ca.write_text("none")
    with pytest.raises(ConfigError, match="damaged"):
        device_authority.make(tmp_path / "keys")
    key.unlink()
    with pytest.raises(ConfigError, match="damaged"):
        DeviceAuthority.read(tmp_path / "keys")


def test_a_certificate_never_outlives_its_authority(tmp_path: Path) -> None:
    begun = datetime(2026, 11, 29, tzinfo=UTC)
    device_authority.make(tmp_path, begun)
    authority = DeviceAuthority.read(tmp_path)
    assert authority is not None and isinstance(authority.key, ec.EllipticCurvePrivateKey)
    late = authority.ca.not_valid_after_utc - timedelta(hours=2)
    key = signing.new_key().public_key().public_bytes_raw()
    assert authority.certify("d", key, late).not_valid_after_utc == authority.ca.not_valid_after_utc
    assert not authority.has_run_out(late) and authority.has_run_out(late + timedelta(hours=2))


@pytest.mark.parametrize("url", ["mqtt://broker", "broker:8883", "mqtts://", "mqtts://u@b", "mqtts://b/x"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="bus_public_url"):
        Settings(folder=tmp_path, bus_public_url=url).check()


def test_a_broker_where_nobody_would_take_anything_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs bus_url"):
        Settings(folder=tmp_path, bus_public_url=BROKER).check()


def test_a_bedside_believes_the_pinned_service_alone() -> None:
    ours, theirs = signing.new_key(), signing.new_key()
    told = {
        "device_id": "d",
        "server_id": "s",
        "mqtt": BROKER,
        "ca_pem": "",
        "certificate_pem": "x",
        "ends_us": 1,
    }
    signed = signing.sign_certificate(ours, told | {"more": {"of": "a newer service"}})
    public = signing.public_hex(ours)
    assert signing.verify_certificate(public, "s", "d", signed).mqtt == BROKER
    with pytest.raises(SignatureWrong):
        signing.verify_certificate(signing.public_hex(theirs), "s", "d", signed)
    with pytest.raises(SignatureWrong):
        signing.verify_certificate(public, "s", "d", signed | {"ca_pem": "of a proxy"})
    with pytest.raises(WireError, match="another device"):
        signing.verify_certificate(public, "s", "e", signed)


@pytest.mark.parametrize("live", [{"mqtt": "https://elsewhere"}, {"nats": "x"}, 7, "mqtts://x", []])
def test_an_offer_nobody_understands_is_none_and_harms_nothing(live: Any) -> None:
    key = signing.new_key()
    facts = {
        "server_id": "s",
        "server_us": 1,
        "software": "x",
        "signing_public_key": signing.public_hex(key),
        "wrapping_public_key": "00" * 32,
        "wrapping_key_id": "k",
        "production": True,
        "live": live,
    }
    assert signing.verify_hello(signing.sign_hello(key, facts)).live is None
