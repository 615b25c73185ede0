"""Logs of the processes: rotating, under ``home/logs``, without subject data; a fault of the interpreter too."""

from __future__ import annotations

import faulthandler
import logging
import re
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final, TextIO

from recorder.host import places
from recorder.private_folder import make_private

MAX_BYTES: Final = 2_000_000
KEPT: Final = 5
_faults: list[TextIO] = []


SESSION_FOLDER = re.compile(r"(\d{8}-\d{6})_[A-Za-z0-9._-]{1,32}_([0-9a-f]{6})")


class NoSubject(logging.Formatter):
    """Takes the pseudonym out of session folders, which errors of the system and stacks name."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        return SESSION_FOLDER.sub(r"\1_*_\2", super().format(record))


def logs_dir(home: Path | None = None) -> Path:
    """Where logs lie; made if it is not there."""
    folder = (home or places.home()) / "logs"
    make_private(folder)
    return folder


def begin(role: str, home: Path | None = None) -> Path:
    """Log this process to ``<role>.log``; returns where. A crash inside C code leaves its stacks beside it."""
    path = logs_dir(home) / f"{role}.log"
    handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    handler.setFormatter(
        NoSubject("%(asctime)s %(levelname)s %(process)d %(threadName)s %(name)s: %(message)s")
    )
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    faults = path.with_suffix(".faults").open("a", encoding="utf-8")
    _faults.append(faults)  # faulthandler needs the file to stay open
    faulthandler.enable(faults)
    return path
