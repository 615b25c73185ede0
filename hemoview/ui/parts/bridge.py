"""The one place where threads meet the screen: a timer pulls the live feed, answers come back as queued signals."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

FRAME_MS = 28
"""35 pictures a second: room above the 30 that are asked for."""

Done = Callable[[Any], None]
Failed = Callable[[Exception], None]


class Bridge(QObject):
    """``ticked`` comes every :data:`FRAME_MS` in the screen's thread; :meth:`call` runs work elsewhere.

    Whatever ``call`` is given to run must not touch a widget; its callbacks may.
    """

    ticked = Signal()
    _answered = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="window-call")
        self._stopped = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.ticked)
        self._answered.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Begin to tick."""
        self._timer.start()

    def stop(self) -> None:
        """Stop ticking; work under way is waited for, its answers are dropped. Safe to call twice."""
        self._stopped = True  # an answer already queued comes even to a slot that was disconnected
        self._timer.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def call(self, work: Callable[[], Any], done: Done | None = None, failed: Failed | None = None) -> None:
        """Run ``work`` in another thread; ``done(result)`` or ``failed(error)`` follows in this one.

        Once stopped, nothing is begun and nothing follows.
        """
        if self._stopped:
            return

        def told(future: Future[Any]) -> None:
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                self._answered.emit(done, future.result(), None)
            else:
                self._answered.emit(failed, None, error)

        self._pool.submit(work).add_done_callback(told)

    @Slot(object, object, object)
    def _deliver(self, callback: Callable[[Any], None] | None, result: Any, error: Exception | None) -> None:
        if self._stopped:
            return
        if callback is not None:
            callback(error if error is not None else result)
        elif error is not None:
            raise error
