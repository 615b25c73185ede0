"""The Trends page offscreen, on a stored session made by the real writer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from hemoview.bench.review_session import Plan, make_session
from hemoview.ui.trends.page import TrendsPage
from hemoview.ui.trends.workspace import TrendsWorkspace
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.formats import KPA_PER_MMHG
from hemoview.viewmodel.trends.model import TrendPage

LENGTH_S = 3 * 3600.0
KEY = Qt.Key


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_session(tmp_path_factory.mktemp("trends") / "s1", Plan(hours=LENGTH_S / 3600))


@pytest.fixture
def page(folder: Path, qtbot: QtBot) -> Iterator[TrendsPage]:
    made = TrendsPage()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    with qtbot.waitSignal(made.opened, timeout=20_000):
        made.open_session(str(folder))
    complete(made, qtbot)
    yield made
    made.close_session()


def complete(page: TrendsPage, qtbot: QtBot) -> TrendPage:
    qtbot.waitUntil(lambda: page.model.page().complete and page.model.view().settled, timeout=20_000)
    return page.model.page()


def test_a_session_opens_whole_with_estimate_band_reference_and_cuffs(page: TrendsPage) -> None:
    view = page.model.page()
    assert view.review.wish.span_s == pytest.approx(LENGTH_S, abs=30)
    pressure, heart = view.review.panels
    assert pressure.panel.panel_id == "pressure"
    assert heart.panel.title == "HR"
    assert {t.trace.style for t in pressure.traces} == {"band", "dots"}
    assert pressure.cuffs
    assert all(len(t.t_s) > 10 for t in pressure.traces)
    assert any(m.label == "personalised" and m.kind == "step" for m in view.review.marks)


def test_medians_of_ten_minutes_with_interval_reference_count_and_abstention(page: TrendsPage) -> None:
    rows = page.model.page().table
    assert len(rows) == LENGTH_S / 600
    first = rows[1]
    assert first.low is not None
    assert first.high is not None
    assert first.estimate is not None
    assert first.low < first.estimate < first.high
    assert first.n == 600
    assert first.calibrated
    assert first.reference is not None
    restless = [row for row in rows if row.abstained]
    assert restless, "the restless minutes abstain and say so"


@pytest.mark.parametrize(("key", "span_s"), [(KEY.Key_1, 300), (KEY.Key_2, 900), (KEY.Key_3, 3600)])
def test_keys_choose_the_span_and_the_bar_says_which(
    page: TrendsPage, qtbot: QtBot, key: Qt.Key, span_s: int
) -> None:
    assert page.press(key)
    view = complete(page, qtbot)
    assert view.review.wish.span_s == pytest.approx(span_s)
    assert view.span_s == span_s
    chosen = [b.text() for b in page.findChildren(QPushButton) if b.isChecked()]
    assert text(f"trends.span-{span_s}") in chosen


def test_five_minutes_are_drawn_from_rows_and_hours_from_medians(page: TrendsPage, qtbot: QtBot) -> None:
    page.press(KEY.Key_1)
    rows = next(
        t
        for t in complete(page, qtbot).review.panels[0].traces
        if t.trace.name == "SBP" and t.band_low is not None
    )
    assert 200 <= len(rows.t_s) <= 320
    page.press(KEY.Key_F)
    slots = next(t for t in complete(page, qtbot).review.panels[0].traces if t.band_low is not None)
    assert len(slots.t_s) < LENGTH_S / 5


def test_the_horizon_starts_at_nothing_and_follows_the_chosen_baseline(
    page: TrendsPage, qtbot: QtBot
) -> None:
    page.press(KEY.Key_H)
    first = complete(page, qtbot).horizon[0]
    assert page.model.page().baseline == (0.0, 600.0)
    page.press(KEY.Key_2)
    page.press(KEY.Key_B)
    other = complete(page, qtbot).horizon[0]
    assert other.parameter == first.parameter == "SBP"
    assert other.baseline != pytest.approx(first.baseline, abs=0.2)
    assert complete(page, qtbot).baseline[1] == pytest.approx(LENGTH_S, abs=30)


def test_groups_choose_panels_and_the_last_one_stays(page: TrendsPage, qtbot: QtBot) -> None:
    page.model.choose_groups(frozenset(("flow",)))
    assert [p.panel.title for p in complete(page, qtbot).review.panels] == ["CO", "CI", "SV", "SI"]


def test_no_range_in_the_template_is_said_and_ranges_are_never_alarms(page: TrendsPage) -> None:
    assert page.model.page().target == ()
    assert "alarm" in text("trends.target-note")


def test_the_workspace_opens_the_running_session_then_the_next_one(
    folder: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    other = make_session(tmp_path / "s2", Plan(hours=0.2, pseudonym="P-022"))
    running = [folder]
    space = TrendsWorkspace(folder.parent, lambda: running[0])
    qtbot.addWidget(space)
    with qtbot.waitSignal(space.page.opened, timeout=20_000):
        space.show()
    assert any("P-014" in label.text() for label in space.findChildren(QLabel))
    running[0] = other
    with qtbot.waitSignal(space.page.opened, timeout=20_000):
        space._look()
    assert any("P-022" in label.text() for label in space.findChildren(QLabel))
    space.page.close_session()
    space.browser.close_jobs()


def test_kilopascal_changes_what_is_written_and_nothing_that_is_stored(
    page: TrendsPage, qtbot: QtBot
) -> None:
    before = complete(page, qtbot)
    page.use_pressure_unit("kPa")
    after = complete(page, qtbot)
    mmhg, kpa = before.review.panels[0], after.review.panels[0]
    assert (mmhg.unit, kpa.unit) == ("mmHg", "kPa")
    np.testing.assert_array_equal(kpa.traces[0].low, mmhg.traces[0].low, "in their own unit as before")
    shown = [tick * kpa.factor for tick in kpa.y_ticks]
    assert all(abs(tick - round(tick * 2) / 2) < 1e-9 for tick in shown), "ticks are round in kPa"
    assert before.review.cursor is not None
    assert after.review.cursor is not None
    old, new = before.review.cursor.numerics[0], after.review.cursor.numerics[0]
    assert new.unit == "kPa"
    assert new.estimate is not None
    assert old.estimate is not None
    assert new.estimate.value == pytest.approx((old.estimate.value or 0) * KPA_PER_MMHG)
    assert before.table == after.table
    cell = page._side.table.data(page._side.table.index(1, 1))
    assert "." in str(cell)
    assert "kPa" in str(page._side.table.headerData(1, Qt.Orientation.Horizontal))


def test_heart_rate_has_no_pressure_unit(page: TrendsPage, qtbot: QtBot) -> None:
    page.use_pressure_unit("kPa")
    heart = complete(page, qtbot).review.panels[1]
    assert (heart.unit, heart.factor) == (heart.panel.unit, 1.0)
