"""``hemoview dataset build`` and ``diff`` as they are typed, without the learn extra."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import aligned_sessions as made
import pytest

from hemoview import cli


def last_line(captured: str) -> dict[str, object]:
    value: dict[str, object] = json.loads(captured.strip().splitlines()[-1])
    return value


def test_build_twice_is_one_version_and_diff_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))
    session = str(made.make(tmp_path / "s1", seconds=70.0))
    for name in ("a", "b"):
        words = ["dataset", "build", session, "--out", str(tmp_path / name), "--workers", "1", "--json"]
        assert cli.main(words) == 0
    told = last_line(capsys.readouterr().out)
    assert told["windows"] == 6 and told["simulated"] is False and told["times_real_time"]
    assert cli.main(["dataset", "diff", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 0
    assert last_line(capsys.readouterr().out)["same"] is True
    facts = tmp_path / "b" / "dataset.json"
    facts.write_text(facts.read_text("utf-8").replace('"hemoview": "', '"hemoview": "9.'), "utf-8")
    assert cli.main(["dataset", "diff", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 0
    assert last_line(capsys.readouterr().out)["software"].keys() == {"hemoview"}  # type: ignore[attr-defined]


def test_a_barred_session_is_one_line_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))
    session = made.make(tmp_path / "s1", seconds=12.0, lock=None)
    assert cli.main(["dataset", "build", str(session), "--out", str(tmp_path / "a")]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "s1: it was never aligned; run hemoview align" in said


def test_dask_needs_to_be_told_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = made.make(tmp_path / "s1", seconds=12.0)
    words = ["dataset", "build", str(session), "--out", str(tmp_path / "a"), "--executor", "dask"]
    assert cli.main(words) == 1
    assert "add --scheduler ADDRESS" in capsys.readouterr().err


def test_building_needs_neither_torch_nor_drawings() -> None:
    code = (
        "import sys; from hemoview import cli; p = cli._parser('dataset'); "
        "import hemoview.dataset_command, hemoview.labels.datasets.build_part; "
        "bad = {'torch', 'matplotlib', 'onnxruntime', 'distributed', 'PySide6'} & set(sys.modules); "
        "print(sorted(bad)); sys.exit(bool(bad))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
