"""``hemoview import --watch``: a stick that comes, grows, goes and comes back; nothing on it is ever touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hemoview import cli
from recorder import session
from recorder.devices.sim.stick import StickFiles
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import Order
from recorder.host import watch_import
from recorder.schema import Subject
from tests.exchange import e4_made, stick_made
from tests.exchange.stick_made import StickPlan

NOBODY = ("", "", "")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))


class Rig:
    """A watch whose clock and whose person are the test: each step is something done to the stick, then 3 s pass."""

    def __init__(self, tmp_path: Path) -> None:
        self.stick, self.out = tmp_path / "stick", tmp_path / "sessions"
        self.said: list[str] = []
        self._s = 0.0

    def watch(self, *steps: Callable[[], Any], **how: Any) -> dict[str, Any]:
        left: Iterator[Callable[[], Any]] = iter(steps)

        def wait() -> bool:
            self._s += 3.0
            step = next(left, None)
            if step is not None:
                step()
            return step is not None

        order = Order((), Subject("P-1"), stick_made.ZONE)
        return watch_import.watch(
            self.stick, order, self.out, say=self.said.append, wait=wait, clock_s=lambda: self._s, **how
        )

    def write(
        self, minutes: int = 0, person: tuple[str, str, str] = stick_made.PERSON, seed: int = 5
    ) -> StickFiles:
        """Another recording on the stick."""
        plan = StickPlan(person=person, number=1 + minutes, prefix="Anna_Miller_")
        return stick_made.write(self.stick, stick_made.BEGINS + timedelta(minutes=minutes), plan, seed)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def nothing() -> None:
    """Time passes."""


QUIET = (nothing,) * 4
LONG = (nothing,) * 24


def test_a_recording_that_comes_is_imported_once(rig: Rig) -> None:
    told = rig.watch(nothing, rig.write, *QUIET, *QUIET)
    (one,) = told["imported"]
    assert session.verify(Path(one["session"])).ok
    assert Path(one["session"]).name == "P-1-CNAP_2025-01-31_09-05-07_001"
    assert not told["skipped"]
    assert "Miller" not in " ".join(rig.said) + json.dumps(told)
    again = rig.watch(*QUIET)
    assert (again["imported"], len(again["skipped"])) == ([], 1)
    assert "imported before" in again["skipped"][0]["why"]


def test_it_does_not_come_back_when_its_session_is_gone(rig: Rig) -> None:
    rig.write()
    told = rig.watch(*QUIET)
    shutil.rmtree(told["imported"][0]["session"])
    again = rig.watch(*QUIET)
    assert "imported before, into P-1-CNAP" in again["skipped"][0]["why"]


def test_the_stick_is_never_touched(rig: Rig) -> None:
    rig.write()
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in rig.stick.iterdir()}
    rig.watch(*QUIET)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in rig.stick.iterdir()} == before


def test_a_copy_under_way_is_left_alone(rig: Rig) -> None:
    files = rig.write()
    whole = files.waveform.read_bytes()
    files.waveform.write_bytes(whole[:1000])

    def grow() -> None:
        files.waveform.write_bytes(whole[: files.waveform.stat().st_size + 20_000])

    def finish() -> None:
        files.waveform.write_bytes(whole)

    told = rig.watch(*(grow,) * 8, finish, *QUIET)
    (one,) = told["imported"]
    assert one["rows"]["cnap.wave"] == 30_000
    assert not one["rejected"]


def test_the_stick_may_be_pulled_out_and_put_back(rig: Rig, tmp_path: Path) -> None:
    rig.write()
    away = tmp_path / "pocket"
    told = rig.watch(
        nothing, lambda: rig.stick.rename(away), *QUIET, lambda: away.rename(rig.stick), *QUIET, *QUIET
    )
    assert len(told["imported"]) == 1
    assert f"{rig.stick} is gone" in rig.said


def test_pulled_out_while_it_is_read_it_is_read_again(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.write()
    away, real = tmp_path / "pocket", watch_import.importing.look
    pulled: list[bool] = []

    def look(*args: Any) -> Any:
        if not pulled:
            pulled.append(True)
            rig.stick.rename(away)
        return real(*args)

    monkeypatch.setattr(watch_import.importing, "look", look)
    told = rig.watch(*QUIET, lambda: away.rename(rig.stick), *QUIET)
    assert len(told["imported"]) == 1
    assert any("pulled out" in line for line in rig.said)
    assert not told["skipped"]


def test_two_patients_on_a_stick_become_nobodys_sessions(rig: Rig) -> None:
    rig.write(0, ("A", "1", "x"))
    rig.write(10, ("B", "2", "x"), seed=6)
    told = rig.watch(*QUIET)
    assert told["imported"] == []
    assert any("2 different patients" in line and "--only" in line for line in rig.said)
    told = rig.watch(*QUIET, only="_09-05-07_001")
    assert len(told["imported"]) == 1


def test_another_patient_later_is_not_taken_for_the_first(rig: Rig) -> None:
    rig.write(0, ("A", "1", "x"))
    told = rig.watch(*QUIET, lambda: rig.write(10, ("B", "2", "x"), seed=6), *QUIET)
    assert len(told["imported"]) == 1
    assert "another patient" in told["skipped"][0]["why"]


def test_recordings_that_name_nobody_are_the_subjects(rig: Rig) -> None:
    rig.write(0, NOBODY)
    rig.write(10, NOBODY, seed=6)
    assert len(rig.watch(*QUIET)["imported"]) == 2


def test_a_damaged_recording_is_named_and_the_next_one_taken(rig: Rig) -> None:
    files = rig.write(0)
    files.beats.write_bytes(b"\x00" * 50)
    files.waveform.write_bytes(b"\x00" * 50)
    told = rig.watch(*QUIET, lambda: rig.write(10, seed=6), *QUIET)
    assert len(told["imported"]) == 1
    assert "no column" in told["skipped"][0]["why"]
    assert "Miller" not in json.dumps(told)


def test_a_session_of_the_same_time_is_named_and_left_as_it_is(rig: Rig) -> None:
    rig.write(0)
    first = Path(rig.watch(*QUIET)["imported"][0]["session"])
    before = {p: p.read_bytes() for p in first.rglob("*") if p.is_file()}
    told = rig.watch(lambda: rig.write(2, seed=6), *QUIET)
    assert told["imported"][0]["overlaps"] == [str(first)]
    assert any("shares 3.0 min with P-1-CNAP" in line for line in rig.said)
    assert {p: p.read_bytes() for p in first.rglob("*") if p.is_file()} == before


def band(rig: Rig, tmp_path: Path) -> Path:
    """A session of a wristband that ran in the time of the stick's first recording."""
    zipped = e4_made.write_zip(tmp_path / "S.zip", e4_made.files(start=stick_made.BEGINS_NS // 10**9 + 30))
    order = Order((importing.Wanted("e4", zipped),), Subject("P-1"))
    plan = importing.look(order, None, stick_made.BEGINS_NS)
    return importing.carry_out(plan, rig.out / "band", software={}, now_wall_ns=stick_made.BEGINS_NS)


def test_asked_to_join_it_makes_a_new_session_of_both(rig: Rig, tmp_path: Path) -> None:
    base = band(rig, tmp_path)
    before = {p: p.read_bytes() for p in base.rglob("*") if p.is_file()}
    rig.write()
    (one,) = rig.watch(*QUIET, joins=True)["imported"]
    with session.open(one["session"]) as both:
        assert {"e4.bvp", "cnap.wave", "cnap.beats"} <= set(both.streams)
    assert session.verify(Path(one["session"])).ok
    assert {p: p.read_bytes() for p in base.rglob("*") if p.is_file()} == before
    assert any("together with everything in band" in line for line in rig.said)


def test_not_asked_to_join_it_only_says_how(rig: Rig, tmp_path: Path) -> None:
    band(rig, tmp_path)
    rig.write()
    (one,) = rig.watch(*QUIET)["imported"]
    with session.open(one["session"]) as alone:
        assert set(alone.streams) == {"cnap.wave", "cnap.beats"}
    assert any("--join" in line and "band" in line for line in rig.said)


def test_ctrl_c_ends_it_cleanly(rig: Rig) -> None:
    def press() -> None:
        raise KeyboardInterrupt

    rig.write()
    told = rig.watch(*QUIET, press)
    assert (told["ok"], len(told["imported"])) == (True, 1)
    assert rig.said[-1].startswith("ended: 1 imported")


@pytest.mark.parametrize(
    ("words", "said"),
    [((), "--zone Europe/Berlin"), (("--zone", "x/y"), "IANA"), (("--e4", "a.zip"), "without it")],
)
def test_complaints_say_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    base = (
        "import",
        "--watch",
        str(tmp_path / "stick"),
        "--subject",
        "P-1",
        "--out",
        str(tmp_path),
        "--json",
    )
    assert cli.main([*base, *words]) == 1
    assert said in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
