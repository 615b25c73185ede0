"""Rule 2: the subject never returns; a pseudonym is scanned, typed twice or checked; what looks wrong is asked."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit
from pytestqt.qtbot import QtBot

from hemoview.ui.parts import theme
from hemoview.ui.sessions.start_dialog import StartDialog
from hemoview.ui.window.main_window import MainWindow
from hemoview.viewmodel import window_settings
from hemoview.viewmodel.devices.scan import SLOWEST_KEY_MS, Keys, scanned
from hemoview.viewmodel.sessions.details_form import DetailsForm
from hemoview.viewmodel.sessions.pseudonym import Known, known_from, known_questions
from hemoview.viewmodel.sessions.rule_choice import RuleChoice
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.start_form import StartView, answer, examine, next_subject
from hemoview.viewmodel.sessions.template_choice import chosen
from hemoview.viewmodel.window_settings import WindowSettings
from recorder.acquire.template import parse

READY = ({"id": "disk", "ok": True, "level": "ok", "who": "", "what": "", "todo": ""},)
TODAY = date(2026, 11, 28)
WALL_NS = 1_795_824_000 * 10**9
GOOD = StartForm(
    pseudonym="P-014",
    pseudonym_again="P-014",
    sex="female",
    age_y="34",
    height_cm="168",
    weight_kg="63",
    consent_version="v2",
    consent_date="2026-11-01",
    consent_record=True,
    operator="OP1",
)
KEPT = {"operator", "template", "wristband_side", "finger_cuff_side", "arm_cuff_side", "consent_version"}
KEPT |= {"pseudonym_check", "rules"}  # of the template


def judged(form: StartForm, known: Known | None = None) -> StartView:
    return examine(form, READY, today=TODAY, known=known or Known(form.pseudonym))


# ---- nothing of a subject returns


def filled() -> StartForm:
    """A form with something in every field."""
    told: dict[str, Any] = {f.name: f"x{f.name}" for f in fields(StartForm)}
    for f in fields(StartForm):
        if isinstance(getattr(StartForm(), f.name), bool):
            told[f.name] = True
    details = DetailsForm(consented=True, skin_tone="4", rhythm="sinus", tattoo="yes")
    return StartForm(
        **told
        | {
            "overrides": {"e4": "why"},
            "answered": frozenset({"q"}),
            "details": details,
            "rules": RuleChoice("both"),
        }
    )


def test_every_field_of_the_subject_is_empty_for_the_next() -> None:
    before, after, empty = filled(), next_subject(filled()), StartForm()
    for f in fields(StartForm):
        wanted = getattr(before if f.name in KEPT else empty, f.name)
        assert getattr(after, f.name) == wanted, f.name


def test_no_subject_is_in_the_settings_of_the_window(tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    window_settings.save(path, WindowSettings(form=filled()))
    kept = json.loads(path.read_text())["form"]
    assert {name for name, value in kept.items() if value not in ("", "unknown")} == KEPT
    assert window_settings.load(path).form == next_subject(filled())


# ---- scanned, typed twice, check character


def test_a_scanned_pseudonym_needs_no_second_entry_until_it_is_changed() -> None:
    form = replace(GOOD, pseudonym_again="", scanned="P-014")
    view = judged(form)
    assert view.can_start
    assert not view.needs_again
    assert view.request is not None
    assert view.request["entry"]["how"] == "scanned"
    assert not judged(replace(form, pseudonym="P-015"), Known("P-015")).can_start


def test_typed_twice_says_so() -> None:
    view = judged(GOOD)
    assert view.request is not None
    assert view.request["entry"]["how"] == "typed-twice"


def test_a_template_with_check_characters_takes_no_other_pseudonym() -> None:
    template = parse({"name": "study", "rules": {"pseudonym_check": "mod11-10"}})
    form = chosen(replace(GOOD, pseudonym="P-07945", pseudonym_again=""), template)
    view = judged(form)
    assert view.can_start
    assert view.request is not None
    assert view.request["entry"]["how"] == "check-character"
    wrong = judged(replace(form, pseudonym="P-07946", scanned="P-07946"))
    assert [p.message.id for p in wrong.problems] == ["pseudonym-check-wrong"]
    assert judged(chosen(form, None)).needs_again


@given(st.text(min_size=1, max_size=20), st.lists(st.integers(0, 200), min_size=20, max_size=20))
def test_only_fast_keys_are_a_scan(code: str, pauses: list[int]) -> None:
    keys, t_ms = Keys(), 1000
    for character, pause in zip(code, pauses, strict=False):
        t_ms += pause
        keys = keys.then(character, t_ms)
    found = scanned(keys, t_ms + 5)
    slow = [p for p in pauses[1 : len(code)] if p > SLOWEST_KEY_MS]
    if not slow and len(code) >= 4:
        assert found == code.strip()
    if len(code) < 4:
        assert found == ""
    assert found in ("", keys.text.strip())
    assert scanned(keys, t_ms + SLOWEST_KEY_MS + 1) == ""


# ---- questions


@pytest.mark.parametrize("pseudonym", ["Maria", "19900214", "756.1234.5678.97"])
def test_what_looks_like_no_pseudonym_waits_for_an_answer_about_this_very_entry(pseudonym: str) -> None:
    form = replace(GOOD, pseudonym=pseudonym, pseudonym_again=pseudonym)
    view = judged(form)
    assert len(view.questions) == 1
    assert not view.can_start
    yes = answer(form, view.questions[0].key, given=True)
    after = judged(yes)
    assert after.can_start
    assert after.request is not None
    assert after.request["entry"]["answered"] == [view.questions[0].key]
    assert not judged(replace(yes, pseudonym="Anna", pseudonym_again="Anna")).can_start
    assert not judged(answer(yes, view.questions[0].key, given=False)).can_start


KNOWN = Known("P-014", 2, "female", 33, 168.0, WALL_NS - 200 * 86400 * 10**9)


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({}, False),
        ({"age_y": "33"}, False),
        ({"height_cm": "170"}, False),
        ({"height_cm": ""}, False),
        ({"sex": "unknown"}, False),
        ({"sex": "male"}, True),
        ({"age_y": "32"}, True),
        ({"age_y": "36"}, True),
        ({"height_cm": "172"}, True),
    ],
)
def test_a_known_pseudonym_with_other_sex_age_or_height_is_asked_about(
    change: dict[str, str], asked: bool
) -> None:
    form = replace(GOOD, **change)  # type: ignore[arg-type]
    view = judged(form, KNOWN)
    assert bool(view.questions) == asked
    assert view.can_start != asked
    assert "pseudonym-known" in [remark.message.id for remark in view.remarks]
    if asked:
        assert judged(answer(form, view.questions[0].key, given=True), KNOWN).can_start


@given(st.integers(0, 90), st.integers(0, 90), st.floats(0, 60))
def test_nobody_gets_younger_and_a_year_a_year_older(then: int, now: int, years: float) -> None:
    known = Known("P", 1, "female", then, None, WALL_NS - int(years * 365.25 * 86400e9))
    asked = known_questions(known, "P", sex="female", age_y=now, height_cm=None, wall_ns=WALL_NS)
    assert bool(asked) == (now < then or now > then + int(years) + 1)


def test_start_waits_until_the_earlier_sessions_were_looked_at() -> None:
    assert not examine(GOOD, READY, today=TODAY, known=None).can_start
    assert known_from("P", {"sessions": 0, "last": None}) == Known("P")


# ---- on the screen


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication) -> StartDialog:
    theme.apply(qapp)
    made = StartDialog(StartForm(operator="OP1", consent_version="v2"), today=lambda: TODAY)
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    return made


def scan(widget: QLineEdit, code: str, *, pause_ms: int = 4) -> None:
    """As a keyboard-wedge scanner types: fast, and Enter at the end."""
    t_ms = 10_000
    for key, character in [*((0, c) for c in code), (Qt.Key.Key_Return, "\r")]:
        t_ms += pause_ms
        event = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, character)
        event.setTimestamp(t_ms)
        QApplication.sendEvent(widget, event)


def test_a_scan_fills_the_pseudonym_once_and_goes_on_to_the_sex(dialog: StartDialog) -> None:
    asked: list[str] = []
    dialog.subject_asked.connect(asked.append)
    line = dialog.inputs["pseudonym"]
    assert isinstance(line, QLineEdit)
    line.setText("left over")
    scan(line, "P-014")
    assert line.text() == "P-014"
    assert asked == ["P-014"]
    assert not dialog.inputs["pseudonym_again"].isVisible()
    assert dialog.steps.currentIndex() == 0
    scan(line, "P-7712", pause_ms=150)  # fingers
    assert dialog.form.scanned == "P-014"
    assert dialog.inputs["pseudonym_again"].isVisible()


def test_full_width_characters_of_an_input_method_are_the_same_pseudonym(dialog: StartDialog) -> None:
    for name, typed in (("pseudonym", "Ｐ－０１４"), ("pseudonym_again", "P-014")):
        dialog.inputs[name].setText(typed)  # type: ignore[attr-defined]
    assert dialog.form.pseudonym == "P-014"
    assert not [p for p in dialog.view.problems if p.field.startswith("pseudonym")]


def test_a_scan_into_the_record_page_marks_nothing(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    window = MainWindow()
    window.ask_before_closing = False
    qtbot.addWidget(window)
    window.show()
    marked: list[int] = []
    window.record.marked.connect(lambda key, *_: marked.append(key))
    window.record.markers.show_markers(("a", "b", "c"), can_mark=True, can_undo=False)
    for t_ms, key in ((1000, "P"), (1005, "1"), (1010, "2"), (1015, "3"), (2000, "3")):
        press = QKeyEvent(QEvent.Type.KeyPress, ord(key), Qt.KeyboardModifier.NoModifier, key)
        press.setTimestamp(t_ms)
        window.keyPressEvent(press)
    assert marked == [3]  # the one that fingers pressed


def test_the_question_stands_beside_the_person_and_bars_start(dialog: StartDialog) -> None:
    line = dialog.inputs["pseudonym"]
    assert isinstance(line, QLineEdit)
    scan(line, "P-014")
    dialog.inputs["sex"].choose("male")  # type: ignore[attr-defined]
    for name, typed in (("age_y", "34"), ("height_cm", "168")):
        dialog.inputs[name].setText(typed)  # type: ignore[attr-defined]
    dialog.signed_today.click()
    dialog.inputs["consent_record"].setChecked(True)  # type: ignore[attr-defined]
    assert dialog.form.consent_date == "2026-11-28"
    dialog.next.click()
    dialog.show_checks(READY)
    assert not dialog.confirm.start.isEnabled()
    dialog.show_known(KNOWN)
    ticks = [t for t in dialog.findChildren(QCheckBox) if t.objectName().startswith("answer-known")]
    assert len(ticks) == 1
    assert not dialog.confirm.start.isEnabled()
    ticks[0].click()
    assert dialog.confirm.start.isEnabled()
