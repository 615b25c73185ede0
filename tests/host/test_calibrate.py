"""``recorder calibrate``: two points or the monitor's file in, a dated record in the station out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from bedside_rig import ADC, Rig

from recorder import cli, session
from recorder.acquire import settings
from recorder.acquire.settings import Settings
from recorder.acquire.template import Template
from recorder.clock import ClockEra
from recorder.devices.contract import DeviceConfig
from recorder.host import calibrate, places, record
from recorder.host.calibrate import steady
from recorder.host.client import StationClient
from recorder.schema import Calibration, Channel, SampleBlock, StreamInfo
from recorder.session import SessionHeader

NS = 1_000_000_000
ERA = ClockEra(0, "era-0", "boot-0", 5_000 * NS, 1_790_000_000 * NS)
WAVE = StreamInfo("adc.wave", "adc", "waveform", (Channel("adc0", "V", 0.001),), "int32", 100.0, "abp_wave")
ADC_DEVICE = DeviceConfig("serial-adc", "adc", {"port": "/dev/no-such-port", "profile": "lab-adc-ascii"})
POINTS = ("--points", "0.5=40", "1.7=160", "--operator", "OP1")
HOLE_S = (60.0, 63.0)


def pressure(t_s: np.ndarray, seed: int) -> np.ndarray:
    """Pulses of varying length and height, mmHg."""
    rng = np.random.default_rng(seed)
    onsets = np.cumsum(rng.normal(0.9, 0.06, 400)) - 30
    heights = rng.normal(45, 3, onsets.size)
    beat = np.clip(np.searchsorted(onsets, t_s) - 1, 0, onsets.size - 1)
    phase = (t_s - onsets[beat]) / 0.9
    return np.asarray(78 + heights[beat] * np.where(phase < 0.15, phase / 0.15, np.exp(0.15 - phase)))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes at 0.01 V a mmHg + 0.12 V, with a hole of three seconds."""
    folder = tmp_path_factory.mktemp("sessions") / "s"
    header = SessionHeader("s", "bed1", ERA.wall_ns, zone="Asia/Shanghai", utc_offset_s=28800)
    writer = session.create(folder, header, ERA)
    writer.add_stream(WAVE)
    for first in range(0, 12_000, 50):
        t_s = np.arange(first, first + 50) / 100
        if HOLE_S[0] <= t_s[0] < HOLE_S[1]:
            continue
        counts = np.rint((pressure(t_s, 1) * 0.01 + 0.12) * 1000).astype(np.int32)
        arrival = ERA.monotonic_ns + round((first + 50) / 100 * NS)
        writer.write_block(SampleBlock("adc.wave", first, counts[:, None], arrival))
    writer.commit()
    writer.close("test")
    return folder


def stick(folder: Path, *, seed: int = 1, name: str = "", begin_s: float = 20.0) -> Path:
    """80 s of the same patient in the monitor's file, whose clock is 2 s early; 3 s of zeros."""
    t_s = np.arange(8000) / 100
    mmhg = pressure(begin_s + t_s - 2.0, seed)
    mmhg[3000:3300] = 0.0
    local = datetime.fromtimestamp(ERA.wall_ns / NS, UTC) + timedelta(hours=8, seconds=begin_s)
    path = folder / (name or f"CNAP_{local:%Y-%m-%d_%H-%M-%S}_001_waveform.csv")
    rows = "".join(f"{t:.2f};{p:.2f};\n" for t, p in zip(t_s, mmhg, strict=True))
    path.write_text('"Time [s]";"Pressure [mmHg]";\n' + rows)
    return path


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = cli.main(["calibrate", *words, "--json"])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, json.loads(out.splitlines()[-1])


def station(home: Path, *kept: Calibration) -> Path:
    """A station with an ADC that nobody runs; returns its settings file."""
    path = places.station_dir("bed1", home) / "settings.json"
    settings.write(path, Settings((ADC_DEVICE,), calibrations=kept))
    return path


def test_the_monitors_file_gives_line_lag_and_residual(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recorded: Path
) -> None:
    kept = station(tmp_path)
    words = ("--station", "bed1", "--home", str(tmp_path), "--session", str(recorded), "--operator", "OP1")
    code, told = ask(capsys, "--against", str(stick(tmp_path)), *words)
    assert code == 0 and told["accepted"] and told["method"] == "fitted"
    assert told["gain_mmhg_per_v"] == pytest.approx(100.0, rel=0.01)
    assert told["offset_mmhg"] == pytest.approx(-12.0, abs=1.0)
    assert told["lag_s"] == pytest.approx(-2.0, abs=0.05)
    assert told["r"] > 0.99 and told["rmse_mmhg"] < 1.5
    (record,) = settings.read(kept).calibrations
    assert (record.operator, record.accepted, record.calibration_id) == ("OP1", True, told["calibration_id"])


