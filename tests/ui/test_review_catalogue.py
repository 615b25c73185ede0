"""Every id that Review and the browser may say has words, and every word of theirs is said by someone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import hemoview
from hemoview.estimate.reasons import REASONS
from hemoview.ui.picture.text import mark_text, panel_text, reason_text
from hemoview.ui.review.table import COLUMNS
from hemoview.ui.words.catalogue import known_ids, text, use_language
from hemoview.ui.words.pages.review import ENGLISH
from hemoview.viewmodel.review.facts import State
from hemoview.viewmodel.review.marks import mark_of
from hemoview.viewmodel.review.sessions import RowState
from recorder.schema import Event

HOUSE = Path(hemoview.__file__).parent
ROOMS = ("ui/review", "ui/picture", "viewmodel/review")
SOURCES = [p for room in ROOMS for p in sorted((HOUSE / room).glob("*.py"))]
LITERAL = re.compile(r'"((?:review|browser)\.[a-z.-]+)"')

MADE_UP = {
    *(f"review.state.{state}" for state in get_args(State)),
    *(f"browser.state.{state}" for state in get_args(RowState)),
    *(f"browser.column.{column}" for column in COLUMNS),
    *(f"browser.{verb}" for verb in ("open", "verify", "recover", "show-in-folder")),
    *(f"browser.{verb}-running" for verb in ("verify", "recover")),
    *(f"panel.{title}" for title in ("Motion", "TEMP", "BP")),
    *(f"review.why.{why}" for why in ("loading", "no-row", "uncalibrated", "simulated", "damaged")),
}


def test_everything_said_has_words() -> None:
    said = {found for path in SOURCES for found in LITERAL.findall(path.read_text())}
    assert len(said) > 60
    assert said | MADE_UP <= known_ids()


def test_no_word_is_left_over() -> None:
    said = {found for path in SOURCES for found in LITERAL.findall(path.read_text())}
    assert set(ENGLISH) - said - MADE_UP == set()


def test_every_reason_of_an_estimate_is_told_in_the_words_of_the_live_screen() -> None:
    for reason in REASONS:
        assert reason_text(reason) not in ("", reason.replace("-", " ") + " "), reason
    assert reason_text("motion") == text("why-motion")
    assert reason_text("a-new-reason") == "a new reason"


def test_panels_are_called_in_the_language_of_the_screen_and_channels_by_their_own_name() -> None:
    use_language("zh")
    try:
        assert (panel_text("Motion"), panel_text("BP")) == ("体动", "血压")
        assert panel_text("adc.wave trigger") == "adc.wave trigger"
    finally:
        use_language("en")
    assert panel_text("Motion") == "Motion"


def test_the_clock_of_the_monitor_is_told_with_what_it_showed() -> None:
    payload = {"shown": "14:05:30", "ahead_s": 1.5, "operator": "OP1"}
    event = Event("e" * 32, "monitor-clock", 10**9, 10**18, 0, payload)
    assert mark_text(mark_of(event, 1.0)) == "The CNAP clock shows  14:05:30"
