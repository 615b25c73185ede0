"""Logs of the processes: rotating, under ``home/logs``, without subject data; a fault of the interpreter too."""

from __future__ import annotations

import faulthandler
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final, TextIO

from recorder.host import places

MAX_BYTES: Final = 2_000_000
KEPT: Final = 5
_faults: list[TextIO] = []


def logs_dir(home: Path | None = None) -> Path:
    """Where logs lie; made if it is not there."""
    folder = (home or places.home()) / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def begin(role: str, home: Path | None = None) -> Path:
    """Log this process to ``<role>.log``; returns where. A crash inside C code leaves its stacks beside it."""
    path = logs_dir(home) / f"{role}.log"
    handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(process)d %(threadName)s %(name)s: %(message)s")
    )
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    faults = path.with_suffix(".faults").open("a", encoding="utf-8")
    _faults.append(faults)  # faulthandler needs the file to stay open
    faulthandler.enable(faults)
    return path
