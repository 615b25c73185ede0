"""What is written is read again, and what is no dataset is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemoview.dsp.preprocess import model_inputs
from hemoview.labels import (
    Dataset,
    make_dataset,
    make_split,
    read_dataset,
    read_seed_files,
    write_dataset,
)
from recorder.errors import ConfigError

RATE_HZ = 64.0
WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\x1f", exclude_categories=("Cs",)), max_size=6
)
NAMES = st.text("abcXYZ019._-é ", min_size=1, max_size=8)


@st.composite
def datasets(draw: Any) -> Dataset:
    """5 to 10 s of any rate, one to four subjects, columns known, partly known or not at all."""
    rate_hz = draw(st.sampled_from([20.0, 64.0, 31.25]))
    n_samples = draw(st.integers(int(np.ceil(5 * rate_hz)), int(10 * rate_hz)))
    who = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    subject = [name for name in who for _ in range(draw(st.integers(1, 3)))]
    n = len(subject)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def sometimes(values: np.ndarray) -> np.ndarray:
        missing = rng.random(values.shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))
        return np.where(missing, np.nan, values)

    labels = sometimes(rng.uniform(1, 50, (n, 10)))
    labels[:, :2] += 200, 100
    people = np.column_stack((rng.uniform(0, 90, n), rng.integers(0, 2, n), rng.uniform(100, 200, (n, 2))))
    timed = draw(st.booleans())
    return make_dataset(
        rng.normal(size=(n, n_samples)),
        rate_hz,
        labels,
        subject,
        numbers={
            "t0_s": np.arange(n) * 10.0 if timed else np.full(n, np.nan),
            "sqi": sometimes(rng.random(n)),
            "cvp_mmhg": sometimes(rng.uniform(0, 20, n)),
            "reference_calibration_age_s": sometimes(rng.uniform(0, 1000, n)),
        },
        words={"origin": draw(st.sampled_from(["", "recorded", "simulated"])), "ppg_site": draw(WORDS)},
        demographics=sometimes(people),
        extra={
            "phase": np.array(draw(st.lists(WORDS, min_size=n, max_size=n)), dtype=np.str_),
            "moving": rng.random(n) < 0.5,
            "motion_g": sometimes(rng.random(n)),
        },
        name=draw(NAMES),
        subject_known=draw(st.booleans()),
    )


def small(n: int = 8, rows_each: int = 2, **rest: Any) -> Dataset:
    rng = np.random.default_rng(1)
    labels = np.column_stack(
        (rng.normal(120, 5, n), rng.normal(90, 3, n), rng.normal(70, 3, n), rng.normal(70, 3, n))
    )
    return make_dataset(
        rng.normal(size=(n, 640)),
        RATE_HZ,
        labels,
        [f"s{i // rows_each}" for i in range(n)],
        numbers={"t0_s": np.arange(n) * 10.0},
        **rest,
    )


def bare_folder(folder: Path, labels: np.ndarray, n_samples: int = 640, **facts: Any) -> Path:
    folder.mkdir()
    np.save(
        folder / "ppg.npy", np.random.default_rng(0).normal(size=(len(labels), n_samples)).astype(np.float32)
    )
    np.save(folder / "cnap.npy", labels)
    (folder / "dataset.json").write_text(json.dumps({"window_s": 10, "sampling_rate_hz": 64, **facts}))
    return folder


@settings(max_examples=40)
@given(datasets())
def test_what_was_written_is_read_again_with_the_same_version(dataset: Dataset) -> None:
    with TemporaryDirectory() as base:
        folder = Path(base) / "set"
        version = write_dataset(folder, dataset)
        again = read_dataset(folder)
    assert version == again.version == dataset.version
    for name in (
        "ppg",
        "labels",
        "subject_id",
        "t0_s",
        "demographics",
        "cvp_mmhg",
        "origin",
        "reference_kind",
    ):
        np.testing.assert_array_equal(getattr(again, name), getattr(dataset, name))
    for name in ("ppg_site", "sqi", "reference_calibration_age_s"):
        np.testing.assert_array_equal(getattr(again, name), getattr(dataset, name))
    assert set(again.extra) == set(dataset.extra)
    for name, column in dataset.extra.items():
        np.testing.assert_array_equal(again.extra[name], column)
    assert (again.name, again.subject_known, again.sampling_rate_hz) == (
        dataset.name,
        dataset.subject_known,
        dataset.sampling_rate_hz,
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda d: replace(d, ppg=d.ppg + np.float32(1e-3)),
        lambda d: replace(d, labels=np.where(np.arange(10) == 3, np.nan, d.labels).astype(np.float32)),
        lambda d: replace(d, subject_id=np.char.add(d.subject_id, "x")),
        lambda d: replace(d, t0_s=d.t0_s + 1),
        lambda d: replace(d, origin=np.full(len(d), "recorded")),
        lambda d: replace(d, cvp_mmhg=np.full(len(d), 5, np.float32)),
        lambda d: replace(d, demographics=np.tile(np.float32([40, 1, 170, 70]), (len(d), 1))),
        lambda d: replace(d, extra={"phase": np.full(len(d), "rest")}),
        lambda d: replace(d, subject_known=False),
    ],
)
def test_any_change_of_content_is_another_version(change: Callable[[Dataset], Dataset]) -> None:
    dataset = small()
    assert change(dataset).version != dataset.version
    assert replace(dataset, name="other", about={"hop_s": 5}).version == dataset.version


def test_splits_and_facts_come_back(tmp_path: Path) -> None:
    dataset = small(20, about={"hop_s": 10.0, "sources": ["a"]})
    split = make_split(dataset, seed=3, name="mine")
    write_dataset(tmp_path / "set", dataset.with_split(split))
    again = read_dataset(tmp_path / "set")
    assert again.split("mine") == split and again.split("mine").sha256 == split.sha256
    assert again.about["hop_s"] == 10.0 and again.about["sources"] == ["a"]
    with pytest.raises(ConfigError, match=r"no split called 'theirs'; there are: mine"):
        again.split("theirs")


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", small())
    before = (tmp_path / "set" / "dataset.json").read_bytes()
    with pytest.raises(ConfigError, match="is not an empty folder"):
        write_dataset(tmp_path / "set", small(12))
    assert (tmp_path / "set" / "dataset.json").read_bytes() == before


@pytest.mark.parametrize(
    ("width", "places"), [(2, [0, 2]), (3, [0, 1, 2]), (4, [0, 1, 2, 3]), (10, list(range(10)))]
)
def test_label_widths_mean_what_the_contract_says(tmp_path: Path, width: int, places: list[int]) -> None:
    given = {
        2: [120, 70],
        3: [120, 90, 70],
        4: [120, 90, 70, 60],
        10: [120, 90, 70, 60, 5, 3, 80, 45, 1200, 2000],
    }
    found = read_dataset(bare_folder(tmp_path / "set", np.tile(np.float64(given[width]), (3, 1))))
    assert found.labels[:, places].tolist() == [given[width]] * 3
    assert np.isfinite(found.labels).sum() == 3 * width
    assert not found.subject_known and len(found.subjects) == 3, "each row counts as its own subject"


@pytest.mark.parametrize("width", [1, 5, 6, 8, 11])
def test_other_label_widths_are_refused_by_name(tmp_path: Path, width: int) -> None:
    with pytest.raises(ConfigError, match=rf"cnap\.npy: labels of shape \(3, {width}\) are unknown"):
        read_dataset(bare_folder(tmp_path / "set", np.full((3, width), 80.0)))


def spoil_ppg(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    np.save(folder / "ppg.npy", change(np.load(folder / "ppg.npy")))


def tear(path: Path) -> None:
    """Cut the description inside numpy's header open."""
    path.write_bytes(path.read_bytes().replace(b"(8, 640)", b"((8, 640"))


