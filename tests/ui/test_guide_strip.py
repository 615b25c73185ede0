"""The strip shows its view and asks; what it asks becomes one command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from hemoview.ui.live.guide_strip import GuideStrip
from hemoview.ui.parts import theme
from hemoview.ui.window.guide_actions import COMMANDS
from hemoview.ui.words.catalogue import CHINESE_WORDS, known_ids
from hemoview.viewmodel.live.guide import GuidePhase, GuidePrompt, GuideView
from hemoview.viewmodel.messages import say

ACTIONS = {
    *COMMANDS,
    "begin",
    "extend",
    "phases",
    "posture",
    "readings",
    "reading",
    "height",
    "next-subject",
    "hide",
}
PHASES = (GuidePhase("Settle", 5, "done"), GuidePhase("Rest", None, "next"))
RUNNING = GuideView(
    title=say("guide-phase", number=1, total=2, name="Settle"),
    countdown="03:30",
    fraction=0.3,
    phases=PHASES,
    begins=1,
    can_end=True,
    can_extend=True,
    posture=say("guide-posture", posture="seated"),
    recording=True,
)


@pytest.fixture
def strip(qtbot: QtBot, qapp: QApplication) -> Iterator[GuideStrip]:
    theme.apply(qapp)
    made = GuideStrip()
    qtbot.addWidget(made)
    made.show()
    yield made


def test_every_action_has_words_in_both_languages() -> None:
    ids = {f"button-guide-{action}" for action in ACTIONS}
    assert ids <= known_ids() and ids <= set(CHINESE_WORDS)


def test_nothing_is_shown_without_a_session(strip: GuideStrip) -> None:
    strip.show_view(GuideView())
    assert not strip.isVisible()


def test_nothing_moves_while_only_the_countdown_changes(qapp: QApplication, strip: GuideStrip) -> None:
    """Looked at before the event loop has put anything right: a picture may be painted then."""
    strip.resize(468, 57)
    strip.set_narrow(on=True)
    strip.show_view(RUNNING)
    qapp.processEvents()
    row = strip.phase
    before = [w.geometry() for w in (row.title, row.countdown, row.end, row.more)]
    strip.show_view(replace(RUNNING, countdown="03:29"))
    assert [w.geometry() for w in (row.title, row.countdown, row.end, row.more)] == before


def test_begin_end_extend(qtbot: QtBot, strip: GuideStrip) -> None:
    strip.show_view(RUNNING)
    assert strip.isVisible() and strip.phase.countdown.text() == "03:30" and not strip.phase.begin.isVisible()
    with qtbot.waitSignal(strip.asked) as asked:
        qtbot.mouseClick(strip.phase.end, Qt.MouseButton.LeftButton)
    assert asked.args == ["end"]
    menu = strip.phase.extend.menu()
    with qtbot.waitSignal(strip.extend_asked) as extended:
        menu.actions()[2].trigger()
    assert extended.args == [5]
    with qtbot.waitSignal(strip.phase_asked) as again:
        strip.phase.menu.actions()[0].trigger()
    assert again.args == [0]
    waits = GuideView(title=say("guide-between"), phases=PHASES, begins=1, recording=True)
    strip.show_view(waits)
    with qtbot.waitSignal(strip.phase_asked) as begun:
        qtbot.mouseClick(strip.phase.begin, Qt.MouseButton.LeftButton)
    assert begun.args == [1]


def test_a_prompt_keeps_its_button_while_its_words_change(qtbot: QtBot, strip: GuideStrip) -> None:
    def shown(seconds: str) -> GuideView:
        prompt = GuidePrompt("cuff", say("guide-cuff-soon", seconds=seconds), ("inflate-left", "cuff-skip"))
        return GuideView(recording=True, prompts=(prompt,))

    strip.show_view(shown("45"))
    row = strip.prompts.rows[0]
    button = row.buttons["inflate-left"]
    strip.show_view(shown("44"))
    assert strip.prompts.rows[0] is row and "44" in row.label.text()
    with qtbot.waitSignal(strip.asked) as asked:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked.args == ["inflate-left"] and COMMANDS["inflate-left"] == ("inflate", {"arm": "left"})
    assert button.sizeHint().height() >= theme.touch_px()
    strip.show_view(GuideView(recording=True))
    assert not strip.prompts.isVisible()


def test_after_stop_lines_are_ticked_and_the_next_subject_is_asked_for(
    qtbot: QtBot, strip: GuideStrip
) -> None:
    after = GuideView(after=True, checklist=("cleaned", "charges"))
    strip.show_view(after)
    assert [box.text() for box in strip.after.boxes] == ["cleaned", "charges"]
    strip.after.boxes[0].setChecked(True)
    strip.show_view(after)
    assert strip.after.boxes[0].isChecked()
    with qtbot.waitSignal(strip.asked) as asked:
        qtbot.mouseClick(strip.after.next, Qt.MouseButton.LeftButton)
    assert asked.args == ["next-subject"]
    strip.show_view(after)
    assert not strip.isVisible()
    strip.show_view(RUNNING)
    strip.show_view(after)
    assert strip.isVisible() and not strip.after.boxes[0].isChecked()


def test_on_a_narrow_panel_a_phase_is_named_whole(qapp: QApplication, strip: GuideStrip) -> None:
    """ "1/2 Sitting" stood as "1/2 Sittir"."""
    strip.resize(468, 57)
    strip.set_narrow(on=True)
    strip.show_view(
        replace(RUNNING, title=say("guide-phase", number=1, total=2, name="Sitting, feet on the floor"))
    )
    qapp.processEvents()
    title = strip.phase.title
    assert "Sitting, feet on the floor" in title.text()
    assert title.fontMetrics().horizontalAdvance(title.text()) <= title.width()
    strip.set_narrow(on=False)
    strip.resize(1260, 57)
    qapp.processEvents()
    assert title.font().pixelSize() == 16, "as large as before where there is room"


def test_on_a_narrow_panel_one_prompt_and_a_menu(qtbot: QtBot, strip: GuideStrip) -> None:
    prompts = tuple(
        GuidePrompt(key, say("guide-skin-check"), ("skin-done", "skin-later"))
        for key in ("skin-check", "other")
    )
    strip.show_view(replace(RUNNING, prompts=prompts))
    wide = strip.minimumSizeHint().width()
    strip.set_narrow(on=True)
    assert len(strip.prompts.rows) == 1
    qtbot.waitUntil(lambda: strip.minimumSizeHint().width() <= 440 < wide, timeout=30_000)
    assert strip.phase.more.isVisible() and not strip.phase.readings.isVisible()
    menus = [action for action in strip.phase.more.menu().actions() if action.menu() is None]
    with qtbot.waitSignal(strip.asked) as asked:
        menus[-1].trigger()
    assert asked.args == ["readings"]
    strip.set_narrow(on=False)
    assert (
        len(strip.prompts.rows) == 2 and strip.phase.readings.isVisible() and not strip.phase.more.isVisible()
    )
