"""The files of an E4 session, row by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.exchange.sources.e4_csv import NotE4, parse_beats, parse_regular, parse_tags

ACC = b"""1551453301.000000, 1551453301.000000, 1551453301.000000
32.000000, 32.000000, 32.000000
-1,65,5
-2,64,6
"""


def test_three_columns_with_a_blank_after_the_comma():
    part = parse_regular(ACC, 3)
    assert (part.start_s, part.rate_hz, part.n_bad) == (1551453301.0, 32.0, 0)
    np.testing.assert_array_equal(part.values, [[-1, 65, 5], [-2, 64, 6]])


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_newlines_and_the_end_do_not_matter(newline, end):
    text = b"1551453301.00\n64.000000\n-0.00\n0.5\n1e-3" + end
    part = parse_regular(text.replace(b"\n", newline), 1)
    np.testing.assert_array_equal(part.values[:, 0], [0.0, 0.5, 0.001])
    assert np.signbit(part.values[0, 0])


@pytest.mark.parametrize("text", [b"", b"\n", b"   \r\n\r\n"])
def test_an_empty_file_is_nothing(text):
    assert parse_regular(text, 1) is None
    assert parse_beats(text) is None
    assert parse_tags(text) == ()


def test_a_file_with_a_head_and_no_sample():
    assert parse_regular(b"1551453301.00\n64.0\n", 1).values.shape == (0, 1)


def test_a_bad_row_keeps_its_place_as_a_gap():
    part = parse_regular(b"10\n4\n1.5\nhello\n2.5\n", 1)
    np.testing.assert_array_equal(part.values[:, 0], [1.5, np.nan, 2.5])
    assert part.n_bad == 1


def test_a_row_short_of_a_column_is_not_filled_from_its_neighbour():
    part = parse_regular(b"10,10,10\n32,32,32\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n", 3)
    np.testing.assert_array_equal(part.values[[0, 3]], [[1, 2, 3], [10, 11, 12]])
    assert np.isnan(part.values[1:3]).all()


def test_an_unfinished_last_row_is_dropped():
    part = parse_regular(b"10,10,10\n32,32,32\n1,2,3\n4,5", 3)
    np.testing.assert_array_equal(part.values, [[1, 2, 3]])


@pytest.mark.parametrize(
    ("text", "why"),
    [(b"hello\n64\n1\n", "start"), (b"10\nfast\n1\n", "rate"), (b"10\n-4\n1\n", "rate"), (b"10", "rate")],
)
def test_a_wrong_head_is_named(text, why):
    with pytest.raises(NotE4, match=why):
        parse_regular(text, 1)


def test_beats():
    beats = parse_beats(b"1551453301.000000, IBI\n145.631666,0.62509\n146.2,oops\n147,0.9\n")
    assert beats.start_s + beats.rows[0, 0] == pytest.approx(1551453446.631666, abs=1e-6)
    np.testing.assert_array_equal(beats.rows[:, 1], [0.62509, 0.9])
    assert beats.n_bad == 1


def test_tags_have_no_head():
    assert parse_tags(b"1644226435\r\n1644226140\r\nnoise\r\n") == (1644226140.0, 1644226435.0)


@given(st.binary(max_size=400), st.sampled_from([1, 3]))
def test_any_bytes_are_read_or_refused(text, columns):
    try:
        part = parse_regular(text, columns)
    except NotE4:
        return
    assert part is None or part.values.shape[1] == columns


@given(st.binary(max_size=400))
def test_any_bytes_are_beats_or_refused(text):
    try:
        beats = parse_beats(text)
    except NotE4:
        beats = None
    assert beats is None or np.isfinite(beats.rows).all()
    assert all(np.isfinite(parse_tags(text)))


@given(
    st.lists(st.decimals(min_value=-500, max_value=500, places=2), min_size=1, max_size=50),
    st.floats(1e9, 2e9),
)
def test_what_a_session_writes_is_read_back(values, start_s):
    text = f"{start_s:.6f}\n64.000000\n" + "".join(f"{value}\n" for value in values)
    part = parse_regular(text.encode(), 1)
    np.testing.assert_array_equal(part.values[:, 0], [float(value) for value in values])
    assert part.start_s == pytest.approx(start_s, abs=1e-6)
