"""The beats file of a CNAP stick: the vectors of devices.md §D.3, every way a spreadsheet changes it, any octets."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.protocols.cnap_beats import COLUMNS, CnapBeats, parse_beats
from recorder.protocols.cnap_csv import CUT_OFF, FIELDS, NO_NUMBER, NO_TIME, RANGE, NotCnap

NAMES = ["Time [s]", *list(COLUMNS)[:14], "Event", *list(COLUMNS)[14:]]
HEADER = "".join(f'"{name}";' for name in NAMES)
BEAT = "49.62;120;110;91;83;;;;;;;;;;;;;;;"
SEARCH = '24.07;;;;;;;;;;;;;;;"Optimize Signal Quality";;;;'
FLAT = "65.16;53;53;53;-0;;;;;;;;;;;;;;;"
CUFF = '104.85;;;;;;;;;;;;;128;92;"internal";;;;'
FAILED = '116.08;;;;;;;;;;;;;-1;-1;"internal";;;;'
CALIBRATED = '127.65;;;;;;;;;;;;;;;"NBPcal";;;;'
WITH_CO = "138.40;132;103;88;76;5.6;3.4;75;45;1517;2526;;;;;;;;;"
VECTORS = (SEARCH, BEAT, FLAT, CUFF, FAILED, CALIBRATED, WITH_CO)


def octets(*rows: str, header: str = HEADER, end: str = "\n") -> bytes:
    return "".join(f"{row}{end}" for row in (header, *rows)).encode()


def told(beats: CnapBeats) -> dict[str, list[float]]:
    return {c.channel: beats.values[:, i].tolist() for i, c in enumerate(beats.columns)}


def same(a: CnapBeats, b: CnapBeats) -> bool:
    return (
        a.events == b.events
        and np.array_equal(a.t_s, b.t_s)
        and all(np.array_equal(a.column(c), b.column(c), equal_nan=True) for c, _ in COLUMNS.values())
    )


def test_the_known_rows_are_read() -> None:
    beats = parse_beats(octets(*VECTORS))
    assert beats.t_s.tolist() == [49.62, 65.16, 104.85, 138.40]
    assert (beats.column("sbp")[0], beats.column("map")[0], beats.column("dbp")[0]) == (120, 110, 91)
    assert beats.column("hr")[0] == 83
    assert math.isnan(beats.column("hr")[1]), "a heart rate of -0 is none"
    assert beats.artefact.tolist() == [False, True, False, False]
    last = {channel: beats.column(channel)[3] for channel in ("co", "ci", "sv", "si", "svr", "svri")}
    assert last == {"co": 5.6, "ci": 3.4, "sv": 75, "si": 45, "svr": 1517, "svri": 2526}
    assert np.isnan(beats.column("co")[:3]).all()
    assert (beats.n_rows, dict(beats.rejected), beats.simulated) == (7, {}, False)


def test_the_words_of_the_monitor_become_events() -> None:
    events = parse_beats(octets(*VECTORS)).events
    assert [(e.t_s, e.kind) for e in events] == [
        (24.07, "search"),
        (104.85, "cuff"),
        (116.08, "cuff"),
        (127.65, "calibrated"),
    ]
    assert (events[1].nbp_sys_mmhg, events[1].nbp_dia_mmhg, events[1].failed) == (128, 92, False)
    assert (events[2].nbp_sys_mmhg, events[2].nbp_dia_mmhg, events[2].failed) == (None, None, True)


def test_a_failed_cuff_leaves_no_row_and_an_unknown_word_stays_as_it_is() -> None:
    beats = parse_beats(octets(FAILED, '130.00;;;;;;;;;;;;;;;"Fluid bolus";;;;', BEAT))
    assert beats.t_s.tolist() == [49.62]
    assert [(e.kind, e.words) for e in beats.events] == [("cuff", "internal"), ("other", "Fluid bolus")]


def _shuffled(row: str, order: list[int]) -> str:
    parts = row.split(";")
    return ";".join([*(parts[i] for i in order), ""])


def test_columns_are_found_by_name_in_any_order() -> None:
    order = list(range(len(NAMES)))
    random.Random(1).shuffle(order)
    header = "".join(f'"{NAMES[i]}";' for i in order)
    moved = parse_beats(octets(*(_shuffled(row, order) for row in VECTORS), header=header))
    assert same(moved, parse_beats(octets(*VECTORS)))


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole.replace(b"\n", b"\r\n"),
        lambda whole: whole.replace(b"\n", b"\r"),
        lambda whole: b"\xef\xbb\xbf" + whole,
        lambda whole: whole.decode().encode("utf-16"),
        lambda whole: whole.replace(b'"', b""),
        lambda whole: whole.replace(b".", b","),
        lambda whole: whole.replace(b";\n", b"\n"),
        lambda whole: whole.upper().replace(b"INTERNAL", b"internal").replace(b"NBPCAL", b"NBPcal"),
        lambda whole: whole.replace(b"m^2", "m²".encode("latin-1")),
        lambda whole: whole.replace(b"\n", b"\n\n"),
        lambda whole: whole[:-1],
    ],
)
def test_what_a_spreadsheet_does_to_it_changes_nothing(change) -> None:  # type: ignore[no-untyped-def]
    rows = (BEAT, CUFF, FLAT, CALIBRATED, WITH_CO)
    assert same(parse_beats(change(octets(*rows))), parse_beats(octets(*rows)))


def test_an_unknown_column_of_numbers_is_kept_and_one_of_words_is_not() -> None:
    header = f'{HEADER}"Stiffness Index [m/s]";"Operator";"Patient No";'
    beats = parse_beats(octets(f'{BEAT}7.5;"Miller";4711;', f'{WITH_CO}8.25;"Miller";4711;', header=header))
    assert [(c.channel, c.unit) for c in beats.columns][-1] == ("stiffness_index", "m/s")
    assert beats.column("stiffness_index").tolist() == [7.5, 8.25]
    assert len(beats.notes) == 2
    assert "Miller" not in repr(beats) and "4711" not in repr(beats)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("60.00;120;110;91", FIELDS),
        ("60.00;120;x;91;83;;;;;;;;;;;;;;;", NO_NUMBER),
        ("60.00;nan;110;91;83;;;;;;;;;;;;;;;", NO_NUMBER),
        ("-1.00;120;110;91;83;;;;;;;;;;;;;;;", NO_TIME),
        ("1e9;120;110;91;83;;;;;;;;;;;;;;;", NO_TIME),
        (";120;110;91;83;;;;;;;;;;;;;;;", NO_TIME),
        ("60.00;1200;110;91;83;;;;;;;;;;;;;;;", RANGE),
        ('60.00;120;110;91;83;;;;;;;;;;;"never closed;;;;', FIELDS),
    ],
)
def test_a_rejected_row_is_counted_with_its_reason(row: str, why: str) -> None:
    beats = parse_beats(octets(BEAT, row, WITH_CO))
    assert dict(beats.rejected) == {why: 1}
    assert beats.t_s.tolist() == [49.62, 138.40]


def test_a_last_line_that_was_cut_off_is_dropped() -> None:
    for whole in (octets(BEAT, WITH_CO), octets(BEAT, WITH_CO).replace(b";\n", b"\n")):
        for lost in (3, 20, 45):
            beats = parse_beats(whole[:-lost])
            assert beats.t_s.tolist() == [49.62]
            assert dict(beats.rejected) == {CUT_OFF: 1}


def test_rows_out_of_their_time_are_put_in_order_and_equal_times_stay_as_they_stood() -> None:
    beats = parse_beats(octets(WITH_CO, CALIBRATED, BEAT.replace("49.62", "127.65"), BEAT))
    assert beats.t_s.tolist() == [49.62, 127.65, 138.40]
    assert any("put in order" in note for note in beats.notes)
    twice = parse_beats(octets('50.00;;;;;;;;;;;;;;;"NBPcal";;;;', '50.00;;;;;;;;;;;;;;;"HDcal";;;;', BEAT))
    assert [e.words for e in twice.events] == ["NBPcal", "HDcal"]


@pytest.mark.parametrize(
    ("whole", "why"),
    [
        (b"", "it is empty"),
        (octets(BEAT).replace(b";", b","), "saved again by another program"),
        (b"sep=;\n" + octets(BEAT), "saved again by another program"),
        (b"\x00\xff\xfe garbage", "no column 'Time"),
        (b'"Time [s]";"Pressure [mmHg]";\n0.00;120;\n', "no column 'Beat Sys"),
        (octets(), "no row below"),
        (octets("a;b", "c;d", BEAT), "1 of its 3 rows"),
        (octets(BEAT).replace(b"Sys [mmHg]", b"Sys [kPa]"), "no column 'Beat Sys"),
    ],
)
def test_another_file_says_why(whole: bytes, why: str) -> None:
    with pytest.raises(NotCnap, match=why):
        parse_beats(whole)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 12_000),
            st.integers(-399, 399),
            st.none() | st.integers(0, 399),
            st.sampled_from(["", "", '"NBPcal"', '"internal"', '"a;b"']),
        ),
        min_size=1,
        max_size=25,
        unique=True,
    ),
    st.booleans(),
    st.booleans(),
)
def test_every_row_comes_back_whatever_the_way_it_is_written(
    rows: list[tuple[int, int, int | None, str]], trailing: bool, comma: bool
) -> None:
    texts = [
        f"{t / 100:.2f};{sys};;{'' if dia is None else dia};;;;;;;;;;;;{word};;;;"
        for t, sys, dia, word in rows
    ]
    whole = octets(*texts).decode()
    whole = whole.replace(".", ",") if comma else whole
    whole = whole if trailing else whole.replace(";\n", "\n")
    beats = parse_beats(whole.encode())
    order = sorted(range(len(rows)), key=lambda i: rows[i][0])
    assert np.allclose(beats.t_s, [rows[i][0] / 100 for i in order])
    assert beats.column("sbp").tolist() == [rows[i][1] for i in order]
    assert [None if math.isnan(d) else d for d in beats.column("dbp")] == [rows[i][2] for i in order]
    assert [e.words for e in beats.events] == [rows[i][3].strip('"') for i in order if rows[i][3]]


ROWS = [f"{3 + 0.8 * k:.2f};{120 + k % 5};95;80;75;;;;;;;;;;;;;;;" for k in range(300)]


def test_a_file_that_holds_its_rows_twice_gives_them_once() -> None:
    once, twice = parse_beats(octets(*ROWS)), parse_beats(octets(*ROWS, *ROWS))
    np.testing.assert_array_equal(twice.values, once.values)
    assert twice.t_s.tolist() == once.t_s.tolist()
    assert twice.rejected == {"the same row twice": 300}
    assert twice.n_rows == 600


def test_two_recordings_in_one_file_are_not_put_in_order_into_one() -> None:
    other = [row.replace(";95;", ";97;") for row in ROWS[:200]]
    with pytest.raises(NotCnap, match="begin again at 3 s: there is more than one recording"):
        parse_beats(octets(*ROWS, *other))


@pytest.mark.parametrize("at", [0, 150, 299])
def test_one_damaged_time_is_no_second_recording(at: int) -> None:
    rows = [*ROWS[:at], f"9{at:03}{ROWS[at][ROWS[at].index('.') :]}", *ROWS[at + 1 :]]
    assert len(parse_beats(octets(*rows)).t_s) == 300


@given(st.binary(max_size=300), st.integers(0, 700), st.integers(0, 60))
def test_any_octets_end_in_beats_or_a_reason(noise: bytes, at: int, drop: int) -> None:
    whole = octets(*VECTORS)
    for tried in (noise, whole[:at] + noise + whole[at + drop :], whole[:at]):
        try:
            beats = parse_beats(tried)
        except NotCnap:
            continue
        assert beats.values.shape == (len(beats.t_s), len(beats.columns))
        assert (np.diff(beats.t_s) >= 0).all()
        good = len({*beats.t_s.tolist(), *(e.t_s for e in beats.events)})
        assert good + sum(beats.rejected.values()) <= beats.n_rows + len(beats.rejected)
