"""What two processes wrote down of the services, put together for every screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recorder.acquire.sync_board import LIVE_FILE, SYNC_FILE, SyncBoard
from recorder.host.uplink_board import UplinkBoard
from recorder.schema.sync_status import SyncStatus
from recorder.sync.uplink.passing import Standing

SERVICE = SyncStatus("ward.example:8440", server_id="s-1", waiting=3)


def tell(folder: Path, *services: SyncStatus) -> None:
    (folder / SYNC_FILE).write_text(json.dumps({"services": [one.to_json() for one in services]}))


def test_the_live_path_is_told_with_its_service(tmp_path: Path) -> None:
    board, live = SyncBoard(tmp_path), UplinkBoard(tmp_path / LIVE_FILE)
    assert board.look() == ()
    live.show({"s-1": Standing("service", "broker-away", "no port"), "s-2": Standing("broker")})
    assert board.look() == ()  # a service is what sync says it is
    tell(tmp_path, SERVICE)
    (told,) = board.look()
    assert (told.waiting, told.live_way, told.live_trouble) == (3, "service", "broker-away")
    assert told.live_why == "no port"
    live.show({"s-1": Standing("broker")})
    assert [(s.live_way, s.live_trouble) for s in board.look()] == [("broker", "")]
    live.close()
    assert board.look() == (SERVICE,)


@pytest.mark.parametrize(
    "content", ["", "[", "[]", "7", '{"s-1": 3}', '{"s-1": {"trouble": "of a newer version"}}']
)
def test_what_cannot_be_read_of_the_live_path_harms_nothing(tmp_path: Path, content: str) -> None:
    tell(tmp_path, SERVICE)
    (tmp_path / LIVE_FILE).write_text(content)
    assert SyncBoard(tmp_path).look() == (SERVICE,)


def test_what_is_being_replaced_is_as_it_was_told_last(tmp_path: Path) -> None:
    board = SyncBoard(tmp_path)
    tell(tmp_path, SERVICE)
    assert board.look() == (SERVICE,)
    (tmp_path / SYNC_FILE).write_text("{")
    assert board.look() == (SERVICE,)
    (tmp_path / SYNC_FILE).unlink()
    assert board.look() == ()


def test_it_is_written_when_it_changes_and_for_its_owner_alone(tmp_path: Path) -> None:
    live = UplinkBoard(tmp_path / LIVE_FILE)
    live.show({"s-1": Standing("broker")})
    before = (tmp_path / LIVE_FILE).stat()
    assert before.st_mode & 0o077 == 0
    live.show({"s-1": Standing("broker")})
    assert (tmp_path / LIVE_FILE).stat().st_mtime_ns == before.st_mtime_ns
    live.show({})
    assert (tmp_path / LIVE_FILE).read_text() == "{}"
