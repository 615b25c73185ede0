"""The window's composition root: build, wire, run. It owns no record: recorder and edge go on without it."""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from recorder.host.console import interrupts_wait

# Ctrl-C in the midst of it makes Qt's Python side abort the process, or is lost in it
with interrupts_wait():
    import hemoview.ui.window.main_window  # noqa: F401

from PySide6.QtCore import QLocale, QMessageLogContext, QSize, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QWidget

from hemoview.ui.live.chime import Player
from hemoview.ui.parts import on_screen, theme
from hemoview.ui.parts.bridge import Bridge
from hemoview.ui.window.asking import Asking
from hemoview.ui.window.bedside import VirtualBedsideOffer
from hemoview.ui.window.collector import GuiCollector
from hemoview.ui.window.companions import Companions
from hemoview.ui.window.device_operations import Bed, DeviceOperations
from hemoview.ui.window.handbook import RESEARCHERS, WARDS, Handbook
from hemoview.ui.window.lock_screen import LockScreen
from hemoview.ui.window.main_window import RECORD, REVIEW, MainWindow
from hemoview.ui.window.opening import check_opening
from hemoview.ui.window.operations import Operations
from hemoview.ui.window.options import AppOptions, command_line
from hemoview.ui.window.record_figure import RecordKept
from hemoview.ui.window.saving import SavingMenu
from hemoview.ui.window.service_actions import ServiceActions
from hemoview.ui.window.service_actions import Station as ServiceOf
from hemoview.ui.window.signals import closed_by_signals
from hemoview.ui.words import catalogue
from hemoview.ui.words import qt as qt_words
from hemoview.ui.words.catalogue import text
from hemoview.viewmodel import formats, window_settings
from hemoview.viewmodel.live import latency
from hemoview.viewmodel.live.chime import Chime
from hemoview.viewmodel.live.facts import Facts
from hemoview.viewmodel.live.latency import LatencyRecorder
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.live.numerics import valid_reference
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import RecordView
from hemoview.viewmodel.live.scale_form import adc_now, levels_now
from hemoview.viewmodel.live.sweeper import Canvas, Sweeper
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.sessions.template_choice import template_library
from recorder.clock import Clock
from recorder.errors import ConfigError, StorageError
from recorder.host import places, presence
from recorder.host.client import StationClient
from recorder.host.connection import check_station
from recorder.schema import SampleBlock

__all__ = ["AppOptions", "Shell", "main", "open_window", "run"]

RESOLVE_EVERY_S = 0.25
"""Everything but the waves is renewed four times a second; a banner is then at most that late."""

CLIENT = "window"


def main(argv: Sequence[str] | None = None) -> int:
    """``hemoview [--station NAME]``: open the window on a station. A name that is none is wrong usage: exit 2.

    Raises:
        RecorderError: the window cannot be opened as asked, or its picture was not kept.
    """
    parser = command_line()
    args = parser.parse_args(argv)
    try:
        check_station(args.station)
    except ConfigError as error:
        parser.error(str(error))
    options = AppOptions(
        station=args.station,
        home=args.home,
        screenshot=args.screenshot,
        seconds=args.after if args.after is not None else (5.0 if args.screenshot else None),
        show_simulated=args.show_simulated,
        compact=args.compact,
        size=args.size,
    )
    shown = run(options)
    if options.screenshot is not None and not shown["screenshots"]:
        raise StorageError(f"picture {options.screenshot}: was not written; look at the room on that disk")
    return 0


def run(options: AppOptions) -> dict[str, Any]:
    """Open the window and return when it is closed: by its button, after its time, by Ctrl-C or SIGTERM.

    Returns:
        ``sample_to_bus_ms`` and ``sample_to_screen_ms`` of every block, ``screenshots`` (those really kept),
        ``live`` (a summary).

    Raises:
        RecorderError: station, home or picture cannot be used; no window was opened.
    """
    with interrupts_wait():  # what Qt calls must not be interrupted
        app, shell = _build(options)
    collector = GuiCollector()
    shell.window.closing.connect(app.quit)
    try:
        with closed_by_signals(shell.close_unasked):  # from the first process on that is started here
            shell.open()
            app.exec()
    finally:
        qInstallMessageHandler(None)
    collector.close()
    return shell.measured()


def open_window(options: AppOptions) -> tuple[QApplication, Shell]:
    """Build and show the window; the caller runs the application.

    Raises:
        RecorderError: as :func:`run`.
    """
    app, shell = _build(options)
    shell.open()
    return app, shell


