"""The decimal text of an E4 file prints back identically, whatever hands it went through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange.sources import e4_exact
from recorder.exchange.sources.e4_csv import NotE4
from recorder.exchange.sources.e4_exact import parse_exact, parse_exact_beats, parse_exact_tags
from recorder.schema.decimals import decode_decimal

DECIMALS = st.builds(
    lambda negative, whole, places: ("-" if negative else "") + str(whole) + (f".{places}" if places else ""),
    st.booleans(),
    st.integers(0, 10**8),
    st.text("0123456789", max_size=8),
)
JUNK = st.sampled_from(["x", "1.2.3", "--1", "1,2,3,4", "Inf", "", "1e5", "٣", "0" * 30, "-", "."])


def printed(found, columns):
    cells = [[decode_decimal(int(m), int(p)) for m, p in row.reshape(-1, 2)] for row in found.values]
    assert all(len(row) == columns for row in cells)
    return cells


@given(
    st.lists(DECIMALS, max_size=40),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_one_column_prints_back(texts, end, encoding):
    content = end.join(["1551453301.250000", "64.000000", *texts, ""]).encode(encoding)
    found = parse_exact(content, 1)
    assert printed(found, 1) == [[t] for t in texts]
    assert (found.start_us, found.rate_hz, dict(found.rejected)) == (1551453301_250_000, 64.0, {})
    assert found.row_no.tolist() == list(range(len(texts)))


@given(st.lists(st.tuples(DECIMALS, DECIMALS, DECIMALS), max_size=20), st.sampled_from([",", ", ", ";"]))
def test_three_columns_print_back(rows, between):
    lines = [
        between.join(["1551453301.0"] * 3),
        between.join(["32.0"] * 3),
        *(between.join(row) for row in rows),
        "",
    ]
    found = parse_exact("\n".join(lines).encode(), 3)
    assert printed(found, 3) == [list(row) for row in rows]


@given(st.lists(DECIMALS, max_size=30))
def test_decimal_commas_are_points(texts):
    lines = ["1551453301,25", "4,000000", *(t.replace(".", ",") for t in texts), ""]
    found = parse_exact("\n".join(lines).encode(), 1)
    assert printed(found, 1) == [[t] for t in texts]
    assert (found.start_us, found.rate_hz) == (1551453301_250_000, 4.0)


@given(
    st.lists(
        st.one_of(DECIMALS.map(lambda t: (t, True)), JUNK.map(lambda t: (t, False))), min_size=1, max_size=40
    )
)
def test_every_row_is_kept_or_counted_at_its_place(rows):
    good = [(k, t) for k, (t, ok) in enumerate(rows) if ok]
    blanks = sum(not t for t, _ in rows)
    lines = ["1551453301", "64", *(t for t, _ in rows), "7", ""]
    found = parse_exact("\n".join(lines).encode(), 1)
    if blanks <= (len(rows) + 1) // 3:  # more is a doubled line end
        assert [(int(k), t[0]) for k, t in zip(found.row_no, printed(found, 1), strict=True)] == [
            *good,
            (len(rows), "7"),
        ]
        assert sum(found.rejected.values()) == len(rows) - len(good)


@given(st.binary(max_size=300), st.integers(1, 3))
def test_any_bytes_are_read_or_refused_in_words(content, columns):
    for parse in (lambda c: parse_exact(c, columns), parse_exact_beats):
        try:
            found = parse(content)
        except NotE4 as error:
            assert str(error)
        else:
            assert found is None or found.start_us > 0
    times, rejected = parse_exact_tags(content)
    assert list(times) == sorted(times)
    assert all(n > 0 for n in rejected.values())


@given(st.lists(st.tuples(DECIMALS, DECIMALS, DECIMALS), min_size=1, max_size=20))
def test_the_fast_way_and_the_slow_way_agree(rows):
    body = "".join(",".join(row) + "\n" for row in rows).encode()
    fast, slow = e4_exact._at_once(body, 3), e4_exact._one_by_one(body, 3)[0]
    assert fast is not None
    np.testing.assert_array_equal(fast, slow)


def test_an_unfinished_last_row_is_cut_off():
    assert dict(parse_exact(b"1551453301\n64\n1.5\n-", 1).rejected) == {"cut-off": 1}


def test_doubled_line_ends_are_no_rows():
    assert len(parse_exact(b"1551453301\r\r\n64\r\r\n1\r\r\n2\r\r\n", 1).values) == 2
    assert parse_exact(b"1551453301\n64\n1\n\n2\n\n3\n\n", 1).row_no.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "content", [b"x\n64\n1\n", b"1551453301\n0\n1\n", b"1551453301\n", b"1551453301\n64000\n1", b"-5\n64\n1"]
)
def test_a_wrong_head_is_refused(content):
    with pytest.raises(NotE4):
        parse_exact(content, 1)


def test_beats_of_the_reference_vector():
    beats = parse_exact_beats(b"1551453301.000000, IBI\r\n145.631666,0.62509\r\n")
    assert beats.beat_us.tolist() == [1551453446_631_666]
    assert beats.ibi_s.tolist() == [0.62509]


def test_beats_with_decimal_commas_and_nonsense():
    beats = parse_exact_beats(b"1551453301,000000, IBI\n145,631666,0,62509\nx,y\n1,-0.5\n-3,0.8\n")
    assert beats.beat_us.tolist() == [1551453446_631_666]
    assert dict(beats.rejected) == {"no-number": 1, "out-of-range": 2}


@pytest.mark.parametrize(
    ("rows", "columns", "kept"),
    [
        (b"-12.50\n3.25\n-48.0", 1, 2),
        (b"-12.50\n3.25\n-48.00", 1, 3),  # a program left the last line end out: no digit is missing
        (b"1,2,30\n4,5,6", 3, 1),
        (b"7", 1, 0),
        (b"x\n3.25\n-4", 1, 1),
    ],
)
def test_a_number_that_may_have_lost_its_last_digits_is_cut_off(rows, columns, kept):
    found = parse_exact(b"1551453301.0\n64\n" + rows, columns)
    assert len(found.values) == len(found.row_no) == kept
    assert found.rejected.get("cut-off", 0) == int(kept < rows.count(b"\n") + 1 - rows.count(b"x"))


def test_two_numbers_in_a_row_are_not_one():
    found = parse_exact(b"1551453301.0\n64\n12 34\n12\n", 1)
    assert found.floats().tolist() == [[12.0]]
    assert found.rejected == {"no-number": 1}
