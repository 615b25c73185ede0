"""Sessions in, a dataset folder out: what is in it, what is barred, and that the same sessions give the same bytes."""

from __future__ import annotations

import shutil
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import aligned_sessions as made
import numpy as np
import pyarrow.parquet as pq
import pytest

from hemoview import dataset_build
from hemoview.dataset_build import Order
from hemoview.labels import read_dataset
from hemoview.labels.datasets import build
from hemoview.labels.datasets.build_options import BuildOptions, Job
from hemoview.labels.datasets.build_part import build_part
from hemoview.labels.datasets.label_marks import correction_label
from hemoview.labels.datasets.register import registered
from recorder.errors import ConfigError
from recorder.exchange.into_session import Moment
from recorder.host import withdrawals
from recorder.host.withdrawals import Withdrawal
from recorder.schema import PARAMETERS, UNCONFIRMED
from recorder.schema.labelling import Deed, Suggested
from recorder.session import annotations
from recorder.session.identity import session_hash

CONTRACT = (
    "subject_id", "session_id", "t0_s", "sqi", *(f"label_valid_reason_{p}" for p in PARAMETERS),
    "reference_calibration_age_s", "personalisation_age_s", "adc_calibration_id", "reference_kind",
    "reference_site", "reference_side", "ppg_site", "ppg_side", "cuff_side", "alignment_residual_ms", "phase",
    "origin", "age_y", "sex", "height_cm", "weight_kg", "cvp_mmhg",
)  # fmt: skip


