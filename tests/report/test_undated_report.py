"""A session that nobody dated: its report names neither a day nor a time of day, which would be those of 1970."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest
import told_sessions

from hemoview.cloud.fhir.resources import Signed, diagnostic_report, observations
from hemoview.report.session.facts import Facts
from hemoview.report.session.page import page, title
from hemoview.report.session.plots import _ticks
from hemoview.report.session.read import read_facts
from hemoview.report.session.session_report import BOOK, FACTS, Files
from hemoview.report.session.text import Text
from recorder import session as sessions


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    with sessions.open(told_sessions.make(tmp_path_factory.mktemp("sessions") / "s1")) as session:
        return read_facts(session)


@pytest.fixture(scope="module")
def undated(dated: Facts) -> Facts:
    return replace(dated, session=replace(dated.session, start_wall_ns=0, utc_offset_s=3600))


@pytest.mark.parametrize(("language", "word"), [("en", "undated"), ("zh", "日期未知")])
def test_page_and_title_say_that_nobody_dated_it(undated: Facts, language: str, word: str) -> None:
    shown = page(undated, language)
    assert title(undated, language).endswith(word) and shown.count(word) >= 3
    assert "1970" not in shown and "UTC" not in shown and "time of day" not in shown and "按时刻" not in shown


def test_times_are_counted_from_the_beginning(undated: Facts) -> None:
    text = Text(undated, "en")
    assert text.moment(0.0) == "0:00" and text.moment(3850.9, seconds=True) == "1:04:10"
    assert text.cuffs[0][0] == "0:01" and text.markers[0][1] == "0:00:02"
    assert "confirmed at 0:00" in dict(text.overview)["Reference calibration age"]
    assert text.lead == "P-014 · told · undated · 20 min"


def test_a_drawing_has_its_own_time_from_0_on(undated: Facts, dated: Facts) -> None:
    assert _ticks(undated, 5)[0] == (0.0, "00:00")
    assert _ticks(dated, 5)[0][1] != "00:00"


def unpacked(book: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        return b"".join(map(parts.read, parts.namelist()))


def test_no_file_but_the_facts_knows_of_1970(undated: Facts) -> None:
    content, _ = Files(undated).all()
    for name, each in content.items():
        if name != FACTS:
            assert b"1970" not in (unpacked(each) if name == BOOK else each), name


def test_the_same_facts_give_the_same_book(undated: Facts) -> None:
    assert Files(undated).excel() == Files(undated).excel()


def test_resources_of_fhir_name_no_period(undated: Facts, dated: Facts) -> None:
    signed = Signed("r1", "s1", 1, "final", "d1", "P-014", 1_790_000_000_000_000, "Dr. A", undated)
    told = [diagnostic_report(signed), *observations(signed)]
    assert len(told) > 3 and "1970" not in json.dumps(told)
    assert not any("effectivePeriod" in one for one in told)
    assert "effectivePeriod" in diagnostic_report(replace(signed, facts=dated))
