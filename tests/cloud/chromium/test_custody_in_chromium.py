"""The pages of people, sessions and what happens to them, in a real browser on a real service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hemoview.cloud.jobs.queue import queue_of
from tests.cloud.chromium.chromium_rig import BEDS, NASTY, sign_in, until
from tests.cloud.custody_rig import Sulking
from tests.cloud.page_rig import Served
from tests.cloud.people import PASSWORD
from tests.cloud.report_rig import handed_over

pytestmark = pytest.mark.slow


class All(set[str]):
    """Every id there is."""

    def __contains__(self, _: object) -> bool:
        return True


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
    page.wait_for_selector(".notice.info:text-matches('as it was written')")
    assert page.evaluate("window.hurt") is None
    page.locator("nav a:text-is('Devices')").click()
    page.locator("button:has-text('Make this browser')").click()
    page.locator("dialog button.primary").click()
    page.wait_for_selector(".tile")
    assert page.locator("nav a").all_inner_texts() == ["Wards"], "the screen of a ward does nothing else"
    assert page.locator("button.confirm").count() == 0