def _build(options: AppOptions) -> tuple[QApplication, Shell]:
    """Window and model, of which nothing is seen or started yet."""
    check_opening(options.station, options.home or places.home(), options.screenshot)
    settings = window_settings.load(settings_file(options))
    catalogue.use_language(_language(settings.taste.language))
    if settings.taste.scale != 1.0:
        os.environ.setdefault("QT_SCALE_FACTOR", f"{settings.taste.scale:g}")
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    qInstallMessageHandler(_qt_message)
    atexit.register(qInstallMessageHandler, None)  # Qt may speak when there is no Python left to hear it
    theme.apply(app)
    qt_words.speak(app, catalogue.language())
    on_screen.watch(app)
    app.setWindowIcon(QIcon(str(places.resources_dir() / "icons" / "hemoview.svg")))
    return app, Shell(options, Clock.from_environment())


def settings_file(options: AppOptions) -> Path:
    """Where a window's settings lie."""
    return (options.home or places.home()) / "settings" / "window.json"


def _language(chosen: str) -> catalogue.Language:
    if chosen in catalogue.LANGUAGES:
        return cast(catalogue.Language, chosen)
    return "zh" if QLocale.system().language() == QLocale.Language.Chinese else "en"


class Shell:
    """Feed → model → view, 35 times a second; commands the other way."""

    def __init__(self, options: AppOptions, clock: Clock) -> None:
        self.options, self.clock = options, clock
        self.home = options.home or places.home()
        self.name = options.name or f"{CLIENT}-{os.getpid()}"
        self.client = StationClient(options.station, self.home, name=self.name, clock=clock)
        self.feed = self.client.feed()
        self.model = LiveModel(clock, client=self.name, offset_s=formats.offset_here_s)
        self.sweeper, self.latency = Sweeper(), LatencyRecorder()
        self.bus_ms: deque[float] = deque(maxlen=latency.KEPT)
        self.settings_file = settings_file(options)
        settings = window_settings.load(self.settings_file)
        theme.use_palette(settings.taste.palette)
        self.window, self.bridge = MainWindow(places.sessions_dir(self.home)), Bridge()
        self.operations = Operations(
            self.window,
            self.bridge,
            self.client,
            settings,
            client=self.name,
            wall_ns=clock.wall_ns,
            reference_now=lambda: valid_reference(self.model.facts()),
            adc_now=lambda: adc_now(self.model.streams, now_ns=clock.monotonic_ns(), speed=clock.speed),
            levels_now=lambda: levels_now(self.model.streams, now_ns=clock.monotonic_ns(), speed=clock.speed),
            templates=template_library(self.home),
            facts_now=self.model.facts,
        )
        self.window.add_page("trends", lambda: _trends(self), before=REVIEW)
        bed = Bed(self.model, clock, options.station, self.home)
        self.devices = DeviceOperations(self.operations, self.bridge, bed)
        self.window.add_page("devices", self.devices.page)
        self.window.use_pressure_unit(settings.wish.pressure_unit)
        kept = RecordKept(self.window, self.model.facts, self.running_folder)
        self.service = ServiceActions(self.operations, self.bridge, ServiceOf(options.station, self.home))
        self.saving = SavingMenu(self.window, self.bridge, self.operations, kept)
        self.handbook, self.researcher = Handbook(self.window), Handbook(self.window, RESEARCHERS)
        self.ward_guide = Handbook(self.window, WARDS)
        self.asking = Asking(self.model, self.bridge, self.client, clock)
        self.companions = Companions(
            options.station,
            self.home,
            clock,
            self.client,
            self.bridge,
            show_simulated=options.show_simulated,
            parent=self.window,
        )
        self.bedside = VirtualBedsideOffer(self.bridge, self.client, self.home, clock)
        self.model.hidden_before_start = settings.form.rules.estimates_hidden
        self.view: RecordView | None = None
        self.cleared_at_ns = 0
        self._chime, self._player = Chime(), Player(self.home / "settings")
        self._resolved_s = 0.0
        self._ended = False
        self._pictures: list[Path] = []
        self.lock = LockScreen(
            self.window,
            self.settings_file.with_name("pin.json"),
            lambda: 0 if options.seconds is not None else self.operations.settings.taste.lock_after_min,
        )
        self._wire()

    def _wire(self) -> None:
        self.bridge.ticked.connect(self.tick)
        self.window.closing.connect(self.end)
        self.window.ask_before_closing = not (self.options.keep_session or self.options.seconds is not None)
        self.window.ends_with_it = self._ends_with_window
        self.operations.clear_asked.connect(self._clear)
        self.operations.pin_asked.connect(self.lock.change_pin)
        self.operations.settings_changed.connect(self._settings_changed)
        self.operations.virtual_bedside_asked.connect(lambda: self.bedside.open(self._bedside_failed))

    def open(self) -> None:
        """Show the window, and begin."""
        self.window.force_compact = self.options.compact
        self.window.resize(on_screen.first_size(QSize(*self.options.size), self.window.screen()))
        self.window.show()
        self.window.setFocus()
        self.begin()
        if self.options.seconds is not None:
            QTimer.singleShot(int(self.options.seconds * 1000), self.window.close)

    def begin(self) -> None:
        """Start recorder and edge beside the window, and the pictures."""
        self._show(self.model.facts())
        self.companions.begin()
        self.bridge.start()

    def _ends_with_window(self) -> Message | None:
        """The virtual bedside, where a recording or another window still uses it."""
        used = self.running_folder() is not None or presence.count(self.options.station, self.home) > 1
        return say("closing-bedside") if self.bedside.running and used else None

    def _bedside_failed(self, error: Exception) -> None:
        self.operations.show_error(error)

    # ---- pictures

    def tick(self) -> None:
        """One picture."""
        shown = self.model.take(self.feed.drain())
        self.model.bus_holes = self.feed.holes
        now_ns = self.clock.monotonic_ns()
        self.bus_ms.extend((now_ns - block.t_host_ns) / 1e6 / self.clock.speed for block in shown)
        self._paint(shown)  # the rest would hold up the wave: 2 ms of 34 at the 99th percentile
        self.asking.look()
        if time.monotonic() - self._resolved_s >= RESOLVE_EVERY_S:
            self._show(self.model.facts())

    def _show(self, facts: Facts) -> None:
        self._resolved_s = time.monotonic()
        wish = replace(self.operations.settings.wish, cleared_at_ns=self.cleared_at_ns)
        view = resolve(wish, facts)
        if self.companions.trouble:
            view = replace(view, banners=(*self.companions.trouble.values(), *view.banners))
        self.view = view
        self.window.show_view(view)
        self._sound(view)

    def _sound(self, view: RecordView) -> None:
        self._chime, due = self._chime.look(view.banners, time.monotonic(), recording=view.header.recording)
        if due and self.operations.settings.taste.chime:
            self._player.play()

    def _paint(self, arrived: list[SampleBlock]) -> None:
        """Draw the waves at once; the end of that call is the end of the paint."""
        view, window, waves = self.view, self.window, self.window.waves
        if view is None or window.page != RECORD or not waves.isVisible() or window.isMinimized():
            return
        mm_per_s = view.mm_per_s
        canvas = Canvas(waves.width(), waves.height(), theme.px_per_mm(), mm_per_s, self.clock.speed)
        frames = self.sweeper.frames(
            window.lanes(view),
            self.model.streams,
            canvas,
            now_ns=self.clock.monotonic_ns(),
            cleared_at_ns=self.cleared_at_ns,
        )
        waves.show_frames(frames, watermark=view.watermark, mm_per_s=mm_per_s)
        drawn = {frame.lane.stream_id for frame in frames}
        end_ns = self.clock.monotonic_ns()
        self.latency.painted((b.t_host_ns for b in arrived if b.stream_id in drawn), end_ns)

    # ---- what was touched

    def _clear(self) -> None:
        """The picture begins anew; the record knows nothing of it (safety rule 20)."""
        self.cleared_at_ns = self.clock.monotonic_ns()
        self._show(self.model.facts())

    def _settings_changed(self) -> None:
        window_settings.save(self.settings_file, self.operations.settings)
        self.window.use_pressure_unit(self.operations.settings.wish.pressure_unit)
        self.model.hidden_before_start = self.operations.settings.form.rules.estimates_hidden
        self._show(self.model.facts())

    # ---- the end

    def close_unasked(self) -> None:
        """A signal wants the end: nobody may be there to answer a question."""
        self.window.ask_before_closing = False
        self.window.close()

    def end(self) -> None:
        """The window closes. With an open session recorder and edge go on; without, the last one ends both."""
        if self._ended:
            return
        self._ended = True
        picture = self.options.screenshot
        if picture is not None and self.window.grab().save(str(picture)):
            self._pictures.append(picture)
        self.bridge.stop()
        self.companions.close()
        self.client.close()
        self.bedside.close()
        if not self.options.keep_session:
            self.window.hide()
            self.companions.leave()

    def running_folder(self) -> Path | None:
        """Folder of the session being recorded now."""
        session = self.model.status.session if self.model.status else None
        return Path(session.folder) if session is not None and session.state == "open" else None

    def measured(self) -> dict[str, Any]:
        """What the demo and the benchmark report."""
        return {
            "sample_to_bus_ms": list(self.bus_ms),
            "sample_to_screen_ms": self.latency.shown_ms(),
            "screenshots": [str(path) for path in self._pictures],
            "live": self.latency.summary(),
        }


def _trends(shell: Shell) -> QWidget:
    from hemoview.ui.trends.workspace import TrendsWorkspace  # noqa: PLC0415 – only who looks at trends waits for it

    return TrendsWorkspace(places.sessions_dir(shell.home), shell.running_folder)


def _qt_message(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
    """Qt's own words to stderr, but for what the offscreen platform says about every window."""
    if "propagateSizeHints" in message or kind == QtMsgType.QtDebugMsg:
        return
    sys.stderr.write(f"{text('app-title')}: {message}\n")