def test_a_poor_fit_is_told_and_kept_only_on_demand(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recorded: Path
) -> None:
    good = Calibration("good", "adc.wave", "adc0", 100.0, -12.0, "two-point", 1)
    kept = station(tmp_path, good)
    words = ["--against", str(stick(tmp_path, seed=2)), "--session", str(recorded), "--operator", "OP1"]
    words += ["--station", "bed1", "--home", str(tmp_path)]
    code, told = ask(capsys, *words)
    assert code == 1 and not told["accepted"] and "choose the file of this recording" in told["why"]
    assert settings.read(kept).calibrations == (good,)
    code, _ = ask(capsys, *words, "--keep")
    assert code == 1
    assert [c.accepted for c in settings.read(kept).calibrations] == [True, False]


def test_a_renamed_file_needs_its_begin(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, recorded: Path
) -> None:
    path = stick(tmp_path, name="wave.csv")
    words = ["--against", str(path), "--session", str(recorded), "--operator", "OP1", "--home", str(tmp_path)]
    code, told = ask(capsys, *words)
    assert code == 1 and "give --file-start" in told["error"]
    begin = datetime.fromtimestamp(ERA.wall_ns / NS, UTC) + timedelta(hours=8, seconds=20)
    code, told = ask(capsys, *words, "--file-start", begin.strftime("%Y-%m-%dT%H:%M:%S"))
    assert code == 0 and told["kept"].startswith("no: there is no station")
    code, told = ask(capsys, *words, "--file-start", "2020-01-01T00:00:00")
    assert code == 1 and "a session of 120 s" in told["error"]
    code, told = ask(capsys, *words[:-2], "--file-start", "2020-01-01T00:00:00", "--channel", "cvp")
    assert code == 1 and "there is --stream adc.wave --channel adc0" in told["error"]


BACK_NS = 1_761_440_400 * NS
"""26 October 2025, 1:00 UTC: Berlin put its clocks back from 3 to 2 o'clock."""


def berlin(folder: Path, begins_ns: int, seconds: int) -> Path:
    """A session with an ADC of one sample a second, in the night in which the clocks were put back."""
    era = ClockEra(0, "era-0", "boot-0", 5_000 * NS, begins_ns)
    header = SessionHeader("s", "bed1", begins_ns, zone="Europe/Berlin", utc_offset_s=7200)
    writer = session.create(folder, header, era)
    writer.add_stream(replace(WAVE, nominal_rate_hz=1.0))
    arrival = era.monotonic_ns + seconds * NS
    writer.write_block(SampleBlock("adc.wave", 0, np.zeros((seconds, 1), np.int32), arrival))
    writer.commit()
    writer.close("test")
    return folder


@pytest.mark.parametrize("hour", [-1, 0])
def test_an_hour_that_came_twice_is_the_one_that_was_recorded(tmp_path: Path, hour: int) -> None:
    begins_ns = BACK_NS + hour * 3600 * NS
    with session.open(berlin(tmp_path / "s", begins_ns, 600)) as night:
        found = calibrate._wall_ns(datetime(2025, 10, 26, 2, 1), night, 80.0, Path("f.csv"))
    assert found == begins_ns + 60 * NS


def test_where_both_hours_were_recorded_it_asks_which(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    night = berlin(tmp_path / "s", BACK_NS - 3600 * NS, 2 * 3600)
    words = ["--against", str(stick(tmp_path, name="wave.csv")), "--session", str(night), "--operator", "OP1"]
    code, told = ask(capsys, *words, "--file-start", "2025-10-26T02:30:00")
    assert code == 1 and "may be two moments in Europe/Berlin" in told["error"]
    for n, offset in enumerate(("02:00", "01:00")):
        named = f"2025-10-26T02:30:00+{offset}"
        assert f"--file-start {named}" in told["error"]
        with session.open(night) as opened:
            found = calibrate._wall_ns(datetime.fromisoformat(named), opened, 80.0, Path("f.csv"))
        assert found == BACK_NS + (1800 - 3600 + n * 3600) * NS


@pytest.mark.parametrize(
    ("points", "line"),
    [
        (("-0.5=40", "0.5=120"), (80.0, 80.0)),
        (("-5e-1=40", ".5=120"), (80.0, 80.0)),
        (("-1.5=40", "-.5=140"), (100.0, 190.0)),
        (("-0.5=-20", "0.5=120"), (140.0, 50.0)),
    ],
)
def test_points_may_lie_below_zero(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, points: tuple[str, str], line: tuple[float, float]
) -> None:
    station(tmp_path)
    words = ("--operator", "OP1", "--station", "bed1", "--home", str(tmp_path))
    code, told = ask(capsys, "--points", *points, *words)
    assert code == 0, told
    assert (told["gain_mmhg_per_v"], told["offset_mmhg"]) == pytest.approx(line)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--points", "0.5=100", "1.7=110", "--operator", "OP1"), "too near"),
        (("--points", "0.5=160", "1.7=40", "--operator", "OP1"), "falls"),
        (("--points", "0.5=40", "-0.5=120", "--operator", "OP1"), "falls"),
        (("--points", "nan=40", "0.5=120", "--operator", "OP1"), "a point is not a number"),
        (("--points", "0.5=40", "1.7=160", "--operator", " "), "--operator is empty"),
        ((*POINTS, "--channel", "nope"), "no adc.wave with a channel nope in volt"),
        (("--against", "no.csv", "--session", "none", "--operator", "OP1"), "no.csv: cannot be read"),
    ],
)
def test_what_is_wrong_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    kept = station(tmp_path)
    code, told = ask(capsys, *words, "--station", "bed1", "--home", str(tmp_path))
    assert code == 1 and why in told["error"] and "\n" not in told["error"]
    assert settings.read(kept).calibrations == ()


