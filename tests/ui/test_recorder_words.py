"""The recorder's sentences in Chinese: every form is still the recorder's, and what pre-flight says is all there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hemoview
import recorder
from hemoview.ui.words.catalogue import text, use_language, words
from hemoview.ui.words.recorder import PHRASES, in_chinese
from hemoview.viewmodel.messages import say
from recorder.acquire.preflight import Facts, checks
from recorder.schema import DiskStatus, LinkStatus

PUT_TOGETHER = {
    "disk {}", "is {}", "stop it first", "a session is open already", "label set {}", "a label set",
    "cuff systolic {} mmHg is outside {} to {}", "cuff diastolic {} mmHg is outside {} to {}",
}  # fmt: skip
"""Forms that come of parts: ``f"disk {folder}"`` before its colon, ``f"cuff {name} {value:g} mmHg …"``."""


def literals() -> set[str]:
    """Every string of the recorder, and of what reports are made of; what is filled in as ``{}``."""
    found = set()
    own = Path(hemoview.__file__).parent
    more = [
        *own.glob("report/**/*.py"),
        *own.glob("labels/**/*.py"),
        own / "viewmodel/exchange/report_job.py",
    ]
    for path in [*Path(recorder.__file__).parent.rglob("*.py"), *more]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
                found.add("".join(str(p) for p in parts))
    return found


def test_every_form_is_still_the_recorders() -> None:
    assert not set(PHRASES) - PUT_TOGETHER - literals()


def test_every_form_keeps_what_is_filled_in() -> None:
    for english, chinese in PHRASES.items():
        assert english.count("{}") == chinese.replace("{:list}", "{}").count("{}"), english
        values = [f"x{i}y" for i in range(english.count("{}"))]
        said = chinese.replace("{:list}", "{}").format(*values)
        assert in_chinese(english.format(*values)) == said, english


def test_all_that_preflight_may_say_is_there() -> None:
    bad = Facts(
        None, None, DiskStatus("/data", 1 << 20, 0.5, "15min"), free_needed=1 << 28, encrypted=False, planned_s=7200.0,
        recorder_problem="a session is open already; stop it first",
        machine=(
            ("runs on its battery", "plug it in"),
            ("a reboot is pending after an update", "reboot before a long recording"),
        ),
        links=(LinkStatus("e4", "streaming", "Empatica E4", battery=0.5, battery_hours_left=0.3),),
    )  # fmt: skip
    for check in checks(bad):
        for part in (check.what, check.todo):
            said = in_chinese(part)
            assert not part or re.search(r"[\u4e00-\u9fff]", said), part


def test_parts_and_lines_are_told_one_by_one() -> None:
    assert in_chinese("consent: no consent was referred to; enter version and date of the form") == (
        "知情同意：没有注明知情同意；请输入同意书的版本和日期"
    )
    assert (
        in_chinese("this machine: runs on its battery\nunheard of: thing")
        == "本机：正在用电池供电\nunheard of: thing"
    )


@given(st.text(max_size=80))
def test_what_is_not_known_stays_as_it_is(sentence: str) -> None:
    said = in_chinese(sentence)
    assert said == sentence or re.search(r"[\u4e00-\u9fff]", said)


@pytest.fixture
def chinese() -> object:
    use_language("zh")
    yield
    use_language("en")


def test_values_are_told_in_the_language_of_the_screen(chinese: object) -> None:
    said = words(say("preflight", who="this machine", what="runs on its battery", todo="plug it in"))
    assert said == "本机：正在用电池供电。请接上电源"
    assert (
        text("refused", error="Bluetooth of this computer is switched off: switch it on")
        == "本机蓝牙已关闭：请打开"
    )


def test_a_sentence_with_its_full_stop_is_the_same_sentence() -> None:
    said = "Nothing listens on 127.0.0.1:28000: start the E4 streaming server, or correct the port"
    assert in_chinese(f"{said}.") == f"{in_chinese(said)}。"
    assert in_chinese("Nobody has translated this.") == "Nobody has translated this."
