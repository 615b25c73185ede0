"""``recorder export`` as a script uses it: JSON on the last line, exit codes, what is refused in words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from recorder.cli import main
from recorder.exchange.exports import export as formats
from recorder.exchange.exports import export_record
from recorder.host import export_command, places, withdrawals
from recorder.host.withdrawals import Withdrawal

sys.path.append(str(Path(__file__).parents[1] / "contracts"))
from export_session import two_eras


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("sessions") / "s-07")


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    out = capsys.readouterr().out
    value: dict[str, object] = json.loads(out.strip().splitlines()[-1])
    return value


def test_a_span_of_some_streams(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", str(folder), "--to", "csv", "--out", str(tmp_path / "x"), "--span", "2", "4.5"]
    assert main([*words, "--streams", "e4.*", "adc.wave", "--json"]) == 0
    told = said(capsys)
    assert told["ok"] and told["path"] == str(tmp_path / "x")
    assert {s["stream"] for s in told["streams"]} == {"e4.bvp", "e4.acc", "e4.eda", "adc.wave"}  # type: ignore[attr-defined]
    times = pd.read_csv(tmp_path / "x" / "e4.bvp.csv").time_s
    assert len(times) == 160 and times.between(2.0, 4.5, inclusive="left").all()
    (record,) = export_record.exports_of(places.home(), "S-08")
    assert record.span_s == (2.0, 4.5) and record.files[0].startswith(str(tmp_path))


def test_what_cannot_be_done_is_said_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(folder), "--out", str(tmp_path / "x"), "--json", "--to"]
    withdrawals.append(places.home(), Withdrawal("S-99", 1))
    cases = {
        ("edf", "--streams", "nothing"): "no stream 'nothing'",
        ("edf", "--span", "9", "8"): "the end must come after the start",
        ("edf", "--for-others"): "no scope 'upload'",
    }
    for more, why in cases.items():
        assert main([*words, *more]) == 1
        assert why in str(said(capsys)["error"])
    withdrawals.append(places.home(), Withdrawal("s-08", 1))
    assert main([*words, "edf"]) == 1
    assert "has withdrawn" in str(said(capsys)["error"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit, match="2"):
        main([*words, "mat"])


def test_a_session_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "no"), "--to", "xdf", "--out", str(tmp_path / "x"), "--json"]) == 1
    assert "choose the folder of a session" in str(said(capsys)["error"])


def test_the_help_offers_every_format_there_is() -> None:
    assert tuple(formats.FORMATS) == export_command.FORMATS
