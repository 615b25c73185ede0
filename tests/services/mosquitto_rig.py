"""A Mosquitto of a test's own, from ``.ci/servers``, that can be killed: whoever speaks there is heard by all."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hemoview.cloud.live.bus_access import BusAccess
from hemoview.cloud.settings import Settings
from tests.services.starters import starter

mosquitto = starter("mosquitto")


@dataclass(frozen=True)
class Broker:
    """One that runs."""

    told: Path

    @property
    def folder(self) -> Path:
        return self.told.parent

    @property
    def settings(self) -> Settings:
        return Settings.read(self.told, {"folder": self.folder / "none"}, {}, unchecked=True)

    @property
    def access(self) -> BusAccess:
        """As a replica of the service."""
        return self.settings.bus_access

    @property
    def log(self) -> str:
        return (self.folder / "broker" / "mosquitto.log").read_text()

    def kill(self) -> None:
        mosquitto.stop(self.folder, signal.SIGKILL)

    def start(self) -> None:
        mosquitto.start(self.folder)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It answers nobody, and hangs up on nobody."""
        pid = mosquitto.pid_of(self.folder)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def own_broker(devices: Path | None = None) -> Iterator[Broker]:
    """``devices``: the keys of the service whose bedsides it lets in."""
    with tempfile.TemporaryDirectory(prefix="hemoview-mosquitto-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # it gives up root and looks into it
        with mosquitto.mosquitto(folder / "mosquitto", devices=devices) as told:
            yield Broker(Path(told))