def spoil_facts(folder: Path, **facts: Any) -> None:
    known = json.loads((folder / "dataset.json").read_text())
    merged = {k: v for k, v in {**known, **facts}.items() if v is not None}
    (folder / "dataset.json").write_text(json.dumps(merged))


def spoil_meta(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(folder / "meta.parquet")), folder / "meta.parquet")


def put(name: str, values: list[Any]) -> Callable[[pa.Table], pa.Table]:
    return lambda t: t.set_column(t.column_names.index(name), name, pa.array(values))


def one_nan(ppg: np.ndarray) -> np.ndarray:
    ppg[3, 100] = np.nan
    return ppg


WRONG: list[tuple[str, Callable[[Path], Any], str]] = [
    ("nan", lambda f: spoil_ppg(f, one_nan), r"ppg\.npy: window 3 holds values that are not finite \(1 of 8"),
    ("infinite", lambda f: spoil_ppg(f, lambda x: x * np.inf), r"not finite \(8 of 8"),
    ("flat array", lambda f: spoil_ppg(f, lambda x: x[0]), r"windows of shape \(640,\)"),
    ("no rows", lambda f: spoil_ppg(f, lambda x: x[:0]), "at least one"),
    ("short", lambda f: spoil_ppg(f, lambda x: x[:, :134]), r"windows of 2\.09 s .*give 5 to 10 s"),
    ("long", lambda f: spoil_ppg(f, lambda x: np.hstack((x, x))), "windows of 20 s"),
    ("rate", lambda f: spoil_facts(f, sampling_rate_hz=100), "window_s 10 at 100 Hz is not 640 samples"),
    ("slow", lambda f: spoil_facts(f, sampling_rate_hz=4), "sampling rate of 4 Hz"),
    ("rate of text", lambda f: spoil_facts(f, sampling_rate_hz="64"), "sampling_rate_hz is '64'"),
    ("no rate", lambda f: spoil_facts(f, sampling_rate_hz=None), "sampling_rate_hz is None"),
    ("no length", lambda f: spoil_facts(f, window_s=None), "window_s is None"),
    ("true is no length", lambda f: spoil_facts(f, window_s=True), "window_s is True"),
    ("parameters", lambda f: spoil_facts(f, parameters=["DBP", "SBP"]), "are not those of 10 columns"),
    ("rows", lambda f: spoil_ppg(f, lambda x: x[:5]), r"8 rows .* for 5 windows|5 windows"),
    ("labels rows", lambda f: np.save(f / "cnap.npy", np.full((5, 2), [120, 70])), "5 rows of labels for 8"),
    ("zero", lambda f: np.save(f / "cnap.npy", np.full((8, 2), [120.0, 0])), "DBP of window 0 is 0; write NaN"),
    ("swapped", lambda f: np.save(f / "cnap.npy", np.full((8, 2), [70.0, 120])), "DBP is not below SBP in most"),
    ("map", lambda f: np.save(f / "cnap.npy", np.full((8, 3), [120.0, 70, 90])), "DBP is not below MAP in most"),
    ("text", lambda f: np.save(f / "cnap.npy", np.array([["a", "b"]] * 8)), "not numbers"),
    ("no array", lambda f: (f / "ppg.npy").write_bytes(b"1,2,3"), r"ppg\.npy: not an array"),
    ("torn header", lambda f: tear(f / "ppg.npy"), r"ppg\.npy: not an array"),
    ("too large", lambda f: np.save(f / "cnap.npy", np.full((8, 2), [1e300, 70.0])), "SBP of window 0 is inf"),
    ("half an archive", lambda f: (f / "ppg.npy").write_bytes(b"PK\x03\x04"), r"ppg\.npy: not an array"),
    ("gone", lambda f: (f / "cnap.npy").unlink(), r"cnap\.npy: there is no such file"),
    ("no facts", lambda f: (f / "dataset.json").unlink(), r"dataset\.json: there is no such file"),
    ("facts", lambda f: (f / "dataset.json").write_text("[1"), "not readable as JSON"),
    ("a list", lambda f: (f / "dataset.json").write_text("[1]"), "no JSON object"),
    ("meta", lambda f: (f / "meta.parquet").write_bytes(b"no"), r"meta\.parquet: not readable as Parquet"),
    ("meta rows", lambda f: spoil_meta(f, lambda t: t.slice(0, 5)), r"meta\.parquet: 5 rows for 8 windows"),
    ("nobody", lambda f: spoil_meta(f, lambda t: t.drop_columns("subject_id")), "no column subject_id"),
    ("empty id", lambda f: spoil_meta(f, put("subject_id", ["a", None] * 4)), "row 1 has no subject_id"),
    ("age", lambda f: spoil_meta(f, put("age_y", [400.0] * 8)), "age_y of window 0 is 400, outside 0 to 120"),
    ("metres", lambda f: spoil_meta(f, put("height_cm", [1.8] * 8)), "height_cm of window 0 is 1.8"),
    ("sex", lambda f: spoil_meta(f, put("sex", ["x"] * 8)), "sex of row 0 is 'x'; give female"),
    ("half a sex", lambda f: spoil_meta(f, put("sex", [0.5] * 8)), "sex of window 0 is 0.5"),
    ("age of text", lambda f: spoil_meta(f, put("age_y", ["old"] * 8)), "age_y is not numbers"),
    ("some times", lambda f: spoil_meta(f, put("t0_s", [None, *range(1, 8)])), "subject s0 have no t0_s"),
    ("stranger", lambda f: (f / "splits.json").write_text('{"a":{"test":["s9"]}}'), "split a names subject s9, who"),
    (
        "twice",
        lambda f: (f / "splits.json").write_text('{"a":{"test":["s1"],"train":["s1","s2"]}}'),
        "split a: subject s1 in both train and test",
    ),
    ("nobody named", lambda f: (f / "splits.json").write_text('{"a":{"test":[]}}'), "split a: names nobody"),
    ("part", lambda f: (f / "splits.json").write_text('{"a":{"tests":["s1"]}}'), "unknown part tests"),
    ("no list", lambda f: (f / "splits.json").write_text('{"a":{"test":"s1"}}'), "not a list of subject ids"),
    ("no split", lambda f: (f / "splits.json").write_text('{"a":["s1"]}'), "split a is not an object"),
    (
        "hash",
        lambda f: (f / "splits.json").write_text('{"a":{"test":["s1"],"sha256":"0"}}'),
        "not the one its sha256 was made of",
    ),
    ("edited", lambda f: spoil_ppg(f, lambda x: x * 2), "not the one its version was made of"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "message"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_refused_by_name(tmp_path: Path, spoil: Callable[[Path], Any], message: str) -> None:
    write_dataset(tmp_path / "set", small())
    read_dataset(tmp_path / "set")
    spoil(tmp_path / "set")
    with pytest.raises(ConfigError, match=message):
        read_dataset(tmp_path / "set")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["ppg.npy", "cnap.npy", "meta.parquet", "splits.json", "dataset.json"]), st.data())
