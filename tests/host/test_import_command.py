"""``hemoview import`` end to end: a session as the others, the sources untouched, complaints in words."""

import json
import resource
from datetime import UTC, datetime

import pytest

from hemoview import cli
from recorder import session
from recorder.host import places, withdrawals
from tests.exchange import e4_made, stick_made
from tests.exchange.test_edf_source import write as write_edf


@pytest.fixture
def zipped(tmp_path):
    return e4_made.write_zip(tmp_path / "S01.zip", e4_made.files())


def run(capsys, *words):
    status = cli.main(["import", *map(str, words), "--json"])
    said = capsys.readouterr()
    return status, json.loads(said.out.splitlines()[-1]), said.err


def test_a_zip_becomes_a_session(tmp_path, capsys, zipped):
    before = zipped.read_bytes(), zipped.stat().st_mtime_ns
    out = tmp_path / "sessions" / "x"
    status, told, _ = run(capsys, "--e4", zipped, "--subject", "S01", "--out", out)
    assert (status, told["ok"], told["session"]) == (0, True, str(out))
    (source,) = told["sources"]
    assert source["rows"] == {
        "e4.bvp": 1920, "e4.acc": 960, "e4.eda": 120, "e4.temp": 120, "e4.hr": 3, "e4.ibi": 2,
    }  # fmt: skip
    assert "left out of datasets" in told["remarks"][0]
    assert session.verify(out).ok
    assert (zipped.read_bytes(), zipped.stat().st_mtime_ns) == before
    with session.open(out) as stored:
        (event,) = stored.events("import")
        assert event.payload["file"] == "S01.zip"  # it is the pseudonym
        assert not stored.allows("reuse_for_training")


def test_a_subject_who_withdrew_is_named(tmp_path, capsys, zipped, monkeypatch):
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))
    withdrawals.append(places.home(), withdrawals.Withdrawal("p-1", 1))
    for name, withdrew in (("P-1", True), ("P-2", False)):
        words = ("--e4", zipped, "--subject", name, "--accept", "imported-before")
        status, told, _ = run(capsys, *words, "--out", tmp_path / "sessions" / name)
        assert status == 0
        assert any("has withdrawn" in remark for remark in told["remarks"]) is withdrew
    (places.home() / withdrawals.FILE).write_bytes(b"torn")
    status, told, _ = run(capsys, *words, "--out", tmp_path / "sessions" / "P-3")
    assert status == 0 and session.verify(tmp_path / "sessions" / "P-3").ok
    assert any("restore the file" in remark for remark in told["remarks"])


def test_consent_is_what_was_given(tmp_path, capsys, zipped):
    consent = ("--consent-version", "v2", "--consent-date", "2026-01-31", "--scopes", "training")
    status, told, _ = run(capsys, "--e4", zipped, "--subject", "P-1", "--out", tmp_path / "x", *consent)
    assert (status, told["remarks"]) == (0, [])
    with session.open(tmp_path / "x") as stored:
        assert (stored.allows("reuse_for_training"), stored.allows("upload")) == (True, False)
        assert (
            stored.events("import")[0].payload["file"].startswith("e4-")
        )  # another's name may be a person's


def test_imported_before_is_named_and_can_be_accepted(tmp_path, capsys, zipped):
    run(capsys, "--e4", zipped, "--subject", "P-1", "--out", tmp_path / "a")
    again = ("--e4", zipped, "--subject", "P-2", "--out", tmp_path / "b")
    status, told, _ = run(capsys, *again)
    assert status == 1
    assert "S01.zip was imported before, into a, there of subject P-1" in told["error"]
    assert "--accept imported-before" in told["error"]
    assert not (tmp_path / "b").exists()
    assert run(capsys, *again, "--accept", "imported-before")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name a source"),
        (("--e4", "absent.zip"), "there is no such file"),
        (("--e4", "{zip}", "--subject", "no name!"), "pseudonym"),
        (("--e4", "{zip}", "--zone", "Mars/Base"), "IANA"),
        (("--e4", "{zip}", "--scopes", "training"), "--consent-version"),
        (("--e4", "{zip}", "--consent-version", "v2"), "--consent-date"),
        (("--e4", "{zip}", "--consent-version", "v2", "--consent-date", "30.01.2025"), "such as 2025-01-30"),
        (("--e4", "{zip}", "--e4", "{zip}"), "the same recording"),
        (("--cnap", "absent.csv", "--zone", "Europe/Berlin"), "absent.csv: there is no such file"),
        (("--cnap", "{zip}", "--zone", "Europe/Berlin"), "is an E4 session; name it with --e4 {zip}"),
        (("--wfdb", "{zip}"), "is an E4 session; name it with --e4 {zip}"),
        (("--edf", "{zip}"), "is an E4 session; name it with --e4 {zip}"),
    ],
)
def test_complaints_say_what_to_do(tmp_path, capsys, zipped, words, said):
    filled = [word.format(zip=zipped) for word in words]
    subject = [] if "--subject" in filled else ["--subject", "P-1"]
    status, told, err = run(capsys, *filled, *subject, "--out", tmp_path / "x")
    said = said.format(zip=zipped)
    assert status == 1
    assert said in told["error"]
    assert said in err
    assert not (tmp_path / "x").exists()


