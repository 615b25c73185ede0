"""The command line: exit codes, one-line errors, JSON on the last line, never a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recorder import cli, session
from recorder.host import places
from recorder.host.lock import StationLock
from recorder.session.verify import Damaged, VerifyReport


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    try:
        code = cli.main(words)
    except SystemExit as left:
        code = int(left.code or 0)
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


@pytest.mark.parametrize(
    "command", ["serve", "record", "stop", "verify", "recover", "erase", "devices", "calibrate"]
)
def test_every_command_explains_itself_with_an_example(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    code, out, _ = run(capsys, command, "--help")
    assert code == 0 and f"recorder {command}" in out and "example:" in out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["verify"],
        ["record", "--subject", "S"],
        ["devices", "--probe", "0"],
        ["devices", "--probe", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_two(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, out, err = run(capsys, *words)
    assert code == 2 and not out and "usage:" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["verfy", "x"], ["'verfy' is no command; did you mean verify?", "read on: recorder --help"]),
        (["xyzzy"], ["'xyzzy' is no command; there is serve, record"]),
        (
            ["verify", "x", "--jsn"],
            ["no option --jsn; did you mean --json?", "read on: recorder verify --help"],
        ),
        (["export", "--too", "edf"], ["no option --too; did you mean --to?"]),
        (["export", "x", "--to", "edff", "--out", "y"], ["'edff' is no --to; did you mean edf?"]),
        (["verify", "x", "y"], ["recorder verify: error: y: nothing is expected here"]),
        ([], ["COMMAND, one of serve, record"]),
    ],
    ids=" ".join,
)
def test_what_is_mistyped_is_named_with_what_it_may_have_been(
    capsys: pytest.CaptureFixture[str], words: list[str], told: list[str]
) -> None:
    code, _, err = run(capsys, *words)
    assert code == 2
    assert all(part in err for part in told), err


@pytest.mark.parametrize("command", [["verify"], ["recover"], ["erase", "--why", "x", "--yes"]])
def test_a_folder_without_a_session_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str]
) -> None:
    code, _, err = run(capsys, command[0], str(tmp_path / "none"), *command[1:], "--json")
    assert code == 1 and err.startswith("recorder: ") and len(err.splitlines()) == 1
    assert str(tmp_path / "none") in err


@pytest.mark.parametrize(
    "words",
    [["verify", "none"], ["devices", "--probe", "1"], ["stop", "--station", "bed9", "--home", "."]],
    ids=" ".join,
)
def test_a_failure_is_one_json_object_on_the_last_line_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words, "--json")
    told = json.loads(out.splitlines()[-1])
    assert code == 1 and told["ok"] is False and err == f"recorder: {told['error']}\n"
    code, out, err = run(capsys, *words)
    assert code == 1 and not out and told["error"] in err


def test_damaged_files_are_told_in_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = VerifyReport(
        False, 2.0, 1, 1, (Damaged("segments/a.hvs", "checksum"),), 0.5, {"e4.bvp": 128}, "sealed"
    )
    monkeypatch.setattr(session, "verify", lambda *_: report)
    code, out, _ = run(capsys, "verify", "any")
    assert code == 1 and "damaged: \n  file: segments/a.hvs, why: checksum\n" in out
    assert "rows: \n  e4.bvp: 128\n" in out and "notes: none\n" in out
    assert not set("(){}[]'") & set(out)


def test_a_template_without_devices_is_refused_and_starts_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    template = tmp_path / "empty.toml"
    template.write_text('name = "empty"\n')
    words = ["record", "--template", str(template), "--subject", "S", "--out", str(tmp_path / "out")]
    code, _, err = run(capsys, *words, "--seconds", "1", "--home", str(tmp_path / "home"))
    assert code == 1 and f"template {template} names no device" in err
    assert not (tmp_path / "home").exists() and not (tmp_path / "out").exists()


def test_devices_lists_ports_kinds_and_profiles_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "devices", "--json")
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and {"e4-tcp", "serial-adc", "manual-cuff"} <= set(found["kinds"])
    assert "lab-adc-ascii" in found["profiles"] and isinstance(found["ports"], list)


def test_probing_tells_what_is_wrong_with_each_device(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    template = tmp_path / "t.toml"
    template.write_text(
        'name = "t"\n[[devices]]\nkind = "serial-adc"\ndevice_id = "adc"\n'
        'options = { port = "/dev/no-such-port", profile = "lab-adc-ascii" }\n'
        '[[devices]]\nkind = "serial-adc"\ndevice_id = "bad"\noptions = { port = "x", profile = "no-such-profile" }\n'
    )
    code, out, _ = run(capsys, "devices", "--probe", "0.2", "--template", str(template), "--json")
    probed = json.loads(out.splitlines()[-1])["probed"]
    assert code == 1
    assert "no-such-port" in probed["adc"]["error"] and "no-such-profile" in probed["bad"]["error"]
    code, _, err = run(capsys, "devices", "--probe", "1")
    assert code == 1 and "--template" in err


def test_a_wrong_template_is_one_line_and_starts_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["record", "--template", str(tmp_path / "none.toml"), "--subject", "S", "--out", str(tmp_path)]
    code, _, err = run(capsys, *words, "--home", str(tmp_path / "home"))
    assert code == 1 and "none.toml: cannot be read" in err and len(err.splitlines()) == 1
    assert not (tmp_path / "home").exists()


def test_a_fault_of_ours_goes_to_a_file_and_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.HOME_ENV, str(tmp_path))

    def broken(_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(cli, "_devices", broken)
    code, _, err = run(capsys, "devices")
    path = tmp_path / "logs" / "recorder-cli.log"
    assert code == 1 and len(err.splitlines()) == 1 and "ZeroDivisionError: oops" in err and str(path) in err
    assert "Traceback" in path.read_text()


def test_a_home_that_cannot_be_made_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    code, _, err = run(capsys, "serve", "--station", "bed1", "--home", str(in_the_way / "home"))
    assert code == 1 and len(err.splitlines()) == 1 and "check the folder and its rights" in err


@pytest.mark.parametrize("name", ["../elsewhere", "", "a/b", "bed 1", "-x"])
def test_a_station_that_cannot_be_a_folder_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    code, _, err = run(capsys, "serve", f"--station={name}", "--home", str(tmp_path))
    assert code == 1 and f"station {name!r}: use 1 to 40 letters" in err
    assert list(tmp_path.iterdir()) == []


def test_a_second_recorder_on_a_station_is_refused_in_one_line(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "recorder.cli", "serve", "--station", "bed1", "--home", str(tmp_path)]
    with StationLock("bed1", tmp_path):
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "station bed1: process" in done.stderr and "records on it already" in done.stderr
    assert f"recorder stop --station bed1 --home {tmp_path}" in done.stderr


def test_help_needs_no_heavy_room() -> None:
    code = "import sys; from recorder import cli; cli._parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "zmq", "pyarrow"} & set(done.stdout.split())
