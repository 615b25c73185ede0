"""Annotation files: as the ecosystem's own reader has them, and any bytes without an end or a fault."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.exchange.sources.wfdb_notes import WfdbNote, parse_notes

wfdb = pytest.importorskip("wfdb", reason="wfdb (extra exchange) writes the files")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 5_000_000),
            st.sampled_from(list("NLRaVFJASEj/Q~|sT*D=pB^t+u?![]enxf()r")),
            st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
        ),
        min_size=1,
        max_size=30,
    ),
    st.none() | st.sampled_from([125.0, 360, 62.4725]),
)
def test_what_the_library_writes_is_read_as_it_reads_it(tmp_path_factory, told, rate_hz):
    folder = tmp_path_factory.mktemp("a")
    at = np.cumsum([gap for gap, _, _ in told])
    symbols, texts = [s for _, s, _ in told], [t for _, _, t in told]
    wfdb.wrann("r", "atr", at, symbols, aux_note=texts, fs=rate_hz, write_dir=str(folder))
    found = parse_notes((folder / "r.atr").read_bytes())
    theirs = wfdb.rdann(str(folder / "r"), "atr")
    assert found.whole
    assert found.rate_hz == rate_hz
    assert [n.sample for n in found.notes] == theirs.sample.tolist() == at.tolist()
    assert [n.symbol for n in found.notes] == theirs.symbol == symbols
    assert [n.text for n in found.notes] == texts


@given(st.binary(max_size=400))
def test_any_bytes_come_to_an_end(octets):
    for note in parse_notes(octets).notes:
        assert note.symbol


def test_a_note_of_the_first_sample_is_kept_and_a_line_of_another_kind_ends_too(tmp_path):
    texts = ["## of another kind", "begin of sedation", ""]
    wfdb.wrann("r", "atr", np.array([0, 0, 40]), ['"', '"', "N"], aux_note=texts, write_dir=str(tmp_path))
    found = parse_notes((tmp_path / "r.atr").read_bytes())
    assert found.notes == (*(WfdbNote(0, '"', text) for text in texts[:2]), WfdbNote(40, "N"))


def test_symbols_of_its_own(tmp_path):
    own = [(42, "X", "of this study")]
    wfdb.wrann("r", "atr", np.array([7, 40]), ["X", "N"], custom_labels=own, write_dir=str(tmp_path))
    assert [n.symbol for n in parse_notes((tmp_path / "r.atr").read_bytes()).notes] == ["X", "N"]
