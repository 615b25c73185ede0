"""A store of blobs that is away, or is another one: nothing it does not say counts against a blob."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hemoview.cloud.command import open_secrets
from hemoview.cloud.custody import s3
from hemoview.cloud.custody.blobstore import StoreAway
from hemoview.cloud.custody.s3 import S3Blobs
from hemoview.cloud.custody.s3_access import Access
from hemoview.cloud.custody.scrub import scrub
from hemoview.cloud.custody.stores import open_store
from hemoview.cloud.settings import Settings
from recorder.errors import ConfigError
from tests.cloud.cloud_rig import Clock, Rig, running
from tests.cloud.custody_rig import Sulking, audited
from tests.cloud.handover import SMALL, Sender

KEY = "[default]\naws_access_key_id = AKIA\naws_secret_access_key = a secret % of ours\n"


@pytest.fixture
def sender(rig: Rig) -> Sender:
    rig.ward("A")
    sender = Sender(rig.http, rig.bedside("A-1"), dict(SMALL))
    sender.hand_over()
    return sender


def ids_of(sender: Sender) -> set[str]:
    return {sender.blob(name).blob_sha256 for name in sender.files}


def test_one_blob_that_is_never_given_back_is_damaged_in_the_end(rig: Rig, sender: Sender) -> None:
    bad = sender.blob("session.json").blob_sha256
    rig.service.blobs = Sulking(rig.service.blobs, {bad})  # type: ignore[assignment]
    tries: Counter[str] = Counter()
    assert [rig.call(scrub, rig.service, 1.0, tries).damaged for _ in range(3)] == [(), (), (bad,)]
    assert [what for what, _ in audited(rig, "blob.damaged")] == [bad]


def test_a_store_that_gives_nothing_back_is_away_however_often_it_is_asked(rig: Rig, sender: Sender) -> None:
    """It may well list what it has: only a blob tells that blobs are given."""
    rig.service.blobs = Sulking(rig.service.blobs, ids_of(sender))  # type: ignore[assignment]
    tries: Counter[str] = Counter()
    for _ in range(5):
        with pytest.raises(StoreAway):
            rig.call(scrub, rig.service, 1.0, tries)
    assert audited(rig, "blob.damaged") == []


def test_a_disk_that_is_no_longer_mounted_is_away(rig: Rig, sender: Sender, tmp_path: Path) -> None:
    folder = rig.service.settings.folder / "blobs"
    folder.rename(tmp_path / "unmounted")
    folder.mkdir()
    with pytest.raises(StoreAway):
        rig.call(scrub, rig.service, 1.0)
    name = sender.blob("session.json").blob_sha256
    reply = rig.http.get(f"/v1/blobs/{name}", headers=sender.bedside.headers)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
    assert "the store of blobs does not answer" in rig.http.get("/readyz").text
    folder.rmdir()
    (tmp_path / "unmounted").rename(folder)
    assert rig.call(scrub, rig.service, 1.0).damaged == ()
    assert audited(rig, "blob.damaged") == []


def test_a_service_does_not_start_on_an_empty_store_that_should_hold_blobs(
    tmp_path: Path, clock: Clock
) -> None:
    settings = Settings(folder=tmp_path / "service")
    with running(settings, clock) as rig:
        rig.ward("A")
        Sender(rig.http, rig.bedside("A-1"), dict(SMALL)).hand_over()
    (settings.folder / "blobs").rename(tmp_path / "unmounted")
    with pytest.raises(ConfigError, match=r"lists 2 blobs.*not mounted"), running(settings, clock):
        pass


# ---- what a store says


@contextmanager
def saying(status: int, body: str) -> Iterator[str]:
    """Something at an address that answers everything with this."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = b"" if self.command == "HEAD" else body.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 – the library's name

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def refusal(code: str) -> str:
    """As a Ceph has it."""
    told = f"<Error><Code>{code}</Code><Message></Message><RequestId>tx0</RequestId></Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{told}'


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is answered wrongly is asked again at once."""
    soon = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2), "base": 2}
    monkeypatch.setitem(s3._RETRY, "backoff", soon)  # type: ignore[arg-type]


def at(tmp_path: Path, endpoint: str) -> S3Blobs:
    (tmp_path / "key").write_text(KEY)
    return S3Blobs("s3://bucket", Access(endpoint, "", tmp_path / "key"), tmp_path / "spool")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("RequestTimeTooSkewed", "its clock and that of this computer differ; set both"),
        ("AccessDenied", "let it list the bucket, and read, write and delete"),
        ("ExpiredToken", "run out; put a new one"),
    ],
)
def test_a_refusal_of_the_store_is_said_in_words(tmp_path: Path, code: str, why: str) -> None:
    with saying(403, refusal(code)) as endpoint:
        blobs = at(tmp_path, endpoint)
        with pytest.raises(ConfigError, match=why) as told:
            asyncio.run(blobs.check())
        with pytest.raises(StoreAway):
            asyncio.run(blobs.size("0" * 64))
        with pytest.raises(StoreAway):
            asyncio.run(blobs.delete(["0" * 64]))
    assert not [word for word in ("AKIA", "a secret", "tx0", "Signature") if word in str(told.value)]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("status", "body"), [(404, "<html>nginx</html>"), (501, "")])
def test_something_else_at_its_address_has_no_word_on_any_blob(
    tmp_path: Path, status: int, body: str
) -> None:
    async def read(blobs: S3Blobs) -> None:
        async for _ in blobs.read("0" * 64):
            pass

    with saying(status, body) as endpoint:
        blobs = at(tmp_path, endpoint)
        for one in (blobs.check(), blobs.delete(["0" * 64]), blobs.size("0" * 64), read(blobs)):
            with pytest.raises(StoreAway):
                asyncio.run(one)


# ---- settings


def told(tmp_path: Path, **settings: str) -> Settings:
    (tmp_path / "key").write_text(KEY)
    return Settings.read(None, {"folder": tmp_path, **settings}, env={})


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"blobs_url": "s3://"}, "s3://BUCKET"),
        ({"blobs_url": "s3://ab"}, "s3://BUCKET"),
        ({"blobs_url": "s3://bucket/../up"}, "s3://BUCKET"),
        ({"blobs_url": "s3://bucket?region=x"}, "s3://BUCKET"),
        ({"blobs_url": "s3://AKIA:hush@bucket"}, "holds a key; it belongs into blobs_credentials_file"),
        ({"blobs_url": "s3://bucket"}, "blobs_region"),
        ({"blobs_url": "s3://bucket", "blobs_endpoint": "http://store.example"}, "https://"),
        ({"blobs_url": "s3://bucket", "blobs_endpoint": "https://AKIA:hush@store.example"}, "https://HOST"),
        ({"blobs_url": "s3://bucket", "blobs_endpoint": "store.example"}, "https://HOST"),
        ({"blobs_url": "s3://bucket", "blobs_endpoint": "https://store.example"}, "blobs_credentials_file"),
        ({"blobs_endpoint": "https://store.example"}, "go with"),
        (
            {"blobs_url": "s3://bucket", "blobs_region": "r", "blobs_credentials_file": "/no/where"},
            "cannot be read",
        ),
        ({"blobs_url": "s3://bucket", "blobs_region": "r", "blobs_ca": "/no/where"}, "blobs_ca"),
    ],
)
def test_what_cannot_be_is_refused_and_no_key_repeated(
    tmp_path: Path, settings: dict[str, str], why: str
) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        told(tmp_path, **settings)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "content", ["AKIA:a secret", "[default]\naws_access_key_id = a secret\n", "[other]\nx = a secret"]
)
def test_a_file_that_holds_no_key_is_refused_and_not_repeated(tmp_path: Path, content: str) -> None:
    path = tmp_path / "credentials"
    path.write_text(content)
    with pytest.raises(ConfigError, match="aws_access_key_id = …") as refused:
        Access(credentials_file=path).key()
    assert "a secret" not in str(refused.value)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:7480", "http://[::1]:7480", "https://store.example"])
def test_what_is_safe_is_taken(tmp_path: Path, endpoint: str) -> None:
    settings = told(
        tmp_path,
        blobs_url="s3://bucket/a/b",
        blobs_endpoint=endpoint,
        blobs_credentials_file=str(tmp_path / "key"),
    )
    key = settings.blobs_access.key()
    assert (key.id, key.secret, key.token) == ("AKIA", "a secret % of ours", None)
    assert "a secret" not in repr(key) + repr(settings)


def test_a_key_that_everybody_can_read_is_told(tmp_path: Path) -> None:
    settings = replace(Settings(folder=tmp_path), blobs_credentials_file=tmp_path / "key")
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o644)
    assert open_secrets(settings) == [tmp_path / "key"]
    (tmp_path / "key").chmod(0o600)
    assert open_secrets(settings) == []


def test_other_kinds_of_stores_are_refused_without_what_they_hold(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"file:///FOLDER or s3://BUCKET/PREFIX is wanted") as refused:
        open_store("ftp://me:hush@there/blobs", Access(), tmp_path)
    assert "hush" not in str(refused.value)
