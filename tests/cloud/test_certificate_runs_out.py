"""A certificate that ends soon is said where somebody looks, days before browsers and bedsides are shut out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hemoview.cloud.identity import tls
from hemoview.cloud.identity.certificate import SERVER_LIVES
from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Clock, running

AGO = SERVER_LIVES - timedelta(days=10)


@pytest.mark.parametrize(("ago", "is_due"), [(timedelta(0), False), (AGO, True)])
def test_it_is_said_in_health_and_to_who_manages(
    tmp_path: Path, clock: Clock, ago: timedelta, is_due: bool
) -> None:
    made = tls.init(tmp_path / "tls", ("ward.example",), datetime.now(UTC) - ago)
    settings = Settings(folder=tmp_path / "service", tls_cert=made.cert, tls_key=made.key)
    with running(settings, clock) as rig:
        told = rig.http.get("/healthz").json()["certificate"]
        assert told["renew"] is is_due and told["ends_us"] == round(made.ends.timestamp() * 1e6)
        ward = rig.ward("A")
        people = {
            "chief": rig.person("chief", ("admin", None)),
            "local": rig.person("local", ("admin", ward)),
            "nurse": rig.person("nurse", ("operator", None)),
        }
        for client in people.values():  # over TLS the cookie has another name
            cookie = client.cookies.get("hemoview_login")
            client.headers["cookie"] = f"__Host-hemoview_login={cookie}"
        notices = {name: client.get("/v1/me").json()["notices"] for name, client in people.items()}
    assert notices["local"] == notices["nurse"] == []
    assert [n["id"] for n in notices["chief"]] == ["certificate"] * is_due
    if is_due:
        assert notices["chief"][0]["values"] == {"days": told["days"]} and 8 <= told["days"] <= 10


def test_what_was_renewed_counts_from_the_next_start(tmp_path: Path, clock: Clock) -> None:
    made = tls.init(tmp_path / "tls", ("ward.example",), datetime.now(UTC) - AGO)
    settings = Settings(folder=tmp_path / "service", tls_cert=made.cert, tls_key=made.key)
    with running(settings, clock) as rig:
        tls.init(tmp_path / "tls", ("ward.example",))
        assert rig.http.get("/healthz").json()["certificate"]["renew"]  # what is shown is the one from before
        shown = rig.service.part(tls.Served)
        assert "--init-tls ward.example, then start the service again" in shown.words(clock())
    with running(settings, clock) as rig:
        assert not rig.http.get("/healthz").json()["certificate"]["renew"]


def test_a_service_without_its_own_has_none_to_speak_of(tmp_path: Path, clock: Clock) -> None:
    with running(Settings(folder=tmp_path / "service"), clock) as rig:
        assert rig.http.get("/healthz").json()["certificate"] is None
