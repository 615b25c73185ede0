"""The drill: back up, destroy, restore; every receipt still verifies, and what was erased stays erased."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from hemoview import cli
from hemoview.cloud.identity import tls
from hemoview.cloud.settings import Settings
from recorder.sync import signing, wire
from tests.cloud import databases
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.command_rig import Run, typing_into
from tests.cloud.handover import SMALL, Sender

WHY = {"reason": "consent withdrawn"}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return typing_into(capsys)


def hand_over(rig: Rig, session_id: str, pseudonym: str) -> Sender:
    if not rig.wards:
        rig.ward("A")
    bedside = rig.bedside("A-1")
    sender = Sender(rig.http, bedside, dict(SMALL), session_id=session_id, pseudonym=pseudonym)
    sender.hand_over()
    return sender


@pytest.mark.parametrize("locked", [False, True])
def test_the_drill(tmp_path: Path, clock: Clock, run: Run, locked: bool) -> None:
    settings, backup, keys = (
        Settings(folder=tmp_path / "service"),
        tmp_path / "backup",
        tmp_path / "keys.json",
    )
    more: list[object] = []
    if locked:
        (tmp_path / "passphrase").write_text("correct horse battery\n")
        more = ["--passphrase-file", tmp_path / "passphrase"]
    where = ["--folder", settings.folder, *more]
    with running(settings, clock) as rig:
        kept, gone = hand_over(rig, "kept", "S-1"), hand_over(rig, "gone", "S-2")
        before = rig.http.get("/v1/hello").json()
        status, told = run("backup", "--to", backup, "--keys", keys, "--copy-blobs", *where)
        assert (status, told["sessions"], told["blobs"]) == (0, 2, 4)
        rig.person("admin", ("admin", None)).post("/v1/sessions/gone/erase", json=WHY)
        later = hand_over(rig, "later", "S-3")
        # the database is lost after this one: the keys, backed up apart and last, know of the erasure
        status, _ = run("backup", "--to", tmp_path / "second", "--keys", keys, *where)
        assert status == 0
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert ("PRIVATE KEY" in keys.read_text()) is not locked
    databases.lose(settings.folder)

    status, told = run("restore", "--from", backup, "--keys", keys, *where)
    assert (status, told["erased_again"], told["missing"], told["wrong_receipts"]) == (0, ["gone"], 0, [])
    with running(settings, clock) as rig:
        after = rig.http.get("/v1/hello").json()
        assert {k: after[k] for k in ("server_id", "signing_public_key", "wrapping_key_id")} == {
            k: before[k] for k in ("server_id", "signing_public_key", "wrapping_key_id")
        }
        researcher = rig.person("again", ("researcher", None))
        assert researcher.get("/v1/sessions/kept/download").status_code == 200
        assert researcher.get("/v1/sessions/gone/download").status_code == 410
        kept.http = gone.http = rig.http
        told = rig.http.get("/v1/sessions/kept/receipt", headers=kept.bedside.headers).json()
        signed = wire.SignedReceipt.from_json(told)
        signing.verify(
            after["signing_public_key"], signing.RECEIPT, signed.receipt.to_json(), signed.signature
        )
        assert gone.open().status_code == 410
        # what came after the backup is sent again: its device is not known any more, so by one that is
        again = Sender(rig.http, kept.bedside, later.files, session_id="later", pseudonym="S-3")
        again.hand_over()


def test_the_authority_that_tablets_trust_comes_back_too(tmp_path: Path, clock: Clock, run: Run) -> None:
    settings, backup, keys = (
        Settings(folder=tmp_path / "service"),
        tmp_path / "backup",
        tmp_path / "keys.json",
    )
    with running(settings, clock) as rig:
        hand_over(rig, "kept", "S-1")
    tls.init(settings.tls, ("ward.example",))
    authority = {name: (settings.tls / name).read_bytes() for name in ("ca.pem", "ca.key")}
    words = ["--keys", keys, "--copy-blobs", "--folder", settings.folder]
    assert run("backup", "--to", backup, *words)[0] == 0
    databases.lose(settings.folder)
    assert run("restore", "--from", backup, "--keys", keys, "--folder", settings.folder)[0] == 0
    assert {name: (settings.tls / name).read_bytes() for name in authority} == authority
    assert stat.S_IMODE((settings.tls / "ca.key").stat().st_mode) == 0o600
    assert not tls.init(settings.tls, ("ward.example",)).is_new_ca


def test_a_blob_that_is_in_no_backup_is_named_and_asked_for(tmp_path: Path, clock: Clock, run: Run) -> None:
    settings, keys = Settings(folder=tmp_path / "service"), tmp_path / "keys.json"
    where = ["--folder", settings.folder]
    with running(settings, clock) as rig:
        sender = hand_over(rig, "kept", "S-1")
        assert run("backup", "--to", tmp_path / "b", "--keys", keys, *where)[0] == 0
    databases.lose(settings.folder)
    status, told = run("restore", "--from", tmp_path / "b", "--keys", keys, *where)
    assert (status, told["missing"]) == (1, 2)
    with running(settings, clock) as rig:
        sender.http = rig.http
        assert len(sender.missing()) == 2
        sender.put_all()
        assert sender.missing() == []
        beat = wire.Heartbeat(clock(), 1, "recorder")
        reply = rig.http.post(
            "/v1/devices/me/heartbeat", content=json.dumps(beat.to_json()), headers=sender.bedside.headers
        )
        assert wire.EVERY_SESSION in {o["session_id"] for o in reply.json()["orders"]}


def test_a_damaged_blob_is_told_by_the_backup(tmp_path: Path, clock: Clock, run: Run) -> None:
    settings = Settings(folder=tmp_path / "service")
    with running(settings, clock) as rig:
        sender = hand_over(rig, "kept", "S-1")
        sha256 = sender.blob("session.json").blob_sha256
        (settings.folder / "blobs" / sha256[:2] / sha256[2:4] / sha256).write_bytes(b"other")
        where = ["--keys", tmp_path / "keys.json", "--folder", settings.folder]
        status, told = run("backup", "--to", tmp_path / "b", "--copy-blobs", *where)
    assert (status, told["damaged"]) == (1, [sha256])


def test_what_cannot_be_right_is_refused(tmp_path: Path, clock: Clock, run: Run) -> None:
    settings, keys, backup = Settings(folder=tmp_path / "s"), tmp_path / "keys.json", tmp_path / "b"
    short = tmp_path / "short"
    short.write_text("short\n")
    with running(settings, clock):
        pass

    def refused(*words: object) -> str:
        status, told = run(*words)
        assert status == 1
        return str(told["error"])

    at = ["--folder", settings.folder]
    assert "find both" in refused("backup", "--to", backup, "--keys", backup / "k.json", *at)
    none_there = refused("backup", "--to", backup, "--keys", keys, "--folder", tmp_path / "none")
    assert ("a key is missing" if databases.SERVER else "no service") in none_there
    shortened = ["--passphrase-file", short]
    assert "12 characters" in refused("backup", "--to", backup, "--keys", keys, *at, *shortened)
    assert "no finished backup" in refused("restore", "--from", tmp_path / "no", "--keys", keys, *at)
    assert run("backup", "--to", backup, "--keys", keys, *at)[0] == 0
    assert "service already" in refused("restore", "--from", backup, "--keys", keys, *at)
    (tmp_path / "new").mkdir()
    databases.lose(tmp_path / "new")
    elsewhere = ["--folder", tmp_path / "new"]
    assert "check --keys" in refused("restore", "--from", backup, "--keys", short, *elsewhere)
    with running(Settings(folder=tmp_path / "other"), clock):
        pass
    others = tmp_path / "others.json"
    assert run("backup", "--to", tmp_path / "b2", "--keys", others, "--folder", tmp_path / "other")[0] == 0
    assert "another service" in refused("restore", "--from", backup, "--keys", others, *elsewhere)


@pytest.mark.skipif(bool(databases.SERVER), reason="a backup of SQLite")
def test_a_backup_of_a_newer_hemoview_is_refused_and_leaves_no_half_of_a_service(
    tmp_path: Path, clock: Clock, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, backup, keys = (
        Settings(folder=tmp_path / "service"),
        tmp_path / "backup",
        tmp_path / "keys.json",
    )
    with running(settings, clock) as rig:
        hand_over(rig, "kept", "S-1")
        assert run("backup", "--to", backup, "--keys", keys, "--folder", settings.folder)[0] == 0
    with closing(sqlite3.connect(backup / "service.sqlite")) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
        conn.commit()
    words = ["restore", "--from", backup, "--keys", keys, "--folder", tmp_path / "new"]
    assert cli.main([str(word) for word in words]) != 0
    assert "newer HemoView" in capsys.readouterr().err
    assert not (tmp_path / "new" / "service.sqlite").exists()
