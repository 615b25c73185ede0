"""Local times become UTC only by a zone that was named; an hour that came twice or never is asked about."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.errors import ConfigError
from recorder.exchange.sources.local_time import wall_ns_of

NAMES = ["Europe/Berlin", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"]
ZONES = st.sampled_from(NAMES)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, ZONES)
def test_every_moment_comes_back(moment, zone):
    local = moment.astimezone(ZoneInfo(zone))
    fold = "second" if local.fold else "first"
    found = wall_ns_of(local.replace(tzinfo=None, fold=0), zone, fold, whose="x.csv")
    assert found == round(moment.replace(microsecond=0).timestamp()) * 10**9 + moment.microsecond * 1000


def test_no_zone_is_asked_for_by_its_option():
    with pytest.raises(ConfigError, match=r"x.csv: its times \(2025-01-31 09:05\).*--zone"):
        wall_ns_of(datetime(2025, 1, 31, 9, 5, 7), "", whose="x.csv")


def test_the_hour_that_came_twice_is_named_with_both():
    twice = datetime(2025, 10, 26, 2, 30)
    with pytest.raises(ConfigError, match=r"came twice in Europe/Berlin.*: 00:30 or 01:30 UTC.*--fold"):
        wall_ns_of(twice, "Europe/Berlin", whose="x.csv")
    first, second = (wall_ns_of(twice, "Europe/Berlin", fold, whose="x.csv") for fold in ("first", "second"))
    assert second - first == 3600 * 10**9
    assert first == datetime(2025, 10, 26, 0, 30, tzinfo=UTC).timestamp() * 1e9


def test_the_hour_that_never_came_is_refused_with_both():
    with pytest.raises(ConfigError, match=r"never was in Europe/Berlin.*01:30 or 03:30"):
        wall_ns_of(datetime(2025, 3, 30, 2, 30), "Europe/Berlin", "first", whose="x.csv")


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc/passwd", "/etc/localtime", "Europe"])
def test_no_such_zone(zone):
    with pytest.raises(ConfigError, match="IANA"):
        wall_ns_of(datetime(2025, 1, 1), zone, whose="x.csv")
