from __future__ import annotations

import pytest

from hemoview.cloud.postgres import url_of
from recorder.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://hemoview@db.example/hemoview", "sslmode=verify-full"),
        ("postgresql://hemoview@db.example/hemoview?sslmode=require", "sslmode=verify-full"),
        ("postgresql:///hemoview?host=db.example", "sslmode=verify-full"),
        ("mysql://hemoview@localhost/hemoview", "mysql"),
        ("not an address", "no address"),
    ],
)
def test_addresses_that_would_not_do_are_refused(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        url_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://hemoview@localhost/hemoview",
        "postgresql:///hemoview?host=/run/postgresql",
        "postgresql://hemoview@db.example/hemoview?sslmode=verify-full&sslrootcert=ca.pem",
    ],
)
def test_addresses_that_do(url: str) -> None:
    assert url_of(url).drivername == "postgresql+psycopg"
