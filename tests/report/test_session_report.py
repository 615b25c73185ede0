"""The hemodynamic report of a session: its facts to the digit, and what page, print, Excel and CSV may say."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import told_sessions
from hypothesis import given
from hypothesis import strategies as st

from hemoview import cli
from hemoview.labels.datasets import made_register
from hemoview.report.letters import chinese_font
from hemoview.report.session import facts as session_facts
from hemoview.report.session import numbers as session_numbers
from hemoview.report.session import said as session_said
from hemoview.report.session import words as session_words
from hemoview.report.session.excel import xlsx_of
from hemoview.report.session.facts import Facts, MarkerFact, from_json, sha256_of, text_of
from hemoview.report.session.page import Extras, Written, page
from hemoview.report.session.read import read_facts
from hemoview.report.session.session_report import Files
from hemoview.report.session.tables import csv_of, tables_of
from hemoview.report.session.text import Text
from hemoview.ui.words import catalogue
from recorder import session as sessions
from recorder.errors import ConfigError
from recorder.host import withdrawals
from recorder.host.withdrawals import Withdrawal


def facts_of(folder: Path) -> Facts:
    with sessions.open(folder) as session:
        return read_facts(session)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return told_sessions.make(tmp_path_factory.mktemp("sessions") / "s1")


@pytest.fixture(scope="module")
def facts(session: Path) -> Facts:
    return facts_of(session)


def named(facts: Facts, parameter: str) -> Any:
    found = facts.parameter(parameter)
    assert found is not None
    return found


# ---- the facts


def test_means_shares_and_reasons_are_those_of_the_stored_rows(facts: Facts) -> None:
    sbp = named(facts, "SBP")
    # 120 slots of ten seconds, the last six abstain; 25 at 151.7, 89 at 120
    assert (sbp.estimate.n, sbp.estimate.valid) == (114, 0.95)
    assert sbp.estimate.mean == round((25 * 151.7 + 89 * 120) / 114, 1)
    assert (sbp.estimate.lowest, sbp.estimate.median, sbp.estimate.highest) == (120.0, 120.0, 151.7)
    assert (sbp.estimate.width, sbp.estimate.why) == (16.0, (("motion", 0.05),))
    assert (sbp.reference.mean, sbp.reference.valid) == (118.0, 1.0)
    assert named(facts, "CO").estimate.n == 0 and named(facts, "CO").reference.mean == 5.25


def test_agreement_is_of_slots_that_have_both(facts: Facts) -> None:
    found = named(facts, "SBP").agreement
    differences = np.array([33.7] * 25 + [2.0] * 89)
    assert (found.n, found.told, found.inside) == (114, 0.0, round(89 / 114, 3))
    assert found.bias == round(differences.mean(), 1) and found.sd == round(differences.std(ddof=1), 1)


def test_a_finding_is_the_rule_of_the_template_in_words(facts: Facts) -> None:
    said = [Text(facts, "en").finding(f) for f in facts.findings]
    assert said[0].startswith("SBP (estimate) above 140 mmHg for 4 min 10 s of 19 min (22 %), in one spell;")
    assert said[0].endswith("by the template's range 90 to 140 mmHg.")
    assert said[1].startswith(
        "SBP (reference) within the template's range 90 to 140 mmHg for all of its 20 min"
    )
    assert not re.search(r"(?i)hyper|hypo|diagnos|alarm|normal|should", " ".join(said))
    assert (
        Text(facts, "zh").finding(facts.findings[0]).startswith("SBP（估计值）高于 140 mmHg，共 4 分 10 秒")
    )


def test_fluid_comes_from_the_reference_alone(facts: Facts, tmp_path: Path) -> None:
    assert (named(facts, "PPV").reference.mean, named(facts, "PPV").estimate) == (11.0, None)
    assert "Fluid (of the reference only)" in page(facts)
    without = replace(
        facts, parameters=tuple(p for p in facts.parameters if p.parameter not in ("PPV", "SVV"))
    )
    assert "Fluid" not in page(replace(without, trends=(), table=()))


def test_a_reference_nobody_saw_calibrate_itself_is_none_but_for_its_rate(tmp_path: Path) -> None:
    found = facts_of(told_sessions.make(tmp_path / "s2", marks=()))
    assert named(found, "SBP").reference.n == 0 and named(found, "SBP").agreement is None
    assert named(found, "HR").reference.mean == 71.0
    assert [f for f in found.findings if f.parameter == "SBP" and f.source == "reference"] == []
    assert found.ages.reference_s is None and "never confirmed" in page(found)


def test_facts_come_back_from_their_json_and_newer_ones_are_refused(facts: Facts) -> None:
    value = json.loads(text_of(facts))
    assert from_json(value) == facts and sha256_of(from_json(value)) == sha256_of(facts)
    with pytest.raises(ConfigError, match="Update HemoView"):
        from_json({**value, "schema": session_facts.SCHEMA + 1})
    for broken in ({}, {**value, "session": {}}, {**value, "table": [{}]}, {**value, "trend_step_s": "10"}):
        with pytest.raises(ConfigError):
            from_json(broken)


@given(
    st.lists(st.tuples(st.floats(0, 99.9), st.floats(-1e3, 1e3) | st.just(float("nan"))), max_size=60),
    st.sampled_from([7.0, 10.0, 25.0]),
)
def test_slots_are_medians_of_what_lies_in_them(rows: list[tuple[float, float]], length_s: float) -> None:
    n = session_numbers.n_slots(100.0, length_s)
    t_s, value = (np.array([row[k] for row in rows], np.float64) for k in (0, 1))
    median, count = session_numbers.slots_of(t_s, value, length_s, n)
    for slot in range(n):
        inside = [v for t, v in rows if int(t / length_s) == slot and np.isfinite(v)]
        assert count[slot] == len(inside)
        assert np.isnan(median[slot]) if not inside else np.isclose(median[slot], np.median(inside))


# ---- hidden, simulated


def test_a_hidden_session_shows_no_estimate_anywhere(tmp_path: Path) -> None:
    blind = {**told_sessions.RANGES, "rules": {"estimates_hidden": True}}
    found = facts_of(told_sessions.make(tmp_path / "blind", template=blind))
    assert found.session.estimates_hidden and found.learned is None
    assert all(p.estimate is None and p.agreement is None for p in found.parameters)
    assert all(f.source == "reference" for f in found.findings)
    content, _ = Files(found).all()
    with zipfile.ZipFile(io.BytesIO(content["report.xlsx"])) as book:
        content |= {f"book/{name}": book.read(name) for name in book.namelist()}
    for name, each in content.items():
        assert b"151.7" not in each and b"told-1" not in each, name
    text = content["report.html"].decode()
    assert "Estimates of this session are hidden" in text and " est." not in text and "118.0" in text


@pytest.mark.parametrize(
    ("language", "words", "hidden"),
    [
        ("en", "estimate|interval|abstain", "Estimates of this session are hidden"),
        ("zh", "估计|区间|无值", "已隐藏"),
    ],
)
def test_a_hidden_session_explains_no_column_it_does_not_have(
    language: Any, words: str, hidden: str, tmp_path: Path
) -> None:
    blind = {**told_sessions.RANGES, "rules": {"estimates_hidden": True}}
    shown = page(facts_of(told_sessions.make(tmp_path / "blind", template=blind)), language)
    text = re.sub(r"<(svg|style).*?</\1>", "", shown, flags=re.DOTALL)
    said = [
        line for line in re.sub(r"<[^>]+>", "\n", text).splitlines() if re.search(words, line, re.IGNORECASE)
    ]
    assert len(said) == 1 and hidden in said[0]


def test_times_of_day_name_their_offset(facts: Facts) -> None:
    assert "Europe/Berlin, UTC+02:00" in page(facts)
    assert session_said.offset(-12600) == "UTC-03:30" and session_said.offset(0) == "UTC+00:00"


def test_simulation_is_marked_on_every_sheet_of_everything(tmp_path: Path) -> None:
    found = facts_of(told_sessions.make(tmp_path / "sim", simulated=True))
    content, left_out = Files(found).all()
    assert left_out == () and b"SIMULATED / TRAINING" in content["report.html"]
    for name, each in content.items():
        if name.endswith(".csv"):
            assert each.decode("utf-8-sig").startswith("# SIMULATED / TRAINING"), name
    book = openpyxl.load_workbook(io.BytesIO(content["report.xlsx"]))
    for sheet in book:
        assert str(sheet["A1"].value).startswith("SIMULATED / TRAINING")
        assert sheet.oddHeader.center.text == "SIMULATED / TRAINING"
    real = facts_of(told_sessions.make(tmp_path / "real"))
    assert "SIMULATED" not in page(real)


# ---- what may be said


def test_the_page_claims_what_the_card_claims_and_no_more(facts: Facts) -> None:
    said = page(facts)
    footer = "Learned from Finapres finger cuff, finger, 23 subjects. Not checked against Empatica E4, CNAP Monitor."
    assert footer in said and "Not for treatment or alarms." in said
    assert not re.search(r"(?i)accura|agrees with", said)
    assert "9ff167" not in said  # a serial is nobody's business here


def test_two_sections_are_left_to_a_person(facts: Facts) -> None:
    said = page(facts)
    for name in ("Clinician&#x27;s assessment", "Recommendations"):
        section = said[said.index(f'kept">{name}') :]
        blank = re.sub(r"<[^>]*>|_", "", section[section.index("</h2>") : section.index("</section>")])
        told = "Written and signed by a person. HemoView writes nothing here. Name Date Signature"
        assert blank.split() == told.split()
    signed = page(facts, extras=Extras(Written("Stable <b>.", "None.", "Dr. A", "2026-11-28 22:00")))
    assert "Stable &lt;b&gt;." in signed and "HemoView writes nothing here" not in signed


def test_text_of_a_person_is_never_markup_nor_formula(facts: Facts) -> None:
    nasty = ('=HYPERLINK("http://x","y")', "+1+1", "-2", "@SUM(A1)", "<script>alert(1)</script>", "a\x00b")
    marked = replace(
        facts, markers=tuple(MarkerFact(float(n), label, "key") for n, label in enumerate(nasty))
    )
    assert "<script>" not in page(marked)
    book = openpyxl.load_workbook(io.BytesIO(xlsx_of(marked)))
    cells = [row[1] for row in book["markers"].iter_rows() if isinstance(row[0].value, int | float)]
    assert [c.data_type for c in cells] == ["s"] * len(nasty)
    assert [c.value for c in cells] == [*nasty[:-1], "a\ufffdb"]
    table = next(t for t in tables_of(marked) if t.name == "markers")
    lines = [line for line in csv_of(table, marked).splitlines() if not line.lstrip("\ufeff").startswith("#")]
    labels = [row["label"] for row in csv.DictReader(lines)]
    assert labels[:4] == [f"'{label}" for label in nasty[:4]]


def test_both_languages_say_the_same_things() -> None:
    holes = re.compile(r"{(\w+)}")
    english, chinese = session_words.ENGLISH, session_words.CHINESE
    assert set(english) == set(chinese)
    for name, text in english.items():
        assert sorted(set(holes.findall(text))) == sorted(set(holes.findall(chinese[name]))), name


def test_reasons_and_footers_read_as_on_the_screens() -> None:
    own = {"why-simulated", "why-share"}
    shared = [
        i
        for i in session_words.ENGLISH
        if i.startswith(("why-", "footer", "watermark-", "amend-")) and i not in own
    ]
    shared.remove("watermark-line")
    values = {"kinds": "A", "site": "B", "n": "C", "unchecked": "D", "model": "E"}
    try:
        for language, say in (("en", session_said.speaker("en")), ("zh", session_said.speaker("zh"))):
            catalogue.use_language(language)
            assert [say(i, **values) for i in shared] == [catalogue.text(i, **values) for i in shared]
    finally:
        catalogue.use_language("en")


# ---- files


def test_the_same_facts_give_the_same_bytes(facts: Facts) -> None:
    first, second = (Files(facts).all()[0] for _ in range(2))
    assert {name for name in first if first[name] != second[name]} == set()
    assert first["report.pdf"].startswith(b"%PDF") and len(first) == 12


@pytest.mark.slow
@pytest.mark.skipif(chinese_font() is None, reason="no Chinese letters on this system")
def test_a_chinese_report_has_a_pdf(facts: Facts) -> None:
    content, left_out = Files(facts, "zh").all()
    assert left_out == () and "血流动力学报告" in content["report.html"].decode()


def test_without_chinese_letters_everything_but_the_pdf_is_made(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hemoview.report.session.session_report.chinese_font", lambda: None)
    content, left_out = Files(facts, "zh").all()
    assert "report.pdf" not in content and "report.xlsx" in content
    assert "install WenQuanYi" in left_out[0]


def test_the_command_never_writes_over_a_report_and_says_why_there_is_no_validation(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*more: Any) -> tuple[int, dict[str, Any]]:
        words = ["report", str(session), "--out", str(tmp_path / "out"), "--home", str(tmp_path), "--json"]
        status = cli.main([*words, *more])
        return status, json.loads(capsys.readouterr().out.splitlines()[-1])

    status, found = ask()
    assert status == 0 and "run hemoview align" in found["validation"]
    before = (tmp_path / "out/hemodynamic/report.html").read_bytes()
    assert ask("--only", "hemodynamic")[1]["hemodynamic"]["page"].endswith("hemodynamic-2/report.html")
    assert (tmp_path / "out/hemodynamic/report.html").read_bytes() == before
    assert ask("--only", "validation")[0] == 1
    made = [m.folder for m in made_register.made(tmp_path)]  # a withdrawal finds them
    assert made == [str(tmp_path / "out/hemodynamic"), str(tmp_path / "out/hemodynamic-2")]
    withdrawals.append(tmp_path, Withdrawal("P-014", 1))
    status, found = ask("--only", "hemodynamic")
    assert status == 1 and "P-014 was withdrawn" in found["error"]
    assert not (tmp_path / "out/hemodynamic-3").exists()
