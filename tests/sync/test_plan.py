"""What next, and why a session stays: tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.errors import ConfigError
from recorder.sync.identity import address
from recorder.sync.plan import STAYS, Facts, backoff_s, next_step


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (Facts(), "open"),
        (Facts(stays="simulated", opened=True, pending=True), "stay"),
        (Facts(opened=True, pending=True, missing=3), "settle"),
        (Facts(opened=True), "ask"),
        (Facts(opened=True, covered=True), "ask"),
        (Facts(opened=True, missing=2), "put"),
        (Facts(opened=True, missing=2, covered=True), "put"),
        (Facts(opened=True, missing=0), "commit"),
        (Facts(opened=True, missing=0, covered=True), "done"),
    ],
)
def test_the_table(facts: Facts, step: str) -> None:
    assert next_step(facts) == step


@given(
    st.builds(
        Facts,
        st.sampled_from(["", *STAYS]),
        st.booleans(),
        st.booleans(),
        st.none() | st.integers(0, 9),
        st.booleans(),
    )
)
def test_done_is_only_said_of_what_is_there_and_covered(facts: Facts) -> None:
    if next_step(facts) == "done":
        assert facts.opened and facts.covered and facts.missing == 0 and not (facts.pending or facts.stays)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_and_stay_within_bounds(failures: int, luck: float) -> None:
    wait_s = backoff_s(failures, 0.5, 300.0, luck)
    assert 0.25 <= wait_s <= 300.0
    assert backoff_s(failures + 1, 0.5, 300.0, luck) >= wait_s


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://Ward.example:8440/", "https://ward.example:8440"),
        ("ward.example:8440", "https://ward.example:8440"),
        (" http://127.0.0.1:8440 ", "http://127.0.0.1:8440"),
        ("http://[::1]:8440", "http://[::1]:8440"),
    ],
)
def test_an_address_has_one_spelling(typed: str, kept: str) -> None:
    assert address(typed) == kept


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "no address"),
        ("ftp://ward", "no address"),
        ("https://", "no address"),
        ("https://ward:port", "no address"),
        ("https://ward/v1", "host and port alone"),
        ("https://me@ward", "host and port alone"),
        ("http://ward.example:8440", "in the clear"),
    ],
)
def test_an_address_that_is_none_or_unsafe_is_refused(typed: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        address(typed)
