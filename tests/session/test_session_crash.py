"""Kills, power cuts, flips and torn files: nothing promised is lost, nothing wrong is read, damage is named.

A few of each here, a hundred in the slow suite; ``hemoview bench crash`` runs the same harness.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hemoview.bench import crash
from recorder.testing import killer, killer_damage, killer_workload, powercut, powercut_shim
from recorder.testing.powercut import Disk, Op

SEED = 20261120


def test_killed_recordings_are_whole_up_to_the_last_commit(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    for number in range(3):
        outcome = killer.kill_once(tmp_path / f"k{number}", rng, longest_s=0.6)
        assert outcome.problems == ()
        assert outcome.named == ()
        assert outcome.seconds_lost <= 1.0


@pytest.fixture(scope="module", params=["strace", "shim"])
def traced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Op]]:
    place = tmp_path_factory.mktemp("traced")
    if request.param == "shim":
        return place, powercut_shim.record(place, seconds=20, segment_s=6)
    if not powercut.available():
        pytest.skip("strace is not installed")
    try:
        return place, powercut.record(place, seconds=30, segment_s=6)
    except OSError as error:
        pytest.skip(f"may not trace here: {error}")


def test_power_cuts_leave_every_promised_row(traced: tuple[Path, list[Op]], tmp_path: Path) -> None:
    place, ops = traced
    for number, (disk, state) in enumerate(powercut.cut_states(ops, 8, random.Random(SEED))):
        folder = tmp_path / f"cut-{number}"
        powercut.materialise(state, str(place / "session"), folder)
        outcome = killer.check(folder, disk.handed_ms, disk.promised_ms)
        assert (outcome.problems, outcome.named) == ((), ())
        assert outcome.seconds_lost <= 1.0


def test_the_harness_has_teeth_without_fsync_the_same_cuts_lose_data(
    traced: tuple[Path, list[Op]], tmp_path: Path
) -> None:
    place, ops = traced
    careless = [op for op in ops if op.kind != "sync"]
    bad = 0
    for number, (disk, state) in enumerate(powercut.cut_states(careless, 4, random.Random(SEED))):
        folder = tmp_path / f"cut-{number}"
        powercut.materialise(state, str(place / "session"), folder)
        bad += bool(killer.check(folder, disk.handed_ms, disk.promised_ms).problems)
    assert bad == 4


def test_the_trace_rebuilds_the_folder_that_was_written(traced: tuple[Path, list[Op]]) -> None:
    place, ops = traced
    disk = Disk()
    for op in ops:
        disk.apply(op)
    always = random.Random()
    always.random = lambda: 0.9  # type: ignore[method-assign] # undo no name, drop no page
    kept = {p: c for p, c in disk.after_cut(always).items() if c and not p.endswith(("-shm", ".lock"))}
    on_disk = {
        str(p): p.read_bytes()
        for p in (place / "session").rglob("*")
        if p.is_file() and p.stat().st_size and not p.name.endswith(("-shm", ".lock"))
    }
    assert kept.keys() == on_disk.keys()
    assert all(kept[p] == on_disk[p] for p in on_disk if p.endswith((".parquet", ".json")))


def test_a_cut_keeps_what_was_synced_and_may_lose_the_rest() -> None:
    disk = Disk()
    for op in (
        Op("create", "/d/a"),
        Op("write", "/d/a", 0, b"x" * 5000),
        Op("sync", "/d/a"),
        Op("write", "/d/a", 0, b"y" * 5000),
        Op("create", "/d/b.tmp"),
        Op("rename", "/d/b.tmp", target="/d/b"),
    ):
        disk.apply(op)
    seen = {tuple(sorted(disk.after_cut(random.Random(n)).items())) for n in range(200)}
    contents = {dict(s)["/d/a"] for s in seen}
    pages = {(c[:1], c[-1:]) for c in contents}
    assert pages == {(b"x", b"x"), (b"x", b"y"), (b"y", b"x"), (b"y", b"y")}
    assert {name for s in seen for name, _ in s} == {"/d/a", "/d/b", "/d/b.tmp"}
    disk.apply(Op("sync", "/d"))
    disk.apply(Op("sync", "/d/a"))
    assert {tuple(disk.after_cut(random.Random(n))) for n in range(50)} == {("/d/a", "/d/b")}


def test_strace_lines_become_ops() -> None:
    def hexed(text: str) -> str:
        return "".join(f"\\x{b:02x}" for b in text.encode())

    fd, name = f"4<{hexed('/d/s/a')}>", hexed("/d/s/a")
    lines = [
        f'7 openat(AT_FDCWD</>, "{name}", O_WRONLY|O_CREAT|O_TRUNC, 0600) = {fd}',
        f'7 write({fd}, "{hexed("hello")}", 5 <unfinished ...>',
        '9 openat(AT_FDCWD</>, "/elsewhere", O_RDONLY) = 3</elsewhere>',
        "7 <... write resumed>) = 5",
        f'7 write({fd}, "{hexed("!")}", 1) = 1',
        f'7 pwrite64({fd}, "{hexed("J")}", 1, 0) = 1',
        f"7 fsync({fd}) = 0",
        f'7 rename("{name}", "{hexed("/d/s/b")}") = 0',
        f'7 rename("{name}", "{hexed("/d/s/c")}") = -1 ENOENT (No such file or directory)',
        f'7 unlink("{hexed("/d/s/b")}") = 0',
        "+++ exited with 0 +++",
    ]
    assert list(powercut.parse(lines, "/d/s", "/d/progress")) == [
        Op("create", "/d/s/a"),
        Op("truncate", "/d/s/a", 0),
        Op("write", "/d/s/a", 0, b"hello"),
        Op("write", "/d/s/a", 5, b"!"),
        Op("write", "/d/s/a", 0, b"J"),
        Op("sync", "/d/s/a"),
        Op("rename", "/d/s/a", target="/d/s/b"),
        Op("unlink", "/d/s/b"),
    ]


def test_flips_and_torn_files_are_never_silent(tmp_path: Path) -> None:
    injuries = crash._injure(tmp_path, 16, random.Random(SEED))
    assert [i for i in injuries if i.verdict == "silent"] == []
    assert sum(i.verdict == "detected" for i in injuries) >= 18
    assert {i.kind for i in injuries} == {"flip", "torn"}


def test_the_judge_calls_a_wrong_value_silent_when_nobody_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = crash._recorded(tmp_path / "closed", close=True)
    assert killer_damage.judge(folder) == ("harmless", "")
    honest = killer_workload.values
    monkeypatch.setattr(killer_workload, "values", lambda info, n: honest(info, n) + 1)
    assert killer_damage.judge(folder)[0] == "silent"


def test_the_bench_prints_the_agreed_fields() -> None:
    result = crash.run(kills=1, power_cuts=0, flips=0, seed=SEED)
    agreed = ["kills", "unreadable", "max_seconds_lost", "power_cuts"]
    agreed += ["flips", "flips_detected", "flips_harmless", "flips_silent"]
    assert list(result)[:8] == agreed
    assert (result["unreadable"], result["flips_silent"]) == (0, 0)
    assert result["max_seconds_lost"] <= 1.0


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_kills_a_hundred_cuts_forty_flips() -> None:
    result = crash.run(kills=100, power_cuts=100, flips=40, seed=SEED)
    assert result["unreadable"] == 0, result.get("problems")
    assert result["flips_silent"] == 0, result.get("problems")
    assert result["torn_silent"] == 0, result.get("problems")
    assert result["max_seconds_lost"] <= 1.0
    assert result["power_cuts"] == 100
