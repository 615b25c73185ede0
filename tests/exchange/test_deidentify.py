"""De-identified exports: nothing that was planted is in any byte of any file, nor inside zips and footers."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recorder import session as store
from recorder.errors import ConfigError, StorageError
from recorder.exchange.exports import deidentify, export_record
from recorder.exchange.exports.deidentify import Disguise, load_secret
from recorder.exchange.exports.export import FORMATS, Custody, Report, Selection, export

sys.path.append(str(Path(__file__).parents[1] / "contracts"))
from export_session import MARKS, PEOPLE, WALL_NS, two_eras

DAY_NS = 86_400 * 10**9
HIDDEN = (*PEOPLE, "S-07", "S-08", "s-export", "10.9.8.7", "Shanghai", "2026-01-15", "20260921", "d5e5510n")
DATES = ("2026-09", "SEP-2026", "21.09.26", "2026/09", "21/09/2026", str(WALL_NS)[:5])


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_eras(tmp_path_factory.mktemp("s") / "20260921-101500_S-07_d5e5510n")


def go(folder: Path, home: Path, out: Path, to: str, **more: object) -> Report:
    with store.open(folder) as session:
        selection = Selection(deidentify=True, **more)  # type: ignore[arg-type]
        return export(session, to, out, selection, custody=Custody(home, "nurse-blix", wall_ns=1))


def every_byte(report: Report) -> Iterator[tuple[str, bytes]]:
    """Names and contents of all files, unpacked as far as they are packed."""
    for path in report.files:
        yield "name", path.name.encode()
        yield path.name, path.read_bytes()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path.name}/{name}", name.encode() + archive.read(name)
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            yield f"{path.name} rows", table.to_pandas().to_csv().encode()
            yield (
                f"{path.name} footer",
                json.dumps(
                    {
                        k.decode(): v.decode()
                        for k, v in (table.schema.metadata or {}).items()
                        if k != b"ARROW:schema"
                    }
                ).encode(),
            )


@pytest.mark.parametrize("to", tuple(FORMATS))
def test_nothing_that_was_planted_is_in_any_byte(to: str, planted: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    report = go(planted, tmp_path / "home", tmp_path / "out", to)
    for where, content in every_byte(report):
        for word in HIDDEN:
            assert word.lower().encode() not in content.lower(), (word, where)
        for date in DATES:
            if date != DATES[-1] or "footer" in where or "about" in where:
                assert date.encode() not in content, (date, where)
    assert report.path.name.startswith(report.subject) and report.subject.startswith("D")
    assert report.dropped["notes"] == 1 and report.dropped["label of a marker"] == 1
    (record,) = export_record.exports_of(tmp_path / "home", "S-08")
    assert record.subject_code == report.subject, "whoever keeps the record finds the way back"


def test_plain_exports_do_hold_them_or_the_search_above_proves_nothing(planted: Path, tmp_path: Path) -> None:
    with store.open(planted) as session:
        report = export(session, "csv", tmp_path / "plain", Selection(), custody=Custody(tmp_path / "home"))
    content = b"".join(content for _, content in every_byte(report)).lower()
    assert all(word.lower().encode() in content for word in (*PEOPLE[:2], "s-08", "s-export", "shanghai"))


def test_dates_move_by_whole_days_and_intervals_stay(planted: Path, tmp_path: Path) -> None:
    about = json.loads(
        (go(planted, tmp_path / "home", tmp_path / "a", "csv").path / "about.json").read_text()
    )
    start_ns = round(datetime.fromisoformat(about["start_utc"]).timestamp() * 1e6) * 1000
    assert (WALL_NS - start_ns) % DAY_NS == 0 and 366 * DAY_NS <= WALL_NS - start_ns <= 3650 * DAY_NS
    tagged = [m for m in about["markers"] if m["label"] == "arm move"]
    assert tagged[0]["t_s"] == pytest.approx(3.0)
    assert "key 2" not in str(about) and any(m["detail"].get("sbp_mmhg") == 120.0 for m in about["markers"])


def test_the_same_subject_gets_the_same_code_and_shift_another_another(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    one, again, two = (Disguise(secret, name) for name in ("S-07", "S-07", "S-08"))
    assert (one.subject_code, one.shift_ns) == (again.subject_code, again.shift_ns)
    assert one.subject_code != two.subject_code and one.shift_ns != two.shift_ns
    assert load_secret(tmp_path) == secret, "the secret is made once"
    assert load_secret(tmp_path / "other") != secret
    assert (tmp_path / deidentify.SECRET_FILE).stat().st_mode & 0o777 == 0o600


def test_a_secret_that_was_cut_is_not_replaced_silently(tmp_path: Path) -> None:
    (tmp_path / deidentify.SECRET_FILE).write_bytes(b"short")
    with pytest.raises(StorageError, match="put the saved copy back"):
        load_secret(tmp_path)


def test_a_label_that_somebody_read_is_kept(planted: Path, tmp_path: Path) -> None:
    label = str(MARKS[1].payload["label"])
    report = go(planted, tmp_path / "home", tmp_path / "a", "csv", keep_labels=(label,))
    assert label in (report.path / "markers.csv").read_text()


@pytest.mark.parametrize("name", ["S-08.edf", "of-20260921-101500_s-07_d5e5510n.edf", "serial-77x"])
def test_a_file_name_that_tells_is_refused(name: str, planted: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the name tells whose it is"):
        go(planted, tmp_path / "home", tmp_path / name, "edf")


def test_names_of_devices_and_channels_that_may_be_names_are_numbered() -> None:
    disguise = Disguise(b"0" * 32, "S-1")
    names = [
        disguise.stream_id(s) for s in ("e4.bvp", "meyer.bvp", "adc2.schmidt", "meyer.acc", "edge.beats_ppg")
    ]
    assert names == ["e4.bvp", "device1.bvp", "adc2.stream1", "device1.acc", "edge.beats_ppg"]
    assert [disguise.name("ch", n) for n in ("ABP", "V5", "herr-x", "adc0")] == ["ABP", "V5", "ch1", "adc0"]
    assert disguise.detail(
        "x", {"t": 1_790_000_000.5, "a": {"n": 3, "who": "me"}, "ok": True, "arm": "left"}
    ) == {
        "a": {"n": 3},
        "ok": True,
        "arm": "left",
    }
