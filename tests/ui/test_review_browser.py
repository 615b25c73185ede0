"""The session browser offscreen: what it lists, what may be done with each session, what verify and recover say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.review.browser import SessionBrowser
from hemoview.ui.review.table import COLUMNS, cell_text
from hemoview.ui.review.workspace import ReviewWorkspace
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.review.jobs import finish_job
from hemoview.viewmodel.review.sessions import read_row
from recorder import session as store
from recorder.clock import ClockEra

GOOD, KILLED, BROKEN, NEWER, ERASED, HARMED = (f"2026112{i}-090000_P-01{i}_abcdef" for i in range(6))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sessions")
    make_session(place / GOOD, Plan(hours=0.2, pseudonym="P-010"))
    make_session(place / KILLED, Plan(hours=0.1, pseudonym="P-011", sealed=False))
    for name in (BROKEN, NEWER, ERASED, HARMED):
        shutil.copytree(place / GOOD, place / name)
    (place / BROKEN / "session.json").write_text("gone")
    card = json.loads((place / NEWER / "session.json").read_text())
    (place / NEWER / "session.json").write_text(json.dumps({**card, "format": 99}))
    store.erase(place / ERASED, why="withdrawn")
    segment = next((place / HARMED / "segments").glob("adc.wave-*"))
    content = bytearray(segment.read_bytes())
    content[200] ^= 0x10
    segment.write_bytes(bytes(content))
    (place / "notes").mkdir()
    return place


@pytest.fixture
def browser(folder: Path, qtbot: QtBot) -> Iterator[SessionBrowser]:
    made = SessionBrowser(folder)
    qtbot.addWidget(made)
    made.resize(1280, 700)
    made.show()
    qtbot.waitUntil(lambda: len(made.table.rows) == 6, timeout=30_000)
    yield made
    made.close_jobs()


def choose(browser: SessionBrowser, folder: Path, name: str) -> None:
    browser.select(str(folder / name))
    selected = browser.selected()
    assert selected is not None and selected.name == name


def enabled(browser: SessionBrowser) -> set[str]:
    names = {text(f"browser.{n}"): n for n in ("open", "verify", "recover")}
    return {names[b.text()] for b in browser.findChildren(QPushButton) if b.text() in names and b.isEnabled()}


def said(browser: SessionBrowser) -> str:
    return "\n".join(label.text() for label in browser.findChildren(QLabel))


def test_every_session_is_listed_with_its_state_and_no_other_folder(browser: SessionBrowser) -> None:
    states = {row.name: row.state for row in browser.table.rows}
    assert states == {
        GOOD: "sealed",
        KILLED: "killed",
        BROKEN: "damaged",
        NEWER: "newer",
        ERASED: "erased",
        HARMED: "sealed",
    }


def test_a_row_tells_subject_length_streams_size_and_that_it_is_simulated(folder: Path) -> None:
    row = read_row(folder / GOOD)
    cells = {column: cell_text(row, column) for column in COLUMNS}
    assert cells["subject"] == f"P-010  {text('review.sim')}"
    assert cells["length"] == "12 min 00 s"
    assert cells["streams"] == "e4, adc"
    assert cells["size"].endswith("kB")
    assert cells["note"] == ""
    assert cell_text(read_row(folder / KILLED), "length").startswith("≥")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (GOOD, {"open", "verify"}),
        (KILLED, {"open", "verify", "recover"}),
        (BROKEN, {"open", "verify", "recover"}),
        (NEWER, set()),
        (ERASED, set()),
    ],
)
def test_only_what_makes_sense_can_be_pressed(
    browser: SessionBrowser, folder: Path, name: str, expected: set[str]
) -> None:
    choose(browser, folder, name)
    assert enabled(browser) == expected


def test_search_narrows_by_subject_state_or_stream(browser: SessionBrowser) -> None:
    for typed, left in (("p-011", 1), ("killed", 1), ("adc", 3), ("nobody", 0), ("", 6)):
        browser._search.setText(typed)
        assert browser._proxy.rowCount() == left, typed


def test_return_opens_the_chosen_session(browser: SessionBrowser, folder: Path, qtbot: QtBot) -> None:
    choose(browser, folder, GOOD)
    with qtbot.waitSignal(browser.open_requested, timeout=30_000) as caught:
        qtbot.keyClick(browser, Qt.Key.Key_Return)
    assert caught.args == [str(folder / GOOD)]


def test_an_erased_session_is_not_opened(browser: SessionBrowser, folder: Path, qtbot: QtBot) -> None:
    choose(browser, folder, ERASED)
    with qtbot.assertNotEmitted(browser.open_requested, wait=50):
        browser.open_selected()


def test_verify_says_whole_or_names_the_damaged_file_and_remembers_it(
    browser: SessionBrowser, folder: Path, qtbot: QtBot
) -> None:
    choose(browser, folder, GOOD)
    browser.verify_selected()
    qtbot.waitUntil(lambda: "is whole" in said(browser), timeout=30_000)
    choose(browser, folder, HARMED)
    browser.verify_selected()
    qtbot.waitUntil(lambda: "segments/adc.wave-" in said(browser), timeout=30_000)
    assert "recover" in enabled(browser)
    browser.refresh()
    qtbot.waitUntil(lambda: not browser._progress.isVisible(), timeout=30_000)
    harmed = next(r for r in browser.table.rows if r.name == HARMED)
    assert harmed.state == "damaged"


def test_recover_that_cannot_bring_a_file_back_says_so_and_the_row_stays_damaged(
    folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(folder / HARMED, tmp_path / HARMED)
    said_by = {kind: finish_job(kind, copy) for kind in ("verify", "recover")}
    for finished, message in zip(said_by.values(), ("verified-lost", "recovered-partly"), strict=True):
        assert (finished.ok, finished.row.state) == (False, "damaged")
        assert finished.message.id == f"browser.{message}"
        values = finished.message.as_dict()
        assert "segments/adc.wave-" in str(values["parts"])
        assert values["seconds"] in (120.0, 600.0), "of the file that was harmed"
        assert finished.row.note == finished.message


def test_recover_that_lost_something_names_it(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder / KILLED, tmp_path / KILLED)
    (copy / "live.sqlite").write_bytes(b"\0" * 20000)
    assert finish_job("verify", copy).message.id == "browser.verified-damaged"
    finished = finish_job("recover", copy)
    assert (finished.ok, finished.row.state) == (True, "sealed")
    assert finished.message.id == "browser.recovered-less"
    assert "live.sqlite" in str(finished.message.as_dict()["parts"])


@pytest.mark.parametrize("how", ["missing", "shorter"])
def test_a_sealed_file_that_is_gone_or_cut_is_seen_without_verify(
    folder: Path, tmp_path: Path, how: str
) -> None:
    copy = shutil.copytree(folder / GOOD, tmp_path / GOOD)
    whole = read_row(copy)
    victim = sorted((copy / "segments").glob("e4.bvp-*"))[0]
    victim.unlink() if how == "missing" else victim.write_bytes(victim.read_bytes()[:-1])
    row = read_row(copy)
    assert (whole.state, row.state) == ("sealed", "damaged")
    assert victim.name in cell_text(row, "note")
    assert row.n_bytes < whole.n_bytes, "what verify found before counts no more"


def test_notes_are_in_the_words_of_the_operator(folder: Path, tmp_path: Path) -> None:
    harms = {"session.json": "rebuilds it", "manifest.json": "rebuilds it"}
    for name, advice in harms.items():
        for content in ("gone", None, "{}"):
            copy = shutil.copytree(folder / GOOD, tmp_path / f"{name}-{content}" / GOOD)
            (copy / name).unlink() if content is None else (copy / name).write_text(content)
            note = cell_text(read_row(copy), "note")
            assert name in note and advice in note
            assert not any(word in note for word in ("recorder recover", "JSON", "Expecting", str(tmp_path)))
    shutil.rmtree(copy / "segments")
    assert cell_text(read_row(copy), "note") == text("browser.note-nothing")
    finished = finish_job("recover", copy)
    assert (finished.ok, finished.row.state) == (False, "damaged")
    assert "nothing is left" in str(finished.message.as_dict()["why"])


def test_recover_seals_a_killed_session(tmp_path: Path, qtbot: QtBot) -> None:
    make_session(tmp_path / KILLED, Plan(hours=0.05, sealed=False))
    browser = SessionBrowser(tmp_path)
    qtbot.addWidget(browser)
    browser.show()
    qtbot.waitUntil(lambda: len(browser.table.rows) == 1, timeout=30_000)
    choose(browser, tmp_path, KILLED)
    browser.recover_selected()
    assert enabled(browser) == {"open"}, "one job at a time"
    qtbot.waitUntil(lambda: browser.table.rows[0].state == "sealed", timeout=30_000)
    assert store.verify(tmp_path / KILLED).ok
    browser.close_jobs()


def test_a_session_being_recorded_is_not_recovered(tmp_path: Path, qtbot: QtBot) -> None:
    header = store.SessionHeader("live", "test", 0)
    writer = store.create(tmp_path / "live", header, ClockEra(0, "e", "b", 0, 0))
    try:
        finished = finish_job("recover", tmp_path / "live")
        assert (finished.ok, finished.message.id) == (False, "browser.recover-live")
        assert finished.row.state == "open"
    finally:
        writer.abandon()


def test_one_session_is_one_session(folder: Path, tmp_path: Path, qtbot: QtBot) -> None:
    shutil.copytree(folder / GOOD, tmp_path / GOOD)
    browser = SessionBrowser(tmp_path)
    qtbot.addWidget(browser)
    browser.show()
    qtbot.waitUntil(lambda: len(browser.table.rows) == 1, timeout=30_000)
    assert "1 session, " in said(browser)
    browser.close_jobs()


def test_no_sessions_yet_is_said(tmp_path: Path, qtbot: QtBot) -> None:
    browser = SessionBrowser(tmp_path / "nowhere")
    qtbot.addWidget(browser)
    browser.show()
    qtbot.waitUntil(lambda: text("browser.none") in said(browser), timeout=30_000)
    assert not browser.table.rows and enabled(browser) == set()
    browser.close_jobs()


def test_the_workspace_goes_to_the_page_and_back(folder: Path, qtbot: QtBot) -> None:
    both = ReviewWorkspace(folder)
    qtbot.addWidget(both)
    both.show()
    qtbot.waitUntil(lambda: len(both.browser.table.rows) == 6, timeout=30_000)
    with qtbot.waitSignal(both.page.opened, timeout=30_000):
        both.browser.open_requested.emit(str(folder / GOOD))
    assert both.currentWidget() is both.page
    both.page.browse_requested.emit()
    assert both.currentWidget() is both.browser
    both.page.close_session()
    both.browser.close_jobs()
