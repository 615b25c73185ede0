"""Makes the pictures of the researcher's guide: files of two simulated devices, imported in the window, aligned,
labelled, built, exported. Run by ``.ci/pictures.py``; ``.ci/pictures.py researcher`` makes these alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from hemoview import cli
from hemoview.ui.review.workspace import ReviewWorkspace
from hemoview.viewmodel.review import moves
from recorder.devices.sim.physiology import SimRecording, SimSubject, simulate
from recorder.devices.sim.stick import StickPlan, write_stick

BEGIN_S = 1_770_000_000
MONITOR_AHEAD_S, DRIFT_PPM = 95.0, 60.0
PLAN = StickPlan(clock_ppm=DRIFT_PPM, calibrated_s=(60.0,), hd_calibrated_s=200.0, artefacts=0.01)
CONSENT = ("--consent-version", "2.1", "--consent-date", "2026-01-15", "--scopes", "training")
SUBJECT = {"pseudonym": "P-014", "pseudonym_again": "P-014", "operator": "RN2"}
SIGNED = {"consent_version": "2.1", "consent_date": "2026-01-15"}
TALL_PX = 880
"""The panel of the beats under the picture, a banner above it."""
CTRL = Qt.KeyboardModifier.ControlModifier


class Desk(Protocol):
    """What is needed of a visit: a window on an own home."""

    home: Path
    window: Any

    def wait(self, seconds: float) -> None:
        """Let it run."""

    def until(self, holds: Callable[[], object], at_most_s: float = ...) -> None:
        """Let it run until something holds."""

    def keep(self, name: str, widget: QWidget | None = None) -> None:
        """A picture."""


def write_e4(folder: Path, told: SimRecording, begin_s: float = BEGIN_S) -> Path:
    """The pulse and the movement as a wristband's export has them, and a word that they are simulated."""
    folder.mkdir(parents=True)
    pulse = "".join(f"{v:.2f}\n" for v in told.ppg)
    (folder / "BVP.csv").write_text(f"{begin_s:.2f}\n64.000000\n{pulse}", "ascii")
    begins, rates = ", ".join([f"{begin_s:.6f}"] * 3), ", ".join(["32.000000"] * 3)
    counts = np.round(told.acc_g * 64).astype(int).tolist()
    rows = "".join(f"{x},{y},{z}\n" for x, y, z in counts)
    (folder / "ACC.csv").write_text(f"{begins}\n{rates}\n{rows}", "ascii")
    return folder


def write_person(
    folder: Path, band: SimRecording, monitor: SimRecording, begin_s: float
) -> tuple[Path, Path]:
    """Files of both devices; returns the wristband's folder and the monitor's beats."""
    begins = datetime.fromtimestamp(begin_s + MONITOR_AHEAD_S, UTC).replace(tzinfo=None)
    return write_e4(folder / "E4", band, begin_s), write_stick(folder / "usb", monitor, begins, PLAN).beats


def take(desk: Desk) -> None:
    """The whole way, in the order of the guide."""
    files, sessions = desk.home / "files", desk.home / "sessions"
    one, two, three = (simulate(SimSubject(motion_fraction=0.05), 480.0, seed) for seed in (3, 8, 12))
    mine = write_person(files / "P-014", one, one, BEGIN_S)
    swapped = write_person(files / "P-015", one, two, BEGIN_S + 86_400)
    unsigned = write_person(files / "P-016", three, three, BEGIN_S + 172_800)
    for name, (band, beats), consent in (("P-015", swapped, CONSENT), ("P-016", unsigned, ())):
        told = ["--e4", str(band), "--cnap", str(beats), "--subject", name, "--zone", "UTC", *consent]
        cli.main(["import", *told, "--out", str(sessions / f"{name}-import")])
    desk.window.resize(desk.window.width(), TALL_PX)
    desk.window.show_page("review")
    review: ReviewWorkspace = desk.window.pages.currentWidget()
    bring_in(desk, review, *mine)
    session = Path(review.browser.selected().path)  # type: ignore[union-attr]
    align(desk, review, sessions / "P-015-import", "researcher-refused")
    align(desk, review, session, "researcher-align")
    label(desk, review, session)
    build(desk, review)
    give(desk, review)


