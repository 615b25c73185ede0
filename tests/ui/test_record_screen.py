"""The Record screen offscreen: what the view says is on it, and the curve stands where the samples are."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from synthetic_bedside import SyntheticBedside, event

from hemoview.app import Shell
from hemoview.ui import theme
from hemoview.ui.catalogue import text, words
from hemoview.ui.main_window import MainWindow
from hemoview.ui.numerics_panel import NumericsPanel
from hemoview.ui.numerics_view import BigRow, Words
from hemoview.viewmodel.messages import say
from hemoview.viewmodel.record import resolve
from hemoview.viewmodel.record_view import Cell, Wish
from hemoview.viewmodel.sweeper import Canvas, Sweeper


@pytest.fixture
def bed() -> SyntheticBedside:
    made = SyntheticBedside()
    made.events = [event("marker", made.start_ns, label="reference calibrated")]
    made.run(12.0)
    return made


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication) -> MainWindow:
    theme.apply(qapp)
    made = MainWindow()
    made.ask_before_closing = False
    qtbot.addWidget(made)
    made.resize(1280, 800)
    made.show()
    return made


class Pictures:
    """Shows a synthetic bedside in a window."""

    def __init__(self, window: MainWindow, bed: SyntheticBedside) -> None:
        self.window, self.bed, self.sweeper = window, bed, Sweeper()

    def show(self, **wish: Any) -> None:
        view = resolve(Wish(**wish), self.bed.model.facts())
        self.window.show_view(view)
        QApplication.processEvents()
        waves = self.window.record.waves
        canvas = Canvas(waves.width(), waves.height(), theme.px_per_mm(), view.mm_per_s)
        frames = self.sweeper.frames(
            view.lanes,
            self.bed.model.streams,
            canvas,
            now_ns=self.bed.clock.now_ns,
            cleared_at_ns=wish.get("cleared_at_ns", 0),
        )
        waves.show_frames(frames, watermark=view.watermark, mm_per_s=view.mm_per_s)

    def waves_image(self) -> QImage:
        return self.window.record.waves.grab().toImage()


@pytest.fixture
def pictures(window: MainWindow, bed: SyntheticBedside) -> Pictures:
    return Pictures(window, bed)


def said(window: MainWindow) -> str:
    return " | ".join(label.text() for label in window.findChildren(QLabel) if label.isVisible())


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    return (
        np.array(image.constBits(), np.uint8)
        .reshape(image.height(), image.width(), 4)[:, :, 2::-1]
        .astype(int)
    )


def near(picture: np.ndarray, role: str) -> np.ndarray:
    tone = theme.colour(role)
    return np.asarray(np.abs(picture - np.array([tone.red(), tone.green(), tone.blue()])).sum(axis=2) < 60)


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


def test_check_boxes_change_rows_and_lanes(window: MainWindow, pictures: Pictures) -> None:
    pictures.show(parameters=frozenset({"SBP", "HR"}), waves=frozenset({"ppg"}))
    assert set(window.record.numerics._rows) == {"SBP", "HR"}
    assert len(window.record.waves._frames) == 1
    pictures.show()
    assert len(window.record.numerics._rows) == 10


def test_clear_view_clears_the_picture_only(pictures: Pictures, bed: SyntheticBedside) -> None:
    pictures.show()
    kept = len(bed.model.streams["e4.bvp"].ring)
    pictures.show(cleared_at_ns=bed.clock.now_ns)
    assert near(pixels(pictures.waves_image()), "ppg")[:, 120:].sum() < 50
    assert len(bed.model.streams["e4.bvp"].ring) == kept


def test_marker_keys_mark_but_not_while_typing(qtbot: QtBot, window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    marked: list[tuple[int, str]] = []
    window.record.marked.connect(lambda key, label, _: marked.append((key, label)))
    window.activateWindow()
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_2)
    assert marked == [(2, "arm move")]
    field = QLineEdit(window)
    field.show()
    field.setFocus()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is field, timeout=2000)
    qtbot.keyClick(window, Qt.Key.Key_3)
    assert len(marked) == 1


def test_marker_keys_are_dead_without_a_recording(
    qtbot: QtBot, window: MainWindow, pictures: Pictures
) -> None:
    pictures.bed.recording = False
    pictures.bed.run(1.0)
    pictures.show()
    marked: list[int] = []
    window.record.marked.connect(lambda key, _, __: marked.append(key))
    qtbot.keyClick(window, Qt.Key.Key_1)
    assert marked == []


def test_touch_targets_are_large_enough(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    least = theme.touch_px() - 1
    small = [
        (b.text(), b.height(), b.width())
        for b in window.findChildren(QAbstractButton)
        if b.isVisible() and (b.height() < least or b.width() < least)
    ]
    assert small == []


def test_closing_while_recording_says_what_goes_on(
    window: MainWindow, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.show()
    window.ask_before_closing = True
    asked: list[str] = []

    def answer(box: QMessageBox, role: QMessageBox.ButtonRole) -> int:
        asked.append(box.text())
        next(b for b in box.buttons() if box.buttonRole(b) == role).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", lambda box: answer(box, QMessageBox.ButtonRole.RejectRole))
    assert not window.close()
    assert window.isVisible()
    assert "recorder goes on" in asked[0]
    monkeypatch.setattr(QMessageBox, "exec", lambda box: answer(box, QMessageBox.ButtonRole.AcceptRole))
    assert window.close()


def test_closing_without_a_recording_asks_nothing(
    window: MainWindow, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.bed.recording = False
    pictures.bed.run(1.0)
    pictures.show()
    window.ask_before_closing = True
    monkeypatch.setattr(QMessageBox, "exec", lambda _: pytest.fail("asked"))
    closed: list[bool] = []
    window.closing.connect(lambda: closed.append(True))
    assert window.close()
    assert closed == [True]


def test_closing_says_what_ends_with_the_window_where_others_use_it(
    window: MainWindow, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.bed.recording = False
    pictures.bed.run(1.0)
    pictures.show()
    window.ask_before_closing = True
    window.ends_with_it = lambda: say("closing-bedside")
    asked: list[str] = []

    def stay(box: QMessageBox) -> int:
        asked.append(box.text())
        next(b for b in box.buttons() if box.buttonRole(b) == QMessageBox.ButtonRole.RejectRole).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", stay)
    assert not window.close()
    assert window.isVisible()
    assert asked == [text("closing-bedside")]
    window.ask_before_closing = False


def test_the_virtual_bedside_is_told_of_only_while_it_runs_and_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows, folder = [1], [None]
    monkeypatch.setattr("hemoview.app.presence.count", lambda *_: windows[0])
    shell = SimpleNamespace(
        bedside=SimpleNamespace(running=True),
        running_folder=lambda: folder[0],
        options=SimpleNamespace(station="bed-1"),
        home=tmp_path,
    )
    assert Shell._ends_with_window(shell) is None, "only this window looks on"  # type: ignore[arg-type]
    windows[0] = 2
    assert Shell._ends_with_window(shell) == say("closing-bedside")  # type: ignore[arg-type]
    shell.bedside.running = False
    assert Shell._ends_with_window(shell) is None  # type: ignore[arg-type]


def test_colour_blind_palette_changes_the_colours(pictures: Pictures) -> None:
    try:
        theme.use_palette("colour-blind")
        pictures.show()
        assert near(pixels(pictures.waves_image()), "ppg")[:, 120:].sum() > 200
        assert theme.colour("ppg").name() == "#f0e442"
    finally:
        theme.use_palette("standard")


def test_tab_walks_the_header_from_left_to_right(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    window.header.tabs["record"].setFocus()
    places = []
    for _ in range(3):  # the tab in front (the others by arrow keys), the menu, Stop
        focused = QApplication.focusWidget()
        assert focused is not None
        places.append(focused.mapTo(window, focused.rect().topLeft()).x())
        window.focusNextChild()
    header = window.header
    wanted = [header.tabs["record"], header.menu_button, header.stop]
    assert places == [w.mapTo(window, w.rect().topLeft()).x() for w in wanted]


def test_everything_touched_has_a_name(window: MainWindow, pictures: Pictures) -> None:
    pictures.show()
    unnamed = [
        b for b in window.findChildren(QPushButton) if b.isVisible() and not (b.text() or b.accessibleName())
    ]
    assert unnamed == []
    assert window.record.waves.accessibleName()


def test_view_is_a_value() -> None:
    bed = SyntheticBedside()
    bed.run(1.0)
    view = resolve(Wish(), bed.model.facts())
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.mm_per_s = 50.0  # type: ignore[misc]
    assert replace(view, mm_per_s=50.0).mm_per_s == 50.0
