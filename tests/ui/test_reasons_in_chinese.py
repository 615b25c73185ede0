"""Every reason the recorder can give, read from its own source, is Chinese on a Chinese screen."""

from __future__ import annotations

import ast
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import recorder
from hemoview.ui.words import system as system_words
from hemoview.ui.words.advice import ADVICE
from hemoview.ui.words.catalogue import CHINESE_WORDS, refusal, text, use_language, words
from hemoview.ui.words.recorder import error_in_chinese, in_chinese, is_english
from hemoview.viewmodel.messages import say
from recorder import errors
from recorder.errors import DeviceError, RecorderError, StorageError, WireError

ROOM = Path(recorder.__file__).parent
UNATTENDED = ("transports", "devices/ble_link.py", "acquire/supervisor.py", "acquire/journal.py")
"""What these raise stands in a banner, without the id of what to do."""


class Reason(NamedTuple):
    """Of one ``raise``."""

    where: str
    kind: type[RecorderError]
    said: str
    advice: str


def said_by(node: ast.expr) -> str | None:
    """A literal, with ``X7`` for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(p.value) if isinstance(p, ast.Constant) else "X7" for p in node.values)
    return None


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(ROOM.rglob("*.py")):
        where = path.relative_to(ROOM).as_posix()
        if not where.startswith("testing/"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from ((where, n) for n in ast.walk(tree) if isinstance(n, ast.Call))


def reasons() -> list[Reason]:
    """All of the recorder."""
    found = []
    for where, call in calls():
        kind = getattr(errors, call.func.id, None) if isinstance(call.func, ast.Name) else None
        said = said_by(call.args[0]) if call.args else None
        if not (isinstance(kind, type) and issubclass(kind, RecorderError)) or said is None:
            continue
        told = [
            k.value.value for k in call.keywords if k.arg == "advice" and isinstance(k.value, ast.Constant)
        ]
        found.append(Reason(where, kind, said, str(told[0] if told else kind.advice)))
    return found


def advices() -> set[str]:
    """Ids the recorder gives: of its classes and of single errors."""
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, RecorderError)]
    return {c.advice for c in classes} | {r.advice for r in reasons()}


@pytest.fixture
def chinese() -> Iterator[None]:
    use_language("zh")
    yield
    use_language("en")


def test_every_id_of_what_to_do_has_its_words() -> None:
    assert len(advices()) > 30
    of_the_import = {one for one in advices() if one.startswith("import-") and one in CHINESE_WORDS}
    assert not advices() - set(ADVICE) - of_the_import - {""}


def test_every_reason_begins_in_chinese() -> None:
    found = reasons()
    assert len(found) > 400
    for reason in found:
        if is_english(reason.said) and not reason.advice.startswith("import-"):
            said = error_in_chinese(reason.said, reason.advice)
            assert re.search(r"[\u4e00-\u9fff]", said), reason
            assert not is_english(said.partition("（原文")[0]), reason


def test_what_stands_in_a_banner_is_all_chinese() -> None:
    found = [
        r for r in reasons()
        if issubclass(r.kind, (DeviceError, StorageError)) and r.where.startswith(UNATTENDED)
    ]  # fmt: skip
    assert len(found) > 20
    assert not [r for r in found if is_english(in_chinese(r.said))]


def test_what_a_line_of_the_service_tells_is_all_chinese() -> None:
    """Bodies that are not understood are told by their id: which field it was is for who mends it."""
    found = [r for r in reasons() if r.where.startswith("sync/") and not issubclass(r.kind, WireError)]
    assert len(found) > 20
    assert not [r for r in found if is_english(in_chinese(r.said))]


@pytest.mark.parametrize(
    "refused",
    [
        "systemd-inhibit ended with 1",
        "SetThreadExecutionState was refused",
        f"[Errno 2] {os.strerror(errno.ENOENT)}: 'systemd-inhibit'",
    ],
)
def test_sleep_that_cannot_be_held_off(chinese: None, refused: str) -> None:
    for said in (
        words(say("warning-sleep", value=refused)),
        in_chinese(f"sleep cannot be held off ({refused})"),
    ):
        assert not is_english(said) and "ended with" not in said and "Errno" not in said


def test_what_the_system_says_is_told_within_a_sentence(chinese: None) -> None:
    why = os.strerror(errno.ECONNREFUSED)
    said = refusal(
        errors.ServiceUnreachable(f"ward:1: cannot be reached ({why}); see that network and service are up")
    )
    assert said == "ward:1：无法连接（连接被拒绝）；请检查网络和服务器是否正常"
    assert system_words.in_chinese("ttyUSB0") == "ttyUSB0"


def test_a_sentence_nobody_knows_says_what_to_do_and_is_kept(chinese: None) -> None:
    said = refusal(WireError("HeartbeatAnswer.orders: a list is wanted, not 7"))
    assert said.startswith(ADVICE["service-garbled"]) and "a list is wanted" in said
    assert "（原文" not in text("refused", error="已存在")


def test_an_english_screen_keeps_the_sentence() -> None:
    assert refusal(WireError("no JSON: x")) == "no JSON: x"
