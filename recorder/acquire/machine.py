"""What the acquisition asks of the machine it runs on. ``recorder.host`` fills it in; tests hand in fakes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Inhibitor(Protocol):
    """Holds the machine awake while it is held."""

    def release(self) -> None:
        """Let it sleep again."""
        ...


@dataclass(frozen=True, slots=True)
class Machine:
    """The seam to the operating system.

    Args:
        boottime_ns: a monotonic clock that runs on in suspend, None where there is none.
        file_system: type of the file system that holds a folder.
        network_file_systems: the types no session may lie on.
        inhibit_sleep: hold sleep off; raises OSError where refused.
        warnings: about the machine, (what, todo).
        zone: IANA name of the local time zone.
        free_bytes: room left for us, of the disk a folder is on.
        encrypted: whether that disk is; None where it cannot be told.
    """

    boottime_ns: Callable[[], int | None]
    file_system: Callable[[Path], str]
    network_file_systems: frozenset[str]
    inhibit_sleep: Callable[[], Inhibitor]
    warnings: Callable[[], list[tuple[str, str]]]
    zone: Callable[[], str]
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    encrypted: Callable[[Path], bool | None] = lambda _: None
