"""The ward and its beds in a real browser, with bedsides that speak to a real service."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from hemoview.cloud.live.room import Live
from tests.cloud.chromium.chromium_rig import BEDS, NASTY, open_ward, tile, until, until_inked
from tests.cloud.page_rig import Bed, Served
from tests.cloud.people import PASSWORD

pytestmark = pytest.mark.slow


def test_a_ward_of_24_beds_in_fixed_places(page: Any, served: Served, beds: dict[int, Bed]) -> None:
    open_ward(page, served)
    labels = "[...document.querySelectorAll('.tile .bed-label')].map(n => n.textContent)"
    assert page.evaluate(labels)[:BEDS] == [f"ICU-{n}" for n in range(1, BEDS + 1)]
    one = tile(page, 1)
    told = one.inner_text()
    for wanted in ("P-001", "Empatica E4 A1201", "CNAP 500", "since", "est.", "old"):
        assert wanted in told, wanted
    assert re.search(r"\[\d+–\d+\]", told)
    assert "SIMULATED" in tile(page, 2).inner_text()
    assert "no session" in tile(page, BEDS).inner_text()
    first = page.locator(".clock").inner_text()
    until(page, f"document.querySelector('.clock').textContent !== '{first}'")
    assert "ICU-1" in page.locator(".footers").inner_text()
    until_inked(page, one.locator("canvas").first)
    beds[9].changed = {"state": {"needs": [{"id": "poor-contact", "values": {}}]}}
    page.wait_for_selector(".need[data-kind=poor-contact]:has-text('Bed ICU-9'):has-text('since')")
    assert page.evaluate(labels)[:BEDS] == [f"ICU-{n}" for n in range(1, BEDS + 1)]


def test_hidden_estimates_leave_nothing_on_the_page(page: Any, served: Served, beds: dict[int, Bed]) -> None:
    open_ward(page, served)
    hides = tile(page, 5)
    assert hides.locator("td.estimate:visible").count() == 0
    assert "est." not in hides.inner_text()
    assert re.search(r"SBP\s+mmHg\s+\d+", hides.inner_text())
    hides.locator("a").click()
    page.wait_for_selector(".bed .reference .value:text-matches('[0-9]')")
    assert page.locator("td.estimate:visible").count() == 0
    assert page.locator(".bed-right .claim").inner_text() == ""


def test_a_log_in_that_ended_leads_to_signing_in_and_back(
    page: Any, served: Served, beds: dict[int, Bed]
) -> None:
    open_ward(page, served)
    page.context.clear_cookies()
    page.locator("nav a:text-is('Sessions')").click()
    page.wait_for_selector(".notice:has-text('signed out')")
    assert "P-001" not in page.content()
    page.fill("[name=name]", "nurse")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text-is('Sessions')")


def test_texts_of_others_are_text(page: Any, served: Served, beds: dict[int, Bed]) -> None:
    open_ward(page, served)
    assert NASTY in tile(page, 7).inner_text()
    assert page.evaluate("window.hurt") is None
    assert page.locator("main img").count() == 0


def test_old_data_is_grey_and_said_to_be_old_and_listed(
    page: Any, served: Served, beds: dict[int, Bed]
) -> None:
    open_ward(page, served)
    beds[4].silent = True
    page.wait_for_selector(".tile.stale .age:text-matches('OLD')")
    page.wait_for_selector(".need[data-kind=no-data]:has-text('Bed ICU-4')")
    assert tile(page, 4).locator(".tile-body").evaluate("n => getComputedStyle(n).filter") == "grayscale(1)"
    beds[4].seq += 12
    beds[4].silent = False
    tile(page, 4).locator(".missed:has-text('12 missed')").wait_for()
    assert page.locator(".tile.stale").count() == 0


def test_a_new_session_flashes_until_somebody_at_the_bed_confirms(
    page: Any, served: Served, beds: dict[int, Bed]
) -> None:
    open_ward(page, served)
    one = tile(page, 3)
    one.locator("button.confirm").click()
    asked = page.locator("dialog").inner_text()
    assert "P-003" in asked
    assert "A1203" in asked
    page.locator("dialog button.primary").click()
    one.locator(".binding").wait_for(state="hidden")
    beds[3].session_id, beds[3].changed = "another", {"head": {"pseudonym": "P-903", "confirmed": False}}
    page.wait_for_selector(".tile.unconfirmed:has-text('P-903')")
    assert "P-003" not in one.inner_text()
    page.wait_for_selector(".need[data-kind=confirm-binding]:has-text('Bed ICU-3')")
    assert one.evaluate("n => getComputedStyle(n).animationName") == "flash"


def test_a_silent_service_greys_the_whole_page_and_it_comes_back_by_itself(
    page: Any, served: Served, beds: dict[int, Bed]
) -> None:
    """Five seconds after the last word, by a clock of the page that goes as told: no busy machine has a part in it."""
    page.clock.install()
    open_ward(page, served)
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.clock.run_for(300)  # to be halted is a sleep to it: it opens another connection
    page.wait_for_selector("body:not(.lost)")
    with served.stalled():
        page.clock.run_for(4000)
        assert page.locator("body:not(.lost)").count() == 1
        page.clock.run_for(1500)
        assert page.locator("body.lost").count() == 1
        assert "Connection lost" in page.locator(".lost-banner").inner_text()
        assert page.locator("main").evaluate("n => getComputedStyle(n).filter") == "grayscale(1)"
    page.wait_for_selector("body:not(.lost)")


def test_grey_beds_of_a_service_whose_parts_do_not_reach_each_other_are_explained(
    page: Any, served: Served, beds: dict[int, Bed], monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ward(page, served)
    banner = page.locator(".limited-banner")
    assert banner.is_hidden()
    monkeypatch.setattr(Live, "is_limited", True)
    page.wait_for_selector(".limited-banner:has-text('Bedsides go on recording')")
    assert "lost" not in (page.locator("body").get_attribute("class") or "")
    page.goto(served.url + "/devices")
    assert banner.is_hidden()
    open_ward(page, served)
    page.wait_for_selector(".limited-banner:visible")
    monkeypatch.setattr(Live, "is_limited", False)
    page.wait_for_selector(".limited-banner", state="hidden")


def test_after_a_sleep_nothing_old_is_shown_as_of_now(
    page: Any, served: Served, beds: dict[int, Bed]
) -> None:
    """A halted debugger stands for a tablet's sleep: no script runs, messages pile up in the socket."""
    open_ward(page, served)
    opened: list[bool] = []
    page.on("websocket", lambda _: opened.append(True))
    page.evaluate(
        "window.seen = []; new MutationObserver(() => seen.push(document.body.classList.contains('lost')))"
        ".observe(document.body, {attributes: true})"
    )
    tools = page.context.new_cdp_session(page)
    tools.send("Debugger.enable")
    tools.send("Debugger.pause")
    time.sleep(6)
    tools.send("Debugger.resume")
    tools.send("Debugger.disable")
    until(page, "seen.length > 0 && !document.body.classList.contains('lost')")
    assert page.evaluate("seen[0]") is True
    assert len(opened) == 1, "what waited in the old connection is not believed: a new one was opened"


