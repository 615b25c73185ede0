"""A bedside of another version on the page of devices: what is the matter and what to do, readable on a tablet too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hemoview.cloud.principals import Role
from recorder.sync import protocol, wire
from tests.cloud.page_rig import Served, chromium, serving
from tests.cloud.people import PASSWORD, account

pytestmark = pytest.mark.slow

OURS, OTHER = str(protocol.OURS), str(protocol.OURS + 1)

SAID = {
    "en-GB": ("other version", f"protocol {OTHER}, this service {OURS}", "never"),
    "zh-CN": ("版本不同", f"协议 {OTHER}，本服务器使用协议 {OURS}", "从未"),
}
"""What is read of one that is not understood, and what is not."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One bedside that is understood, one that is no longer, one that never was."""
    with serving(tmp_path_factory.mktemp("service") / "s") as rig:
        rig.ward("ICU", beds=3)
        account(rig, "boss", Role.ADMIN)
        for bed, versions in (("ICU-1", [OURS]), ("ICU-2", [OURS, OTHER]), ("ICU-3", [OTHER])):
            headers = rig.bedside(bed).headers
            for version in versions:
                said = wire.Heartbeat(rig.clock(), 1, "recorder 1", None).to_json()
                spoken = headers | {protocol.HEADER: version}
                reply = rig.http.post("/v1/devices/me/heartbeat", json=said, headers=spoken)
                assert reply.status_code == (409 if version == OTHER else 200), reply.text
        yield rig


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.mark.parametrize("width", [1440, 640, 360])
@pytest.mark.parametrize("locale", sorted(SAID))
def test_what_is_the_matter_is_read_at_any_width(
    served: Served, browser: Any, locale: str, width: int
) -> None:
    badge, why, never = SAID[locale]
    with httpx.Client(base_url=served.url) as client:
        client.post("/v1/login", json={"name": "boss", "password": PASSWORD}).raise_for_status()
        known = [{"name": n, "value": v, "url": served.url} for n, v in client.cookies.items()]
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=locale)
    context.add_cookies(known)
    page = context.new_page()
    page.goto(served.url + "/devices")
    rows = page.locator(".device-row")
    rows.nth(2).wait_for()
    understood, before, always = (rows.nth(n).inner_text() for n in range(3))
    assert badge not in understood and rows.nth(0).locator(".badge.good").count() == 1
    for told in (before, always):
        assert badge in told and why in told and never not in told
    assert rows.nth(1).locator(".badge.good").count() == 0
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert sideways <= 0, f"the page is {sideways} px wider than its window"
    context.close()
