"""``amendments.jsonl``: corrections, append-only, each line with its CRC32. Samples are never rewritten."""

from __future__ import annotations

from pathlib import Path

from recorder.schema import Amendment
from recorder.session import ledger

AMENDMENTS_FILE = "amendments.jsonl"


def append(folder: Path, amendment: Amendment) -> None:
    """Add one line; it is on disk when this returns. An unfinished line left by a power cut is ended first.

    Raises:
        OSError: the disk refused.
    """
    ledger.append(folder / AMENDMENTS_FILE, "amendment", amendment.to_json())


def read(folder: Path) -> tuple[list[Amendment], list[str]]:
    """All whole amendments in order, and what is wrong with each other line."""
    return ledger.read(folder / AMENDMENTS_FILE, "amendment", lambda body: Amendment(**body))
