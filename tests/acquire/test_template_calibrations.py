"""``[[calibrations]]`` of a template: a dated record, or file, table and field of what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recorder.acquire import template
from recorder.errors import ConfigError

STUDY = """name = "x"
[[devices]]
kind = "serial-adc"
device_id = "adc"
"""
PLACE = 'stream = "adc.wave"\nchannel = "adc0"\n'
SIGNED = 'date = 2026-11-20\noperator = "OP1"\n'
POINTS = "points = [[0.5, 40], [1.7, 160.0]]\n"


def study(folder: Path, *tables: str) -> Path:
    path = folder / "study.toml"
    path.write_text(STUDY + "".join(f"[[calibrations]]\n{table}" for table in tables))
    return path


def test_two_points_and_a_date_are_a_record(tmp_path: Path) -> None:
    path = study(tmp_path, PLACE + SIGNED + POINTS)
    (found,) = template.load(path).calibrations
    assert (found.stream_id, found.channel, found.operator, found.method) == (
        "adc.wave",
        "adc0",
        "OP1",
        "two-point",
    )
    assert found.gain_mmhg_per_v == pytest.approx(100.0)
    assert found.offset_mmhg == pytest.approx(-10.0)
    assert found.wall_ns == datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1e9
    assert template.load(path).calibrations == (found,), "the same table is the same record"
    json.dumps(template.load(path).to_json())


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ('"2026-11-20"', datetime(2026, 11, 20, 12, tzinfo=UTC)),
        ("2026-11-20T08:00:00+08:00", datetime(2026, 11, 20, tzinfo=UTC)),
        ('"2026-11-20T08:00:00"', datetime(2026, 11, 20, 8, tzinfo=UTC)),
    ],
)
def test_a_line_found_elsewhere_may_be_entered(tmp_path: Path, date: str, expected: datetime) -> None:
    line = "gain_mmhg_per_v = 99.5\noffset_mmhg = -3\n"
    path = study(tmp_path, f'{PLACE}date = {date}\noperator = "OP1"\n{line}')
    (found,) = template.load(path).calibrations
    assert (found.method, found.gain_mmhg_per_v, found.offset_mmhg) == ("entered", 99.5, -3.0)
    assert found.wall_ns == expected.timestamp() * 1e9


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (SIGNED + POINTS, "stream, channel: missing"),
        (PLACE + POINTS + 'operator = "OP1"\n', "date: missing"),
        (PLACE + SIGNED + POINTS + "colour = 1\n", "colour: unknown"),
        (PLACE + SIGNED, "points: give either points or both gain_mmhg_per_v and offset_mmhg"),
        (PLACE + SIGNED + "gain_mmhg_per_v = 100\n", "points: give either"),
        (PLACE + SIGNED + POINTS + "gain_mmhg_per_v = 1\noffset_mmhg = 0\n", "points: give either"),
        (PLACE + SIGNED + "points = [[0.5, 40]]\n", "points: give two of [volt, mmHg]"),
        (PLACE + SIGNED + "points = [[0.5, 40], [1.7, true]]\n", "points: True is no number"),
        (PLACE + SIGNED + "points = [[0.5, 40], [0.6, 45]]\n", "points: 0.5 V and 0.6 V"),
        (PLACE + SIGNED + "points = [[0.5, nan], [0.6, 45]]\n", "points: nan is no number"),
        (PLACE + SIGNED + "gain_mmhg_per_v = -1\noffset_mmhg = 0\n", "gain_mmhg_per_v: -1 is not above 0"),
        (PLACE + 'date = "soon"\noperator = "OP1"\n' + POINTS, "date: 'soon' is no date"),
        (PLACE + 'date = 7\noperator = "OP1"\n' + POINTS, "date: 7 is no date"),
        (PLACE + 'date = 2026-11-20\noperator = " "\n' + POINTS, "operator: ' ' is no name"),
        ('stream = "x.wave"\nchannel = "a"\n' + SIGNED + POINTS, "stream 'x.wave' is of no device"),
    ],
)
def test_what_is_wrong_names_file_table_and_field(tmp_path: Path, table: str, why: str) -> None:
    path = study(tmp_path, table)
    with pytest.raises(ConfigError) as caught:
        template.load(path)
    assert f"template {path}: [[calibrations]] 1: {why}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_channel_has_one_calibration(tmp_path: Path) -> None:
    path = study(tmp_path, PLACE + SIGNED + POINTS, PLACE + SIGNED + POINTS)
    with pytest.raises(ConfigError, match=r"channel adc\.wave adc0 is there twice"):
        template.load(path)
    path.write_text('name = "x"\ncalibrations = 3\n')
    with pytest.raises(ConfigError, match="calibrations: is not a list"):
        template.load(path)
