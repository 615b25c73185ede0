"""A Chinese sentence has Chinese signs between the members of a list: 、 and ；."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hemoview
from hemoview.report.session.said import clauses as report_clauses
from hemoview.report.session.said import speaker
from hemoview.ui.words.catalogue import clauses, listed, text, use_language, words
from hemoview.ui.words.recorder import in_chinese
from hemoview.viewmodel.live.footer import claim

OWN = Path(hemoview.__file__).parent
PAGES = OWN.parent / "resources" / "web" / "js"
NO_SENTENCES = {
    ("header_bar.py", "stop:"),  # a style sheet
    ("jobs.py", "file"),  # of the recorder, told part by part
    ("narrate.py", "unknown"),  # a refused file of settings
}


@pytest.fixture
def chinese() -> Iterator[None]:
    use_language("zh")
    yield
    use_language("en")


def joins() -> Iterator[tuple[str, str]]:
    """``(file, call)`` of every join with an English comma or semicolon of what a person reads in either language."""
    rooms = [*OWN.glob("ui/**/*.py"), *OWN.glob("viewmodel/**/*.py")]
    rooms += [OWN / "report/session" / f"{part}.py" for part in ("page", "text", "said", "narrate")]
    for path in rooms:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "join"
            ):
                continue
            if isinstance(node.func.value, ast.Constant) and node.func.value.value in (", ", "; "):
                yield path.name, ast.unparse(node)


def test_no_screen_and_no_report_joins_by_itself() -> None:
    assert not {
        each
        for each in joins()
        if not any(each[0] == name and part in each[1] for name, part in NO_SENTENCES)
    }


def test_no_page_of_the_ward_joins_by_itself() -> None:
    written = {p.name: p.read_text(encoding="utf-8") for p in PAGES.rglob("*.js") if "vendor" not in p.parts}
    assert "words.js" in written
    assert not {name for name, code in written.items() if re.search(r"""join\(["'`][,;] ?["'`]\)""", code)}


def test_a_list_is_told_as_the_language_does(chinese: None) -> None:
    assert text("start-needed", fields=[text("short-sex"), text("short-age_y")]).count("、") == 1
    assert (listed(["SBP", "MAP"]), clauses(["a", "b"])) == ("SBP、MAP", "a；b")
    use_language("en")
    assert (listed(["SBP", "MAP"]), clauses(["a", "b"])) == ("SBP, MAP", "a; b")


def test_a_list_in_a_sentence_of_the_recorder_too() -> None:
    assert in_chinese("delivers no samples of e4.bvp, e4.acc") == "没有送来 e4.bvp、e4.acc 的样本"
    said = in_chinese("127.0.0.1:28000 does not have E4 A00001, but A00002, A00003: choose one of them")
    assert said == "127.0.0.1:28000 上没有 E4 A00001，只有 A00002、A00003：请从中选择"
    # a comma that is part of a name stays
    assert in_chinese("disk /data/a, b").endswith("/data/a, b")


def test_devices_a_model_was_never_checked_against_are_a_list(chinese: None) -> None:
    per = {"n_real_subjects": 23, "reference_kind": "Finapres finger cuff", "sensor_site": "finger"}
    said = words(claim({"per_parameter": {"SBP": per}}, ("Empatica E4", "CNAP 500")))
    assert "Empatica E4、CNAP 500" in said and ", " not in said


def test_and_in_a_report() -> None:
    say = speaker("zh")
    assert say("left-out", parameters=["CO", "SV"]) == "没有任何数值：CO、SV。"
    assert speaker("en")("left-out", parameters=("CO", "SV")) == "Without any value: CO, SV."
    assert report_clauses(say, ["a", "b"]) == "a；b"
