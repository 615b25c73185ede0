"""The disk guard with a fake disk: forecast, levels, the reserve, folders that are refused."""

from pathlib import Path

import pytest

from recorder.acquire.disk import (
    RESERVE_BYTES,
    STOP_BYTES,
    DiskGuard,
    folder_problem,
    hours_left,
    level_of,
)

MB = 1 << 20
NETWORK = frozenset({"nfs", "smb"})


class FakeDisk:
    def __init__(self, free: int) -> None:
        self.free = free

    def __call__(self, path: Path) -> int:
        return self.free


def guard(tmp_path: Path, disk: FakeDisk) -> DiskGuard:
    return DiskGuard(tmp_path, tmp_path / ".reserve", disk)


@pytest.mark.parametrize(
    ("hours", "level"),
    [
        (None, "ok"),
        (1000.0, "ok"),
        (24.1, "ok"),
        (23.9, "24h"),
        (2.1, "24h"),
        (1.9, "2h"),
        (0.26, "2h"),
        (0.24, "15min"),
    ],
)
def test_levels(hours: float | None, level: str) -> None:
    assert level_of(STOP_BYTES + MB, hours) == level


def test_with_hardly_any_room_the_session_is_stopped_whatever_the_forecast() -> None:
    assert level_of(STOP_BYTES - 1, None) == "stopped"


def test_the_forecast_comes_from_the_measured_rate(tmp_path: Path) -> None:
    disk = FakeDisk(STOP_BYTES + 120 * MB)
    g = guard(tmp_path, disk)
    g.wrote(0.0, 10 * MB)
    assert g.status().hours_left is None  # not known yet
    g.wrote(360.0, 16 * MB)  # 6 MB in 6 min
    status = g.status()
    assert status.bytes_per_hour == pytest.approx(60 * MB)
    assert status.hours_left == pytest.approx(2.0)
    disk.free = STOP_BYTES + 10 * MB
    assert g.status().level == "15min"


def test_a_session_that_shrank_by_sealing_is_no_negative_rate(tmp_path: Path) -> None:
    g = guard(tmp_path, FakeDisk(10**10))
    g.wrote(0.0, 50 * MB)
    g.wrote(600.0, 20 * MB)
    assert g.bytes_per_hour() is None
    g.wrote(1200.0, 21 * MB)
    assert g.bytes_per_hour() == pytest.approx(6 * MB)


def test_hours_left_never_goes_below_none_or_zero() -> None:
    assert hours_left(0, None) is None and hours_left(0, 0.0) is None
    assert hours_left(0, 5.0) == 0.0


def test_the_reserve_is_laid_down_once_and_given_back(tmp_path: Path) -> None:
    g = guard(tmp_path, FakeDisk(10**10))
    g.hold_reserve()
    assert g.reserve.stat().st_size == RESERVE_BYTES
    g.hold_reserve()
    g.release_reserve()
    assert not g.reserve.exists()
    g.release_reserve()


def test_a_disk_too_full_for_a_reserve_gets_none(tmp_path: Path) -> None:
    g = guard(tmp_path, FakeDisk(STOP_BYTES))
    g.hold_reserve()
    assert not g.reserve.exists()


def test_network_and_cloud_folders_are_refused_by_name(tmp_path: Path) -> None:
    problem = folder_problem(tmp_path, "nfs", NETWORK)
    assert problem is not None and "network folder (nfs)" in problem and "; choose" in problem
    for name in ("Dropbox", "OneDrive - Clinic", "Mobile Documents", "Nextcloud"):
        problem = folder_problem(tmp_path / name / "sessions", "ext4", NETWORK)
        assert problem is not None and f"cloud service ({name})" in problem
        assert not (tmp_path / name).exists()  # refused before anything is made there


def test_a_marked_cloud_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".stfolder").mkdir()
    problem = folder_problem(tmp_path / "sessions", "ext4", NETWORK)
    assert problem is not None and "cloud service" in problem


def test_a_folder_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    problem = folder_problem(in_the_way / "sessions", "ext4", NETWORK)
    assert problem is not None and "cannot be written" in problem and str(in_the_way) in problem


def test_a_good_folder_is_made_and_left_clean(tmp_path: Path) -> None:
    assert folder_problem(tmp_path / "a" / "b", "ext4", NETWORK) is None
    assert list((tmp_path / "a" / "b").iterdir()) == []
