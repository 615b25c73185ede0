"""The Record screen offscreen, showing a synthetic bedside: its words and its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel
from synthetic_bedside import SyntheticBedside

from hemoview.ui.parts import theme
from hemoview.ui.window.main_window import MainWindow
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from hemoview.viewmodel.live.sweeper import Canvas, Sweeper


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
