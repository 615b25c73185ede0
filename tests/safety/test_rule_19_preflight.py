"""Safety 19: pre-flight warns of a pending reboot, mains off, a battery shorter than the template, a plain disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.acquire.orders import StartOrder
from recorder.acquire.preflight import Check, Facts, checks, refusals
from recorder.host import platform
from recorder.schema import Consent, DiskStatus, LinkStatus, Subject

BAND = LinkStatus("e4", "streaming", "Empatica E4", battery=0.6, battery_hours_left=0.4)


def found(**facts: object) -> dict[str, Check]:
    base = {
        "subject": Subject("P-1"),
        "consent": Consent("1", "2026-01-01"),
        "disk": DiskStatus("/data", 10**12, 500.0),
    }
    return {check.id: check for check in checks(Facts(**(base | facts)))}  # type: ignore[arg-type]


def test_a_battery_shorter_than_the_template_is_told_with_both_times() -> None:
    check = found(links=(BAND,), planned_s=3600.0)["battery:e4"]
    assert check.level == "warn"
    assert "0.4 h" in check.line() and "1.0 h" in check.line() and "Empatica E4" in check.line()
    assert "battery:e4" not in found(links=(BAND,), planned_s=1200.0)
    assert "battery:e4" not in found(links=(BAND,), planned_s=None)


@pytest.mark.parametrize(("encrypted", "told"), [(True, False), (None, False), (False, True)])
def test_a_plain_disk_is_told_an_unknown_one_is_not_called_plain(encrypted: bool | None, told: bool) -> None:
    checked = found(encrypted=encrypted)
    assert ("encryption" in checked) is told
    assert refusals(list(checked.values()), {}) == []


def test_a_pending_reboot_and_a_machine_on_its_battery(tmp_path: Path) -> None:
    (tmp_path / "var/run").mkdir(parents=True)
    (tmp_path / "var/run/reboot-required").touch()
    (tmp_path / "sys/class/power_supply/AC").mkdir(parents=True)
    (tmp_path / "sys/class/power_supply/AC/online").write_text("0\n")
    said = found(machine=tuple(platform.warnings("linux", tmp_path)))["machine"]
    assert said.level == "warn"
    assert [what for what, _ in platform.warnings("linux", tmp_path)] == [
        "a reboot is pending after an update",
        "runs on its battery",
    ]


def test_the_template_says_how_long_it_lasts() -> None:
    def planned(*minutes: float | None) -> float | None:
        phases = [{"name": "x", "duration_min": m} for m in minutes]
        return StartOrder.from_args({"template": {"name": "t", "phases": phases}}).planned_s

    assert planned(5, 10) == 900.0
    assert planned(5, None) is None
    assert planned() is None