class Inline(Executor):
    """Computes where it is asked: as good an executor as any."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 – as executors do
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sessions")
    made.make(folder / "s1", seed=1)
    made.make(folder / "s2", subject="P-015", seed=2, height_cm=180.0, late_s=3.25)
    made.make(folder / "wave", subject="P-016", seed=3, height_cm=165.0, rows=False)
    return folder


def a_copy(sessions: Path, name: str, to: Path) -> Path:
    return shutil.copytree(sessions / name, to / name)


def order(out: Path, home: Path, *folders: Path, skip: bool = False, **options: Any) -> Order:
    return Order(folders, out, BuildOptions(**options), "dataset", home, skip)


def built(to: Order) -> dataset_build.Built:
    return dataset_build.carry_out(dataset_build.prepare(to), Inline())


def label(folder: Path, name: str, t0_s: float, t1_s: float, number: int = 1, *, why: str = "") -> None:
    deed = Deed(
        "add",
        f"d{number}",
        "AB",
        10**18 + number,
        "hemoview 0",
        f"a{number}",
        "span",
        t0_s,
        t1_s,
        name,
        why,
    )
    annotations.append(folder, "labels", [deed])


def test_the_folder_of_the_contract_with_its_provenance(sessions: Path, tmp_path: Path) -> None:
    folders = [sessions / name for name in ("s1", "s2", "wave")]
    result = built(order(tmp_path / "set", tmp_path, *folders))
    found = read_dataset(tmp_path / "set")
    assert found.version == result.dataset.version and found.subjects == ["P-014", "P-015", "P-016"]
    assert set(pq.read_table(tmp_path / "set" / "meta.parquet").column_names) == set(CONTRACT)
    assert set(found.origin) == {"recorded"} and set(found.reference_kind) == {"CNAP finger cuff"}
    assert set(found.extra["ppg_side"]) == {"left"} and set(found.extra["reference_side"]) == {"right"}
    source = found.about["sources"][0]
    assert source["session_sha256"] == session_hash(sessions / "s1")
    assert source["alignment"]["version"] == 1 and source["reference_error_mmhg"] == [6.7, 16.5]
    total = len(found) + sum(found.about["dropped"].values())
    assert total == 3 * 18 and found.about["dropped"]["recalibration"] > 0
    told = registered(tmp_path)[0]
    assert [r.version for r in told] == [found.version] and told[0].holds("p-015")
    page = (tmp_path / "set" / "card.html").read_text("utf-8")
    assert (
        found.version in page
        and "P-015" in page
        and "http" not in page.replace("http://www.w3.org/2000/svg", "")
    )


def test_labels_follow_the_alignment(sessions: Path) -> None:
    """The wristband's clock is 3.25 s behind: a window of its time holds beats of 3.25 s before on the monitor's."""
    part = build_part(Job(str(sessions / "s2"), BuildOptions()))
    from recorder import session as store  # noqa: PLC0415

    with store.open(sessions / "s2") as session:
        beats = session.read("cnap.beats")
    sbp, t0_s = beats.values[:, 0], part.columns["t0_s"]
    for i in range(len(part)):
        inside = (beats.time_s >= t0_s[i] - 3.25) & (beats.time_s < t0_s[i] + 10 - 3.25)
        assert part.labels[i, 0] == pytest.approx(np.median(sbp[inside]), abs=1e-3)


def test_beats_of_the_wave_say_what_the_monitor_says(sessions: Path, tmp_path: Path) -> None:
    both = made.make(tmp_path / "both", seed=3)
    told, found = (build_part(Job(str(f), BuildOptions())) for f in (both, sessions / "wave"))
    n = min(len(told), len(found))
    assert n > 8 and np.abs(told.labels[:n, :3] - found.labels[:n, :3]).max() < 2.0
    assert np.isnan(found.labels[:, 4:]).all() and set(found.columns["label_valid_reason_CO"]) == {
        "not-measured"
    }


def test_what_people_labelled_excludes_and_corrects(sessions: Path, tmp_path: Path) -> None:
    folder = a_copy(sessions, "s1", tmp_path)
    before = build_part(Job(str(folder), BuildOptions()))
    label(folder, "artefact", 50.0, 51.0)
    label(folder, "irregular-rhythm", 60.0, 90.0, 2)
    label(folder, correction_label("SBP", 111.0), 62.0, 72.0, 3, why="cuff beside it")
    label(folder, correction_label(None, None), 76.0, 84.0, 4, why="arm raised")
    assert len(build_part(Job(str(folder), BuildOptions()))) == len(before)
    after = build_part(Job(str(folder), BuildOptions(label_set="labels")))
    assert after.dropped["label: artefact"] == 2 and "label: irregular-rhythm" not in after.dropped
    assert after.dropped["excluded by hand"] == 1
    at = after.columns["t0_s"].tolist()
    row = at.index(60.0)
    assert after.labels[row, 0] == 111.0 and after.columns["label_valid_reason_SBP"][row] == "corrected by AB"
    assert after.columns["label_valid_reason_DBP"][row] == "valid"
    assert after.source["label_sets"].keys() == {"labels"}


def test_who_suggested_an_exclusion_stands_in_the_provenance(sessions: Path, tmp_path: Path) -> None:
    folder = a_copy(sessions, "s1", tmp_path)
    told = Suggested("student-0.2.0", "ab" * 32, visible=True, accepted=True)
    deed = Deed("add", "d1", "AB", 1, "hemoview 0", "a1", "span", 50.0, 51.0, "artefact", suggestion=told)
    annotations.append(folder, "labels", [deed])
    label(folder, "motion", 60.0, 61.0, 2)
    part = build_part(Job(str(folder), BuildOptions(label_set="labels")))
    assert part.source["suggested_exclusions"] == {f"student-0.2.0 {'ab' * 32}": 1}


def test_unconfirmed_spans_are_left_out(tmp_path: Path) -> None:
    doubt = Moment(UNCONFIRMED, made.START_NS + 60 * 10**9, {"cause": "absent"})
    folder = made.make(tmp_path / "s", events=(doubt,))
    part = build_part(Job(str(folder), BuildOptions()))
    assert part.dropped["unconfirmed-subject"] == 6 and part.columns["t0_s"].max() + 10 <= 60


def test_a_gap_costs_the_windows_it_touches(tmp_path: Path) -> None:
    folder = made.make(tmp_path / "s", gap_s=(57.0, 58.0))
    part = build_part(Job(str(folder), BuildOptions()))
    assert part.dropped["gap"] == 3
    t0_s = part.columns["t0_s"]
    assert not np.any((t0_s < 58) & (t0_s + 10 > 57)) and np.isfinite(part.ppg).all()


def test_everything_that_bars_a_session_is_named_at_once(sessions: Path, tmp_path: Path) -> None:
    plain = {"seconds": 12.0}
    folders = [
        sessions / "s1",
        made.make(tmp_path / "never", lock=None, **plain),
        made.make(tmp_path / "unlocked", lock=False, consent=None, **plain),
        made.make(tmp_path / "toy", simulated=True, **plain),
        made.make(tmp_path / "nobody", subject="P-020", **plain),
        made.make(tmp_path / "bare", rows=False, wave=False, **plain),
        tmp_path / "absent",
        sessions / "s1",
    ]
    withdrawals.append(tmp_path, Withdrawal("p-020", 1))
    with pytest.raises(ConfigError) as caught:
        dataset_build.prepare(order(tmp_path / "set", tmp_path, *folders))
    said = str(caught.value)
    assert "7 of 8 sessions are barred" in said
    for part in (
        "never: it was never aligned",
        "unlocked: its consent does not cover reuse for training (one that was given is entered in Review, Correct…), "
        "and its alignment is refused",
        "toy: it is simulated or replayed",
        "nobody: subject P-020 was withdrawn",
        "bare: it has no reference",
        "absent: no session.json here",
        "s1: it is the same session as",
    ):
        assert part in said, part
    ready = dataset_build.prepare(order(tmp_path / "set", tmp_path, *folders, skip=True))
    assert [Path(j.folder).name for j in ready.jobs] == ["s1"] and len(ready.barred) == 7
    assert not (tmp_path / "set").exists()


def test_a_simulated_dataset_is_marked_wherever_it_is_read(tmp_path: Path) -> None:
    folder = made.make(tmp_path / "toy", simulated=True, consent=None)
    result = built(order(tmp_path / "set", tmp_path, folder, allow_simulated=True))
    assert result.dataset.simulated and "SIMULATED" in result.told(1.0)
    assert "SIMULATED" in (tmp_path / "set" / "card.html").read_text("utf-8")
    assert set(result.dataset.reference_kind) == {"physiology-model"}


def test_the_same_recording_under_two_names_is_named_and_kept_together(tmp_path: Path) -> None:
    for name, subject, height in (("a", "P-001", 170.0), ("b", "P-002", 171.0)):
        made.make(tmp_path / name, subject=subject, seed=5, height_cm=height)
    result = built(order(tmp_path / "set", tmp_path, tmp_path / "a", tmp_path / "b"))
    assert result.dataset.about["alike"]["recordings"] == [["a", "b"]]
    assert not result.dataset.splits
    assert "a = b" in (tmp_path / "set" / "card.html").read_text("utf-8")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_sessions_give_the_same_bytes_in_any_order_and_by_anybody(
    sessions: Path, tmp_path: Path
) -> None:
    folders = [sessions / name for name in ("s1", "s2", "wave")]
    built(order(tmp_path / "one", tmp_path, *folders))
    moved = [a_copy(sessions, f.name, tmp_path) for f in reversed(folders)]
    with ThreadPoolExecutor(2) as pool:
        dataset_build.carry_out(dataset_build.prepare(order(tmp_path / "two", tmp_path, *moved)), pool)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_stopped_build_writes_nothing(sessions: Path, tmp_path: Path) -> None:
    ready = dataset_build.prepare(order(tmp_path / "set", tmp_path, sessions / "s1"))
    with pytest.raises(build.Cancelled):
        dataset_build.carry_out(ready, Inline(), cancelled=lambda: True)
    assert not (tmp_path / "set").exists() and registered(tmp_path) == ([], [])


@pytest.mark.parametrize(
    "options", [{"window_s": 4.0}, {"window_s": float("nan")}, {"hop_s": 0.0}, {"reference_kind": "x"}]
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        BuildOptions(**options)


def test_a_folder_with_something_in_it_stays_as_it_is(sessions: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="not an empty folder"):
        dataset_build.prepare(order(tmp_path / "set", tmp_path, sessions / "s1"))


@pytest.mark.slow
def test_processes_and_a_dask_cluster_of_two_workers_give_identical_bytes(
    sessions: Path, tmp_path: Path
) -> None:
    from distributed import Client, LocalCluster  # noqa: PLC0415 – slow to import

    folders = [sessions / name for name in ("s1", "s2", "wave")]

    def by(executor: Executor, name: str) -> dict[str, bytes]:
        ready = dataset_build.prepare(order(tmp_path / name, tmp_path, *folders))
        dataset_build.carry_out(ready, executor)
        return contents(tmp_path / name)

    here = by(Inline(), "here")
    for workers in (1, 2):
        with build.processes(workers) as pool:
            assert by(pool, f"processes-{workers}") == here
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        assert by(client.get_executor(), "dask") == here


@pytest.mark.slow
def test_stopping_ends_the_processes_that_compute(sessions: Path, tmp_path: Path) -> None:
    """Nobody waits for a day of recording: the workers are ended, and nothing is written."""
    ready = dataset_build.prepare(order(tmp_path / "set", tmp_path, sessions / "s1"))
    pool = build.processes(1)
    workers: list[Any] = []

    def stop() -> bool:
        workers[:] = list((pool._processes or {}).values())
        return bool(workers)

    with pytest.raises(build.Cancelled):
        dataset_build.carry_out(ready, pool, cancelled=stop)
    for worker in workers:  # its sentinel, not its exit status: the pool's own thread may have fetched that
        assert wait([worker.sentinel], timeout=30)
    assert not (tmp_path / "set").exists()


def test_a_reference_that_never_calibrated_leaves_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    folder = made.make(tmp_path / "s", marks=())
    with pytest.raises(ConfigError, match="no calibration of the reference"):
        built(order(tmp_path / "set", tmp_path, folder))
    assert not (tmp_path / "set").exists() and registered(tmp_path) == ([], [])


def test_another_finger_ends_the_calibration(tmp_path: Path) -> None:
    folder = made.make(tmp_path / "s", marks=(*made.CALIBRATED, (made.FINGER_CHANGED, 45.0)))
    part = build_part(Job(str(folder), BuildOptions()))
    assert len(part) == 0 and {"recalibration", "uncalibrated"} <= part.dropped.keys()


def test_without_hdcal_co_has_no_label_unless_kept_by_name(tmp_path: Path) -> None:
    folder = made.make(tmp_path / "s", marks=made.CALIBRATED[:1])
    plain = build_part(Job(str(folder), BuildOptions()))
    kept = build_part(Job(str(folder), BuildOptions(keep_uncalibrated_co=True)))
    assert np.isnan(plain.labels[:, 4:]).all() and np.isfinite(kept.labels[:, 4:]).all()
    for part in (plain, kept):
        assert set(part.columns["label_valid_reason_CO"]) == {"uncalibrated CO"}
        assert np.isfinite(part.labels[:, :4]).all()
