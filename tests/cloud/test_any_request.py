"""Requests nobody thought of, made from the service's own OpenAPI: no fault of ours, and every refusal in one form."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hemoview.cloud.asking import COOKIE, CSRF_HEADER
from hemoview.cloud.settings import Settings
from tests.cloud.cloud_rig import Clock, running
from tests.cloud.route_matrix import House

EXAMPLES = 10
SIGNS_OUT = {"POST /v1/logout"}


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The real service on a free port; its address."""
    words = [sys.executable, "-m", "hemoview.cli", "serve", "--folder", str(folder), "--port", "0"]
    env = os.environ | {"HEMOVIEW_HOME": str(folder.parent)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def fuzzed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[str, House, dict[str, dict[str, str]]]]:
    """Address, what is there, and the headers of nobody, a bedside and an administrator."""
    folder = tmp_path_factory.mktemp("fuzz") / "service"
    with running(Settings(folder=folder), Clock()) as rig:
        house = House(rig)
        chief = rig.person(
            "chief", *((role, None) for role in ("admin", "auditor", "researcher", "clinician", "operator"))
        )
        who = {
            "nobody": {},
            "bedside": house.bedside.headers,
            "chief": {"Cookie": f"{COOKIE}={chief.cookies[COOKIE]}", CSRF_HEADER: chief.headers[CSRF_HEADER]},
        }
    with served(folder) as address:
        yield address, house, who


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nobody", "bedside", "chief"])
def test_no_request_is_a_fault_and_every_refusal_is_a_problem(
    fuzzed: tuple[str, House, dict[str, dict[str, str]]], who: str
) -> None:
    address, house, headers = fuzzed
    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json")
    tried: dict[str, set[int]] = {}
    with httpx.Client(base_url=address, headers=headers[who]) as http:
        for found in schema.get_all_operations():
            operation = found.ok()
            name = f"{operation.method.upper()} {operation.path}"
            if name not in SIGNS_OUT:
                tried[name] = _try(operation, house, headers[who])
        assert http.get("/healthz").status_code == 200
        signed_in = {"nobody": 401, "bedside": 403, "chief": 200}
        assert http.get("/v1/me").status_code == signed_in[who]
    assert len(tried) > 40
    if who == "chief":  # it was not only refusals
        assert sum(200 in statuses for statuses in tried.values()) > 15


def _try(operation: Any, house: House, headers: dict[str, str]) -> set[int]:
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), real=st.booleans())
    def one(case: Any, real: bool) -> None:
        if real and case.path_parameters:  # of things that are there, not of made-up ones
            case.path_parameters.update({k: v for k, v in house.ids.items() if k in case.path_parameters})
        reply = case.call(headers=headers, timeout=20)
        statuses.add(reply.status_code)
        assert reply.status_code < 500, (case.as_curl_command(), reply.text)
        if reply.status_code >= 400 and case.method.upper() != "HEAD":
            assert reply.headers["content-type"] == ["application/problem+json"], case.as_curl_command()

    one()
    return statuses
