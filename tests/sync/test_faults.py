"""Links and services that fail: nothing is lost, nothing is kept twice, and what is said to be safe is."""

from __future__ import annotations

import datetime
import ipaddress
import os
import random
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from recorder import session as store
from recorder.errors import ConfigError, ServiceRefused, ServiceUnreachable, WireError, WrongService
from recorder.sync import identity as identities
from recorder.sync import signing
from recorder.sync.client import Patience
from recorder.sync.enrolling import enrol
from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import QUICK, Bedside, copied, enrolled, header, local_files

SESSION_ID = header().session_id


def holds_all(service: FakeService, folder: Path) -> bool:
    return service.plain_files(SESSION_ID) == local_files(folder)


# ---- requests that go wrong


@pytest.mark.parametrize("fault", ["drop", "mute", "500", "503", "garble"])
def test_each_request_may_fail_once(fault: str, folder: Path, service: FakeService, bedside: Bedside) -> None:
    failed: set[str] = set()

    def once(method: str, path: str) -> str:
        key = f"{method} {path}"
        if key in failed or (fault == "garble" and "/blobs/" not in path) or path.endswith("missing"):
            return ""
        failed.add(key)
        return fault

    service.fault = once
    (outcome,) = bedside.bring(folder)
    assert outcome.is_safe and holds_all(service, folder) and len(failed) > 8
    assert len(service.manifests[SESSION_ID]) == 1


