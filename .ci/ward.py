"""Makes the pictures of the guide for the ward: a service on this machine, bedsides that speak to it, Chromium.

``python .ci/ward.py`` from the repository; look at them before committing.
"""

import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from sqlalchemy import update

sys.path.insert(0, str(Path(__file__).parents[1]))

from hemoview.cloud import tables
from hemoview.cloud.principals import Role
from tests.cloud.page_rig import Bed, Feed, chromium, serving
from tests.cloud.people import PASSWORD, account

PLACE = Path("resources/docs/pictures")
BEDS, EMPTY, NEW = 9, 8, 6
TABLET = {"width": 1024, "height": 768}
LOCALES = {"": "en-GB", "-zh": "zh-CN"}


def furnish(rig):
    """A ward with beds 1 to 9, a nurse, and somebody at most of the beds."""
    rig.ward("ICU", beds=BEDS)
    account(rig, "nurse", Role.OPERATOR)

    async def label(conn):
        for n in range(1, BEDS + 1):
            bed = tables.bed.c.id == rig.beds[f"ICU-{n}"]
            await conn.execute(update(tables.bed).where(bed).values(label=str(n)))

    rig.do(label)
    beds = {n: Bed(rig.bedside(f"ICU-{n}"), n) for n in range(1, BEDS + 1) if n != EMPTY}
    none = {
        "est": None,
        "lo": None,
        "hi": None,
        "why": "motion",
        "sim": False,
        "ref": 118.0,
        "ref_valid": True,
    }
    beds[3].changed = {
        "state": {"needs": [{"id": "poor-contact", "values": {}}]},
        "numerics": {p: none | {"ref": v} for p, v in {"SBP": 118, "MAP": 87, "DBP": 71, "HR": 66}.items()},
    }
    beds[2].changed = {"head": {"simulated": True}}
    beds[5].changed = {"head": {"hidden": True}}
    return beds


def sign_in(page, rig):
    page.goto(rig.url)
    page.fill("[name=name]", "nurse")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".tile .reference .value")


def keep(page, name, *, high=TABLET["height"]):
    """What stands at the top of the page."""
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(
        path=PLACE / f"{name}.png", clip={"x": 0, "y": 0, "width": TABLET["width"], "height": high}
    )


def confirm_all(page, but):
    """Everybody but one was confirmed at the bed."""
    while page.locator(".tile.unconfirmed").count() > 1:
        one = (
            page.locator(".tile.unconfirmed")
            .filter(has_not=page.locator(f".bed-label:text-is('{but}')"))
            .first
        )
        one.locator("button.confirm").click()
        page.locator("dialog button.primary").click()
        page.wait_for_selector("dialog", state="detached")
        time.sleep(1.2)


def visit(browser, rig, tail, locale):
    context = browser.new_context(viewport=TABLET, locale=locale, reduced_motion="reduce")
    page = context.new_page()
    sign_in(page, rig)
    if not tail:
        confirm_all(page, NEW)
    time.sleep(7)
    keep(page, f"ward{tail}")
    page.locator(".tile.unconfirmed button.confirm").click()
    page.locator("dialog").screenshot(path=PLACE / f"ward-confirm{tail}.png")
    page.keyboard.press("Escape")
    page.locator(".tile a").first.click()
    time.sleep(10)
    page.locator("[data-minutes='5']").click()
    time.sleep(2)
    keep(page, f"ward-bed{tail}")
    page.go_back()
    page.wait_for_selector(".tile .reference .value")
    time.sleep(3)
    rig.stall(8)
    page.wait_for_selector("body.lost")
    keep(page, f"ward-lost{tail}", high=420)
    page.wait_for_selector("body:not(.lost)")
    context.close()


def shrink():
    """To a palette: a third of the size, which the suite bounds, and no difference that is seen."""
    for path in PLACE.glob("ward*.png"):
        Image.open(path).convert("RGB").quantize(160).save(path, optimize=True)


def main():
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "service", production=False) as rig,
        Feed(rig.url, list(furnish(rig).values())),
        chromium() as browser,
    ):
        time.sleep(90)  # trends of a minute and a half
        for tail, locale in LOCALES.items():
            visit(browser, rig, tail, locale)
    shrink()


if __name__ == "__main__":
    main()
