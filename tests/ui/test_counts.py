"""Every English text with a number in it is right for one as well: "1 row", never "1 rows"."""

from __future__ import annotations

import re
from string import Formatter

from hypothesis import given
from hypothesis import strategies as st

from hemoview.ui.words.catalogue import CHINESE_WORDS, ENGLISH_WORDS, text
from hemoview.ui.words.counts import in_number

ALWAYS_MORE = {"import-question-several-wristbands", "pair-press-one-of"}
"""Asked of two and more alone."""
NO_NUMBER = {"refl.exclude-explained", "import-question-apart"}
"""Two values side by side, of which the second is no number of anything."""
NO_NOUNS = re.compile(
    r"\b(is|was|has|does|its|less|times|ms|nats|this|begins|counts|fits|gives|goes|holds|knows|looks|puts|records|runs|stays|"
    r"takes|uses|waits)\b"
)
"""Words on -s that are no plural. A new one is put here; a plural gets its two forms instead."""


def of_many_after_one(template: str) -> list[str]:
    """What stands in a text behind a number or a name, each said to be 1, in the form for many."""
    fields = {name: "1" for _, name, _, _ in Formatter().parse(template) if name is not None}
    said = re.sub(r"\{(\w+)[^{}]*\}", "1", in_number(template, fields))
    found = re.finditer(r"(?<![\d.,])1 (?:[a-z]+ )?([a-z]+s|people|are|were|have)\b", said)
    return [m[0] for m in found if not NO_NOUNS.search(m[0])]


def test_no_text_has_one_of_many() -> None:
    assert of_many_after_one("{n} damaged files") == ["1 damaged files"]
    for message_id in set(ENGLISH_WORDS) - ALWAYS_MORE - NO_NUMBER:
        assert of_many_after_one(ENGLISH_WORDS[message_id]) == [], message_id


def test_chinese_has_one_form() -> None:
    assert not [i for i, template in CHINESE_WORDS.items() if re.search(r"\{\w+:[^}]*\|", template)]


def test_said_of_one_and_of_many() -> None:
    assert text("device-rows", n=1) == "1 row"
    assert text("device-rows", n="0") == "0 rows" and text("device-rows", n="12") == "12 rows"
    home = {n: text("service-home", n=n) for n in ("1", "2")}
    assert "1 session stays on this machine: its consent" in home["1"] and home["1"].endswith(
        "or it is simulated"
    )
    assert "2 sessions stay on this machine: their consent" in home["2"]


@given(st.text("ab {}|:\\", max_size=12), st.integers(0, 3))
def test_what_is_put_in_is_never_taken_for_a_form(value: str, n: int) -> None:
    template = "{x} {n} {n:row|rows}"
    assert (
        in_number(template, {"x": value, "n": n}).format(x=value, n=n)
        == f"{value} {n} row{'' if n == 1 else 's'}"
    )
