"""Rule 2: pseudonyms with a check character; a pseudonym of an earlier session is known, as corrected."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from bed import Bed
from hypothesis import given
from hypothesis import strategies as st

from recorder import session as store
from recorder.acquire.template import parse
from recorder.acquire.template_faults import TemplateFaults
from recorder.schema import carries_check, check_character

BODIES = st.text(string.ascii_uppercase + string.digits, min_size=2, max_size=20)


@pytest.mark.parametrize(
    ("scheme", "body", "last"),
    [
        ("mod11-10", "0794", "5"),  # ISO/IEC 7064:2003, annex of worked examples
        ("mod37-36", "A12425GABC1234002", "M"),  # GRid standard 2.1, its printed example
    ],
)
def test_published_examples(scheme: str, body: str, last: str) -> None:
    assert check_character(body, scheme) == last  # type: ignore[arg-type]
    assert carries_check(body + last, scheme)  # type: ignore[arg-type]


@given(BODIES, st.data())
def test_every_single_wrong_character_is_noticed(body: str, data: st.DataObject) -> None:
    whole = body + check_character(body, "mod37-36")
    assert carries_check(whole, "mod37-36")
    assert carries_check(f"{whole[:1]}-{whole[1:]}".lower(), "mod37-36")
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(
        st.sampled_from([c for c in string.ascii_uppercase + string.digits if c != whole[place]])
    )
    assert not carries_check(whole[:place] + other + whole[place + 1 :], "mod37-36")


@given(st.text(string.digits, min_size=1, max_size=12), st.data())
def test_every_single_wrong_digit_is_noticed(body: str, data: st.DataObject) -> None:
    whole = body + check_character(body, "mod11-10")
    assert carries_check(f"P-{whole}", "mod11-10")
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([c for c in string.digits if c != whole[place]]))
    assert not carries_check(whole[:place] + other + whole[place + 1 :], "mod11-10")


@given(st.text(max_size=40))
def test_anything_typed_is_judged(text: str) -> None:
    for scheme in ("none", "mod11-10", "mod37-36"):
        assert carries_check(text, scheme) in (True, False)  # type: ignore[arg-type]
    assert not carries_check(text, "none")


def test_a_template_names_its_scheme_or_is_refused() -> None:
    assert (
        parse({"name": "t", "rules": {"pseudonym_check": "mod37-36"}}).rules["pseudonym_check"] == "mod37-36"
    )
    with pytest.raises(TemplateFaults, match="mod37-36, mod11-10"):
        parse({"name": "t", "rules": {"pseudonym_check": "luhn"}})


def test_a_pseudonym_is_known_from_the_sessions_on_disk_and_nowhere_else(bed: Bed, tmp_path: Path) -> None:
    bed.connect("adc")
    assert bed.ask("known_subject", pseudonym="S-01") == {"sessions": 0, "last": None}
    folder = bed.start(subject={"pseudonym": "S-01", "sex": "female", "age_y": 40, "height_cm": 170})
    bed.ask("stop")
    told = bed.ask("known_subject", pseudonym="s-01")
    assert told["sessions"] == 1
    assert told["last"]["subject"]["height_cm"] == 170
    store.amend(folder, {"subject.pseudonym": "S-09"}, who="OP", why="mistyped", wall_ns=1)
    assert bed.ask("known_subject", pseudonym="S-01")["sessions"] == 0
    assert bed.ask("known_subject", pseudonym="S-09")["sessions"] == 1
    store.erase(folder, why="withdrawn")
    assert bed.ask("known_subject", pseudonym="S-09")["sessions"] == 0
    left = [p for p in tmp_path.rglob("*") if p.is_file() and b"S-09" in p.read_bytes()]
    assert left == []