def test_a_damaged_file_is_refused_or_makes_no_difference(
    written: Path, name: str, data: st.DataObject
) -> None:
    """One byte changed, or the end lost: never a traceback, never other numbers."""
    whole = (written / name).read_bytes()
    at = data.draw(st.one_of(st.integers(0, min(len(whole), 300) - 1), st.integers(0, len(whole) - 1)))
    changed = data.draw(
        st.sampled_from(
            [whole[:at], whole[:at] + data.draw(st.binary(min_size=1, max_size=1)) + whole[at + 1 :]]
        )
    )
    before = read_dataset(written)
    try:
        (written / name).write_bytes(changed)
        after = read_dataset(written)
    except ConfigError:
        return
    finally:
        (written / name).write_bytes(whole)
    if name == "dataset.json" and not json.loads(changed).get("version", "").startswith("hv1:"):
        return  # without its version a folder is as good as its files
    assert after.version == before.version
    assert {split.sha256 for split in after.splits.values()} <= {
        split.sha256 for split in before.splits.values()
    }


def test_a_header_that_turns_the_byte_order_is_refused_without_a_warning(written: Path) -> None:
    path = written / "ppg.npy"
    content = path.read_bytes()
    at = content.index(b"'<f4'") + 1
    path.write_bytes(content[:at] + b">" + content[at + 1 :])
    with pytest.raises(ConfigError):
        read_dataset(written)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "set", small(12).with_split(make_split(small(12))))
    return tmp_path / "set"


