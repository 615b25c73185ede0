"""The processes beside a window: recorder and edge are started, kept, and left or ended when the window closes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from hemoview.ui.parts.bridge import Bridge
from hemoview.viewmodel.live.record_view import Banner
from hemoview.viewmodel.messages import say
from recorder.clock import Clock
from recorder.host import processes
from recorder.host.client import StationClient
from recorder.host.keeper import Keeper, restart_delay_s
from recorder.host.leaving import client_is_gone, leave
from recorder.host.presence import Presence


class Companions(QObject):
    """Recorder and edge of one station, seen from a window.

    Args:
        station, home, clock: whose.
        client: of the window, named ``name``; it adopts the control that a dead window still holds.
        bridge: runs what takes time.
        show_simulated: how the edge is started where a session says nothing.

    Attributes:
        trouble: banners about what could not be started.
    """

    def __init__(
        self,
        station: str,
        home: Path,
        clock: Clock,
        client: StationClient,
        bridge: Bridge,
        *,
        show_simulated: bool,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.trouble: dict[str, Banner] = {}
        self._station, self._home, self._clock = station, home, clock
        self._client, self._bridge, self._show_simulated = client, bridge, show_simulated
        self._failures = 0
        self._keeper: Keeper | None = None
        self._presence: Presence | None = None

    def begin(self) -> None:
        """Say that a window is here, and start both."""
        self._presence = Presence(self._station, self._home)
        self._try()

    def _try(self) -> None:
        self._bridge.call(self._start, self._started, self._failed)

    def _start(self) -> Exception | None:
        """In another thread: the recorder must come up, the estimates may not."""
        processes.ensure_recorder(self._station, self._home, clock=self._clock)
        self._adopt_control()
        try:
            self._start_edge()
        except OSError as error:
            return error
        return None

    def _start_edge(self) -> None:
        extra = ("--show-simulated",) if self._show_simulated else ()
        processes.ensure_edge(self._station, self._home, clock=self._clock, extra=extra)

    def _adopt_control(self) -> None:
        """A window that died may still be named as the one in control: nobody is there to ask."""
        holder = str(self._client.call("status")["status"]["controller"])
        if client_is_gone(holder):
            self._client.call("take_control", name=self._client.name)

    def _started(self, edge_error: Exception | None) -> None:
        self.trouble.pop("recorder-failed", None)
        if edge_error is not None:
            message = say("edge-failed", error=str(edge_error))
            self.trouble["edge-failed"] = Banner("edge-failed", "warn", message)
        if self._keeper is None:
            self._keeper = processes.keep_recorder(
                self._station,
                self._home,
                clock=self._clock,
                then=self._start_edge,  # who stopped the recorder stopped the estimates too
            )

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        message = say("recorder-failed", error=str(error))
        self.trouble["recorder-failed"] = Banner("recorder-failed", "danger", message)
        QTimer.singleShot(int(1000 * restart_delay_s(self._failures)), self, self._try)

    @property
    def running(self) -> bool:
        """Both were started, and the recorder is restarted whenever it dies."""
        return self._keeper is not None

    def close(self) -> None:
        """Restart nobody any longer; the window is not here any more."""
        if self._keeper is not None:
            self._keeper.close()
        if self._presence is not None:
            self._presence.close()

    def leave(self) -> None:
        """After :meth:`close`: with an open session both go on; without, the last window ends both."""
        leave(self._station, self._home, name=self._client.name)
