"""What happened in a session is told in words on both kinds of screen, not in the names under which it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, get_args

import pytest

from hemoview.edge.heart import VERDICTS
from hemoview.ui.picture.text import cause_text, label_text, mark_text
from hemoview.ui.words.catalogue import use_language
from hemoview.ui.words.pages import cnap, review_events
from hemoview.viewmodel.live.guide import POSTURES
from hemoview.viewmodel.review.marks import Mark, mark_of
from recorder.acquire.confirmation import Cause
from recorder.acquire.guide import REMINDED
from recorder.schema import Event
from recorder.schema.status import DiskLevel, LinkState

CHINESE = re.compile("[\u4e00-\u9fff]")
BOTH = ("en", "zh")
WHOSE = {"device_id": "e4", "name": "Rest", "stream_id": "adc.wave", "folder": "bed"}


def told() -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and payload of events as the recorder stores them, each of whose words are its own."""
    yield from (("link", {"state": state, "cause": ""}) for state in get_args(LinkState))
    yield from (("session", {"state": state}) for state in ("started", "stopped", "ended"))
    yield from (("disk", {"level": level}) for level in get_args(DiskLevel))
    yield from (("posture", {"posture": posture}) for posture in POSTURES)
    yield from (("reminder", {"what": what, "state": s}) for what in REMINDED for s in ("done", "skipped"))
    yield from (("unconfirmed", {"cause": cause}) for cause in get_args(Cause))
    yield from (("subject-confirmed", {"same": same}) for same in (True, False))
    yield from (("heartbeat", {"verdict": verdict}) for verdict in VERDICTS)
    yield from (("phase-ended", {"reason": why}) for why in ("time", "operator", "next", "stopped"))
    for arm in ("left", "right", "unknown"):
        yield from (("cuff-inflation", {"arm": arm, "state": state}) for state in ("started", "ended"))
    for kind in (
        "phase-started",
        "phase-extended",
        "control",
        "checklist",
        "amended",
        "recovered",
        "arm-moved",
    ):
        yield kind, {}
    yield from (("calibration", {}), ("monitor-clock", {"shown": "14:05"}), ("joined", {}))
    yield "import", {"source": "e4"}


def event(kind: str, payload: dict[str, Any]) -> Event:
    return Event("e" * 32, kind, 10**9, 10**18, 0, WHOSE | payload)


@pytest.mark.parametrize("language", BOTH)
def test_every_event_has_words(language: Any) -> None:
    use_language(language)
    try:
        for kind, payload in told():
            mark = mark_of(event(kind, payload), 1.0)
            said = mark_text(mark)
            assert said != mark.label and "{" not in said, (kind, payload)
            assert bool(CHINESE.search(said)) == (language == "zh"), (kind, payload, said)
    finally:
        use_language("en")


def test_no_word_is_left_over() -> None:
    known = {f"review.said.{mark_of(event(kind, payload), 1.0).said}" for kind, payload in told()}
    left = {
        name
        for words in (review_events.ENGLISH, cnap.ENGLISH)
        for name in words
        if name.startswith("review.said.") and name not in known
    }
    notices = {name.removeprefix("review.said.") for name in left}
    assert all(mark_of(event("notice", {"kind": name}), 1.0).said == name for name in notices)
    assert not {name for name in notices if name.startswith(tuple(f"{kind}-" for kind, _ in told()))}


def test_what_has_no_words_is_told_as_it_is_stored_with_its_note() -> None:
    new = mark_of(event("notice", {"kind": "a-new-one"}), 1.0)
    assert mark_text(new) == "notice Rest e4 adc.wave a-new-one"
    noted = mark_of(event("notice", {"kind": "a-new-one", "detail": "twice"}), 1.0)
    assert mark_text(noted) == "notice Rest e4 adc.wave a-new-one  twice"
    full = mark_of(event("notice", {"kind": "storage", "message": "the disk is full"}), 1.0)
    assert mark_text(full) == "storage  the disk is full"
    assert mark_text(mark_of(event("nothing-known", {"why": "typed"}), 1.0)).endswith("typed")
    assert cause_text("a-new-cause") == "a new cause"


def test_why_a_link_was_lost_stands_beside_it_in_the_language_of_the_screen() -> None:
    lost = mark_of(
        event(
            "link",
            {"state": "lost", "cause": "the template asks for it, but it is not set up on this station"},
        ),
        1.0,
    )
    assert (
        mark_text(lost)
        == "E4: connection lost  the template asks for it, but it is not set up on this station"
    )
    use_language("zh")
    try:
        assert mark_text(lost) == "E4：连接断开  模板需要它，但本站点没有设置"
    finally:
        use_language("en")


def test_what_a_person_typed_is_never_translated() -> None:
    typed = mark_of(event("marker", {"label": "ready", "note": "is not encrypted"}), 1.0)
    use_language("zh")
    try:
        assert mark_text(typed) == "ready  is not encrypted"
    finally:
        use_language("en")


def test_a_marker_that_hemoview_names_is_told_in_the_language_of_the_screen_and_a_templates_own_as_it_is() -> (
    None
):
    mark = partial(Mark, 1.0, kind="marker")
    use_language("zh")
    try:
        assert (label_text(mark(label="talking")), label_text(mark(label="blew up a balloon"))) == (
            "说话",
            "blew up a balloon",
        )
    finally:
        use_language("en")
    assert label_text(mark(label="talking")) == "talking"
