"""The monitor's own waveform file: by header name, damaged rows left out and counted, never a crash."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.errors import RecordingUnreadable
from recorder.exchange.sources import cnap_waveform
from recorder.exchange.sources.cnap_waveform import CnapWaveform, NotCnap, parse

HEADER = '"Time [s]";"Pressure [mmHg]";\n'


def file_of(*rows: str) -> bytes:
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode("ascii")


def test_rows_become_a_wave_at_100_hz() -> None:
    found = parse(file_of("0.00;80.25;", "0.01;81.00;", "0.02;81.50;"))
    assert found.mmhg.tolist() == [80.25, 81.0, 81.5]
    assert (found.t0_s, found.n_bad) == (0.0, 0)


def test_columns_are_found_by_name_wherever_they_stand() -> None:
    other = b'"Finger";"Pressure [mmHg]";"Time [s]";\r\n"left";80.00;5.00;\r\n"left";81.00;5.01;\r\n'
    found = parse(other)
    assert found.mmhg.tolist() == [80.0, 81.0]
    assert found.t0_s == 5.0


def test_missing_rows_and_zeros_are_no_pressure() -> None:
    found = parse(file_of("0.00;80.00;", "0.01;0.00;", "0.02;82.00;", "0.04;84.00;"))
    assert np.isnan(found.mmhg).tolist() == [False, True, False, True, False]
    assert found.n_bad == 0


@pytest.mark.parametrize(
    "bad",
    [
        "0.01;8",
        "0.01;81.00",
        "0.01;;",
        "x;81.00;",
        "0.01;nan;",
        "0.01;9999.00;",
        "1e12;81.00;",
        "-1.00;81.00;",
    ],
)
def test_a_damaged_row_is_left_out_and_counted(bad: str) -> None:
    found = parse(file_of("0.00;80.00;", bad, "0.02;82.00;", "0.03;83.00;", "0.04;84.00;"))
    assert found.n_bad == 1
    assert found.mmhg[[0, 2, 3, 4]].tolist() == [80.0, 82.0, 83.0, 84.0]
    assert np.isnan(found.mmhg[1])


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "it is empty"),
        (b"\x00\xff\xfe garbage", "no column 'Time"),
        (b'"Time [s]";"Beat Sys [mmHg]";\n0.00;120;\n', "no column 'Pressure"),
        (file_of(), "no row below"),
        (file_of("0.00;80.00;", "a;b;", "c;d;", "0.01;80.00;", "e;f;"), "2 of its 5 rows"),
        (file_of("0.00;80.00;", "1.00;81.00;", "2.00;82.00;"), "1 s apart"),
    ],
)
def test_another_file_says_why(octets: bytes, why: str) -> None:
    with pytest.raises(NotCnap, match=why):
        parse(octets)


def test_the_name_tells_when_it_began(tmp_path: Path) -> None:
    path = tmp_path / "ward3_CNAP_2026-11-20_16-05-07_001_waveform.csv"
    path.write_bytes(file_of("0.00;80.00;", "0.01;81.00;"))
    assert cnap_waveform.read(path).starts == datetime(2026, 11, 20, 16, 5, 7)
    assert cnap_waveform.start_of("waveform.csv") is None
    assert cnap_waveform.start_of("CNAP_2026-13-40_16-05-07_001_waveform.csv") is None


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingUnreadable, match=r"none\.csv: cannot be read"):
        cnap_waveform.read(tmp_path / "none.csv")
    (tmp_path / "beats.csv").write_text('"Time [s]";"Beat Sys [mmHg]";\n')
    with pytest.raises(RecordingUnreadable, match=r"beats\.csv: it has no column"):
        cnap_waveform.read(tmp_path / "beats.csv")


@given(st.binary(max_size=400), st.integers(0, 200))
def test_any_damage_ends_in_a_wave_or_a_reason(noise: bytes, at: int) -> None:
    whole = file_of(*(f"{i / 100:.2f};{80 + i % 9}.00;" for i in range(12)))
    for octets in (noise, whole[:at] + noise + whole[at:], whole[:at]):
        try:
            found = parse(octets)
        except NotCnap:
            continue
        assert isinstance(found, CnapWaveform)
        assert found.mmhg.size >= 1
        assert (np.abs(found.mmhg[np.isfinite(found.mmhg)]) <= cnap_waveform.MAX_MMHG).all()
