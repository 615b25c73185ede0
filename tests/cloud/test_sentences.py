"""The service's sentences on Chinese pages: every refusal a person can meet has its form, every form is still said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import hemoview.cloud
import recorder.sync.uplink.message
from hemoview.cloud.identity import passwords
from hemoview.cloud.principals import Action
from hemoview.cloud.reports import rows
from recorder.host import places
from recorder.schema.claims import Claim

CLOUD = Path(hemoview.cloud.__file__).parent
FORMS = places.resources_dir() / "web" / "js" / "sentences_zh.js"
FOR_DEVICES = (
    *("custody/blob_routes.py", "custody/bodies.py", "custody/manifests.py", "custody/opening.py"),
    *("fhir/routes.py", "live/ingest.py", "live/connections.py"),
)
"""Nobody reads these in a browser."""
SAID_TO_DEVICES = {
    "the bedside does not hold the key it names",
    "the device's token is refused: {}",
    "the manifest is of another session than the address",
    "the service's authority for devices has run out; its administrator moves it away: {}",
    "this device has asked for many certificates; later again",
    "this service cannot sign for devices yet; its administrator reads its log, or: {}",
    "the manifest is of another device than the token",
    "this key was enrolled before; the bedside makes a new one",
    "the live view opens from a page of this service only",
    "watching a ward needs another role; an administrator can grant it",
}
PUT_TOGETHER = {
    "{} for all wards needs another role; an administrator can grant it",
    "{} needs another role; an administrator can grant it",
    "this report was withdrawn",
    "this report was withdrawn: {}",
}
"""Forms whose parts come from elsewhere."""
WORDS = {"site", "ward", "bed", "study", "Finapres finger cuff", "finger", "virtual bedside", "any device"}


def form(node: ast.expr) -> str | None:
    """A text with ``{}`` for what is filled in; None where it is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values)
    return None


def refusals() -> Iterator[str]:
    """What ``Problem(status, …)`` says, anywhere in the service but where only devices ask."""
    for path in CLOUD.rglob("*.py"):
        if path.relative_to(CLOUD).as_posix() in FOR_DEVICES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id
            if named in {"Problem", "problem_response"} and len(node.args) > 1:  # type: ignore[attr-defined]
                said = form(node.args[1])  # type: ignore[attr-defined]
                if said is not None:
                    yield said


def literals() -> set[str]:
    """Every text of the service."""
    nodes = (n for p in CLOUD.rglob("*.py") for n in ast.walk(ast.parse(p.read_text(encoding="utf-8"))))
    return {said for n in nodes if isinstance(n, ast.expr) and (said := form(n)) is not None}


def known() -> dict[str, str]:
    """Forms of the page and what they become."""
    pair = r'^  "((?:[^"\\]|\\.)+)":\s+"((?:[^"\\]|\\.)+)",$'
    return dict(re.findall(pair, FORMS.read_text(encoding="utf-8"), re.MULTILINE))


def fits(said: str) -> bool:
    """Some form of the page is that of a finished sentence."""
    return any(re.fullmatch(".+?".join(map(re.escape, f.split("{}"))), said) for f in known())


def test_every_refusal_a_person_can_meet_has_words_in_chinese() -> None:
    missing = set(refusals()) - set(known()) - SAID_TO_DEVICES
    missing -= {"{}{} needs another role; an administrator can grant it", "this report was withdrawn{}"}
    assert not missing, (
        f"add these to {FORMS.name}, or to SAID_TO_DEVICES where nobody reads them in a browser"
    )


def test_what_is_wrong_with_a_password_has_words_in_chinese() -> None:
    told = [
        passwords.wrong_with(new, "nurse", "the old one of mine")
        for new in ("short", "x" * 300, "the old one of mine", "hemoview hemoview", "nurse 12345 6")
    ]
    assert all(one is not None and fits(one) for one in told), told


def test_what_estimates_may_claim_has_words_in_chinese() -> None:
    claimed = recorder.sync.uplink.message._claimed
    real = Claim(kinds=("Finapres finger cuff",), site=("finger",), n="23", unchecked=("E4", "CNAP"))
    for claim in (real, Claim(("Finapres",), ("finger",), "23", ()), Claim((), (), "", ())):
        assert fits(claimed(claim)), claimed(claim)


def test_every_form_is_still_said_and_keeps_what_is_filled_in() -> None:
    forms = known()
    assert len(forms) > 80
    said = literals() | PUT_TOGETHER | WORDS | {a.value for a in Action}
    said |= {rows.MAKING, rows.DRAFT, rows.FINAL, rows.WITHDRAWN, rows.FAILED, "amended"}
    claims = {f for f in forms if f.endswith("Not for treatment or alarms.")}
    assert not set(forms) - said - claims
    for english, chinese in forms.items():
        assert english.count("{}") == chinese.replace("{:list}", "{}").count("{}"), english
