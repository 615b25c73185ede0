"""Makes the pictures of README and guides as one would come by them: for operators window, virtual bedside, subject,
Start, Stop; for researchers the files of two devices. Run by ``make pictures``; look at them before committing.
``researcher`` makes those of the researcher's guide alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import researcher
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from hemoview import app
from hemoview.viewmodel import window_settings
from hemoview.viewmodel.live.cuff_form import CuffForm, examine
from hemoview.viewmodel.window_settings import Taste, WindowSettings
from recorder.host import places, processes

STATION = "bed-1"
OUT = Path("resources/docs/pictures")
WIDEST_PX = 1280
PATIENCE_S = 120.0
TEMPLATE = """
name = "{name}"
operator = "RN2"
markers = ["arm move", "recalibration", "dizzy", "talking", "other"]
[consent]
version = "2.1"
date = "2026-01-15"
[sites]
wristband_side = "left"
finger_cuff_side = "right"
arm_cuff_side = "left"
posture = "seated"
[[devices]]
kind = "e4-tcp"
device_id = "e4"
[[devices]]
kind = "serial-adc"
device_id = "adc"
[[phases]]
name = "{sitting}"
duration_min = 5
marker_at_start = "{sits}"
instruction = "{how}"
[[phases]]
name = "{standing}"
duration_min = 3
marker_at_start = "{stands}"
[cuff]
first_after_min = 2
at_phase_ends = true
[checklist]
before = ["{wristband}", "{forearm}"]
[rules]
anchor_from = "cuff"
show_simulated = true
"""
OWN_WORDS = {
    "en": {
        "name": "Sit and stand",
        "sitting": "Sitting",
        "sits": "sitting begins",
        "how": "Feet on the floor, forearm at the height of the heart.",
        "standing": "Standing",
        "stands": "stand up",
        "wristband": "Wristband sits two fingers above the wrist",
        "forearm": "Forearm lies at the height of the heart",
    },
    "zh": {
        "name": "坐位与站立",
        "sitting": "坐位",
        "sits": "开始坐",
        "how": "双脚着地，前臂与心脏同高。",
        "standing": "站立",
        "stands": "起立",
        "wristband": "腕带戴在手腕上方两指处",
        "forearm": "前臂与心脏同高",
    },
}
"""Of the template, which a site writes in its own language."""
SUBJECT = {"age_y": "58", "height_cm": "168", "weight_kg": "71", "hand_height_cm": "0"}


class Visit:
    """One window on an own home; every wait keeps the window alive."""

    def __init__(self, language: str, home: Path) -> None:
        self.suffix = "" if language == "en" else f"-{language}"
        options = app.AppOptions(STATION, home, keep_session=True, size=(WIDEST_PX, 800))
        taste = Taste(language=language)
        window_settings.save(app.settings_file(options), WindowSettings(taste=taste))
        folder = places.templates_dir(home)
        folder.mkdir(parents=True, exist_ok=True)
        self.template = OWN_WORDS[language]["name"]
        (folder / "sit-and-stand.toml").write_text(TEMPLATE.format(**OWN_WORDS[language]), encoding="utf-8")
        self.home = home
        self.qt, self.shell = app.open_window(options)
        self.window, self.ask = self.shell.window, self.shell.operations

    def wait(self, seconds: float) -> None:
        """Let it run."""
        self.until(lambda: False, seconds)

    def until(self, holds: Callable[[], object], at_most_s: float = PATIENCE_S) -> None:
        """Let it run until something holds."""
        end = time.monotonic() + at_most_s
        while not holds() and time.monotonic() < end:
            self.qt.processEvents()
            time.sleep(0.01)

    def keep(self, name: str, widget: QWidget | None = None) -> None:
        """A picture of a widget, of the window where None."""
        shown = (widget or self.window).grab()
        if shown.width() > WIDEST_PX:
            shown = shown.scaledToWidth(WIDEST_PX, Qt.TransformationMode.SmoothTransformation)
        where = OUT / f"{name}{self.suffix}.png"
        shown.save(str(where))
        with Image.open(where) as taken:  # 256 colours are enough for a screen and a third of the bytes
            taken.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(where, optimize=True)

    def banner(self, key: str) -> bool:
        """Whether it is asked for now."""
        return self.shell.view is not None and any(b.key == key for b in self.shell.view.banners)

    def devices(self) -> None:
        """The virtual bedside, once it delivers."""
        shell = self.shell
        self.until(lambda: shell.companions.running)
        shell.bedside.open(lambda error: sys.exit(str(error)))

        def streaming() -> bool:
            links = shell.model.status.links if shell.model.status else ()
            return len(links) > 1 and all(link.state == "streaming" for link in links)

        self.until(streaming)

    def start(self) -> None:
        """The form, the comparison with the person, the recording."""
        self.until(lambda: self.shell.view is not None and self.shell.view.header.can_start)
        self.window.header.start.click()
        dialog = self.ask.start_dialog
        assert dialog is not None
        inputs: dict[str, Any] = dialog.inputs
        chooser = inputs["template"].box
        chooser.setCurrentIndex(chooser.findText(self.template))
        inputs["pseudonym"].scanned.emit("P-014")
        inputs["sex"].buttons["female"].click()
        for name, typed in SUBJECT.items():
            inputs[name].setText(typed)
        dialog.signed_today.click()
        inputs["consent_record"].setChecked(True)
        self.wait(1)
        self.keep("start", dialog)
        dialog.next.click()
        self.until(dialog.confirm.start.isEnabled)
        for box in dialog.confirm.checklist.boxes:
            box.setChecked(True)
        self.keep("confirm", dialog)
        dialog.confirm.start.click()
        self.until(lambda: self.shell.running_folder() is not None)
        self.ask.command("begin_phase", index=0)

    def record(self, seconds: float) -> None:
        """Until there is something to see: the monitor calibrated, a cuff reading, a trend."""
        self.until(lambda: self.banner("calibration"), 45.0)
        self.ask.confirm_calibration()
        self.until(lambda: self.ask.reference_now() is not None, 30.0)
        self.wait(5)
        sbp, dbp = self.ask.reference_now() or (120.0, 75.0)
        self.cuff(round(sbp) + 2, round(dbp) - 1)
        self.ask.mark(4, "talking", "key")
        self.wait(seconds)
        self.keep("record")

    def cuff(self, sbp_mmhg: int, dbp_mmhg: int) -> None:
        """A reading, judged as the dialog judges it."""
        form = CuffForm(str(sbp_mmhg), str(dbp_mmhg), arm="left", posture="seated", operator="RN2")
        request = examine(form, wall_ns=self.ask.wall_ns(), reference_mmhg=None).request
        if request is not None:
            self.ask.command("cuff", **request)

    def look(self) -> None:
        """The other screens of the recording, and the session once it is closed."""
        self.window.toggle_far()
        self.window.showNormal()
        self.window.resize(WIDEST_PX, 800)
        self.wait(1)
        self.keep("large-numbers")
        self.window.leave_far()
        self.window.resize(480, 854)
        self.wait(2)
        self.keep("compact")
        self.window.resize(WIDEST_PX, 800)
        self.wait(1)
        self.shell.lock.hide_screen(time.monotonic())
        self.wait(1)
        self.keep("hidden")
        self.shell.lock.curtain.button.click()  # type: ignore[union-attr]
        for page in ("devices", "trends"):
            self.window.show_page(page)
            self.wait(6)
            self.keep(page)

    def review(self) -> None:
        """Stop, and open what was recorded."""
        folder = self.shell.running_folder()
        self.window.header.stop.click()
        assert self.ask.stop_dialog is not None
        self.ask.stop_dialog.stop.click()
        self.until(lambda: self.shell.view is not None and self.shell.view.header.next_subject)
        self.window.show_page("review")
        self.window.pages.currentWidget().open_session(str(folder))  # type: ignore[union-attr]
        self.wait(6)
        self.keep("review")

    def leave(self) -> None:
        """Close the window and end what ran beside it."""
        self.shell.close_unasked()
        processes.stop_station(STATION, self.home, force=True)


def research(language: str) -> None:
    """The researcher's guide, all of it."""
    with (
        tempfile.TemporaryDirectory(prefix="hemoview-") as folder,
        mock.patch.dict(os.environ, HEMOVIEW_HOME=folder),
    ):
        visit = Visit(language, Path(folder))
        try:
            researcher.take(visit)
        finally:
            visit.leave()


def operate(language: str, seconds: float) -> None:
    """The operator's guide, all of it."""
    with tempfile.TemporaryDirectory() as folder:
        visit = Visit(language, Path(folder))
        try:
            visit.devices()
            visit.start()
            visit.record(seconds)
            visit.look()
            visit.review()
        finally:
            visit.leave()


def main() -> None:
    """All of them, or one guide's: ``[researcher | SECONDS] [en | zh]``, seconds of the recording."""
    said = sys.argv[1] if len(sys.argv) > 1 else "40"
    for language in sys.argv[2:] or ("en", "zh"):
        if said != "researcher":
            operate(language, float(said))
        research(language)
    QApplication.quit()


if __name__ == "__main__":
    main()
