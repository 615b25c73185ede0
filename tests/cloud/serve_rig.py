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

from hemoview.cloud.asking import CSRF_HEADER
from hemoview.cloud.settings import Settings
from tests.cloud import databases
from tests.cloud.cloud_rig import Clock, running


@dataclass
class Served:
    """A service that can be killed and started again on its port."""

    folder: Path
    production: bool = True
    port: int = 0
    codes: list[str] = field(default_factory=list)
    people: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    """Role → headers and cookies of somebody signed in."""
    process: subprocess.Popen[str] | None = None

    def prepare(self, beds: int = 2) -> Served:
        """A ward with beds, and a code for each."""
        with running(Settings(folder=self.folder, production=self.production), Clock()) as rig:
            ward = rig.ward("A", beds)
            keeper = rig.person("keeper", ("operator", ward))
            for place in range(1, beds + 1):
                reply = keeper.post(f"/v1/beds/{rig.beds[f'A-{place}']}/enrolment")
                self.codes.append(reply.json()["code"])
            for role in ("admin", "clinician"):
                who = rig.person(f"test-{role}", (role, ward))
                headers = {CSRF_HEADER: who.headers[CSRF_HEADER]}
                self.people[role] = {"headers": headers, "cookies": dict(who.cookies)}
        return self

    def start(self) -> Served:
        words = [sys.executable, "-m", "hemoview.cli", "serve", "--folder", str(self.folder)]
        environment = {**os.environ, "HEMOVIEW_SERVE_PRODUCTION": str(self.production).lower()}
        environment["HEMOVIEW_HOME"] = str(self.folder.parent / "service-home")
        if databases.SERVER:
            environment["HEMOVIEW_SERVE_DATABASE_URL"] = databases.url_for(self.folder)
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

    def post(self, role: str, path: str, body: object) -> httpx.Response:
        """A request of somebody signed in."""
        with httpx.Client(base_url=self.url, trust_env=False, **self.people[role]) as client:  # type: ignore[arg-type]
            return client.post(path, json=body)

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
