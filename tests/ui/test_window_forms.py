"""Large numbers and the compact form: which one, what stays visible, and that nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot
from synthetic_bedside import SyntheticBedside, event

from hemoview.ui.live.compact_page import CompactCell
from hemoview.ui.live.far_numerics import DIGIT_SHARE, INTERVAL_SHARE, boxes_of
from hemoview.ui.parts import theme
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.window.options import command_line
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel.devices.scan import Keys
from hemoview.viewmodel.live.layout_choice import LEAST_WIDE_PX, compact_lanes, form_for
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import RecordView, Wish
from recorder.schema import REFERENCE_CALIBRATED

CAP_SHARE = 0.72
"""Height of a digit in its font's pixels."""
AT_4_M_MM = 20.0


@pytest.fixture
def bed() -> SyntheticBedside:
    made = SyntheticBedside()
    made.run(20.0)
    made.events.append(event("marker", made.clock.monotonic_ns(), label=REFERENCE_CALIBRATED))
    made.run(2.0)
    return made


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> Iterator[MainWindow]:
    theme.apply(qapp)
    made = MainWindow()
    made.ask_before_closing = False
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    yield made
    made.setWindowState(Qt.WindowState.WindowNoState)


def shown(window: MainWindow) -> str:
    labels = [w.text() for w in window.findChildren(QLabel) if w.isVisible()]
    return "\n".join(labels + [w.text() for w in window.findChildren(QPushButton) if w.isVisible()])


def view_of(bed: SyntheticBedside) -> RecordView:
    return resolve(Wish(), bed.model.facts())


@given(st.integers(480, 4000), st.integers(480, 4000))
def test_a_standing_or_small_window_is_compact(width: int, height: int) -> None:
    form = form_for(width, height)
    assert form == ("compact" if width < LEAST_WIDE_PX or height > 1.15 * width else "wide")
    assert form_for(width, height, forced=True) == "compact"


@pytest.mark.parametrize(
    ("size", "form"), [((480, 854), "compact"), ((1280, 800), "wide"), ((800, 1280), "compact")]
)
def test_the_form_follows_the_windows_shape_and_comes_back(
    window: MainWindow, bed: SyntheticBedside, size: tuple[int, int], form: str
) -> None:
    window.show_view(view_of(bed))
    window.resize(*size)
    assert window.form == form
    assert (window.width(), window.height()) == size, "a panel of that size holds the window whole"
    window.resize(1280, 800)
    assert window.form == "wide"
    assert window.pages.currentWidget() is window.record
    assert window.record.guide.parent() is window.record


def test_the_compact_form_keeps_everything_that_protects(window: MainWindow, bed: SyntheticBedside) -> None:
    window.resize(480, 854)
    view = view_of(bed)
    window.show_view(view)
    QApplication.processEvents()
    words = shown(window)
    assert "P-014" in words
    assert text("watermark-simulated") in words
    assert "Not for treatment or alarms" in words
    assert text("button-stop") in words
    assert text("tag-estimate") in words
    cells = window.compact.findChildren(CompactCell)
    assert [c.accessibleName() for c in cells] == [row.parameter for row in view.numerics.rows]
    for cell, row in zip(cells, view.numerics.rows, strict=True):
        if row.estimate.interval:
            assert row.estimate.interval in cell.interval.text(), "no estimate without its interval"
    assert window.compact.bar.stop.isVisible()
    assert not window.compact.bar.start.isVisible()


def test_everything_on_the_compact_form_is_large_enough_to_touch(
    window: MainWindow, bed: SyntheticBedside
) -> None:
    window.resize(480, 854)
    window.show_view(view_of(bed))
    QApplication.processEvents()
    page = window.compact
    touched = [w for kind in (QPushButton, QToolButton) for w in page.findChildren(kind) if w.isVisible()]
    assert len(touched) >= 4
    for widget in touched:
        assert min(widget.width(), widget.height()) >= theme.touch_px() - 2, widget.text()


