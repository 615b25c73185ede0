"""Names of sessions tell whom was recorded: no other account of the computer lists them, whatever its umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hemoview.viewmodel import window_settings
from recorder.acquire.disk import folder_problem
from recorder.host import lock, logs, places
from recorder.private_folder import make_private


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct, autouse=True)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def rights(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


def test_a_new_home_is_its_owners(tmp_path: Path) -> None:
    home = tmp_path / "data" / "hemoview"
    assert folder_problem(places.sessions_dir(home), "ext4", frozenset()) is None
    with lock.StationLock("bed-1", home):
        window_settings.save(home / "settings" / "window.json", window_settings.WindowSettings())
        logs.logs_dir(home)
    made = [home.parent, home, *(place for place in home.rglob("*") if place.is_dir())]
    assert {place.name: oct(rights(place)) for place in made} == {place.name: "0o700" for place in made}
    assert {"sessions", "bed-1", "logs", "settings"} <= {place.name for place in made}


def test_one_that_is_shared_with_a_group_stays_so(tmp_path: Path) -> None:
    shared = tmp_path / "lab"
    shared.mkdir()
    shared.chmod(0o2770)
    make_private(shared / "sessions")
    make_private(shared)
    assert (rights(shared) & 0o777, rights(shared / "sessions") & 0o777) == (0o770, 0o700)


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for name in ("file", "link", "file/below"):
        with pytest.raises(OSError, match=name.split("/")[0]):
            make_private(tmp_path / name)
