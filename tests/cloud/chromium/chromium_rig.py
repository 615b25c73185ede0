"""A page in a real browser: signed in, at the ward, and waited for."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import httpx

from tests.cloud.page_rig import Served
from tests.cloud.people import PASSWORD

BEDS = 24
NASTY = '<img src=x onerror="window.hurt=1">'
SAID_MS = 12_000


def sign_in(page: Any, served: Served, name: str = "nurse", password: str = PASSWORD) -> None:
    page.goto(served.url + "/")
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")


INK = "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0)"


def until_inked(page: Any, canvas: Any, *, within_s: float = 12) -> None:
    """Something is drawn there: with the next frame of the browser, which comes late on a busy machine."""
    for _ in range(round(within_s * 10)):
        if canvas.evaluate(INK):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"nothing was drawn within {within_s} s")


def until(page: Any, expression: str, *, within_s: float = 12) -> None:
    """Wait for JavaScript to be true. Playwright's own way is an ``eval`` in the page, which its policy refuses."""
    deadline = time.monotonic() + within_s
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(100)


def tile(page: Any, n: int) -> Any:
    return page.locator(".tile", has=page.locator(f".bed-label:text-is('ICU-{n}')"))


@cache
def cookies_of(url: str, name: str) -> dict[str, str]:
    """Signed in once for all tests that are not about signing in."""
    with httpx.Client(base_url=url) as client:
        client.post("/v1/login", json={"name": name, "password": PASSWORD}).raise_for_status()
        return dict(client.cookies)


def open_ward(page: Any, served: Served) -> None:
    known = cookies_of(served.url, "nurse")
    page.context.add_cookies([{"name": n, "value": v, "url": served.url} for n, v in known.items()])
    page.goto(served.url + "/")
    page.wait_for_selector(".tile .value:text-matches('[0-9]')")
    until(page, "document.querySelectorAll('.tile:not(.quietly)').length >= 22")
    page.wait_for_selector("body:not(.lost)")
