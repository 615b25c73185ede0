"""A worker process that ends with who started it.

Workers of a pool wait for jobs on a pipe whose other end they hold themselves: if their parent is killed, they hear
nothing and would wait for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """For the ``initializer`` of a pool of spawned processes: nothing of a killed parent goes on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), name="parent", daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # whatever it computes, nobody waits for it