@pytest.mark.parametrize("seed", range(2))
def test_a_flaky_link_loses_and_doubles_nothing(
    seed: int, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    luck = random.Random(seed)
    faults = ["drop", "mute", "500", "503"]
    service.fault = lambda _m, _p: luck.choice(faults) if luck.random() < 0.3 else ""
    bedside.options["patience"] = Patience(3, 0.001, 0.002, lambda: 0.5)
    for round_no in range(60):
        try:
            if bedside.bring(folder)[0].is_safe and round_no > 2:
                break
        except ServiceUnreachable:
            pass
        if round_no == 1:
            store.amend(folder, {"notes": "in between"}, who="OP1", why="forgotten", wall_ns=1)
    assert holds_all(service, folder)
    revisions = [signed.manifest for signed, _ in service.manifests[SESSION_ID]]
    assert [m.rev for m in revisions] == list(range(1, len(revisions) + 1)) and len(revisions) <= 2
    service.fault = lambda _m, _p: ""
    assert bedside.bring(folder)[0].bytes_sent == 0


def test_the_service_dies_in_the_midst_of_a_body_and_only_the_rest_follows(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    puts = 0

    def die(method: str, path: str) -> str:
        nonlocal puts
        puts += path.startswith("/v1/blobs/") and method == "PUT"
        return "kill" if puts == 4 else ""

    service.fault = die
    with pytest.raises(ServiceUnreachable, match="see that network and service are up"):
        bedside.bring(folder)
    assert bedside.queue().waiting > 0
    held = set(service.blobs)
    service.fault = lambda _m, _p: ""
    service.bodies.clear()
    service.start()
    (outcome,) = bedside.bring(folder)
    assert outcome.is_safe and holds_all(service, folder)
    assert not held & set(service.bodies)


def test_days_offline_then_everything_at_once(
    base: Path, tmp_path: Path, service: FakeService, bedside: Bedside
) -> None:
    service.stop()
    folders = [copied(base, tmp_path / f"s{n}", session_id=f"{n:032x}") for n in range(4)]
    for folder in folders:
        with pytest.raises(ServiceUnreachable, match="cannot be reached"):
            bedside.bring(folder)
    service.start()
    assert all(outcome.is_safe for outcome in bedside.bring(*folders))
    assert len(service.manifests) == 4


@pytest.mark.parametrize("skew_days", [-3.0, 5.0])
def test_clocks_days_apart(skew_days: float, folder: Path, service: FakeService, bedside: Bedside) -> None:
    service.skew_s = skew_days * 86_400
    bedside.clock_ahead_s = -skew_days * 86_400
    assert bedside.bring(folder)[0].is_safe


def test_a_clock_that_is_set_during_a_pass(folder: Path, service: FakeService, bedside: Bedside) -> None:
    with bedside.gear() as gear:
        gear.service.greet()
        gear.service.token()
        service.skew_s = 2 * 86_400  # or we were asleep: the monotonic clock stood still
        from recorder.sync.run import bring  # noqa: PLC0415

        assert bring(gear, folder).is_safe


def test_a_slow_link_is_waited_for(folder: Path, service: FakeService, bedside: Bedside) -> None:
    service.slow_s = 0.05
    assert bedside.bring(folder)[0].is_safe


def test_uploads_keep_to_their_cap(folder: Path, service: FakeService, bedside: Bedside) -> None:
    annotated = folder / "annotations"
    annotated.mkdir()
    (annotated / "labels.jsonl").write_bytes(os.urandom(60_000))
    bedside.options["bytes_per_s"] = 100_000
    begun_s = time.monotonic()
    assert bedside.bring(folder)[0].is_safe
    assert time.monotonic() - begun_s > 0.4


@pytest.mark.slow
def test_a_laptop_killed_in_the_midst_goes_on_where_it_was(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    """kill -9 of the command after some bodies, and again while its manifest is under way."""
    words = [
        sys.executable,
        "-m",
        "recorder.cli",
        "sync",
        str(folder),
        "--server",
        service.url,
        "--station",
        "bed1",
    ]
    words += ["--home", str(bedside.home)]
    seen: list[str] = []
    for wanted in ("/v1/blobs/", "/manifests"):
        service.fault = lambda _m, path: seen.append(path) or ""
        service.slow_s = 0.15
        seen.clear()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while (
            not any(wanted in p and not p.endswith("missing") for p in seen) and time.monotonic() < deadline
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    service.slow_s = 0.0
    (outcome,) = bedside.bring(folder)
    assert outcome.is_safe and holds_all(service, folder)
    assert len(service.manifests[SESSION_ID]) == 1
    assert max(service.bodies.values()) <= 2  # one that was under way when it was killed


# ---- who answers


def test_another_service_at_the_same_address_is_refused_by_name(
    folder: Path, service: FakeService, bedside: Bedside
) -> None:
    bedside.bring(folder)
    store.amend(folder, {"notes": "new"}, who="OP1", why="forgotten", wall_ns=1)
    for changes in ({"server_id": "another"}, {"signing_key": signing.new_key()}):
        impostor = replace(service, bodies=type(service.bodies)(), openings={}, **changes)  # type: ignore[arg-type]
        service.stop()
        impostor.start()
        with pytest.raises(WrongService, match="another service answers"):
            bedside.bring(folder)
        impostor.stop()
        assert not impostor.bodies and not impostor.openings


def test_what_is_no_service_of_ours_is_refused(service: FakeService, bedside: Bedside, folder: Path) -> None:
    service.hello = lambda: {"hello": "world"}  # type: ignore[method-assign]
    with pytest.raises(WrongService, match="no HemoView service"):
        bedside.bring(folder)
    service.answer = lambda *_: (404, {})  # type: ignore[method-assign,assignment]
    with pytest.raises(WrongService, match=r"no HemoView service \(404\)"):
        bedside.bring(folder)
    with pytest.raises(WrongService, match=r"no HemoView service \(404\)"):
        enrol(service.url, "GOOD-CODE", station="bed1")


def test_a_revoked_device_says_so_and_stops(folder: Path, service: FakeService, bedside: Bedside) -> None:
    service.devices.clear()
    with pytest.raises(ServiceRefused, match="was revoked; enrol it again"):
        bedside.bring(folder)
    assert not service.bodies


@pytest.mark.parametrize(
    ("field", "value"),
    [("files", 1), ("bytes", 1), ("manifest_sha256", "ab" * 32), ("rev", 2), ("server_id", "another")],
)
def test_a_receipt_of_something_else_makes_nothing_safe(
    field: str, value: object, folder: Path, service: FakeService, bedside: Bedside
) -> None:
    service.forge = lambda receipt: replace(receipt, **{field: value})  # type: ignore[arg-type]
    try:
        (outcome,) = bedside.bring(folder)
    except WireError:
        return
    assert not outcome.is_safe and field in outcome.error


# ---- enrolment and certificates


def certificate(
    folder: Path, name: str, *, begins_d: int = -1, ends_d: int = 1, address: str = "127.0.0.1"
) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate for ``address``, and the PEM of the authority that signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=begins_d))
        .not_valid_after(now + datetime.timedelta(days=ends_d))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = cert.public_bytes(Encoding.PEM)
    (folder / f"{name}.pem").write_bytes(
        pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem")
    return context, pem.decode()


@pytest.fixture
def over_tls(tmp_path: Path) -> Iterator[tuple[FakeService, str]]:
    context, pem = certificate(tmp_path, "ward")
    service = FakeService(ssl_context=context).start()
    yield service, pem
    service.stop()


def test_over_tls_with_the_services_own_authority(
    over_tls: tuple[FakeService, str], tmp_path: Path, folder: Path
) -> None:
    service, pem = over_tls
    with pytest.raises(WrongService, match="ask its administrator for its CA file"):
        enrol(service.url, "GOOD-CODE", station="bed1")
    bedside = enrolled(tmp_path / "home", service.url, ca_pem=pem)
    assert bedside.bring(folder)[0].is_safe
    _, other = certificate(tmp_path, "other")
    bedside.identity = replace(bedside.identity, ca_pem=other)
    with pytest.raises(WrongService, match="certificate is not one this station trusts"):
        bedside.bring(folder)
    with pytest.raises(ConfigError, match="holds no certificate"):
        enrol(service.url, "GOOD-CODE", station="bed1", ca_pem="nonsense")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"begins_d": -3, "ends_d": -2}, "has run out; see that this machine's clock is right"),
        ({"begins_d": 2, "ends_d": 3}, "is not valid yet; see that this machine's clock is right"),
        ({"address": "127.0.0.9"}, "is for another name; type the address"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said_and_what_mends_it(
    tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    context, pem = certificate(tmp_path, "ward", **wrong)
    service = FakeService(ssl_context=context).start()
    try:
        with pytest.raises(WrongService, match=said):
            enrol(service.url, "GOOD-CODE", station="bed1", ca_pem=pem)
    finally:
        service.stop()


def test_when_the_certificate_ends_is_heard_while_it_is_good(
    over_tls: tuple[FakeService, str], tmp_path: Path, service: FakeService
) -> None:
    secure, pem = over_tls
    with enrolled(tmp_path / "home", secure.url, ca_pem=pem).gear() as gear:
        gear.service.greet()
        ends_us = gear.service.certificate_ends_us
    in_h = 0.0 if ends_us is None else ends_us / 3.6e9 - time.time() / 3600
    assert 23 < in_h <= 24
    with enrolled(tmp_path / "other", service.url).gear() as gear:
        gear.service.greet()
        assert gear.service.certificate_ends_us is None


def test_a_code_works_once(service: FakeService, tmp_path: Path) -> None:
    me = enrolled(tmp_path / "home", service.url).identity
    with pytest.raises(ServiceRefused, match="ask for a new one"):
        enrol(service.url, "GOOD-CODE", station="bed1")
    folder = tmp_path / "home" / "stations" / "bed1"
    assert identities.identity_of(folder, "bed1", service.url + "/") == me
    (file,) = (folder / "services").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600 and me.private_key not in repr(me)
    assert identities.forget(folder, me.server_id)
    with pytest.raises(ConfigError, match="is not enrolled with"):
        identities.identity_of(folder, "bed1", service.url)


def test_keys_and_outbox_are_the_owners_alone(folder: Path, bedside: Bedside) -> None:
    bedside.bring(folder)
    files = [p for p in (bedside.home / "sync").rglob("*") if p.is_file()]
    assert len(files) >= 4 and not [p for p in files if p.stat().st_mode & 0o077]


def test_patience_is_bounded(folder: Path, service: FakeService, bedside: Bedside) -> None:
    service.fault = lambda _m, _p: "503"
    calls: list[str] = []
    service.fault = lambda _m, p: calls.append(p) or "503"
    with pytest.raises(ServiceUnreachable, match="out of order"):
        bedside.bring(folder)
    assert len(calls) == QUICK.tries
