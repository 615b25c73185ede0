"""Ctrl-C and the system's wish to end close a window in order."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QTimer

ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def closed_by_signals(close: Callable[[], None]) -> Iterator[None]:
    """While Qt's loop runs, call ``close`` from that loop once a signal wants the end.

    Python notices a signal only when it runs; the bridge's ticks see to that 35 times a second.
    """

    def ask(_number: int, _frame: Any) -> None:
        QTimer.singleShot(0, close)

    before = {number: signal.signal(number, ask) for number in ENDING}
    try:
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was if was is not None else signal.SIG_DFL)
