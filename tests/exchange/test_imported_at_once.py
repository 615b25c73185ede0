"""One recording that a watched folder, a window and a command import at the same moment becomes one session."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from recorder import session
from recorder.errors import ConfigError, SessionError, StorageError
from recorder.exchange.imports import importing, once
from recorder.exchange.imports.importing import Order, Plan, Wanted
from recorder.exchange.imports.joining import join
from recorder.exchange.sources.source import SourceKind
from recorder.host import watch_import
from recorder.schema import Subject
from recorder.session.lock import FolderLock
from tests.exchange import e4_made, stick_made

NOW_NS = stick_made.BEGINS_NS + 86_400 * 10**9
SAID = "already imported as {}, by another window or command at the same time"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Of a wristband, looked at while nobody else has imported it."""
    return looked(tmp_path, "e4", e4_made.write_zip(tmp_path / "S.zip", e4_made.files()))


def looked(tmp_path: Path, kind: SourceKind, path: Path) -> Plan:
    order = Order((Wanted(kind, path),), Subject("P-1"), stick_made.ZONE)
    return importing.look(order, tmp_path / "sessions", NOW_NS)


def carry_out(plan: Plan, name: str, accepted: tuple[str, ...] = ()) -> Path:
    assert plan.sessions is not None
    return importing.carry_out(plan, plan.sessions / name, accepted=accepted, software={}, now_wall_ns=NOW_NS)


def there(sessions: Path) -> list[str]:
    return sorted(p.name for p in sessions.iterdir() if p.is_dir())


def meanwhile(patch: pytest.MonkeyPatch, place: Any, name: str, act: Callable[[], object]) -> None:
    """``act`` happens once, just before the next call of a step."""
    step, left = getattr(place, name), [act]

    def stepped(*args: Any, **named: Any) -> Any:
        if left:
            left.pop()()
        return step(*args, **named)

    patch.setattr(place, name, stepped)


def test_the_second_is_told_where_the_first_went(plan: Plan, tmp_path: Path) -> None:
    carry_out(plan, "first")
    with pytest.raises(ConfigError) as told:
        carry_out(plan, "second")
    assert str(told.value) == SAID.format("first")
    assert there(tmp_path / "sessions") == ["first"]


def test_of_eight_at_once_one_makes_a_session_and_the_others_are_told(plan: Plan, tmp_path: Path) -> None:
    begin = threading.Barrier(8)

    def one(n: int) -> str:
        begin.wait()
        try:
            return carry_out(plan, f"s{n}").name
        except ConfigError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(one, range(8)))
    (made,) = there(tmp_path / "sessions")
    assert sorted(told) == sorted([made, *[SAID.format(made)] * 7])
    assert session.verify(tmp_path / "sessions" / made).ok


def test_a_watched_folder_says_that_somebody_else_took_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = stick_made.write(tmp_path / "stick")
    plan = looked(tmp_path, "cnap", files.beats)
    meanwhile(monkeypatch, importing, "write_session", lambda: carry_out(plan, "by-hand"))
    said: list[str] = []
    clock = iter(range(0, 30, 3))
    told = watch_import.watch(
        tmp_path / "stick",
        Order((), Subject("P-1"), stick_made.ZONE),
        tmp_path / "sessions",
        say=said.append,
        wait=lambda: (now := next(clock, None)) is not None and now < 27,
        clock_s=itertools.count(0, 3).__next__,
    )
    assert told["imported"] == [] and there(tmp_path / "sessions") == ["by-hand"]
    assert told["skipped"] == [{"recording": "CNAP_2025-01-31_09-05-07_001", "why": SAID.format("by-hand")}]
    assert "Anna" not in " ".join(said)


def test_who_wants_it_twice_has_it_twice(plan: Plan, tmp_path: Path) -> None:
    carry_out(plan, "first")
    carry_out(plan, "second", ("imported-before",))
    assert there(tmp_path / "sessions") == ["first", "second"]


def test_what_is_put_beside_a_session_meanwhile_is_not_put_there_twice(plan: Plan, tmp_path: Path) -> None:
    base = e4_made.write_zip(tmp_path / "B.zip", e4_made.files(start=e4_made.START_S + 5))
    order = Order((Wanted("e4", base, device="other"),), Subject("P-1"), stick_made.ZONE)
    folder = carry_out(importing.look(order, tmp_path / "sessions", NOW_NS), "base")
    carry_out(plan, "first")
    with pytest.raises(ConfigError, match="already imported as first"):
        join(folder, plan, tmp_path / "sessions" / "both", now_wall_ns=NOW_NS)
    assert there(tmp_path / "sessions") == ["base", "first"]


def test_an_import_that_never_ends_is_not_waited_for_without_an_end(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "_WAIT_S", 0.1)
    (tmp_path / "sessions").mkdir()
    with FolderLock(tmp_path / "sessions", ".imports.lock"), pytest.raises(SessionError, match="try again"):
        carry_out(plan, "first")
    assert there(tmp_path / "sessions") == []


def test_a_disk_without_locks_takes_imports_all_the_same(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise StorageError("no locks here")

    monkeypatch.setattr(once, "FolderLock", none)
    assert carry_out(plan, "first").is_dir()
