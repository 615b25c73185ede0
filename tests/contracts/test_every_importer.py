"""What every importer must do: never touch the source, name what is wrong, leave nothing half done."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder import session
from recorder.errors import RecorderError
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import READERS, Order, Wanted
from recorder.exchange.imports.kinds import source_of
from recorder.schema import Subject
from tests.exchange import e4_made, stick_made
from tests.exchange.test_edf_source import write as write_edf
from tests.exchange.test_wfdb_source import ramp
from tests.exchange.test_wfdb_source import write as write_wfdb

NOW_NS = 1_790_000_000_000_000_000
SUBJECT = Subject("P-014")


@dataclass(frozen=True)
class Case:
    """An importer and how a good source of it is made in a folder; returns what a person would choose."""

    kind: str
    make: Callable[[Path], Path]


def _npz(folder: Path) -> Path:
    path = folder / "wt09_waves.npz"
    np.savez(path, ABP=np.arange(500, dtype=np.float32), ABP_fs=125.0, ABP_t0=0.0)
    return path


def _stick(folder: Path) -> Path:
    return stick_made.write(folder).beats


CASES = (
    Case("e4", lambda folder: e4_made.write_zip(folder / "S01.zip", e4_made.files(4))),
    Case("wfdb", lambda folder: write_wfdb(folder, "r1", ramp(500))),
    Case("edf", lambda folder: write_edf(folder / "a.edf")[0]),
    Case("surgery-npz", _npz),
    Case("cnap", _stick),
)
every_importer = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)


def order(path: Path) -> Order:
    return Order((source_of(path),), SUBJECT, zone="Europe/Berlin")


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def carry_out(plan: importing.Plan, out: Path, told: importing.Told | None = None) -> Path:
    ids = {q.id for q in plan.questions}
    return importing.carry_out(plan, out, accepted=ids, software={}, now_wall_ns=NOW_NS, told=told)


def test_every_importer_is_in_this_suite() -> None:
    assert {case.kind for case in CASES} == set(READERS)


@every_importer
def test_the_source_is_never_touched_and_the_session_is_whole(case: Case, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    chosen = case.make(tmp_path / "in")
    before = snapshot(tmp_path / "in")
    plan = importing.look(order(chosen), None, NOW_NS)
    out = carry_out(plan, tmp_path / "out")
    assert snapshot(tmp_path / "in") == before
    report = session.verify(out)
    assert (report.ok, report.state, report.notes) == (True, "sealed", ())
    (source,) = plan.sources
    assert report.rows == source.rows
    with session.open(out) as stored:
        assert stored.header.template == {"name": "import"}
        assert stored.header.consent is None
        (event,) = stored.events("import")
        told = ("source", "file", "sha256", "rows", "rejected", "zone", "shift")
        assert all(name in event.payload for name in told)
        assert event.payload["source"] == case.kind
        assert stored.duration_s > 0


@every_importer
def test_the_same_source_again_is_named(case: Case, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    chosen = case.make(tmp_path / "in")
    carry_out(importing.look(order(chosen), None, NOW_NS), tmp_path / "sessions" / "a")
    again = importing.look(order(chosen), tmp_path / "sessions", NOW_NS)
    assert "imported-before" in [q.id for q in again.questions]
    with pytest.raises(RecorderError, match="imported before, into a"):
        importing.carry_out(again, tmp_path / "b", software={}, now_wall_ns=NOW_NS)
    assert not (tmp_path / "b").exists()


@every_importer
def test_given_up_it_leaves_nothing(case: Case, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    plan = importing.look(order(case.make(tmp_path / "in")), None, NOW_NS)
    (tmp_path / "sessions").mkdir()

    def give_up(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, tmp_path / "sessions" / "x", give_up)
    assert list((tmp_path / "sessions").iterdir()) == []


@every_importer
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_read_around_or_refused_in_words(case: Case, tmp_path: Path, data: st.DataObject) -> None:
    """Any file of the source emptied, cut or overwritten: a session that verifies, or a refusal; never a traceback."""
    place = tmp_path / "in"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    chosen = case.make(place)
    files = sorted(p for p in place.rglob("*") if p.is_file())
    victim = data.draw(st.sampled_from(files))
    content = bytearray(victim.read_bytes())
    how = data.draw(st.sampled_from(["empty", "cut", "flip", "text", "utf16"]))
    if how == "empty":
        content = bytearray()
    elif how == "cut":
        del content[data.draw(st.integers(0, len(content))) :]
    elif how == "flip":
        for at in data.draw(st.lists(st.integers(0, max(len(content) - 1, 0)), max_size=6)):
            content[at] ^= 0x20
    elif how == "text":
        content = bytearray(b"something else altogether\n" * 5)
    else:
        content = bytearray(bytes(content).decode("latin-1").encode("utf-16"))
    victim.write_bytes(bytes(content))
    before = snapshot(place)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    try:
        plan = importing.look(order(chosen), None, NOW_NS)
        carry_out(plan, tmp_path / "out")
    except RecorderError as error:
        assert str(error)
        assert not (tmp_path / "out").exists()
    else:
        assert session.verify(tmp_path / "out").ok
    assert snapshot(place) == before


@every_importer
def test_absent_and_renamed_sources_are_refused_by_name(case: Case, tmp_path: Path) -> None:
    readable = {"e4": "a.zip", "wfdb": "a.hea", "edf": "a.edf", "surgery-npz": "a.npz", "cnap": "a_beats.csv"}
    path = tmp_path / readable[case.kind]
    asked = Order((Wanted(case.kind, path),), SUBJECT, zone="UTC")  # type: ignore[arg-type]
    with pytest.raises(RecorderError, match=path.stem):
        importing.look(asked, None, NOW_NS)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(RecorderError, match=path.stem):
        importing.look(asked, None, NOW_NS)