@pytest.mark.parametrize(
    "words",
    [
        ("--points", "0.5=40", "--operator", "OP1"),
        ("--points", "0.5=40", "x", "--operator", "OP1"),
        ("--points", "0.5=40", "1.7=160"),
        ("--against", "x.csv", "--operator", "OP1"),
        (*POINTS, "--session", "s"),
        (*POINTS, "--against", "x.csv", "--session", "s"),
        (*POINTS, "--file-start", "yesterday"),
    ],
)
def test_wrong_usage_is_two(capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["calibrate", *words])
    assert left.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_samples_lie_on_a_steady_grid_and_holes_stay_holes() -> None:
    time_s = np.array([0.0, 0.011, 0.019, 0.0599, 0.07])
    grid = steady(time_s, np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 100.0)
    assert grid.size == 8
    assert np.isnan(grid).tolist() == [False] * 2 + [True] * 4 + [False] * 2
    assert grid[[0, 6, 7]] == pytest.approx([1.0, 4.0, 5.0], abs=0.02)


def test_a_running_station_takes_it_and_control_goes_back(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = (*POINTS, "--station", "bed1", "--home", str(tmp_path))
    with Rig(tmp_path, e4=None, adc=ADC) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        assert rig.status().controller == "test"
        code, told = ask(capsys, *words)
        assert code == 1 and "test controls this station" in told["error"]
        code, told = ask(capsys, *words, "--take-control")
        assert code == 0 and told["kept"] == "in the running station bed1"
        assert rig.status().controller == "test"
        rig.client.call("release_control")
        assert ask(capsys, *words)[0] == 0
        (held,) = rig.client.call("describe")["calibrations"]
        assert (held["gain_mmhg_per_v"], held["operator"]) == (pytest.approx(100.0), "OP1")
        assert rig.status().controller == ""


class Station:
    """Answers ``describe`` as told and remembers what it was asked."""

    def __init__(self, *known: Calibration, devices: tuple[str, ...] = ("adc",)) -> None:
        streams = [{"device_id": device_id} for device_id in devices]
        self.told = {"streams": streams, "calibrations": [c.to_json() for c in known]}
        self.kept: list[str] = []

    def call(self, verb: str, **args: Any) -> dict[str, Any]:
        if verb == "calibrate":
            self.kept.append(args["calibration_id"])
        return self.told


@pytest.mark.parametrize(
    ("station", "kept", "said"),
    [
        (Station(), ["study"], ""),
        (Station(Calibration("study", "adc.wave", "adc0", 99.0, 0.0, "entered", 5)), [], ""),
        (Station(Calibration("older", "adc.wave", "adc0", 99.0, 0.0, "entered", 4)), ["study"], ""),
        (Station(Calibration("other", "adc.wave", "cvp", 99.0, 0.0, "entered", 9)), ["study"], ""),
        (
            Station(Calibration("poor", "adc.wave", "adc0", 9.0, 0.0, "fitted", 9, accepted=False)),
            ["study"],
            "",
        ),
        (Station(Calibration("newer", "adc.wave", "adc0", 99.0, 0.0, "fitted", 9)), [], "newer and stays"),
        (Station(devices=("e4",)), [], "is not there"),
    ],
)
def test_a_templates_calibration_never_replaces_a_newer_one(
    station: Station, kept: list[str], said: str
) -> None:
    lines: list[str] = []
    study = Template("x", calibrations=(Calibration("study", "adc.wave", "adc0", 98.0, 0.0, "entered", 5),))
    record._calibrate(cast(StationClient, station), study, lines.append)
    assert station.kept == kept
    assert said in "".join(lines) and bool(said) == bool(lines)
