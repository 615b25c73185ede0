"""Every released format stays readable; a newer one is refused by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from make_golden_session import TEXTS, summary

from recorder import session as sessions
from recorder.errors import SessionFormatUnknown
from recorder.schema.decimals import decode_decimal
from recorder.session import FORMAT
from recorder.session.files import read_json, sign_json

GOLDEN = Path(__file__).parents[1] / "golden" / "session-format-1"


@pytest.fixture(params=["sealed", "killed"])
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN / request.param, tmp_path / request.param)
    return tmp_path / request.param


def test_format_1_reads_as_it_did(golden: Path) -> None:
    expected = json.loads((GOLDEN / f"{golden.name}.expected.json").read_text())
    with sessions.open(golden) as session:
        assert json.loads(json.dumps(summary(session))) == expected
    report = sessions.verify(golden)
    assert report.ok, report.damaged
    assert report.rows["adc.wave"] == 570


def test_a_killed_session_of_format_1_can_be_recovered(golden: Path) -> None:
    expected = json.loads((GOLDEN / f"{golden.name}.expected.json").read_text())
    assert sessions.recover(golden).ok
    with sessions.open(golden) as session:
        now = json.loads(json.dumps(summary(session)))
    assert {**now, "state": ""} == {**expected, "state": ""}


def test_decimal_text_prints_back_identically(golden: Path) -> None:
    with sessions.open(golden) as session:
        raw = session.read("e4.bvp").raw
    printed = [decode_decimal(int(m), int(p)) for m, p in raw[: len(TEXTS)]]
    assert printed == list(TEXTS)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("session.json", sessions.open),
        ("session.json", sessions.verify),
        ("session.json", sessions.recover),
        ("session.json", lambda p: sessions.erase(p, why="x")),
        ("manifest.json", sessions.open),
        ("manifest.json", sessions.verify),
    ],
    ids=["open", "verify", "recover", "erase", "open-manifest", "verify-manifest"],
)
def test_a_newer_format_is_refused_by_name_and_left_alone(
    golden: Path, name: str, call: Callable[[Path], Any]
) -> None:
    value = {**read_json(golden / name), "format": FORMAT + 1}
    (golden / name).write_bytes(sign_json(value))
    before = {p: p.read_bytes() for p in golden.rglob("*.*") if p.is_file() and "shm" not in p.name}
    with pytest.raises(SessionFormatUnknown, match=rf"format {FORMAT + 1}.*Update HemoView"):
        call(golden)
    assert {p: p.read_bytes() for p in before} == before
