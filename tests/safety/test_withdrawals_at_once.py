"""Safety rule 15 where two act at one moment: of several who withdraw everyone is out, and nobody comes back in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from withdrawal_rig import dataset, export, report, session

from hemoview.labels.withdrawal import reports as withdrawal_reports
from hemoview.labels.withdrawal import withdrawal
from hemoview.labels.withdrawal.deeds import withdrawn_from
from hemoview.labels.withdrawal.withdrawal import Places
from hemoview.report.session import session_report
from recorder import session as sessions
from recorder.errors import ConfigError, RecorderError, SessionError
from recorder.exchange.exports import export_record
from recorder.exchange.exports.export import Custody, Selection
from recorder.exchange.exports.export import export as write_export
from recorder.host import withdrawals


def places(home: Path) -> Places:
    return Places(home, (home / "sessions",))


def withdraw(home: Path, subject: str) -> list[str]:
    found = withdrawal.find(subject, places(home))
    return withdrawal.withdraw(subject, found, places(home), why="letter", who="OP1")[1]


def once(act: Callable[[], object], step: Callable[..., Any]) -> Callable[..., Any]:
    """``step``, before whose first call ``act`` happens."""
    left = [act]

    def stepped(*args: Any, **named: Any) -> Any:
        if left:
            left.pop()()
        return step(*args, **named)

    return stepped


def test_two_who_withdraw_at_once_are_both_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = report(tmp_path / "reports" / "all", "P-014", "P-015", "P-016")
    both = dataset(tmp_path, "all", "P-014", "P-015", "P-016")
    refused: list[str] = []

    def other() -> None:
        try:
            withdraw(tmp_path, "P-015")
        except SessionError as error:
            refused.append(str(error))

    monkeypatch.setattr(withdrawal, "_WAIT_S", 0.05, raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(withdrawal_reports.os, "fsync", once(other, os.fsync))
        assert withdraw(tmp_path, "P-014") == []
    if refused:
        assert "withdraw once more" in refused[0]
        assert withdraw(tmp_path, "P-015") == []
    with np.load(folder / "predictions.npz") as kept:
        assert kept["subject"].tolist() == ["P-016"]
    assert withdrawn_from(folder) == withdrawn_from(both) == ["P-014", "P-015"]


def test_what_was_made_between_the_look_and_the_deed_is_told(tmp_path: Path) -> None:
    session(tmp_path, "a", "P-014")
    found = withdrawal.find("P-014", places(tmp_path))
    late = export(tmp_path, 1, "P-014", "a")
    failed = withdrawal.withdraw("P-014", found, places(tmp_path))[1]
    assert len(failed) == 1 and "export x1" in failed[0] and "withdraw once more" in failed[0]
    assert withdraw(tmp_path, "P-014") == [] and not late.exists()


def test_an_export_that_a_withdrawal_overtook_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = session(tmp_path, "a", "P-014")
    monkeypatch.setattr(
        export_record, "append", once(lambda: withdraw(tmp_path, "P-014"), export_record.append)
    )
    with sessions.open(folder) as opened, pytest.raises(SessionError, match="erased"):
        write_export(opened, "csv", tmp_path / "out", Selection(), custody=Custody(tmp_path))
    assert export_record.read(tmp_path) == ([], []) and not (tmp_path / "out").exists()


def test_a_report_that_a_withdrawal_overtook_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = session(tmp_path, "a", "P-014")
    monkeypatch.setattr(
        session_report, "remember", once(lambda: withdraw(tmp_path, "P-014"), session_report.remember)
    )
    with pytest.raises(RecorderError):
        session_report.carry_out(session_report.Order(folder, tmp_path / "out", home=tmp_path))
    assert list((tmp_path / "out").iterdir()) == []
    assert withdrawals.pseudonyms(tmp_path) == {"p-014"}


@pytest.mark.parametrize("to", ["wfdb", "csv"])
def test_of_two_exports_that_want_one_name_at_once_the_first_stays_whole(
    to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = session(tmp_path, "a", "P-014"), session(tmp_path, "b", "P-015")
    out = tmp_path / "out" / ("rec.hea" if to == "wfdb" else "rec")
    first: dict[str, bytes] = {}

    def other() -> None:
        with sessions.open(two) as opened:
            write_export(opened, to, out, Selection(), custody=Custody(tmp_path))
        first.update(files(out.parent))

    monkeypatch.setattr(export_record, "append", once(other, export_record.append))
    with sessions.open(one) as opened, pytest.raises(ConfigError, match="is there already"):
        write_export(opened, to, out, Selection(), custody=Custody(tmp_path))
    assert first and files(out.parent) == first
    assert [r.session_id for r in export_record.read(tmp_path)[0]] == ["b"]


def files(folder: Path) -> dict[str, bytes]:
    kept = [
        p for p in folder.rglob("*") if p.is_file() and not any(part.endswith(".part") for part in p.parts)
    ]
    return {str(p.relative_to(folder)): p.read_bytes() for p in kept}
