"""Limits that both sides keep, and words used in several bodies."""

from __future__ import annotations

from typing import Final

from recorder.sync.fields import hexadecimal, text, whole

BLOB_BYTES_MAX: Final = 64 * 2**20
FILES_MAX: Final = 40_000
"""In one manifest; 24 h of five streams are about 1,300."""
QUERY_IDS_MAX: Final = 10_000
ORDERS_MAX: Final = 1_000

SHA256: Final = hexadecimal(32)
KEY: Final = hexadecimal(32)
SIGNATURE: Final = hexadecimal(64)
SESSION_ID: Final = text(64, r"[A-Za-z0-9][A-Za-z0-9_-]*", 1)
ID: Final = text(64, r"[A-Za-z0-9][A-Za-z0-9_.-]*", 1)
LABEL: Final = text(120)
TIME_US: Final = whole()
