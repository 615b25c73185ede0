"""An export in a thread of its own: how far it is, what came of it. No Qt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from hemoview.viewmodel.exchange.export_form import ExportOrder
from recorder import session as store
from recorder.exchange.exports.export import ExportStopped, Report, export
from recorder.host import withdrawals


class ExportJob:
    """Runs from construction on; ``ended`` is called from its thread, whatever came of it.

    After that one of ``report`` and ``error`` is there; neither where it was stopped.
    """

    def __init__(self, order: ExportOrder, ended: Callable[[], None]) -> None:
        self.order = order
        self.share = 0.0
        self.report: Report | None = None
        self.error: Exception | None = None
        self._ended, self._stop = ended, threading.Event()
        self._thread = threading.Thread(target=self._run, name="export", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Not ended yet."""
        return self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Somebody asked to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Give up soon; nothing is left behind."""
        self._stop.set()

    def wait(self, timeout_s: float | None = None) -> None:
        """Until it has ended."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        order = self.order
        try:
            custody = replace(order.custody, withdrawn=withdrawals.pseudonyms(order.custody.home))
            with store.open(order.session) as session:
                self.report = export(
                    session,
                    order.to,
                    order.out,
                    order.selection,
                    custody=custody,
                    tell=self._tell,
                    stopped=self._stop.is_set,
                )
        except ExportStopped:
            pass
        except Exception as error:  # noqa: BLE001 -- shown to the user, whatever it is
            self.error = error
        finally:
            self._ended()

    def _tell(self, done: int, total: int) -> None:
        self.share = done / total
