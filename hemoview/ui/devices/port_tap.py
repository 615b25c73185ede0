"""A serial port held open for the wizard's preview, in a thread of its own: what it says now, judged all the time."""

from __future__ import annotations

import threading
from typing import Final

from hemoview.viewmodel.devices.adc_wizard import FramePreview, judge_live
from hemoview.viewmodel.devices.raw_preview import Preview
from hemoview.viewmodel.messages import Message
from recorder.clock import Clock
from recorder.devices.adc_look import Look, open_link
from recorder.errors import ConfigError, DeviceError
from recorder.transports import Transport

AGAIN_S: Final = 1.0
"""A port that is gone is asked for again so often: whoever plugs the cable back sees it come."""
READ_S: Final = 0.1


class PortTap:
    """Opens, reads and decodes elsewhere: the screen only asks for the newest picture.

    Args:
        port, clock: where, and what stamps arrivals.
        found: the proposal that is read with, and what was heard when it was made.
    """

    def __init__(self, port: str, clock: Clock, found: Look) -> None:
        self._port, self._clock, self._found = port, clock, found
        self._lock, self._end = threading.Lock(), threading.Event()
        self._frames = FramePreview(found.findings)
        self._said, self._opened_ns = "", 0
        self._thread = threading.Thread(target=self._live, name="port-tap", daemon=True)
        self._thread.start()

    def trouble(self) -> Message | None:
        """What is wrong with the port now; None while it is read as found."""
        with self._lock:
            now_ns = self._clock.monotonic_ns()
            return judge_live(self._frames, refused=self._said, open_ns=self._opened_ns, now_ns=now_ns)

    def preview(self, field: str) -> Preview:
        """The trace of one channel."""
        with self._lock:
            return self._frames.preview(field)

    def close(self) -> None:
        """Let go of the port; whoever opens it next may have to wait a tenth of a second."""
        self._end.set()

    def wait(self, timeout_s: float = 5.0) -> None:
        """Until the port is really free. Not for the screen's thread."""
        self._thread.join(timeout_s)

    def _live(self) -> None:
        for data, _ in self._found.heard:  # what was heard stands in the picture until the port is open
            with self._lock:
                self._frames.feed(data)
        while not self._end.is_set():
            try:
                self._listen(open_link(self._port, self._clock, self._found.link))
            except (DeviceError, ConfigError) as error:
                with self._lock:
                    self._said = str(error)
            self._end.wait(AGAIN_S)

    def _listen(self, transport: Transport) -> None:
        """Until the end, or until the port is gone.

        Raises:
            LinkLost: it is.
        """
        fresh = FramePreview(self._found.findings)  # what was heard before ended a while ago
        with self._lock:
            self._said, self._opened_ns = "", self._clock.monotonic_ns()
        try:
            while not self._end.is_set():
                chunk = transport.read(READ_S)
                if chunk is not None:
                    with self._lock:
                        fresh.feed(chunk.data, chunk.t_host_ns)
                        self._frames = fresh
        finally:
            transport.close()
