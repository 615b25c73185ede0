"""Rules 4 and 14 on screen: corrected live and in the browser, discarded and had back, with who and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot
from small_session import ERA, STREAMS, header, record
from synthetic_bedside import SyntheticBedside

from hemoview.ui.live.header_bar import HeaderBar
from hemoview.ui.parts import theme
from hemoview.ui.review.browser import SessionBrowser
from hemoview.ui.review.table import cell_text
from hemoview.ui.sessions.amend_dialog import AmendDialog
from hemoview.ui.sessions.reason_dialog import ReasonDialog
from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.amended import corrected_text
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.messages import say
from hemoview.viewmodel.sessions.amend_form import AmendForm, examine, fields_of
from recorder import session as store
from recorder.errors import ConfigError
from recorder.schema import Consent, Subject
from recorder.session import SessionHeader
from recorder.session.amended import with_amendment

HEADER = replace(
    header(), subject=Subject("S-01", "female", 40, 168.0), consent=Consent("1", "2026-01-01"), notes="n"
)
PATIENCE_MS = 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sealed session among others of a home."""
    place = tmp_path / "sessions" / "20260101-100000_S-01_abc123"
    writer = store.create(place, HEADER, ERA)
    for info in STREAMS:
        writer.add_stream(info)
    record(writer, range(2))
    writer.close("done")
    return place


@pytest.fixture
def browser(qtbot: QtBot, qapp: QApplication, folder: Path) -> SessionBrowser:
    theme.apply(qapp)
    made = SessionBrowser(folder.parent)
    qtbot.addWidget(made, before_close_func=lambda widget: widget.close_jobs())
    made.resize(1200, 700)
    made.show()
    qtbot.waitUntil(lambda: bool(made.table.rows), timeout=PATIENCE_MS)
    made.select(str(folder))
    return made


def typed(form: AmendForm, **changes: Any) -> AmendForm:
    for name, value in changes.items():
        form = form.with_typed(name.replace("__", "."), value)
    return form


def signed(**changes: Any) -> AmendForm:
    return typed(AmendForm(HEADER, operator="OP2", why="wrong label"), **changes)


def test_only_what_changed_is_sent_and_a_pseudonym_is_typed_twice() -> None:
    form = signed(subject__pseudonym="S-02", subject__height_cm="170,5", subject__age_y="40")
    assert examine(form).needs_again
    assert examine(form).request is None
    twice = replace(form, pseudonym_again="S-02")
    assert examine(twice).request == {
        "changes": {"subject.pseudonym": "S-02", "subject.height_cm": 170.5},
        "who": "OP2",
        "why": "wrong label",
    }
    assert examine(replace(form, scanned="S-02")).request is not None


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (signed(subject__age_y="old"), "subject.age_y"),
        (signed(subject__height_cm="9"), "subject.height_cm"),
        (signed(subject__pseudonym="Erika Mustermann"), "subject.pseudonym"),
        (signed(consent__date="1 Jan"), "consent.date"),
        (replace(signed(notes="x"), operator=" "), "operator"),
        (replace(signed(notes="x"), why=""), "why"),
    ],
)
def test_what_cannot_be_taken_is_named_beside_its_field(form: AmendForm, field: str) -> None:
    view = examine(form)
    assert field in [name for name, _ in view.problems]
    assert view.request is None


def test_a_study_with_check_characters_takes_no_other_correction() -> None:
    study = replace(HEADER, template={"name": "t", "rules": {"pseudonym_check": "mod11-10"}})
    form = AmendForm(study, operator="OP", why="w")
    assert examine(typed(form, subject__pseudonym="P-07945")).request is not None
    wrong = examine(typed(form, subject__pseudonym="P-07946"))
    assert [message.id for _, message in wrong.problems] == ["pseudonym-check-wrong"]


def test_a_correction_that_looks_like_a_name_is_warned_about() -> None:
    view = examine(replace(signed(subject__pseudonym="Maria"), pseudonym_again="Maria"))
    assert [message.id for _, message in view.remarks] == ["pseudonym-looks-like-name"]


def test_a_session_without_a_subject_offers_only_what_it_has() -> None:
    offered = fields_of(SessionHeader("s", "bed1", 1))
    assert {name.partition(".")[0] for name in offered} == {"consent", "notes"}
    assert examine(AmendForm(HEADER, operator="OP", why="w")).request is None


WITHOUT = AmendForm(replace(HEADER, consent=None), operator="OP2", why="signed at home")


def test_a_session_imported_without_a_consent_can_be_given_one() -> None:
    form = typed(WITHOUT, consent__version="v3", consent__date="2026-02-03", consent__reuse_for_training=True)
    request = examine(form).request
    assert request is not None
    consent = {"upload": False, "reuse_for_training": True, "feedback": False}
    assert request["changes"] == {"consent": {"version": "v3", "date": "2026-02-03", **consent}}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"consent__version": "v3"}, "consent.date"),
        ({"consent__upload": True}, "consent.version"),
        ({"consent__version": "v3", "consent__date": "3.2.2026"}, "consent.date"),
    ],
)
def test_half_a_consent_is_none(given: dict[str, Any], field: str) -> None:
    view = examine(typed(WITHOUT, **given))
    assert view.request is None
    assert field in dict(view.problems)