def test_a_bed_with_its_trends(page: Any, served: Served, beds: dict[int, Bed]) -> None:
    open_ward(page, served)
    tile(page, 1).locator("a").click()
    page.wait_for_selector(".bed .streams td:text-matches('delivers')")
    assert page.locator(".bed .row").count() == 10
    assert page.locator(".bed .row:has-text('SVRI') .estimate").inner_text().split() == [
        "2050",
        "est.",
        "SIM",
    ]
    page.locator("[data-minutes='5']").click()
    page.wait_for_selector(".u-wrap canvas")
    until_inked(page, page.locator(".u-wrap canvas"))
    with page.expect_request(re.compile("/trend\\?parameter=SBP")):
        beds[1].skip = 5  # what was missed is asked for
    page.wait_for_selector(".bed .missed:has-text('5 missed')")
    page.locator(".menu summary").click()
    page.locator("[name=unit]").select_option("kPa")
    page.wait_for_selector(".bed .unit:text-is('kPa')")
    page.locator(".menu summary").click()
    page.locator("[name=language]").select_option("zh")
    page.wait_for_selector("h2:text-is('趋势')")


def test_everything_on_the_ward_page_is_reached_by_keyboard(
    page: Any, served: Served, beds: dict[int, Bed]
) -> None:
    open_ward(page, served)
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(110):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('[data-bed]')?.dataset.bed"))
    assert set(served.beds.values()) <= reached
    nameless = (
        "[...document.querySelectorAll('a, button, select, input, summary')].filter(n => n.checkVisibility() && "
        "!(n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.length)).length"
    )
    assert page.evaluate(nameless) == 0


def test_nothing_stands_out_of_a_phone_a_tablet_or_a_desktop(
    page: Any, served: Served, beds: dict[int, Bed]
) -> None:
    sizes = ((360, 740), (1024, 768), (1920, 1080))
    fits = "document.documentElement.scrollWidth <= innerWidth"
    open_ward(page, served)
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(fits), width
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(served.url + "/sessions")
    page.locator(".menu summary").click()
    box = page.locator(".menu .panel").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360, "the menu opens within the screen"
    open_ward(page, served)
    tile(page, 1).locator("a").click()
    page.wait_for_selector(".bed .reference .value:text-matches('[0-9]')")
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate(fits), width