def test_a_file_behind_the_option_of_another_device_is_named_as_what_it_is(tmp_path, capsys):
    files = stick_made.write(tmp_path / "stick")
    (tmp_path / "band").mkdir()
    band = tmp_path / "band" / "BVP.csv"
    band.write_text(e4_made.files()["BVP.csv"])
    for words, said in (
        (("--e4", files.beats), f"is a recording of a CNAP; name it with --cnap {files.beats}"),
        (("--e4", band), "is one file of an E4 session; choose the folder it lies in"),
        (("--cnap", band), f"is an E4 session; name it with --e4 {band.parent}"),
    ):
        status, told, _ = run(capsys, *words, "--subject", "P-1", "--out", tmp_path / "x")
        assert status == 1 and said in told["error"], told["error"]


def test_a_renamed_file_of_a_stick_begins_when_somebody_says(tmp_path, capsys):
    files = stick_made.write(tmp_path / "stick")
    beats = files.beats.rename(tmp_path / "stick" / "monday_beats.csv")
    files.waveform.rename(tmp_path / "stick" / "monday_waveform.csv")
    words = ("--cnap", beats, "--zone", stick_made.ZONE, "--subject", "P-1", "--out", tmp_path / "x")
    status, told, _ = run(capsys, *words)
    assert status == 1 and "--start 2025-01-31T09:05:07" in told["error"]
    for out, start in (("x", "2025-01-31T09:05:07"), ("y", "2025-01-31T08:05:07Z")):
        status, told, _ = run(
            capsys, *words[:-1], tmp_path / out, "--start", start, "--accept", "imported-before"
        )
        assert status == 0, told
        with session.open(tmp_path / out) as stored:
            assert stored.start_wall_ns == stick_made.BEGINS_NS
            assert {"cnap.wave", "cnap.beats"} <= set(stored.streams)


