"""Ending threads with what they serve."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QObject


def end_with(owner: QObject, end: Callable[[], None]) -> None:
    """Call ``end`` when ``owner`` is destroyed or the application quits, whichever is first; it may be called twice.

    ``end`` must not hold on to ``owner``, or it would never be destroyed.
    """
    owner.destroyed.connect(lambda: end())  # noqa: PLW0108 -- Qt would pass the destroyed object
    app = QCoreApplication.instance()
    if app is not None:
        app.aboutToQuit.connect(end)
