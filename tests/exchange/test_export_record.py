"""What was exported is on record: append-only, and a torn line is lost alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from recorder.exchange.exports import export_record
from recorder.exchange.exports.export_record import ExportRecord

ONE = ExportRecord(
    "x1", 5, "s-1", "/a/s-1", "S-07", "S-07", "edf", ("/b/s-1.edf",), (0.0, 5.0), ("e4.bvp",), False, True
)


def test_what_is_written_is_read_in_order_and_found_by_subject(tmp_path: Path) -> None:
    two = replace(ONE, export_id="x2", subject="S-08", span_s=None, reason="因为")
    for record in (ONE, two):
        export_record.append(tmp_path / "home", record)
    assert export_record.read(tmp_path / "home") == ([ONE, two], [])
    assert export_record.exports_of(tmp_path / "home", "S-08") == [two]


def test_a_torn_line_is_named_and_takes_no_other_with_it(tmp_path: Path) -> None:
    export_record.append(tmp_path, ONE)
    path = tmp_path / export_record.RECORD_FILE
    path.write_bytes(path.read_bytes() + b'{"export": {"expo')
    two = replace(ONE, export_id="x2")
    export_record.append(tmp_path, two)
    whole, wrong = export_record.read(tmp_path)
    assert whole == [ONE, two]
    assert wrong == ["exports.jsonl line 2: damaged or unfinished"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_export_that_got_no_files_is_taken_back(tmp_path: Path) -> None:
    two = replace(ONE, export_id="x2")
    for record in (ONE, two, replace(ONE, files=())):
        export_record.append(tmp_path, record)
    assert export_record.read(tmp_path) == ([two], [])


def test_nothing_exported_yet(tmp_path: Path) -> None:
    assert export_record.read(tmp_path) == ([], [])