def test_buttons_of_the_compact_bar_do_what_those_of_the_wide_screen_do(
    window: MainWindow, bed: SyntheticBedside, qtbot: QtBot
) -> None:
    window.resize(480, 854)
    window.show_view(view_of(bed))
    with qtbot.waitSignal(window.header.stop_asked):
        window.compact.bar.stop.click()
    with qtbot.waitSignal(window.record.cuff_asked):
        window.compact.bar.cuff.click()
    with qtbot.waitSignal(window.record.marked) as told:
        window.compact.bar.markers.menu().actions()[2].trigger()
    assert told.args == [3, "stand up", "button"]


def test_a_small_panel_shows_the_pulse_waves(bed: SyntheticBedside) -> None:
    lanes = compact_lanes(view_of(bed).lanes)
    assert [lane.key for lane in lanes] == ["ppg", "abp"]
    assert compact_lanes(view_of(bed).lanes[2:]) == view_of(bed).lanes[2:4]


def test_large_numbers_keep_watermark_and_footer_and_escape_leads_back(
    window: MainWindow, bed: SyntheticBedside, qtbot: QtBot
) -> None:
    window.show_view(view_of(bed))
    window.toggle_far()
    window.setWindowState(Qt.WindowState.WindowNoState)
    window.resize(1280, 800)
    window.show_view(view_of(bed))
    QApplication.processEvents()
    assert window.pages.currentWidget() is window.far
    assert not window.header.isVisible()
    assert window.watermark.isVisible()
    assert "Not for treatment or alarms" in shown(window)
    assert "SBP" in window.far.rows.accessibleDescription()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert window.pages.currentWidget() is window.record
    assert window.header.isVisible()


def test_marker_keys_are_dead_behind_the_large_numbers(
    window: MainWindow, bed: SyntheticBedside, qtbot: QtBot
) -> None:
    window.show_view(view_of(bed))
    made: list[object] = []
    window.record.marked.connect(lambda *args: made.append(args))
    window.toggle_far()
    qtbot.keyClick(window, Qt.Key.Key_3)
    window.leave_far()
    assert not made
    window._keys = Keys()  # a second later: two keys at once are a scanner's
    qtbot.keyClick(window, Qt.Key.Key_3)
    assert len(made) == 1


def test_digits_are_read_at_four_metres(bed: SyntheticBedside) -> None:
    """20 mm digits, half of that for the interval, on a screen of 1280 × 800 at 96 dpi with four rows."""
    rows = tuple(row for row in view_of(bed).numerics.rows if row.parameter in ("SBP", "MAP", "DBP", "HR"))

    boxes = boxes_of(rows, QRect(0, 26, 1260, 640))
    px_per_mm = 96 / 25.4
    for row, box in boxes:
        place = box.height() - 6
        assert place * DIGIT_SHARE * CAP_SHARE / px_per_mm >= AT_4_M_MM
        wanted = round(place * INTERVAL_SHARE)
        room = 0.54 * 0.58 * box.width() - 40
        wide = QFontMetrics(theme.font(wanted, bold=True)).horizontalAdvance(f"[{row.estimate.interval}]")
        assert wanted * min(1.0, room / wide) * CAP_SHARE / px_per_mm >= AT_4_M_MM / 2


def test_the_command_line_takes_a_panel() -> None:
    args = command_line().parse_args(["--size", "480x854", "--compact"])
    assert args.size == (480, 854)
    assert args.compact
    with pytest.raises(SystemExit):
        command_line().parse_args(["--size", "big"])
    with pytest.raises(SystemExit):
        command_line().parse_args(["--size", "640x200"])
    assert command_line().parse_args(["--size", "640x400"]).size == (640, 400)


@pytest.mark.parametrize(("width", "height", "rows"), [(480, 854, 4), (1024, 640, 2), (960, 600, 2)])
def test_a_lying_panel_has_numbers_in_two_rows_none_of_them_cut(
    window: MainWindow, bed: SyntheticBedside, width: int, height: int, rows: int
) -> None:
    window.force_compact = True
    window.resize(width, height)
    window.show_view(view_of(bed))
    for _ in range(5):
        QApplication.processEvents()
    cells = window.compact._cells
    assert len({cell.y() for cell in cells.values()}) == rows
    for parameter, cell in cells.items():
        assert cell.value.height() >= cell.value.fontMetrics().ascent(), parameter