def test_a_consent_that_was_added_is_laid_over_and_told(tmp_path: Path) -> None:
    writer = store.create(tmp_path / "s", WITHOUT.header, ERA)
    writer.close("done")
    request = examine(
        typed(WITHOUT, consent__version="v3", consent__date="2026-02-03", consent__upload=True)
    ).request
    assert request is not None
    store.amend(tmp_path / "s", request["changes"], who="OP2", why="signed at home", wall_ns=1)
    with store.open(tmp_path / "s") as session:
        assert session.allows("upload")
        assert not session.allows("reuse_for_training")
        told = corrected_text(session.amendments()[0].new)
    assert not isinstance(told, str)
    assert words(told) == "form v3 of 2026-02-03 (consent to upload)"
    with pytest.raises(ConfigError, match="has one"):
        store.amend(tmp_path / "s", request["changes"], who="OP2", why="again", wall_ns=2)


@pytest.mark.parametrize(
    "new", [None, "v3", {"version": "v3"}, {"version": "v3", "date": "2026-02-03", "record": False}]
)
def test_what_is_no_consent_is_refused(new: Any) -> None:
    with pytest.raises(ConfigError, match="amendment of consent"):
        with_amendment(WITHOUT.header, "consent", new)


def test_yes_and_no_are_words() -> None:
    assert [words(m) for m in map(corrected_text, (True, False)) if not isinstance(m, str)] == ["yes", "no"]


def test_the_dialog_shows_what_stands_and_sends_the_change(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    dialog = AmendDialog(AmendForm(HEADER, operator="OP2"))
    qtbot.addWidget(dialog)
    dialog.show()
    sent: list[dict[str, Any]] = []
    dialog.amended.connect(sent.append)
    again = dialog.inputs["pseudonym_again"]
    assert not again.isVisible()
    fill(dialog, {"subject.pseudonym": "S-02"})
    assert again.isVisible()
    assert "Still needed: Reason" in dialog.changed.text(), "why it cannot be sent yet"
    fill(dialog, {"pseudonym_again": "S-02", "why": "wrong label"})
    assert "Still needed" not in dialog.changed.text()
    dialog.inputs["consent.upload"].click()  # type: ignore[attr-defined]
    assert "pseudonym" in dialog.changed.text()
    assert "consent to upload" in dialog.changed.text()
    dialog.ok.click()
    assert sent == [
        {
            "changes": {"subject.pseudonym": "S-02", "consent.upload": True},
            "who": "OP2",
            "why": "wrong label",
        }
    ]


def fill(dialog: AmendDialog, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        line = dialog.inputs[name]
        assert isinstance(line, QLineEdit)
        line.setText(text)


def test_a_stored_session_is_corrected_in_the_browser(
    qtbot: QtBot, browser: SessionBrowser, folder: Path
) -> None:
    browser.correct_selected()
    dialog = browser._changes.dialog
    assert isinstance(dialog, AmendDialog)
    fill(dialog, {"subject.pseudonym": "S-02", "pseudonym_again": "S-02", "operator": "OP2", "why": "label"})
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: browser.table.rows[0].pseudonym == "S-02", timeout=PATIENCE_MS)
    row = browser.table.rows[0]
    assert "amended" in cell_text(row, "subject")
    assert "pseudonym" in cell_text(row, "note")
    assert folder.is_dir()
    with store.open(folder) as session:
        assert [a.who for a in session.amendments()] == ["OP2"]


def test_a_session_is_discarded_in_the_browser_and_had_back(
    qtbot: QtBot, browser: SessionBrowser, folder: Path
) -> None:
    browser.discard_selected()
    give(qtbot, browser, "wrong bed")
    qtbot.waitUntil(lambda: not browser.table.rows, timeout=PATIENCE_MS)
    assert not folder.exists()
    browser.toggle_quarantine()
    qtbot.waitUntil(lambda: bool(browser.table.rows), timeout=PATIENCE_MS)
    row = browser.table.rows[0]
    assert row.in_quarantine
    assert "Discarded by OP2: wrong bed" in cell_text(row, "note")
    browser.select(row.path)
    browser.restore_selected()
    give(qtbot, browser, "right bed")
    qtbot.waitUntil(folder.is_dir, timeout=PATIENCE_MS)
    browser.toggle_quarantine()
    qtbot.waitUntil(lambda: bool(browser.table.rows), timeout=PATIENCE_MS)
    assert browser.table.rows[0].path == str(folder)


def give(qtbot: QtBot, browser: SessionBrowser, why: str) -> None:
    dialog = browser._changes.dialog
    assert isinstance(dialog, ReasonDialog)
    assert not dialog.ok.isEnabled()
    dialog.operator.setText("OP2")
    dialog.why.setText(why)
    qtbot.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)


def test_the_header_says_amended(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp)
    bar = HeaderBar()
    qtbot.addWidget(bar)
    bed = SyntheticBedside()
    bed.run(1.0)
    amended = say("header-amended", fields=say("amend-subject.pseudonym"))
    view = replace(resolve(Wish(), bed.model.facts()).header, recording=True, amended=amended)
    bar.show_view(view)
    assert bar.amended.text() == "amended"
    assert bar.amended.toolTip() == "Corrected since Start: pseudonym"
    assert bar.actions_by_id["button-correct"].isEnabled()
    bar.show_view(replace(view, amended=None, recording=False, next_subject=True))
    assert bar.amended.text() == ""
    assert bar.start.text() == "Next subject"
