"""Every id a screen can be told has words, and every text names only values it is given."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import hemoview
from hemoview.estimate.reasons import REASONS
from hemoview.ui.parts import theme
from hemoview.ui.words.catalogue import CHINESE_WORDS, ENGLISH_WORDS, known_ids, text, use_language, words
from hemoview.viewmodel.live.guide import POSTURES
from hemoview.viewmodel.live.record import MARKER_LABELS
from hemoview.viewmodel.live.record_view import TREND_GROUPS, WAVES
from hemoview.viewmodel.messages import say
from hemoview.viewmodel.sessions.start_fields import SEXES, SIDES
from hemoview.viewmodel.window_settings import PALETTES
from recorder.schema import DiskStatus, LinkStatus, StreamStatus

ROOMS = [Path(hemoview.__file__).parent / room for room in ("viewmodel", "ui")]
WITH_BLANKS = {"health-counts", "review.gap-missing", "joint", "joint-clauses"}
"""Parts put together with others."""
SAYING = {"say", "text", "_heading", "_button", "_group"}


def _calls() -> Iterator[tuple[str, ast.expr]]:
    for room in ROOMS:
        for path in sorted(room.rglob("*.py")):
            if path.parent.name == "review":  # says its own words with a prefix: test_review_catalogue
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                name = getattr(
                    getattr(node, "func", None), "id", getattr(getattr(node, "func", None), "attr", "")
                )
                if isinstance(node, ast.Call) and name in SAYING and node.args:
                    yield path.name, node.args[0]


def test_every_literal_id_has_text() -> None:
    literals = {
        (where, arg.value)
        for where, arg in _calls()
        if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
    }
    assert len(literals) > 60
    assert not {entry for entry in literals if entry[1] not in known_ids()}


def test_every_built_id_has_a_family() -> None:
    prefixes = {
        (where, arg.values[0].value)
        for where, arg in _calls()
        if isinstance(arg, ast.JoinedStr) and isinstance(arg.values[0], ast.Constant)
    }
    assert prefixes
    assert not {p for p in prefixes if not any(known.startswith(str(p[1])) for known in known_ids())}


@pytest.mark.parametrize(
    ("prefix", "ends"),
    [
        ("why-", [reason for reason in REASONS if reason != "simulated"]),
        ("lane-", WAVES),
        ("label-", MARKER_LABELS),
        ("trend-", list(TREND_GROUPS)),
        ("starved-", ["never-seen", "silent", "lost"]),
        ("state-", ["never-seen", "streaming", "silent", "lost"]),
        ("link-", ["lost", "silent", "connecting", "scanning"]),
        ("disk-", ["24h", "2h", "15min", "stopped"]),
        ("palette-", list(theme.PALETTES)),
        ("choice-", [*SEXES, *SIDES, *POSTURES]),
    ],
)
def test_families_are_whole(prefix: str, ends: list[str]) -> None:
    assert not {f"{prefix}{end}" for end in ends} - known_ids()


def test_settings_and_theme_know_the_same_palettes() -> None:
    assert tuple(theme.PALETTES) == PALETTES


def test_schema_states_are_the_ones_translated() -> None:
    assert set(get_args(StreamStatus.__dataclass_fields__["state"].type)) <= {
        "never-seen",
        "streaming",
        "silent",
        "lost",
    }
    assert LinkStatus("e4", "lost").state == "lost"
    assert DiskStatus("", 0, None).level == "ok"


def test_texts_are_well_formed() -> None:
    for message_id, template in ENGLISH_WORDS.items():
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        assert all(name.isidentifier() for name in fields), message_id
        assert template == template.strip() or message_id in WITH_BLANKS, message_id


def test_words_go_into_words() -> None:
    inner = say("stream-e4.bvp", role="ppg", stream="e4.bvp")
    said = words(say("starved-silent", stream=inner, since="14:05", age="2 s", cause=""))
    assert said.startswith("PPG silent since 14:05")
    assert words(None) == ""


def test_a_stream_nobody_named_is_called_by_its_id() -> None:
    assert words(say("stream-x9.flow", role="flow", stream="x9.flow")) == "x9.flow"


def test_unknown_id_is_an_error() -> None:
    with pytest.raises(KeyError):
        text("no-such-id")


def test_every_text_is_there_in_chinese_and_names_the_same_values() -> None:
    assert not set(ENGLISH_WORDS) - set(CHINESE_WORDS), "English only"
    assert not set(CHINESE_WORDS) - set(ENGLISH_WORDS), "Chinese only"
    for message_id, english in ENGLISH_WORDS.items():
        assert _fields(CHINESE_WORDS[message_id]) == _fields(english), message_id


def test_a_text_without_translation_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(CHINESE_WORDS, "button-start")
    try:
        use_language("zh")
        assert text("button-start") == "Start"
        assert text("button-stop") == "停止"
    finally:
        use_language("en")
    assert text("button-stop") == "Stop"


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
