"""Names of sessions tell whom was recorded: no other account of the computer lists them, whatever its umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from hemoview.viewmodel import window_settings
from recorder.acquire.disk import folder_problem
from recorder.host import lock, logs, places
from recorder.private_folder import make_private, open_to_others, warning


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


@pytest.mark.skipif(os.name == "nt", reason="rights of a profile are inherited there")
@pytest.mark.parametrize(
    ("mode", "above", "told"),
    [(0o755, 0o755, True), (0o775, 0o711, True), (0o750, 0o755, False), (0o700, 0o755, False),
     (0o711, 0o755, False), (0o755, 0o700, False), (0o755, 0o750, False)],
)  # fmt: skip
def test_a_home_of_an_older_version_that_others_can_list_is_named_and_kept(
    tmp_path: Path, mode: int, above: int, told: bool
) -> None:
    sessions = tmp_path / "hemoview" / "sessions"
    make_private(sessions)
    sessions.chmod(mode)
    sessions.parent.chmod(above)
    tmp_path.chmod(0o755)
    found = warning(sessions, tmp_path)
    assert bool(found) == told and rights(sessions) == mode
    if told:
        what, todo = found[0]
        assert f"every account of this computer can list the sessions in {sessions}" in what
        assert todo == f"close it with: chmod o-rwx {sessions}"


def test_a_folder_that_is_not_there_is_open_to_nobody(tmp_path: Path) -> None:
    assert not open_to_others(tmp_path / "none", tmp_path)
