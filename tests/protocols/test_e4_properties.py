"""Whatever the bytes and however they are cut."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.protocols.e4_events import Malformed, Sample
from recorder.protocols.e4_server import SAMPLE_NAMES, CommandDecoder, E4Decoder, format_sample
from recorder.protocols.lines import EXCERPT_CHARACTERS, LineSplitter

DECIMALS = st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 6)).filter(
    lambda d: len(str(abs(d[0]))) <= 12
)
COUNTS = st.tuples(st.integers(-128, 127), st.just(0))
STAMPS = st.integers(0, 10**17)
SAMPLES = st.one_of(
    st.builds(Sample, st.just("acc"), STAMPS, st.tuples(COUNTS, COUNTS, COUNTS)),
    st.builds(Sample, st.just("tag"), STAMPS),
    st.builds(
        Sample, st.sampled_from(["bvp", "gsr", "tmp", "ibi", "hr", "bat"]), STAMPS, st.tuples(DECIMALS)
    ),
)
PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"R ", b"E4_Bvp ", b"\r\n", b"\n", b"|", b" ", b"1.0", b"device_list 2 |", b"E4_Tag ", b"\x00"]
    ),
    st.sampled_from([name.encode() + b" 1.0 2.0 3.0\n" for name in SAMPLE_NAMES]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_no_bytes_raise_and_every_cut_reads_the_same(pieces: list[bytes]) -> None:
    cut, whole = E4Decoder(), E4Decoder()
    events = [event for piece in pieces for event in cut.feed(piece)]
    assert events == whole.feed(b"".join(pieces))
    assert cut.counts == whole.counts
    CommandDecoder().feed(b"".join(pieces))


@settings(max_examples=200, deadline=None)
@given(st.lists(SAMPLES, max_size=10), st.booleans())
def test_what_the_server_writes_is_read_back_exactly(samples: list[Sample], comma: bool) -> None:
    data = b"".join(format_sample(sample, comma=comma) for sample in samples)
    assert E4Decoder().feed(data) == samples


@given(
    st.binary(max_size=200),
    st.lists(st.binary(max_size=30), max_size=8),
    st.sampled_from([b"\n", b"\r\n", b";"]),
)
def test_lines_are_those_of_split(head: bytes, pieces: list[bytes], terminator: bytes) -> None:
    splitter = LineSplitter(terminator)
    data = [head, *pieces]
    lines = [line for piece in data for line in splitter.feed(piece)]
    assert lines == b"".join(data).split(terminator)[:-1]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12), st.integers(0, 2**32))
def test_over_long_lines_are_left_out_and_counted(lengths: list[int], seed: int) -> None:
    data = b"".join(b"x" * n + b"\r\n" for n in lengths)
    cut = seed % (len(data) + 1)
    splitter = LineSplitter(b"\r\n", max_line_bytes=30)
    lines = splitter.feed(data[:cut]) + splitter.feed(data[cut:])
    short = [n for n in lengths if n <= 30]
    assert [len(line) for line in lines] == short
    assert splitter.n_overlong + len(lines) == len(lengths)


def test_malformed_names_no_more_than_a_line_can_show() -> None:
    (event,) = E4Decoder().feed(b"\x1b" * 500 + b"\n")
    assert isinstance(event, Malformed)
    assert event.excerpt == "·" * EXCERPT_CHARACTERS
    assert event.excerpt.isprintable()
