"""A dataset appears whole or not at all, and never without having been noted for a withdrawal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aligned_sessions as made
import numpy as np
import pytest

from hemoview import cli, dataset_build
from hemoview.labels import make_dataset, read_dataset, write_dataset
from hemoview.labels.datasets.build_options import BuildOptions
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.register import FILE, registered
from recorder.errors import ConfigError, StorageError
from recorder.host import withdrawals
from recorder.host.withdrawals import Withdrawal

KILLED = """
import os, signal, sys
from hemoview import cli, dataset_build
def killed(home, noted, real=dataset_build.register):
    if sys.argv[1] == "noted":
        real(home, noted)
    os.kill(os.getpid(), signal.SIGKILL)
dataset_build.register = killed
cli.main(sys.argv[2:])
"""
CRAMPED = """
import resource, signal, sys
from hemoview import cli, dataset_build
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
sys.exit(cli.main(sys.argv[1:]))
"""


def small() -> Dataset:
    rng = np.random.default_rng(1)
    labels = np.tile(np.array([120, 90, 75, 70, 5, 2.8, 70, 40, 1300, 2400.0]), (4, 1))
    return make_dataset(rng.normal(size=(4, 640)).astype(np.float32), 64.0, labels, ["a", "a", "b", "b"])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEMOVIEW_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def build(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ))


@pytest.mark.parametrize("moment", ["unnoted", "noted"])
def test_killed_when_all_is_written_no_dataset_is_there_and_the_next_build_is_whole(
    moment: str, tmp_path: Path, home: Path
) -> None:
    session = made.make(tmp_path / "s1", seconds=70.0)
    out = tmp_path / "sets" / "cohort"
    words = ("dataset", "build", session, "--out", out, "--workers", "1")
    # also its worker has ended: until then it would hold the pipes that are read here to their end
    assert build(KILLED, moment, *words).returncode == -signal.SIGKILL
    assert not out.exists() and len(list(out.parent.iterdir())) == 1
    assert [r.folder for r in registered(home)[0]] == ([str(out)] if moment == "noted" else [])
    assert cli.main([*map(str, words)]) == 0
    assert list(out.parent.iterdir()) == [out], "what the killed one left is gone"
    assert len(read_dataset(out)) == 6
    assert (out.stat().st_mode | (out / "ppg.npy").stat().st_mode) & 0o077 == 0


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, home: Path) -> None:
    session = made.make(tmp_path / "s1", seconds=70.0)
    out = tmp_path / "sets" / "cohort"
    done = build(CRAMPED, "dataset", "build", session, "--out", out, "--workers", "1")
    assert done.returncode == 1 and "disk full while writing the dataset" in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(out.parent.iterdir()) == [] and registered(home) == ([], [])


def test_a_dataset_that_cannot_be_noted_does_not_appear(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = made.make(tmp_path / "s1", seconds=70.0)
    (home / FILE).mkdir(parents=True)  # no file can be written there
    assert (
        cli.main(["dataset", "build", str(session), "--out", str(tmp_path / "cohort"), "--workers", "1"]) == 1
    )
    assert "recording a dataset" in capsys.readouterr().err
    assert not (tmp_path / "cohort").exists()


def test_who_withdraws_while_a_dataset_is_built_is_in_none(tmp_path: Path, home: Path) -> None:
    session = made.make(tmp_path / "s1", seconds=70.0)
    out = tmp_path / "cohort"
    ready = dataset_build.prepare(dataset_build.Order((session,), out, BuildOptions(), "cohort", home))

    def withdraws(_hours: float, _name: str) -> None:
        withdrawals.append(home, Withdrawal("P-014", 1, "asked by letter", "OP2"))

    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ConfigError, match="P-014 was withdrawn while it was built"),
    ):
        dataset_build.carry_out(ready, pool, withdraws)
    assert not out.exists()


def test_an_empty_folder_is_filled_and_a_taken_one_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert write_dataset(tmp_path / "empty", small()) == read_dataset(tmp_path / "empty").version
    assert not any(path.name.startswith(".") for path in (tmp_path / "empty").iterdir())
    with pytest.raises(ConfigError, match="not an empty folder"):
        write_dataset(tmp_path / "empty", small())


def test_of_two_builds_into_one_empty_folder_the_first_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    first = small()
    rng = np.random.default_rng(2)
    second = make_dataset(
        rng.normal(size=(2, 640)).astype(np.float32), 64.0, np.asarray(first.labels[:2]), ["c", "c"]
    )

    def other() -> None:
        write_dataset(tmp_path / "set", first)

    with pytest.raises(ConfigError, match="not an empty folder"):
        write_dataset(tmp_path / "set", second, before=other)
    found = read_dataset(tmp_path / "set")
    assert found.version == first.version and found.subject_id.tolist() == ["a", "a", "b", "b"]
    assert np.array_equal(found.ppg, first.ppg)


def test_what_is_written_last_cannot_fail_unsaid(tmp_path: Path) -> None:
    def taken() -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "mine.txt").write_text("mine")

    with pytest.raises(StorageError):
        write_dataset(tmp_path / "set", small(), before=taken)
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["mine.txt"]


def test_arrays_are_the_bytes_of_numpy_save(tmp_path: Path) -> None:
    dataset = small()
    write_dataset(tmp_path / "set", dataset)
    np.save(tmp_path / "ours.npy", dataset.ppg)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "set" / "ppg.npy").read_bytes()
