"""``--init-tls``, and a real connection under the certificate it makes."""

from __future__ import annotations

import os
import re
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from hemoview import cli
from hemoview.cloud import command
from hemoview.cloud.identity import tls
from hemoview.cloud.identity.certificate import AUTHORITY_LIVES
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def test_the_authority_stays_and_the_certificate_is_renewed(tmp_path: Path) -> None:
    first = tls.init(tmp_path / "service" / "tls", ("Ward.example", "192.168.1.20"), NOW)
    assert stat.S_IMODE((tmp_path / "service").stat().st_mode) == 0o700
    assert first.names[:2] == ("ward.example", "192.168.1.20")
    assert {"localhost", "127.0.0.1"} <= set(first.names)
    assert first.ends - NOW < timedelta(days=398)
    for secret in ("ca.key", "server.key"):
        assert stat.S_IMODE((tmp_path / "service" / "tls" / secret).stat().st_mode) == 0o600
    before, cert = first.ca.read_bytes(), first.cert.read_bytes()
    again = tls.init(tmp_path / "service" / "tls", ("ward.example",), NOW + timedelta(days=300))
    assert (again.is_new_ca, again.ca.read_bytes(), again.fingerprint) == (False, before, first.fingerprint)
    assert again.cert.read_bytes() != cert
    assert again.ends > first.ends


def test_a_certificate_never_outlives_its_authority(tmp_path: Path) -> None:
    made = tls.init(tmp_path, ("a",), NOW)
    ca = x509.load_pem_x509_certificate(made.ca.read_bytes())
    late = tls.init(tmp_path, ("a",), NOW + AUTHORITY_LIVES - timedelta(days=10))
    assert late.ends <= ca.not_valid_after_utc
    with pytest.raises(ConfigError, match="has run out"):
        tls.init(tmp_path, ("a",), NOW + AUTHORITY_LIVES + timedelta(days=1))


@pytest.mark.parametrize("name", ["", "a b", "https://ward", "-x", "a..b", "ward:8440", "*.ward", "x" * 64])
def test_names_that_are_none_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="host name"):
        tls.init(tmp_path / "tls", (name,), NOW)
    assert not (tmp_path / "tls").exists()


def test_a_damaged_authority_is_refused_by_name(tmp_path: Path) -> None:
    made = tls.init(tmp_path, ("a",), NOW)
    made.ca.write_text("no certificate")
    with pytest.raises(ConfigError, match="damaged"):
        tls.init(tmp_path, ("a",), NOW)
    other = tls.init(tmp_path / "other", ("a",), NOW)
    made.ca.write_bytes(other.ca.read_bytes())
    with pytest.raises(ConfigError, match="not the key"):
        tls.init(tmp_path, ("a",), NOW)


@pytest.mark.parametrize(("days", "said"), [(0, None), (368, "runs out in 28"), (400, "has run out")])
def test_who_starts_the_service_hears_in_time(tmp_path: Path, days: int, said: str | None) -> None:
    made = tls.init(tmp_path, ("ward.example",), NOW)
    warning = tls.warning(made.cert, NOW + timedelta(days=days))
    assert (warning is None) == (said is None)
    if warning and said:
        assert said in warning
        assert "--init-tls ward.example" in warning


def test_what_was_made_is_used_and_opens_the_network(tmp_path: Path) -> None:
    told = {"folder": tmp_path, "host": "0.0.0.0"}
    with pytest.raises(ConfigError, match="in the clear"):
        Settings.read(None, told, {})
    made = tls.init(Settings.read(None, told, {}, unchecked=True).tls, ("ward.example",))
    settings = Settings.read(None, told, {})
    assert (settings.tls_cert, settings.tls_key, settings.is_secure) == (made.cert, made.key, True)


def test_a_key_that_everybody_can_read_is_said_at_the_start(tmp_path: Path) -> None:
    made = tls.init(tmp_path / "tls", ("ward.example",))
    secret = tmp_path / "oidc-secret"
    secret.write_text("s")
    secret.chmod(0o640)
    settings = Settings(folder=tmp_path, tls_cert=made.cert, tls_key=made.key, oidc_secret_file=secret)
    assert command.open_secrets(settings) == []
    made.key.chmod(0o644)
    assert command.open_secrets(settings) == [made.key]


@contextmanager
def served(folder: Path, *flags: str) -> Iterator[tuple[int, str]]:
    """``hemoview serve`` as people start it; its port, and what it said first."""
    words = [sys.executable, "-m", "hemoview.cli", "serve", "--folder", str(folder), "--port", "0", *flags]
    env = os.environ | {"HEMOVIEW_HOME": str(folder.parent)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield int(re.findall(r":(\d+)$", line.strip())[0]), line
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.slow
def test_a_real_connection_trusts_the_authority_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "service"
    assert cli.main(["serve", "--init-tls", "ward.example,127.0.0.1", "--folder", str(folder)]) == 0
    told = capsys.readouterr().out
    assert str(folder / "tls" / "ca.pem") in told
    assert "https://ward.example:8440" in told
    with served(folder, "--host", "0.0.0.0") as (port, line):
        assert f"https://ward.example:{port}" in line
        trusting = ssl.create_default_context(cafile=str(folder / "tls" / "ca.pem"))
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trusting) as http:
            hello = http.get("/v1/hello")
            assert hello.status_code == 200
            assert "max-age" in hello.headers["strict-transport-security"]
            (file,) = folder.glob("one-time-password-*.txt")
            name, password = file.read_text().split()
            reply = http.post("/v1/login", json={"name": name, "password": password})
            assert "__Host-hemoview_login" in reply.headers["set-cookie"]
            assert http.get("/v1/me").json()["must_change"]
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"https://127.0.0.1:{port}/v1/hello")
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{port}/v1/hello")


def test_a_broker_gets_its_certificates_by_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["serve", "--init-bus", "ward.example,broker", "--folder", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    for name in ("ca.pem", "broker.pem", "broker.key", "devices-ca.pem", "service.pem", "service.key"):
        assert str(tmp_path / "bus" / name) in told and (tmp_path / "bus" / name).is_file()
    assert set(tls.served(tmp_path / "bus" / "broker.pem").names) >= {"ward.example", "broker"}  # type: ignore[union-attr]
    before = (tmp_path / "bus" / "ca.pem").read_bytes()
    assert cli.main(["serve", "--init-bus", "broker", "--folder", str(tmp_path)]) == 0
    assert (tmp_path / "bus" / "ca.pem").read_bytes() == before
