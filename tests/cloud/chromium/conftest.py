"""A real service, bedsides that speak to it over real sockets, and a page whose faults fail the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hemoview.cloud.principals import Role
from tests.cloud.chromium.chromium_rig import BEDS, NASTY, SAID_MS
from tests.cloud.page_rig import Bed, Feed, Served, chromium, serving
from tests.cloud.people import account


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("service") / "s", production=False) as rig:
        rig.ward("ICU", beds=BEDS)
        account(rig, "nurse", Role.OPERATOR)
        account(rig, "physician", Role.CLINICIAN)
        account(rig, "boss", Role.ADMIN, Role.AUDITOR)
        account(rig, "auditor", Role.AUDITOR)
        account(rig, "newcomer", Role.CLINICIAN, one_time=True)
        yield rig


@pytest.fixture(scope="module")
def beds(served: Served) -> Iterator[dict[int, Bed]]:
    """Twenty-two of the beds speak."""
    made = {n: Bed(served.bedside(f"ICU-{n}"), n) for n in range(1, BEDS - 1)}
    made[2].changed = {"head": {"simulated": True}}
    made[5].changed = {"head": {"hidden": True}}
    made[7].changed = {"head": {"pseudonym": NASTY}}
    with Feed(served.url, list(made.values())):
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture
def faults() -> list[str]:
    return []


@pytest.fixture
def page(served: Served, browser: Any, faults: list[str]) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="en-GB")
    made = context.new_page()
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("console", lambda said: faults.append(said.text) if _is_fault(said) else None)
    made.set_default_timeout(SAID_MS)
    yield made
    context.close()
    assert faults == []


def _is_fault(said: Any) -> bool:
    """A 401 before signing in and what a test does to the network are no faults of the page."""
    return (
        said.type in {"error", "warning"}
        and "status of 40" not in said.text
        and "WebSocket" not in said.text
        and "willReadFrequently" not in said.text  # what the test itself reads of a canvas
    )
