"""The zone of a session is that of the clock on the wall, however this machine tells it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.host import platform

InZone = Callable[[str], None]
NOWHERE = Path("/nowhere")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """``/etc`` of a machine that has zones once more below ``posix`` and ``right``."""
    for below in ("", "posix", "right"):
        zone = tmp_path / "zoneinfo" / below / "Asia" / "Seoul"
        zone.parent.mkdir(parents=True)
        zone.touch()
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc"


@pytest.mark.parametrize("below", ["", "posix", "right"])
def test_a_link_into_any_of_the_three_trees(
    monkeypatch: pytest.MonkeyPatch, in_zone: InZone, etc: Path, below: str
) -> None:
    link = etc / "localtime"
    link.symlink_to(etc.parent / "zoneinfo" / below / "Asia" / "Seoul")
    monkeypatch.delenv("TZ", raising=False)
    assert platform.local_zone("linux", link) == "Asia/Seoul"
    in_zone(f":{link}")  # many servers set TZ=:/etc/localtime
    assert platform.local_zone("linux", NOWHERE) == "Asia/Seoul"
    in_zone(str(link))
    assert platform.local_zone("linux", NOWHERE) == "Asia/Seoul"


def test_a_copied_zone_file_has_its_name_beside_it(monkeypatch: pytest.MonkeyPatch, etc: Path) -> None:
    monkeypatch.delenv("TZ", raising=False)
    link = etc / "localtime"
    link.touch()
    (etc / "timezone").write_text("Asia/Seoul\n")
    assert platform.local_zone("linux", link) == "Asia/Seoul"
    link.unlink()
    assert platform.local_zone("linux", link) != "Asia/Seoul", "without the file the system runs in UTC"


def test_an_empty_name_is_utc_as_the_system_reads_it(in_zone: InZone, etc: Path) -> None:
    link = etc / "localtime"
    link.symlink_to(etc.parent / "zoneinfo" / "Asia" / "Seoul")
    in_zone("")
    assert platform.local_zone("linux", link) == "UTC"


@pytest.mark.parametrize(
    ("rule", "zones"),
    [
        ("CST-8", {"Etc/GMT-8"}),
        ("EST5", {"Etc/GMT+5"}),
        ("CET-1CEST", {"Etc/GMT-1", "Etc/GMT-2"}),
        ("IST-5:30", {"UTC"}),
        ("WET0", {"UTC"}),
    ],
)
def test_a_rule_without_a_name_keeps_the_hour_of_the_wall(
    in_zone: InZone, rule: str, zones: set[str]
) -> None:
    in_zone(rule)
    assert platform.local_zone("linux") in zones
