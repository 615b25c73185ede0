"""The real ``hemoview serve`` in a process of its own, with a bed and codes to enrol bedsides at it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Clock, running


@dataclass
class Served:
    """A service that can be killed and started again on its port."""

    folder: Path
    production: bool = True
    port: int = 0
    codes: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def prepare(self, beds: int = 2) -> Served:
        """A ward with beds, and a code for each."""
        with running(Settings(folder=self.folder, production=self.production), Clock()) as rig:
            ward = rig.ward("A", beds)
            keeper = rig.person("keeper", ("operator", ward))
            for place in range(1, beds + 1):
                reply = keeper.post(f"/v1/beds/{rig.beds[f'A-{place}']}/enrolment")
                self.codes.append(reply.json()["code"])
        return self

    def start(self) -> Served:
        words = [sys.executable, "-m", "hemoview.cli", "serve", "--folder", str(self.folder)]
        environment = {**os.environ, "HEMOVIEW_SERVE_PRODUCTION": str(self.production).lower()}
        environment["HEMOVIEW_HOME"] = str(self.folder.parent / "service-home")
        self.process = subprocess.Popen(
            [*words, "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "service at http" in line:
                self.port = int(line.strip().rstrip("/").rsplit(":", 1)[1])
                break
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False).is_success:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the service did not come up")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(20)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None
