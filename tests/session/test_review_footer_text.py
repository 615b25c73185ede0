"""The fast reader of footer text answers as the standard library does."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.session import base85


@given(st.binary(max_size=400))
def test_it_reads_back_what_was_written(content: bytes) -> None:
    text = base85.encode(content).decode()
    assert text == base64.b85encode(content).decode()
    assert base85.decode(text) == content


@given(st.text(st.sampled_from("09AZaz!#$~ \"'é"), max_size=40))
def test_any_other_text_is_refused_where_the_standard_library_refuses_it(text: str) -> None:
    try:
        expected = base64.b85decode(text)
    except ValueError:
        with pytest.raises(ValueError):
            base85.decode(text)
    else:
        assert base85.decode(text) == expected
