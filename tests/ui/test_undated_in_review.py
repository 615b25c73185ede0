"""What nobody dated is told as undated wherever Review tells when it was, never as a day of 1970."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_rig import facts_for
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from hemoview.ui.review.bar import _facts_line
from hemoview.ui.review.side import facts_form
from hemoview.ui.review.table import cell_text
from hemoview.ui.words.catalogue import use_language, words
from hemoview.viewmodel.review.figure_head import head_of_session
from hemoview.viewmodel.review.sessions import SessionRow

DAY_NS = 1_795_000_000 * 10**9


@pytest.mark.parametrize(("start_ns", "dated"), [(0, False), (DAY_NS, True)])
def test_every_place_says_it(qtbot: QtBot, tmp_path: Path, start_ns: int, *, dated: bool) -> None:
    facts = facts_for(tmp_path, start_wall_ns=start_ns)
    form = facts_form(facts, ())
    qtbot.addWidget(form)
    head = head_of_session(facts, (10.0, 70.0), "mmHg", "claim")
    cell = cell_text(SessionRow(str(tmp_path), "s", "sealed", start_wall_ns=start_ns), "start")
    told = [_facts_line(facts), " ".join(x.text() for x in form.findChildren(QLabel)), words(head.when), cell]
    for place in told:
        assert ("undated" in place, "2026-11-1" in place) == (not dated, dated), place
        assert "1970" not in place
    assert ("undated" in head.file_name) is not dated
    assert "1970" not in head.file_name


def test_in_chinese_too(tmp_path: Path) -> None:
    use_language("zh")
    try:
        assert "日期未知" in _facts_line(facts_for(tmp_path))
    finally:
        use_language("en")
