"""``live.json`` of a station: how its live path stands, as its uplink process tells whoever has a screen."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from recorder.host import platform
from recorder.sync.uplink.passing import Standing

log = logging.getLogger(__name__)


class UplinkBoard:
    """Written whole when something has changed.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: dict[str, Standing] | None = None

    def show(self, standings: Mapping[str, Standing]) -> None:
        """By the id of the service."""
        told = dict(standings)
        if told == self._told:
            return
        try:
            content = {server_id: asdict(one) for server_id, one in told.items()}
            platform.write_owner_only(self._path, json.dumps(content).encode())
            self._told = told
        except OSError as error:  # the recorder says so louder; tried again the next second
            log.warning("the state of the live path cannot be written: %s", error.strerror)

    def close(self) -> None:
        """Nothing is known any more."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