def bring_in(desk: Desk, review: ReviewWorkspace, band: Path, beats: Path) -> None:
    """“Import recording …”, filled in."""
    dialog = review.browser.import_recording()
    inputs: dict[str, Any] = dialog.inputs
    dialog.add([band, beats])
    dialog.zone.setCurrentText("UTC")
    for name, typed in {**SUBJECT, **SIGNED}.items():
        inputs[name].setText(typed)
    inputs["consent_training"].setChecked(True)
    desk.until(dialog.ok.isEnabled)
    desk.keep("researcher-import", dialog)
    dialog.ok.click()
    desk.until(lambda: (row := review.browser.selected()) is not None and "P-014" in row.name)


def show(desk: Desk, review: ReviewWorkspace, session: Path, t0_s: float, t1_s: float) -> None:
    """A session open, a span of it in view."""
    review.open_session(str(session))
    page = review.page
    desk.until(lambda: page.model.facts is not None and page.model.facts.path == str(session))
    page._move(lambda wish, end: moves.look_at(wish, t0_s, t1_s, end))
    desk.until(lambda: page.model.view().settled)


def align(desk: Desk, review: ReviewWorkspace, session: Path, name: str) -> None:
    """The panel of the beats, after Align."""
    show(desk, review, session, 180.0, 240.0)
    panel = review.page.align
    if not panel.isVisible():
        panel.button.click()
    panel.who.setText("RN2")
    desk.until(lambda: panel.model.view(200.0).beats is not None)
    panel.buttons["align"].click()
    desk.until(lambda: panel.history.count() > 0 and panel.buttons["undo"].isEnabled())
    review.page._move(lambda wish, end: moves.jump(wish, 210.0, end))
    desk.wait(2)
    desk.keep(name)
    panel.button.click()


def label(desk: Desk, review: ReviewWorkspace, session: Path) -> None:
    """Label mode: qualities of windows, a stretch, a moment."""
    show(desk, review, session, 180.0, 240.0)
    page = review.page
    desk.until(lambda: page.labelling.model.view(0.0).ready)
    page.labelling.model.use_rater("RN2")
    page.press(Qt.Key.Key_L, CTRL)
    page._move(lambda wish, end: moves.jump(wish, 185.0, end))
    for key in "7W7W8W9W7":
        page.press(Qt.Key(ord(key)))
        desk.wait(0.3)
    page._move(lambda wish, end: moves.jump(wish, 212.0, end))
    page.press(Qt.Key.Key_I)
    page._move(lambda wish, end: moves.jump(wish, 219.0, end))
    for key in "O2":
        page.press(Qt.Key(ord(key)))
    desk.wait(1)
    desk.keep("researcher-label")
    page.press(Qt.Key.Key_L, CTRL)


def build(desk: Desk, review: ReviewWorkspace) -> None:
    """“Build dataset …”: what bars a session, and what came of it."""
    review.browse()
    dialog = review.browser.build_dataset()
    desk.until(lambda: dialog.facts.phase == "choosing")
    dialog.ticks["allow_simulated"].click()
    dialog.fields["label_set"].setText("labels")
    dialog.fields["label_set"].editingFinished.emit()
    desk.wait(2)
    dialog.all.click()
    desk.until(dialog.build.isEnabled)
    dialog.build.click()
    desk.until(lambda: dialog.facts.phase == "done")
    desk.wait(1)
    desk.keep("researcher-dataset", dialog)
    dialog.close()


def give(desk: Desk, review: ReviewWorkspace) -> None:
    """“Export…” for somebody else."""
    review.setCurrentWidget(review.page)
    review.page.exporting.button.click()
    dialog: Any = review.page.exporting.dialog
    dialog.deidentify.setChecked(True)
    dialog.use_folder(desk.home)
    desk.wait(1)
    desk.keep("researcher-export", dialog)
    dialog.reject()
