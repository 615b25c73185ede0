"""An S3 store of a test's own, from ``.ci/servers``, that can be killed, filled and tampered with."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from hemoview.cloud.settings import ENV, Settings
from tests.cloud import databases
from tests.services.starters import starter


@dataclass(frozen=True)
class Ceph:
    """One that runs in ``folder``; ``settings`` of a service on it, in a file."""

    folder: Path
    settings: Path

    def at(self, folder: Path, **more: Any) -> Settings:
        """Settings of a service in ``folder``, with a prefix of its own."""
        told = Settings.read(self.settings, {"folder": folder, "production": False})
        prefix = {"blobs_url": f"{told.blobs_url}/{uuid4()}"}
        return Settings.read(self.settings, {"folder": folder, "production": False} | prefix | more)

    def environment(self, folder: Path) -> dict[str, str]:
        """The same for a process, with the server's database where there is one."""
        told = self.at(folder, database_url=databases.SERVER)
        names = ("database_url", "blobs_url", "blobs_endpoint", "blobs_region", "blobs_credentials_file")
        return {f"{ENV}{name.upper()}": str(getattr(told, name)) for name in names}

    def admin(self, *words: str) -> None:
        """What the store's own administrator may do."""
        command = ["radosgw-admin", "--conf", str(self.folder / "ceph.conf"), *words]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def kill(self) -> None:
        """Its gateway, at once."""
        starter("ceph").kill_gateway(self.folder)

    def start(self) -> None:
        starter("ceph").start_gateway(self.folder)

    @contextmanager
    def away(self) -> Iterator[None]:
        self.kill()
        try:
            yield
        finally:
            self.start()


@contextmanager
def own_ceph() -> Iterator[Ceph]:
    with tempfile.TemporaryDirectory(prefix="hemoview-ceph-") as name:
        folder = Path(name) / "ceph"
        with starter("ceph").ceph(folder) as settings:
            yield Ceph(folder, Path(settings))
