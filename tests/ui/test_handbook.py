"""The guides: their pictures and links are there, their words are those of the screens, and the menu opens them."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QImage, QTextDocument
from pytestqt.qtbot import QtBot

import hemoview.cli
import recorder.cli
from hemoview.ui.window.handbook import (
    CHAPTERS_FROM_PX,
    OPERATORS,
    RESEARCHERS,
    WARDS,
    Handbook,
    HandbookDialog,
    guide_file,
)
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words import catalogue
from recorder.host import places

DOCS = places.resources_dir() / "docs"
WORDS = {
    "en": catalogue.ENGLISH_WORDS,
    "zh": {**catalogue.ENGLISH_WORDS, **catalogue.CHINESE_WORDS},
}
PICTURE = re.compile(r"!\[(.+?)\]\((.+?)\)")
LINK = re.compile(r"(?<!!)\[(.+?)\]\((.+?)\)")
COMMAND = re.compile(r"`((?:hemoview|recorder) [^`]+)`")
BOLD, ITALIC = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"\*(.+?)\*")
MOST_BYTES, WIDEST_PX, MOST_LINES = 3_800_000, 1280, 215
ALL = {"operators": OPERATORS, "researchers": RESEARCHERS}
LEAST_THICK, LEAST_SLANTED = {"operators": 60, "researchers": 35}, {"operators": 10, "researchers": 15}

SAYS = {"operators": "button-confirm-start", "researchers": "align-button"}


def file_of(whose: str, language: str) -> Path:
    return DOCS / "guide" / WORDS[language][ALL[whose].file]


@pytest.fixture(params=("en", "zh"))
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=ALL)
def whose(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def guide(whose: str, language: str) -> str:
    return file_of(whose, language).read_text(encoding="utf-8")


def ordered(guide: str) -> list[Path]:
    return [(DOCS / "guide" / place).resolve() for _, place in PICTURE.findall(guide)]


def pictures(guide: str) -> set[Path]:
    return set(ordered(guide))


@pytest.mark.parametrize("name", ["zh.md", "researcher-zh.md", "ward-zh.md"])
def test_a_chinese_guide_shows_the_pictures_of_the_english_one_in_chinese(name: str) -> None:
    english = DOCS / "guide" / name.replace("zh", "en")
    shown, theirs = ((DOCS / "guide" / file).read_text(encoding="utf-8") for file in (name, english.name))
    assert [p.stem for p in ordered(shown)] == [f"{p.stem}-zh" for p in ordered(theirs)]
    assert "英文界面" not in shown


def test_every_picture_is_there_and_every_picture_is_used() -> None:
    files = [file_of(whose, name) for whose in ALL for name in WORDS]
    files += [
        DOCS / "guide" / WORDS[name][WARDS.file] for name in WORDS
    ]  # its words: tests/cloud/test_pages.py
    assert sorted(files) == sorted((DOCS / "guide").iterdir())
    used = {p for file in files for p in pictures(file.read_text(encoding="utf-8"))}
    there = {p.resolve() for p in (DOCS / "pictures").iterdir()}
    assert used == there
    assert sum(p.stat().st_size for p in there) <= MOST_BYTES
    for path in there:
        assert 0 < QImage(str(path)).width() <= WIDEST_PX, path


def test_every_link_leads_to_a_file(guide: str) -> None:
    assert [place for _, place in LINK.findall(guide) if not (DOCS / "guide" / place).is_file()] == []


def test_every_command_and_option_exists(guide: str, capsys: pytest.CaptureFixture[str]) -> None:
    for typed in COMMAND.findall(guide):
        program, *words = typed.split()
        command = list(itertools.takewhile(lambda word: word.isalpha() and word.islower(), words))
        with pytest.raises(SystemExit) as ended:
            {"hemoview": hemoview.cli.main, "recorder": recorder.cli.main}[program]([*command, "--help"])
        assert ended.value.code == 0, typed
        told = capsys.readouterr().out
        assert [word for word in words if word.startswith("--") and word not in told] == [], typed


def test_thick_words_are_texts_of_the_screens(whose: str, language: str, guide: str) -> None:
    said = BOLD.findall(guide)
    assert len(said) > LEAST_THICK[whose]
    assert [word for word in said if word not in WORDS[language].values()] == []


def test_slanted_words_are_parts_of_texts(whose: str, language: str, guide: str) -> None:
    quoted = ITALIC.findall(BOLD.sub("", guide))
    parts = [part.strip() for quote in quoted for part in quote.split("…") if part.strip()]
    assert len(parts) > LEAST_SLANTED[whose]
    assert [part for part in parts if not any(part in text for text in WORDS[language].values())] == []


def test_both_tell_the_same_in_the_same_order(whose: str) -> None:
    told = []
    for name in WORDS:
        guide = file_of(whose, name).read_text(encoding="utf-8")
        assert guide.count("\n") <= MOST_LINES
        shape = [line.split(" ")[0][:2] for line in guide.splitlines() if line.startswith(("#", "!["))]
        told.append((shape, guide.count("\n|"), guide.count("\n- ")))
    assert told[0] == told[1]


def test_the_menu_opens_the_guide_with_its_pictures(qtbot: QtBot, whose: str, language: str) -> None:
    guide = ALL[whose]
    catalogue.use_language("zh" if language == "zh" else "en")
    try:
        window = MainWindow()
        qtbot.addWidget(window)
        window.resize(1280, 800)
        window.show()
        handbook = Handbook(window, guide)
        entry = window.header.actions_by_id[guide.menu]
        assert entry in window.header.menu.actions()
        assert entry in window.compact.bar.more.actions()
        entry.trigger()
        dialog = handbook.dialog
        assert dialog is not None
        assert dialog.isVisible()
        assert not dialog.isModal()
        shown = dialog.pages.toPlainText()
        assert catalogue.text(SAYS[whose]) in shown
        assert "*" not in shown
        headings = [
            line[3:]
            for line in guide_file(guide).read_text(encoding="utf-8").splitlines()
            if line.startswith("## ")
        ]
        assert [dialog.chapters.item(i).text() for i in range(dialog.chapters.count())] == headings
        room_px = dialog.pages.viewport().width()
        for _, place in PICTURE.findall(guide_file(guide).read_text(encoding="utf-8")):
            image = dialog.pages.loadResource(
                int(QTextDocument.ResourceType.ImageResource.value), QUrl(place)
            )
            assert isinstance(image, QImage), place
            assert 0 < image.width() <= room_px, place
        kind = int(QTextDocument.ResourceType.ImageResource.value)
        first = QUrl(PICTURE.findall(guide_file(guide).read_text(encoding="utf-8"))[0][1])

        def filled() -> bool:
            picture = dialog.pages.document().resource(kind, first)
            return isinstance(picture, QImage) and picture.pixelColor(picture.rect().center()).alpha() == 255

        qtbot.waitUntil(filled, timeout=30_000)
        entry.trigger()
        assert handbook.dialog is dialog
    finally:
        catalogue.use_language("en")


def test_a_chapter_comes_to_the_top(qtbot: QtBot) -> None:
    dialog = HandbookDialog(guide_file())
    qtbot.addWidget(dialog)
    dialog.resize(1100, 700)
    dialog.show()
    dialog.chapters.setCurrentRow(4)
    block = dialog.pages.chapters[4]
    top = dialog.pages.document().documentLayout().blockBoundingRect(block).top()
    assert dialog.pages.verticalScrollBar().value() == int(top)
    dialog.resize(CHAPTERS_FROM_PX - 100, 700)
    assert not dialog.chapters.isVisible()


def test_a_link_is_followed_and_a_chapter_leads_back(qtbot: QtBot) -> None:
    dialog = HandbookDialog(guide_file(RESEARCHERS))
    qtbot.addWidget(dialog)
    dialog.show()
    place = LINK.findall(guide_file(RESEARCHERS).read_text(encoding="utf-8"))[0][1]
    dialog.pages.setSource(dialog.pages.source().resolved(QUrl(place)))
    assert "session.read(" in dialog.pages.toPlainText()
    dialog.chapters.setCurrentRow(2)
    assert dialog.chapters.item(2).text() in dialog.pages.toPlainText()
    assert "session.read(" not in dialog.pages.toPlainText()


def test_a_guide_that_is_gone_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = HandbookDialog(tmp_path / "en.md")
    qtbot.addWidget(dialog)
    assert str(tmp_path) in dialog.pages.toPlainText()
    assert dialog.chapters.count() == 0
