"""Waveform and summary of a CNAP stick: rows as they stand, and nobody's name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.protocols.cnap_csv import CUT_OFF, FIELDS, NO_NUMBER, NO_TIME, RANGE, TWICE, NotCnap
from recorder.protocols.cnap_summary import parse_summary, without_identity
from recorder.protocols.cnap_wave import parse_wave

HEADER = '"Time [s]";"Pressure [mmHg]";\n'


def wave_of(*rows: str) -> bytes:
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


def test_a_row_is_a_sample_and_zero_stays_zero() -> None:
    wave = parse_wave(wave_of("0.00;0.00;", "0.01;81.25;", "0.02;81.50;", "0.04;82.00;"))
    assert wave.sample_no.tolist() == [0, 1, 2, 4]
    assert wave.mmhg.tolist() == [0.0, 81.25, 81.5, 82.0]
    assert (wave.n_rows, dict(wave.rejected)) == (4, {})


def test_every_rejected_row_has_its_reason() -> None:
    good = [f"{i / 100:.2f};80.00;" for i in range(20)]
    bad = ["0.30;8", "x;81.00;", "0.31;;", "1e12;81.00;", "0.32;9999.00;", "0.05;79.00;"]
    wave = parse_wave(wave_of(*good, *bad)[:-1] + b"\n0.4")
    assert dict(wave.rejected) == {FIELDS: 1, NO_NUMBER: 2, NO_TIME: 1, RANGE: 1, TWICE: 1, CUT_OFF: 1}
    assert wave.sample_no.tolist() == list(range(20))
    assert wave.mmhg[5] == 80.0, "of two rows of one time the first counts"


@given(st.lists(st.integers(-39_900, 39_900), min_size=2, max_size=60), st.integers(0, 5), st.booleans())
def test_both_ways_of_reading_agree(values: list[int], spoilt: int, comma: bool) -> None:
    """A row with a blank takes the slow way with all others of its file; nothing else may change."""
    rows = [f"{i / 100:.2f};{v / 100:.2f};" for i, v in enumerate(values)]
    slow = [row.replace(";", "; ", 1) if i == spoilt % len(rows) else row for i, row in enumerate(rows)]
    texts = [wave_of(*some).decode() for some in (rows, slow)]
    a, b = (parse_wave((t.replace(".", ",") if comma else t).encode()) for t in texts)
    assert a.mmhg.tolist() == b.mmhg.tolist() == [v / 100 for v in values]
    assert a.sample_no.tolist() == b.sample_no.tolist() == list(range(len(values)))


@given(st.binary(max_size=300), st.integers(0, 250))
def test_any_octets_end_in_a_wave_or_a_reason(noise: bytes, at: int) -> None:
    whole = wave_of(*(f"{i / 100:.2f};{80 + i % 9}.00;" for i in range(12)))
    for tried in (noise, whole[:at] + noise + whole[at:]):
        try:
            wave = parse_wave(tried)
        except NotCnap:
            continue
        assert (np.diff(wave.sample_no) > 0).all()
        assert len(wave.sample_no) + sum(wave.rejected.values()) == wave.n_rows


SUMMARY = """"Time [s]";"Entry Name";"Entry Value";
0.00;"Category";"Adult";
0.00;"CNAP Software Version";"5.2.17";
0.00;"Cuff Serial No";"CS-99812";
0.00;"Name";"Miller, Anna";
0.00;"ID#";"4711-08";
0.00;"Gender";"Female";
0.00;"CNAP Monitor Serial No";"2013110042";
0.00;"CNAP Interval";"01:00:00";
0.00;"Weight";"{weight}";
0.00;"Height";"{height}";
0.00;"Age";"{age}";
0.00;"Body Surface Area";"1.80 m^2";
"""


def summary_of(weight: str = "70 kg", height: str = "170 cm", age: str = "30 years") -> bytes:
    return SUMMARY.format(weight=weight, height=height, age=age).encode()


def test_the_subject_and_the_settings_are_kept() -> None:
    found = parse_summary(summary_of())
    assert (found.age_y, found.sex, found.height_cm, found.weight_kg) == (30, "female", 170.0, 70.0)
    assert found.settings["cnap_software"] == "5.2.17"
    assert found.settings["nbp_interval"] == "01:00:00"


def test_name_number_and_serials_are_in_nothing_that_is_shown() -> None:
    found = parse_summary(summary_of())
    shown = f"{found!r} {found.settings}"
    for secret in ("Miller", "Anna", "4711", "CS-99812", "2013110042"):
        assert secret not in shown
    assert found.identifying == {"Miller, Anna", "4711-08", "CS-99812", "2013110042"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Mrs MILLER moved", "Mrs … moved"),
        ("case 4711-08 restarted", "case … restarted"),
        ("Annabel", "Annabel"),
        ("NBPcal", "NBPcal"),
    ],
)
def test_identity_is_taken_out_of_other_texts(text: str, left: str) -> None:
    assert without_identity(text, parse_summary(summary_of()).identifying) == left


def test_odd_values_are_no_values_and_the_very_old_are_grouped() -> None:
    odd = parse_summary(summary_of(weight="0 kg", height="17 cm", age="-- years"))
    assert (odd.age_y, odd.height_cm, odd.weight_kg) == (None, None, None)
    assert parse_summary(summary_of(age="97 years")).age_y == 90
    american = parse_summary(summary_of(weight="154 lb", height="67 in"))
    assert (american.height_cm, american.weight_kg) == (170.2, 69.9)


@given(st.binary(max_size=300), st.integers(0, 500))
def test_any_octets_end_in_a_summary_or_a_reason(noise: bytes, at: int) -> None:
    whole = summary_of()
    for tried in (noise, whole[:at] + noise + whole[at:]):
        try:
            found = parse_summary(tried)
        except NotCnap:
            continue
        assert found.age_y is None or 0 <= found.age_y <= 90


def test_a_copy_in_the_file_is_left_out_and_another_recording_refused() -> None:
    rows = [f"{k / 100:.2f};{80 + k % 40}.00;" for k in range(20_000)]
    twice = parse_wave(wave_of(*rows, *rows))
    assert len(twice.mmhg) == 20_000
    assert twice.rejected == {TWICE: 20_000}
    other = [f"{k / 100:.2f};{100 + k % 37}.00;" for k in range(15_000)]
    with pytest.raises(NotCnap, match="begin again at 0 s"):
        parse_wave(wave_of(*rows, *other))
