"""The drill with an S3 store: out of a bucket into a folder, and from there into another bucket's prefix."""

from __future__ import annotations

import os
from pathlib import Path

import obstore
import pytest

from hemoview.cloud.custody.blobstore import key_of
from hemoview.cloud.custody.scrub import scrub
from hemoview.cloud.settings import Settings
from tests.cloud import databases, stores
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.command_rig import Run, typing_into
from tests.cloud.custody_rig import on_disk
from tests.cloud.handover import SMALL, Sender
from tests.services.ceph_rig import Ceph

pytestmark = pytest.mark.services


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return typing_into(capsys)


def written(ceph: Ceph, folder: Path, name: str) -> tuple[Settings, Path]:
    """Settings of a service with a prefix of its own, and the file they are in."""
    settings, path = ceph.at(folder), folder.parent / name
    own = ceph.settings.read_text().replace(
        'blobs_url = "s3://hemoview"', f'blobs_url = "{settings.blobs_url}"'
    )
    assert settings.blobs_url in own
    path.write_text(f'folder = "{folder}"\nproduction = false\n{own}')
    return settings, path


def hand_over(rig: Rig, session_id: str, files: dict[str, bytes]) -> Sender:
    if not rig.wards:
        rig.ward("A")
    sender = Sender(rig.http, rig.bedside("A-1"), files, session_id=session_id)
    sender.hand_over()
    return sender


def test_the_drill(tmp_path: Path, run: Run) -> None:
    path = Path(os.environ["HEMOVIEW_TEST_CEPH"])
    ceph = Ceph(path.parent, path)
    settings, config = written(ceph, tmp_path / "service", "service.toml")
    copy, keys = tmp_path / "backup", tmp_path / "keys.json"
    clock = Clock()
    with running(settings, clock) as rig:
        kept = hand_over(rig, "kept", dict(SMALL))
        hurt = hand_over(rig, "hurt", {"session.json": b'{"card": 2}'})
        status, told = run("backup", "--to", copy, "--keys", keys, "--config", config)
        assert (status, told["blobs"], told["blobs_copied"]) == (0, 3, False)
        assert "versioning" in told["remarks"][0] and "replication" in told["remarks"][0]
        status, told = run("backup", "--to", copy, "--keys", keys, "--config", config, "--copy-blobs")
        assert (status, told["damaged"], "remarks" in told) == (0, [], False)
        later = hand_over(rig, "later", {"session.json": b'{"card": 3}'})
        bad = hurt.blob("session.json").blob_sha256
        obstore.put(stores.client_of(settings), key_of(bad), b"x" * 27)
        told = run("backup", "--to", tmp_path / "other", "--keys", keys, "--config", config, "--copy-blobs")[
            1
        ]
        assert (told["ok"], told["damaged"]) == (False, [bad])
        assert run("backup", "--to", copy, "--keys", keys, "--config", config, "--copy-blobs")[0] == 0
    copied = {p.name for p in (copy / "blobs").rglob("*") if p.is_file()}
    assert copied == {s.blob(name).blob_sha256 for s in (kept, hurt, later) for name in s.files}

    databases.lose(settings.folder)
    settings, config = written(ceph, tmp_path / "service", "again.toml")
    status, told = run("restore", "--from", copy, "--keys", keys, "--config", config)
    assert (status, told["missing"], told["wrong_receipts"]) == (0, 0, [])
    with running(settings, clock) as rig:
        assert on_disk(rig) == copied
        assert rig.call(scrub, rig.service, 1.0).damaged == ()
        researcher = rig.person("r", ("researcher", None))
        for session_id in ("kept", "hurt", "later"):
            assert researcher.get(f"/v1/sessions/{session_id}/download").status_code == 200
