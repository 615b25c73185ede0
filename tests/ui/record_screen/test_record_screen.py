"""The Record screen offscreen: what the view says is on it, and the curve stands where the samples are."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot
from record_screen_rig import Pictures, near, pixels, said
from synthetic_bedside import SyntheticBedside

from hemoview.ui.live.header_bar import Vanishing
from hemoview.ui.live.numerics_panel import NumericsPanel
from hemoview.ui.live.numerics_view import BIG, BigRow, SmallCell
from hemoview.ui.live.wave_view import WaveView
from hemoview.ui.parts import theme
from hemoview.ui.parts.label import Words
from hemoview.ui.window.main_window import MainWindow
from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Cell, Wish
from hemoview.viewmodel.live.sweeper import LABEL_PX, Canvas, Sweeper
from hemoview.viewmodel.messages import say


def test_fits_the_smallest_screen(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    assert window.width() <= 1280
    assert window.height() <= 800


def test_numbers_words_and_watermark_are_on_the_screen(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    words = said(window)
    for expected in (
        "P-014",
        "REC 00:00:12",
        "est.",
        "no real reference",
        "Not for treatment or alarms",
        "SIMULATED",
    ):
        assert expected in words
    row = window.record.numerics._rows["SBP"]
    assert row.value.text().isdigit()
    assert row.interval.text().startswith("[")


def _whole(label: QLabel) -> bool:
    return label.fontMetrics().horizontalAdvance(label.text()) <= label.width()


@pytest.mark.parametrize("unit", ["mmHg", "kPa"])
@pytest.mark.parametrize("width", [1280, 1920])
def test_no_number_and_no_interval_is_cut(
    window: MainWindow, bed: SyntheticBedside, unit: str, width: int
) -> None:
    window.resize(width, 800)
    view = resolve(Wish(pressure_unit=unit), bed.model.facts())
    wide = Cell("2088", "1258–3009", reason=say("assumed-cvp", cvp="5"), tag="tag-simulated")
    rows = tuple(
        replace(row, estimate=wide) if row.parameter in ("SVR", "SVRI") else row for row in view.numerics.rows
    )
    window.show_view(replace(view, numerics=replace(view.numerics, rows=rows)))
    QApplication.processEvents()
    shown = window.record.numerics._rows
    assert shown["SVRI"].interval.text() == "[1258–3009]"
    for parameter, row in shown.items():
        assert _whole(row.value), parameter
        assert _whole(row.interval), parameter
        if isinstance(row, BigRow):
            assert _whole(row.reference), parameter
            assert row.value.font().pixelSize() >= 28, parameter


SIMULATED = Cell("1583", reason=say("assumed-cvp", cvp="5"), tag="tag-simulated")


@pytest.mark.parametrize("height", [560, 500, 480, 460, 430, 400, 340, 320])
@pytest.mark.parametrize("small", [SIMULATED, replace(SIMULATED, interval="1258–3009")])
def test_a_number_keeps_its_unit_and_its_words_where_there_is_little_room(
    qtbot: QtBot, bed: SyntheticBedside, height: int, small: Cell
) -> None:
    view = resolve(Wish(), bed.model.facts()).numerics
    rows = tuple(row if row.parameter in BIG else replace(row, estimate=small) for row in view.rows)
    page = QWidget()
    qtbot.addWidget(page)
    panel = NumericsPanel(page)
    panel.show_view(replace(view, rows=rows))
    panel.resize(480, height)
    page.show()
    QApplication.processEvents()
    cells = [cell for cell in panel._rows.values() if isinstance(cell, SmallCell) and cell.isVisible()]
    assert len(cells) == (0 if panel.folded.isVisible() else 6)
    for cell in cells:
        assert cell.unit.isVisible() and _whole(cell.unit) and _whole(cell.value)


@pytest.mark.parametrize("height", [560, 430, 400, 340, 320])
def test_words_beside_a_dash_stay_whole_where_banners_leave_little_room(
    qtbot: QtBot, bed: SyntheticBedside, height: int
) -> None:
    """Two devices lost at once: two banners of two lines, the strip that guides, and every number a dash."""
    view = resolve(Wish(), bed.model.facts()).numerics
    paused = Cell("—", "", reason=say("estimate-stale"))
    rows = tuple(replace(row, estimate=paused) for row in view.rows)
    page = QWidget()  # a page may have less room than its parts ask for
    qtbot.addWidget(page)
    panel = NumericsPanel(page)
    panel.show_view(replace(view, rows=rows))
    panel.resize(480, height)
    page.show()
    QApplication.processEvents()
    for parameter, cell in panel._rows.items():
        shown = [label for label in cell.findChildren(Words) if label.isVisible() and label.text()]
        places = [
            QRect(label.mapTo(cell, QPoint(0, 0)), label.size()).intersected(cell.rect()) for label in shown
        ]
        for label, place in zip(shown, places, strict=True):
            lines = (
                1
                if not label.wordWrap()
                else round(label.heightForWidth(label.width()) / label.fontMetrics().height())
            )
            assert place.height() >= lines * label.font().pixelSize(), (parameter, label.text())
        for i, place in enumerate(places):
            assert not any(place.intersects(other) for other in places[i + 1 :]), parameter


def test_no_name_and_no_rate_of_a_stream_is_cut(window: MainWindow, bed: SyntheticBedside) -> None:
    """Seven streams and the shared heartbeat side by side on the smallest screen."""
    view = resolve(Wish(), bed.model.facts())
    beats = next(item for item in view.health if item.stream_id == "edge.beats_abp")
    beats = replace(beats, rate=say("health-row-rate", rate="0.9"))
    health = tuple(beats if item.stream_id == "edge.beats_abp" else item for item in view.health)
    window.show_view(replace(view, health=health))
    QApplication.processEvents()
    cells = window.record.health._cells
    assert len(cells) == 8
    for name, cell in cells.items():
        assert _whole(cell.title), name
        assert _whole(cell.rate), name


def test_a_rate_of_rows_has_one_digit_after_the_point(bed: SyntheticBedside) -> None:
    streams = tuple(replace(s, effective_rate_hz=0.914) for s in bed.status().streams)
    bed.status_changes = {"streams": streams}
    bed.run(0.6)
    items = {item.stream_id: item for item in resolve(Wish(), bed.model.facts()).health}
    assert words(items["edge.beats_abp"].rate) == "0.9/s"


def test_estimate_and_reference_differ_in_more_than_colour(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    row = window.record.numerics._rows["SBP"]
    assert "est." in row.note.text()
    image = pixels(row.estimate.grab().toImage())
    corner = image[3:20, 3:40].reshape(-1, 3)
    assert len(np.unique(corner, axis=0)) >= 2, "the estimate's ground is not hatched"


def test_waves_are_drawn_in_their_colours(pictures: Pictures) -> None:
    pictures.show()
    picture = pixels(pictures.waves_image())
    assert near(picture, "ppg")[:, 120:].sum() > 200
    assert near(picture, "abp")[:, 120:].sum() > 200


def test_repaint_covers_only_what_changed(pictures: Pictures, bed: SyntheticBedside) -> None:
    waves = pictures.window.record.waves
    pictures.show()
    before = waves._frames
    whole_before = pixels(waves.grab().toImage())
    bed.run(0.04, 0.04)
    pictures.show()
    if (
        waves._frames[0].still != before[0].still
        or waves._frames[0].curves[0].head_x < before[0].curves[0].head_x
    ):
        pytest.skip("the range or the sweep turned over in this step")
    stripe = waves._changed(before)
    whole_after = pixels(waves.grab().toImage())
    differs = np.flatnonzero((whole_before != whole_after).any(axis=(0, 2)))
    assert differs.size
    assert differs.min() >= stripe.left()
    assert differs.max() <= stripe.right()


def test_no_stale_wave_stays_after_a_sweep_nobody_saw(pictures: Pictures, bed: SyntheticBedside) -> None:
    """Minimised, on another page or asleep for longer than a sweep, the head comes back ahead of where it was."""
    waves = pictures.window.record.waves
    pictures.show()
    before = waves._frames[0].curves[0]
    bed.run(waves._frames[0].geometry.span_ns / 1e9 * 1.1)
    pictures.show()
    assert waves._frames[0].curves[0].head_x > before.head_x
    corner = waves.mapTo(pictures.window, waves.rect().topLeft())
    seen = pictures.window.screen().grabWindow(
        pictures.window.winId(), corner.x(), corner.y(), waves.width(), waves.height()
    )
    assert (pixels(seen.toImage()) == pixels(waves.grab().toImage())).all()


def test_banner_comes_with_starvation_and_goes_again(
    window: MainWindow, pictures: Pictures, bed: SyntheticBedside
) -> None:
    pictures.show()
    assert not window.banners.isVisible()
    bed.silent = {"adc.wave"}
    bed.run(2.0)
    pictures.show()
    assert window.banners.isVisible()
    assert any("CNAP silent" in line for line in window.banners.texts)
    bed.silent = set()
    bed.run(1.0)
    pictures.show()
    assert not window.banners.isVisible()


def test_colour_blind_palette_changes_the_colours(pictures: Pictures) -> None:
    try:
        theme.use_palette("colour-blind")
        pictures.show()
        assert near(pixels(pictures.waves_image()), "ppg")[:, 120:].sum() > 200
        assert theme.colour("ppg").name() == "#f0e442"
    finally:
        theme.use_palette("standard")


def test_view_is_a_value() -> None:
    bed = SyntheticBedside()
    bed.run(1.0)
    view = resolve(Wish(), bed.model.facts())
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.mm_per_s = 50.0  # type: ignore[misc]
    assert replace(view, mm_per_s=50.0).mm_per_s == 50.0


def test_a_templates_name_without_room_is_no_speck_beside_the_subject(qtbot: QtBot) -> None:
    name = Vanishing(14)
    qtbot.addWidget(name)
    name.show_text("template resting state of the left arm", "quiet")
    name.resize(300, 24)
    blank = np.unique(pixels(name.grab().toImage()).reshape(-1, 3), axis=0)
    assert len(blank) > 1, "it is painted where it fits"
    name.resize(9, 24)
    assert len(np.unique(pixels(name.grab().toImage()).reshape(-1, 3), axis=0)) == 1


def test_a_battery_is_never_cut_to_another_figure(window: MainWindow, bed: SyntheticBedside) -> None:
    """Beside "Take control" the header had no room for it: "96 %" read 9."""
    bed.status_changes = {"controller": "the tablet at the foot of the bed"}
    bed.run(0.6)
    for name in ("trends", "devices"):
        window.header.add_tab(name)
    window.show_view(resolve(Wish(), bed.model.facts()))
    QApplication.processEvents()
    header = window.header
    assert header.take.isVisible() and "80 %" in header.battery.text()
    assert _whole(header.battery) and _whole(header.disk)
    assert window.width() == 1280


def test_in_a_low_lane_nothing_stands_in_the_next(bed: SyntheticBedside, qtbot: QtBot) -> None:
    """The bars of quality stood in the next lane's title, a figure of the scale in the unit."""
    waves = WaveView()
    qtbot.addWidget(waves)
    waves.setMinimumHeight(0)
    waves.resize(640, 66)
    canvas = Canvas(640, 66, theme.px_per_mm(), 25.0)
    lanes = resolve(Wish(), bed.model.facts()).lanes[:2]
    frames = Sweeper().frames(lanes, bed.model.streams, canvas, now_ns=bed.clock.now_ns)
    waves.show_frames(frames, watermark=None, mm_per_s=25.0)
    picture = pixels(waves.grab().toImage())
    first, second = (frame.geometry for frame in frames)
    assert first.height_px < 36
    title = picture[round(second.top_px) : round(second.top_px + second.height_px), : int(LABEL_PX)]
    assert not near(title, "ok").any() and not near(title, "muted").any()
    assert near(picture[round(first.top_px) : round(second.top_px) - 4, : int(LABEL_PX)], "ok").any()