def test_no_folder_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such folder"):
        read_dataset(tmp_path / "nothing")


def test_rows_out_of_order_are_put_in_order_and_it_is_said(tmp_path: Path) -> None:
    dataset = small()
    write_dataset(tmp_path / "set", dataset)
    order = np.array([1, 0, 3, 2, 4, 5, 6, 7])
    for name in ("ppg.npy", "cnap.npy"):
        np.save(tmp_path / "set" / name, np.load(tmp_path / "set" / name)[order])
    spoil_meta(tmp_path / "set", lambda t: t.take(pa.array(order)))
    again = read_dataset(tmp_path / "set")
    assert again.version == dataset.version
    assert "in order of time" in again.about["notes"][0]


def test_a_few_crossed_pressures_are_masked_and_counted(tmp_path: Path) -> None:
    labels = np.tile(np.float64([120, 90, 70, 60]), (8, 1))
    labels[5, :3] = 70, 90, 120
    found = read_dataset(bare_folder(tmp_path / "set", labels))
    assert np.isnan(found.labels[5, :3]).all() and found.labels[5, 3] == 60
    assert np.isfinite(found.labels[:5, :4]).all()
    assert "1 window with DBP not below SBP" in found.about["notes"][0]


def test_a_version_of_another_kind_is_kept_beside_ours(tmp_path: Path) -> None:
    found = read_dataset(bare_folder(tmp_path / "set", np.full((3, 2), [120.0, 70]), version="2024-05"))
    assert found.version.startswith("hv1:") and found.about["notes"] == ["its own version is 2024-05"]


