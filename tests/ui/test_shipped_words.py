"""What comes with HemoView has words in both languages; what is stored stays as it was written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from hemoview.ui.parts.checklist_box import ChecklistBox
from hemoview.ui.words.catalogue import CHINESE_WORDS, label_said, sentence, use_language
from hemoview.ui.words.shipped import SHIPPED
from recorder.host import places

TEMPLATES = sorted((places.resources_dir() / "templates").glob("*.toml"))


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use_language("en")


def test_every_word_of_a_shipped_template_is_there_in_chinese() -> None:
    assert TEMPLATES
    for path in TEMPLATES:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        phases = told.get("phases", [])
        said = {phase[key] for phase in phases for key in ("name", "instruction") if phase.get(key)}
        said |= {line for lines in told.get("checklist", {}).values() for line in lines}
        assert said <= set(SHIPPED), path.name
        labels = set(told["markers"])
        labels |= {
            phase[key] for phase in phases for key in ("marker_at_start", "marker_at_end") if phase.get(key)
        }
        assert {f"label-{label}" for label in labels} <= set(CHINESE_WORDS), path.name


def test_words_of_ones_own_stay_as_they_are() -> None:
    use_language("zh")
    assert sentence("No talking, no moving.") == "不说话，不移动。"
    assert label_said("baseline") == "基线"
    assert sentence("My own phase") == "My own phase"
    assert label_said("my own label") == "my own label"


def test_what_is_ticked_is_stored_as_the_template_says_it(qapp: QApplication) -> None:
    use_language("zh")
    box = ChecklistBox()
    box.show_lines(("Finger cuff fits", "Own line"))
    assert [each.text() for each in box.boxes] == ["指套大小合适", "Own line"]
    box.boxes[0].setChecked(True)
    assert box.answer == {"ticked": ["Finger cuff fits"], "left": ["Own line"]}
