"""The pages in a real browser, on a real service with bedsides that speak to it over real sockets."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from hemoview.cloud.jobs.queue import queue_of
from hemoview.cloud.live.room import Live
from hemoview.cloud.principals import Role
from tests.cloud.custody_rig import Sulking
from tests.cloud.page_rig import Bed, Feed, Served, chromium, serving
from tests.cloud.people import PASSWORD, account
from tests.cloud.report_rig import handed_over

pytestmark = pytest.mark.slow

BEDS = 24


class All(set[str]):
    """Every id there is."""

    def __contains__(self, _: object) -> bool:
        return True


NASTY = '<img src=x onerror="window.hurt=1">'
SAID_MS = 12_000


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


def test_a_wrong_password_is_said_and_a_one_time_one_must_be_changed(page: Any, served: Served) -> None:
    sign_in(page, served, password="not this one")
    page.wait_for_selector(".notice.error:text-matches('wrong')")
    sign_in(page, served, "newcomer")
    page.wait_for_selector("h1:text-is('Choose your own password')")
    page.goto(served.url + "/sessions")
    page.wait_for_selector("h1:text-is('Choose your own password')")
    page.fill("[name=old]", PASSWORD)
    page.fill("[name=new]", "another four quiet words")
    page.fill("[name=again]", "another four quiet word")
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice.error:text-matches('differ')")
    page.fill("[name=again]", "another four quiet words")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text-is('Sessions')")


def test_the_hospitals_account_is_offered_where_there_is_one_and_its_refusals_are_told(
    page: Any, served: Served
) -> None:
    offered = "a[href='/v1/oidc/start']"
    page.goto(served.url + "/")
    page.wait_for_selector("[name=password]")
    assert not page.locator(offered).is_visible()
    page.route("**/v1/oidc", lambda route: route.fulfill(json={"offered": True}))
    page.goto(served.url + "/?refused=unknown")
    page.wait_for_selector(".notice.error")
    page.wait_for_selector(offered)
    page.goto(served.url + "/?refused=%3Cimg%3E")
    page.wait_for_selector(offered)
    assert not page.locator(".notice.error").is_visible()


def test_a_session_in_custody_with_its_report_and_messages(page: Any, served: Served, tmp_path: Path) -> None:
    sender = handed_over(served, tmp_path / ("5e" * 16), bed=f"ICU-{BEDS}")
    sign_in(page, served, "physician")
    page.locator("nav a:text-is('Sessions')").click()
    page.locator("a:text-is('P-014')").click()
    page.wait_for_selector("dd:has-text('whole')")
    assert page.locator(".facts-list").inner_text().count(sender.session_id) == 1
    page.locator("button:text-is('Make a report')").click()
    page.wait_for_selector(".badge:text-is('◐ draft')", timeout=40_000)
    with page.expect_popup() as opened:
        page.locator("a:text-is('Page')").click()
    assert "P-014" in opened.value.locator("body").inner_text()
    page.locator("button:text-is('Sign…')").click()
    page.fill("dialog [name=assessment]", NASTY)
    page.fill("dialog [name=recommendations]", "None.")
    page.locator("dialog button.primary").click()
    page.wait_for_selector(".badge:text-is('● signed')", timeout=40_000)
    page.wait_for_selector("td:has-text('signed by Physician')")
    page.fill("[name=text]", NASTY)
    page.locator("button:text-is('Send to the bedside')").click()
    page.locator(f".said .text:text-is('{NASTY}')").wait_for()
    page.wait_for_selector(".badge:text-is('○ waits for the bedside')")
    assert page.evaluate("window.hurt") is None
    assert page.locator("main img").count() == 0


def test_a_report_given_up_while_the_store_was_away_is_made_again_by_one_button(
    page: Any, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = handed_over(served, tmp_path / ("6a" * 16), bed=f"ICU-{BEDS - 2}", pseudonym="W-12")
    sign_in(page, served, "physician")
    page.locator("nav a:text-is('Sessions')").click()
    page.locator("a:text-is('W-12')").click()
    page.wait_for_selector(f"dd:has-text('{sender.session_id}')")
    again = page.locator("button:text-is('Make it again')")
    with monkeypatch.context() as away:
        away.setattr(queue_of(served.service)._life, "_again_s", ())  # type: ignore[attr-defined]
        away.setattr(served.service, "blobs", Sulking(served.service.blobs, All()))
        page.locator("button:text-is('Make a report')").click()
        page.wait_for_selector(".badge:text-is('✕ not made')", timeout=40_000)
        assert page.locator("td:has-text('the store that keeps the sessions does not answer')").is_visible()
        assert again.count() == 1
    again.click()
    page.wait_for_selector(".badge:text-is('◐ draft')", timeout=40_000)
    assert again.count() == 0  # there is a newer one


def test_a_held_session_is_not_erased_by_a_withdrawal_and_one_that_was_lifted_is(
    page: Any, served: Served, tmp_path: Path
) -> None:
    name = "W-77"
    sender = handed_over(served, tmp_path / ("7d" * 16), bed=f"ICU-{BEDS - 1}", pseudonym=name)

    def confirm(**typed: str) -> None:
        for field, text in typed.items():
            page.fill(f"dialog [name={field}]", text)
        page.locator("dialog button.primary").click()

    def withdraw() -> None:
        page.locator("nav a:text-is('Withdrawals')").click()
        page.locator("button:text-is('A subject withdraws…')").click()
        confirm(pseudonym=name, subject="W-7", reason="asked for")
        assert page.locator("dialog").count() == 1, "the two differ"
        confirm(subject=name)
        page.wait_for_selector("dialog", state="detached")

    sign_in(page, served, "boss")
    page.wait_for_selector("nav a:text-is('Withdrawals')")
    page.goto(f"{served.url}/session/{sender.session_id}")
    page.locator("button:text-is('Forbid erasing (legal hold)…')").click()
    confirm(reason="a court", subject=name)
    page.wait_for_selector(".notice:has-text('Must not be erased: a court')")
    assert page.locator("button:has-text('Erase this session')").count() == 0
    withdraw()
    page.wait_for_selector("h2:text-is('Sessions erased: 0')")
    page.locator("main li a").click()
    page.locator("button:text-is('Allow erasing again…')").click()
    confirm(subject=name)
    page.wait_for_selector("button:has-text('Erase this session')")
    withdraw()
    page.wait_for_selector("h2:text-is('Sessions erased: 1')")
    page.wait_for_selector(f"td:has-text('{sender.session_id}')")
    page.wait_for_selector(".badge:text-is('○ not told yet')")
    page.goto(f"{served.url}/session/{sender.session_id}")
    page.wait_for_selector(".notice:has-text('was erased')")
    assert name not in page.content()


def test_an_auditor_is_told_what_is_theirs_and_a_refusal_is_chinese_on_a_chinese_page(
    page: Any, served: Served
) -> None:
    sign_in(page, served, "auditor")
    page.wait_for_selector("h1:text-is('Audit log')")
    page.goto(served.url + "/sessions")
    page.wait_for_selector("p:has-text('not shown to your role (auditor)')")
    page.locator("main a:text-is('Audit log')").click()
    page.wait_for_selector("h1:text-is('Audit log')")
    page.locator(".menu summary").click()
    page.locator("[name=language]").select_option("zh")
    page.goto(served.url + "/people")
    page.wait_for_selector(".notice.error:has-text('需要其他角色')")


def test_an_administrator_makes_beds_codes_and_accounts_told_once(page: Any, served: Served) -> None:
    sign_in(page, served, "boss")
    page.locator("nav a:text-is('Devices')").click()
    page.wait_for_selector(".bed-row")
    page.locator("button:text-is('New bed')").click()
    page.fill("dialog [name=label]", NASTY)
    page.locator("dialog button.primary").click()
    until(page, "document.querySelector('.bed-rows').textContent.includes('onerror')")
    page.locator(".bed-row", has_text="onerror").locator("button.primary").click()
    code = page.wait_for_selector("dialog .secret").inner_text()
    assert len(code) >= 12
    page.locator("dialog button.primary").click()
    page.wait_for_selector("dialog", state="detached")
    assert code not in page.content()
    page.locator("nav a:text-is('People')").click()
    page.locator("button:text-is('New account')").click()
    page.fill("dialog [name=display]", NASTY)
    page.fill("dialog [name=name]", "later")
    page.locator("dialog button.primary").click()
    page.wait_for_selector("dialog .secret")
    page.locator("dialog button.primary").click()
    page.wait_for_selector("td:has-text('one-time password')")
    page.locator("nav a:text-is('Audit log')").click()
    page.wait_for_selector("td:has-text('user.make')")
    page.locator("button:text-is('Prove the chain')").click()
    page.wait_for_selector(".notice.info:text-matches('as they were written')")
    assert page.evaluate("window.hurt") is None
    page.locator("nav a:text-is('Devices')").click()
    page.locator("button:has-text('Make this browser')").click()
    page.locator("dialog button.primary").click()
    page.wait_for_selector(".tile")
    assert page.locator("nav a").all_inner_texts() == ["Wards"], "the screen of a ward does nothing else"
    assert page.locator("button.confirm").count() == 0


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
