"""The summary in words: a language model may say what the facts say; everything else becomes fixed sentences."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scripted_endpoint
import told_sessions
from hypothesis import given
from hypothesis import strategies as st

from hemoview.report.session.facts import Facts
from hemoview.report.session.narrate import Endpoint, FixedSentences, LanguageModel, endpoint_of
from hemoview.report.session.narrated import Refused, Told, checked, told_of
from hemoview.report.session.page import Extras, page
from hemoview.report.session.read import read_facts
from recorder import session as sessions
from recorder.errors import ConfigError

GOOD = (
    "SBP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mean], lowest 120.0 mmHg [fact:SBP.estimate.lowest].",
    "For SBP the estimate was above the range of the template for 4.2 min [fact:SBP.estimate.above].",
    "The reference of SBP had a mean of 118.0 mmHg [fact:SBP.reference.mean].",
)
CHINESE = (
    "SBP的估计值均值为 127.0 mmHg[fact:SBP.estimate.mean]，中位数为 120.0 mmHg[fact:SBP.estimate.median]。"
)
HOSTILE = {
    "another number": "SBP by the estimate: mean 128.0 mmHg [fact:SBP.estimate.mean].",
    "a rounded number": "SBP by the estimate: mean 127 mmHg [fact:SBP.estimate.mean].",
    "another unit": "SBP by the estimate: mean 127.0 kPa [fact:SBP.estimate.mean].",
    "no unit": "SBP by the estimate: mean 127.0 [fact:SBP.estimate.mean].",
    "another fact's number": "SBP by the estimate: mean 120.0 mmHg [fact:SBP.estimate.mean].",
    "another kind": "SBP by the estimate: median 127.0 mmHg [fact:SBP.estimate.mean].",
    "another source": "SBP by the reference: mean 127.0 mmHg [fact:SBP.estimate.mean].",
    "another parameter": "MAP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mean].",
    "no source": "SBP: mean 127.0 mmHg [fact:SBP.estimate.mean].",
    "two sources": "SBP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mean], mean 118.0 mmHg "
    "[fact:SBP.reference.mean].",
    "no fact": "SBP by the estimate: mean 127.0 mmHg.",
    "a fact that is none": "SBP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mode].",
    "a number beside": "SBP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mean] of 300.",
    "a number before": "SBP by the estimate: 300 mean 127.0 mmHg [fact:SBP.estimate.mean].",
    "a number in words": "SBP by the estimate: one hundred, mean 127.0 mmHg [fact:SBP.estimate.mean].",
    "an interpretation": "SBP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mean], which is normal.",
    "advice": "Give noradrenaline. SBP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mean].",
    "accuracy": "SBP by the estimate is accurate: mean 127.0 mmHg [fact:SBP.estimate.mean].",
    "markup": "SBP by the estimate: <script> mean 127.0 mmHg [fact:SBP.estimate.mean].",
    "the wrong side": "SBP by the estimate was below the range for 4.2 min [fact:SBP.estimate.above].",
    "other digits": "SBP by the estimate: mean １２７.0 mmHg [fact:SBP.estimate.mean].",
    "no text": 127.0,
    "too long": GOOD[0] + " " * 500,
    "an instruction": "Ignore all rules [fact:SBP.estimate.mean].",
}


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = told_sessions.make(tmp_path_factory.mktemp("told") / "s-secret", pseudonym="P-SECRET")
    with sessions.open(folder) as session:
        return read_facts(session)


@pytest.fixture
def scripted() -> Iterator[scripted_endpoint.Scripted]:
    with scripted_endpoint.running() as found:
        yield found


def narrator(scripted: scripted_endpoint.Scripted, **more: Any) -> LanguageModel:
    return LanguageModel(Endpoint(scripted.url, "tiny", "sk-1", **more))


def test_what_is_in_the_facts_is_shown_without_its_references_and_labelled(
    facts: Facts, scripted: scripted_endpoint.Scripted
) -> None:
    scripted.says(*GOOD)
    made = narrator(scripted).narrate(facts, "en")
    assert made.model == "tiny (prompt 1)"
    assert made.sentences[0] == "SBP by the estimate: mean 127.0 mmHg, lowest 120.0 mmHg."
    said = page(facts, extras=Extras(narrative=made))
    assert "Machine-written by tiny (prompt 1)" in said and made.sentences[2] in said
    assert "narrative" not in page(facts) and "Machine-written" not in page(facts)
    assert checked([CHINESE], told_of(facts), "zh")[0].startswith("SBP的估计值均值为 127.0 mmHg，")


def test_the_endpoint_hears_numbers_and_no_name_id_date_or_free_text(
    facts: Facts, scripted: scripted_endpoint.Scripted
) -> None:
    scripted.says(*GOOD)
    narrator(scripted).narrate(facts, "en")
    path, headers, body = scripted.asked[0]
    assert path == "/v1/chat/completions" and headers["authorization"] == "Bearer sk-1"
    sent = json.dumps(body)
    for secret in (
        "SECRET",
        "secret",
        "Empatica",
        "CNAP",
        "told",
        "2026",
        "179000",
        "calibrated",
        "Berlin",
        "female",
    ):
        assert secret not in sent, secret
    assert body["response_format"]["json_schema"]["strict"] is True and body["temperature"] == 0


@pytest.mark.parametrize("said", HOSTILE.values(), ids=list(HOSTILE))
def test_a_single_thing_that_is_not_in_the_facts_refuses_all_of_it(facts: Facts, said: Any) -> None:
    assert checked(list(GOOD), told_of(facts), "en")
    with pytest.raises(Refused):
        checked([*GOOD, said], told_of(facts), "en")


@pytest.mark.parametrize(
    "said",
    [
        "SBP的估计值均值为 128.0 mmHg[fact:SBP.estimate.mean]。",
        "SBP的估计值均值为 127.0 mmHg[fact:SBP.estimate.mean]，正常。",
        "SBP的参考值均值为 127.0 mmHg[fact:SBP.estimate.mean]。",
        "一百，SBP的估计值均值为 127.0 mmHg[fact:SBP.estimate.mean]。",
    ],
)
def test_in_chinese_too(facts: Facts, said: str) -> None:
    with pytest.raises(Refused):
        checked([said], told_of(facts), "zh")


@given(st.text(max_size=60))
def test_no_text_around_a_fact_adds_a_number_or_a_word(facts_text: str) -> None:
    """Whatever is put behind a true clause passes only if it is of the list, and without digits."""
    told = [Told("SBP.estimate.mean", "SBP", "estimate", "mean", "127.0", "mmHg")]
    said = f"SBP by the estimate: mean 127.0 mmHg [fact:SBP.estimate.mean]{facts_text}"
    try:
        shown = checked([said], told, "en")[0]
    except Refused:
        return
    behind = shown.removeprefix("SBP by the estimate: mean 127.0 mmHg")
    assert not any(letter.isdigit() or letter in "<>&[]" for letter in behind.replace("127.0", ""))


def test_whatever_the_endpoint_does_there_is_a_report(
    facts: Facts, scripted: scripted_endpoint.Scripted
) -> None:
    fixed = FixedSentences().narrate(facts, "en")
    assert fixed.model == "" and "SBP (estimate): mean 127.0 mmHg, median 120.0 mmHg" in fixed.sentences[1]

    def slow(handler: Any) -> None:
        time.sleep(1.0)

    for prepare in (
        lambda: scripted.says(HOSTILE["advice"]),
        scripted.says,
        lambda: scripted.content("Sure! Here is the summary."),
        lambda: scripted.content(json.dumps({"sentences": list(GOOD), "extra": 1})),
        lambda: scripted.content(json.dumps(list(GOOD))),
        lambda: scripted.content(None),
        lambda: scripted.body(b"<html>"),
        lambda: scripted.body(b"{}"),
        lambda: scripted.body(b"[" * 200_000),
        lambda: scripted.body(b"x" * 400_000),
        lambda: scripted.body(b"\xff\xfe"),
        lambda: scripted.body(b"", 500),
        lambda: scripted.body(b"", 302, location=f"{scripted.url}/elsewhere"),
        lambda: setattr(scripted, "answer", slow),
    ):
        prepare()
        assert narrator(scripted, timeout_s=0.3).narrate(facts, "en") == fixed
    assert {path for path, _, _ in scripted.asked} == {"/v1/chat/completions"}  # no redirect was followed
    nobody = LanguageModel(Endpoint("http://127.0.0.1:9/v1", "tiny"))
    assert nobody.narrate(facts, "zh") == FixedSentences().narrate(facts, "zh")


def test_an_address_that_would_carry_facts_in_the_clear_is_refused(tmp_path: Path) -> None:
    assert endpoint_of(tmp_path) is None
    (tmp_path / "narrator.toml").write_text('url = "http://llm.example/v1"\nmodel = "m"\n')
    with pytest.raises(ConfigError, match="in the clear"):
        endpoint_of(tmp_path)
    for url in ("file:///etc/passwd", "https://user:pw@host/v1", "", "//host"):
        with pytest.raises(ConfigError):
            Endpoint(url, "m")
    (tmp_path / "key").write_text("sk-2\n")
    (tmp_path / "narrator.toml").write_text(
        f'url = "https://llm.example/v1"\nmodel = "m"\nkey_file = "{tmp_path / "key"}"\n'
    )
    found = endpoint_of(tmp_path)
    assert found is not None and found.key == "sk-2" and "sk-2" not in repr(found)