def test_meta_with_subjects_alone_is_enough(tmp_path: Path) -> None:
    folder = bare_folder(tmp_path / "set", np.full((4, 2), [120.0, 70]))
    pq.write_table(pa.table({"subject_id": pa.array([7, 7, 8, 8])}), folder / "meta.parquet")
    found = read_dataset(folder)
    assert found.subjects == ["7", "8"] and found.subject_known and np.isnan(found.t0_s).all()


def test_seed_files_have_ten_second_windows_unless_told(tmp_path: Path) -> None:
    ppg, labels = tmp_path / "ppg.npy", tmp_path / "labels.npy"
    np.save(ppg, np.random.default_rng(0).random((6, 1250)))
    np.save(labels, np.full((6, 2), [120.0, 70]))
    found = read_seed_files(ppg, labels)
    assert found.sampling_rate_hz == 125.0 and not found.subject_known
    assert read_seed_files(ppg, labels, 200.0).window_s == 6.25
    with pytest.raises(ConfigError, match=r"windows of 12\.5 s"):
        read_seed_files(ppg, labels, 100.0)
    np.save(labels, np.full((5, 2), [120.0, 70]))
    with pytest.raises(ConfigError, match=r"labels\.npy: 5 rows of labels for 6 windows"):
        read_seed_files(ppg, labels)
    np.save(labels, np.full((6, 8), 70.0))
    with pytest.raises(ConfigError, match="are unknown; give"):
        read_seed_files(ppg, labels)


def test_short_windows_need_the_flag(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    waves, labels = rng.normal(size=(4, 134)), np.full((4, 2), [120.0, 70])
    with pytest.raises(ConfigError, match=r"windows of 2\.09 s"):
        make_dataset(waves, 64.0, labels, list("abcd"))
    short = make_dataset(waves, 64.0, labels, list("abcd"), short_windows=True)
    write_dataset(tmp_path / "set", short)
    assert read_dataset(tmp_path / "set").short_windows


def test_unsorted_rows_make_no_dataset_in_memory() -> None:
    with pytest.raises(ConfigError, match="windows of subject a are not in order of time"):
        make_dataset(
            np.ones((2, 640)), 64.0, np.full((2, 2), [120.0, 70]), ["a", "a"], numbers={"t0_s": [5, 0]}
        )


def test_flat_windows_are_known_and_bsa_is_dubois() -> None:
    dataset = small(demographics=np.tile([40, 1, 180, 75], (8, 1)))
    assert not dataset.flat.any()
    flat = dataset.ppg.copy()
    flat[2], flat[4], flat[5] = 7.0, np.linspace(3, 900, 640), 0.0
    found = replace(dataset, ppg=flat)
    assert np.flatnonzero(found.flat).tolist() == [2, 4, 5]
    assert len(model_inputs(found.ppg[~found.flat], RATE_HZ)) == 5
    for row in (2, 4, 5):
        with pytest.raises(ValueError, match="is flat"):
            model_inputs(found.ppg[[row]], RATE_HZ)
    assert dataset.bsa_m2[0] == pytest.approx(1.942, abs=0.001)
    assert np.isnan(small().bsa_m2).all()
    assert small(words={"origin": "simulated"}).simulated and not dataset.simulated
