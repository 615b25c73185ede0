"""``recorder enrol`` and ``recorder sync`` at the command line: the fields scripts rely on, and refusals in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recorder.cli import main
from tests.sync.fake_service import FakeService
from tests.sync.sync_rig import copied, session


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return session(tmp_path_factory.mktemp("recorded") / "s", 3)


@pytest.fixture
def service() -> Iterator[FakeService]:
    fake = FakeService().start()
    yield fake
    fake.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = main([*words, "--json"])
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_contract(
    recorded: Path, tmp_path: Path, home: Path, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "sessions"
    copied(recorded, folder / "s1")
    copied(recorded, folder / "s2", session_id="b" * 32, consent=None)
    status, answer = told(capsys, "enrol", "--server", service.url, "--code", "GOOD-CODE")
    assert (status, answer["bed"], answer["production"]) == (0, "Bed 3", True)

    sync = ("sync", "--all", str(folder), "--server", service.url)
    status, first = told(capsys, *sync)
    assert status == 0
    assert {"segments_total", "sent", "already_there", "bytes_sent", "seconds"} <= first.keys()
    assert first["sent"] == first["segments_total"] > 0 and first["bytes_sent"] > 1000
    assert [(s["session"], s["stays"]) for s in first["stayed"]] == [
        ("s2", "no consent was recorded with it")
    ]
    _, second = told(capsys, *sync)
    assert (second["sent"], second["bytes_sent"]) == (0, 0)
    assert second["already_there"] == second["segments_total"] == first["segments_total"]
    status, third = told(capsys, "sync", "--all", str(folder))
    assert (status, third["server"]) == (0, service.url), (
        "the one service it is enrolled with need not be named"
    )

    status, gone = told(capsys, *sync, "--purge-after", "0")
    assert (status, gone["purged"]) == (0, ["s1"]) and (folder / "s1" / "tombstone.json").exists()
    status, out = told(capsys, "enrol", "--server", service.url, "--remove")
    assert (status, out["signed_out"]) == (0, service.url)


def test_what_is_wrong_is_said(
    recorded: Path, tmp_path: Path, home: Path, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, why in (
        (("sync", str(recorded), "--server", service.url), "is not enrolled with"),
        (("sync", str(recorded)), "is not enrolled with any service"),
        (("sync", str(tmp_path / "none"), "--server", service.url), "no session here"),
        (("enrol", "--server", service.url), "give --code"),
        (("enrol", "--server", service.url, "--code", "WRONG"), "ask for a new one"),
        (("enrol", "--server", service.url, "--code", "GOOD-CODE", "--ca", str(recorded)), "no CA file"),
    ):
        status, answer = told(capsys, *words)
        assert status == 1 and why in answer["error"]
    for usage in (["sync", str(recorded), "--all", str(tmp_path)], ["sync", "--server", service.url]):
        with pytest.raises(SystemExit) as wrong:
            main(usage)
        assert wrong.value.code == 2


def test_a_damaged_session_fails_the_command_and_names_it(
    recorded: Path, tmp_path: Path, home: Path, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(recorded, tmp_path / "s")
    next(folder.glob("segments/*.parquet")).write_bytes(b"PAR1")
    told(capsys, "enrol", "--server", service.url, "--code", "GOOD-CODE")
    status, answer = told(capsys, "sync", str(folder), "--server", service.url)
    assert status == 1 and "recorder verify" in answer["failed"][0]["error"]