def test_a_stick_and_a_wristband_become_one_session(tmp_path, capsys):
    files = stick_made.write(tmp_path / "stick")
    zipped = e4_made.write_zip(tmp_path / "S01.zip", e4_made.files(start=stick_made.BEGINS_NS // 10**9 + 30))
    before = {path: path.read_bytes() for path in (tmp_path / "stick").iterdir()}
    words = ("--cnap", files.beats, "--e4", zipped, "--subject", "P-1", "--out", tmp_path / "x")
    status, told, _ = run(capsys, *words)
    assert (status, "give the one its clock showed" in told["error"]) == (1, True)
    status, told, _ = run(capsys, *words, "--zone", stick_made.ZONE)
    assert status == 0
    assert {s["source"] for s in told["sources"]} == {"e4", "cnap"}
    assert session.verify(tmp_path / "x").ok
    assert {path: path.read_bytes() for path in (tmp_path / "stick").iterdir()} == before
    assert "Miller" not in json.dumps(told["sources"])
    with session.open(tmp_path / "x") as stored:
        assert stored.header.simulated
        assert {"e4.bvp", "cnap.wave", "cnap.beats"} <= set(stored.streams)


def test_a_stick_that_comes_later_is_joined_to_the_session_it_belongs_to(tmp_path, capsys):
    files = stick_made.write(tmp_path / "stick")
    zipped = e4_made.write_zip(tmp_path / "S01.zip", e4_made.files(start=stick_made.BEGINS_NS // 10**9 + 30))
    assert run(capsys, "--e4", zipped, "--subject", "P-1", "--out", tmp_path / "band")[0] == 0
    words = ("--cnap", files.beats, "--zone", stick_made.ZONE, "--subject", "P-1", "--out", tmp_path / "both")
    status, told, _ = run(capsys, *words, "--join")
    assert (status, "--join SESSION" in told["error"]) == (1, True)
    status, told, _ = run(capsys, *words, "--join", tmp_path / "band")
    assert (status, told["session"], told["remarks"]) == (0, str(tmp_path / "both"), [])
    with session.open(tmp_path / "both") as stored:
        assert {"e4.bvp", "cnap.wave"} <= set(stored.streams)
        assert stored.header.zone == stick_made.ZONE


def test_a_waveform_without_its_beats_is_asked_for(tmp_path, capsys):
    files = stick_made.write(tmp_path / "stick")
    words = ("--cnap-wave", files.waveform, "--subject", "P-1", "--out", tmp_path / "x")
    status, told, _ = run(capsys, *words)
    assert (status, "--cnap BEATS.csv" in told["error"]) == (1, True)


def test_several_sources_become_one_session(tmp_path, capsys):
    stick = stick_made.write(tmp_path / "stick")
    begin = stick_made.BEGINS_NS // 10**9 + 60
    zipped = e4_made.write_zip(tmp_path / "S01.zip", e4_made.files(30, begin))
    both = ("--e4", zipped, "--cnap", stick.beats, "--zone", stick_made.ZONE, "--subject", "P-1")
    status, told, _ = run(capsys, *both, "--out", tmp_path / "x")
    assert (status, [s["source"] for s in told["sources"]]) == (0, ["e4", "cnap"])
    assert session.verify(tmp_path / "x").ok
    with session.open(tmp_path / "x") as stored:
        assert stored.start_wall_ns == stick_made.BEGINS_NS
        assert stored.read("e4.bvp").time_s[0] == pytest.approx(60.0, abs=1e-6)
        assert len(stored.events("import")) == 2
        assert {d.device_id for d in stored.header.devices} == {"e4", "cnap"}


@pytest.mark.parametrize(("off_s", "asked"), [(3600, True), (3 * 86_400, False)])
def test_clocks_a_zone_apart_are_asked_about_and_days_apart_refused(tmp_path, capsys, off_s, asked):
    stick = stick_made.write(tmp_path / "stick")
    zipped = e4_made.write_zip(tmp_path / "S01.zip", e4_made.files(30, stick_made.BEGINS_NS // 10**9 + off_s))
    both = ("--e4", zipped, "--cnap", stick.beats, "--zone", stick_made.ZONE, "--subject", "P-1")
    status, told, _ = run(capsys, *both, "--out", tmp_path / "x")
    assert status == 1
    assert f"S01.zip (2025-0{'1-31' if asked else '2-03'} " in told["error"]
    assert "no moment in common: check the time zone" in told["error"]
    assert ("--accept apart" in told["error"]) is asked
    status, told, _ = run(capsys, *both, "--out", tmp_path / "x", "--accept", "apart")
    assert status == int(not asked)
    if asked:
        with session.open(tmp_path / "x") as stored:
            assert stored.read("e4.bvp").time_s[0] == pytest.approx(3600.0, abs=1e-6)


def test_two_wristbands_are_asked_about(tmp_path, capsys, zipped):
    texts = e4_made.files()
    texts["EDA.csv"] = texts["EDA.csv"].replace("0.000037", "0.000038")
    other = e4_made.write_zip(tmp_path / "S02.zip", texts)
    both = ("--e4", zipped, "--e4", other, "--subject", "P-1", "--out", tmp_path / "x")
    status, told, _ = run(capsys, *both)
    assert status == 1
    assert "S01.zip and S02.zip are 2 wristbands" in told["error"]
    assert run(capsys, *both, "--accept", "several-wristbands")[0] == 0
    with session.open(tmp_path / "x") as stored:
        assert {"e4.bvp", "e4-2.bvp"} <= set(stored.streams)


def test_the_zone_is_asked_on_a_terminal(tmp_path, capsys, monkeypatch):
    path, _ = write_edf(tmp_path / "a.edf")
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": staticmethod(lambda: True)}))
    answers = iter(["Nowhere/Land", "Europe/Berlin"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    status, told, _ = run(capsys, "--edf", path, "--subject", "P-1", "--out", tmp_path / "x")
    assert (status, told["sources"][0]["zone"]) == (0, "Europe/Berlin")
    with session.open(tmp_path / "x") as stored:
        assert (stored.header.zone, stored.header.utc_offset_s) == ("Europe/Berlin", 3600)


@pytest.mark.parametrize("words", [["--e4", "S01"], ["--watch", "S01", "--zone", "UTC"]])
def test_nothing_is_written_into_a_source(tmp_path, capsys, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    folder = e4_made.write_folder(tmp_path / "S01", e4_made.files())
    before = sorted(folder.iterdir())
    status, told, _ = run(capsys, *words, "--subject", "P-1", "--out", folder / "sessions")
    assert status == 1
    assert "lies in S01, and no source is changed; choose a folder elsewhere" in told["error"]
    assert sorted(folder.iterdir()) == before


def test_people_are_told_when_it_began_and_programs_the_nanoseconds(tmp_path, capsys, zipped):
    _, told, _ = run(capsys, "--e4", zipped, "--subject", "P-1", "--out", tmp_path / "x")
    words = ["--e4", zipped, "--subject", "P-2", "--out", tmp_path / "y", "--accept", "imported-before"]
    assert cli.main(["import", *map(str, words)]) == 0
    said = capsys.readouterr().out
    begun = datetime.fromtimestamp(told["start_wall_ns"] / 1e9, tz=UTC)
    assert f"start: {begun:%Y-%m-%d %H:%M:%S} UTC" in said and "wall_ns" not in said


def test_a_full_disk_is_told_as_it_is_nothing_is_kept(tmp_path, capsys, zipped):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))  # how a full disk looks to who writes
    try:
        status, told, _ = run(capsys, "--e4", zipped, "--subject", "S01", "--out", tmp_path / "s" / "x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert status == 1 and "disk full" in told["error"]
    assert "free space, then do it again. Nothing is left of it" in told["error"]
    assert not list((tmp_path / "s").iterdir())
