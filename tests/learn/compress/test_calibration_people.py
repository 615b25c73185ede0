"""Tables of a card from people who did not train: of what flows too, and of further people. Needs torch."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (pip install 'hemoview[learn]')")

for room in ("estimate", "dsp"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / room))

import tiny_bundle  # noqa: E402
from pulse_waves import pulse, rhythm  # noqa: E402

from hemoview.estimate import bundle  # noqa: E402
from hemoview.estimate.card import parse_card  # noqa: E402
from hemoview.estimate.metrics.rows import plan  # noqa: E402
from hemoview.estimate.predictors import BundlePredictor, look, rows_from  # noqa: E402
from hemoview.labels.datasets.dataset import Dataset, make_dataset  # noqa: E402
from hemoview.labels.datasets.split import Split  # noqa: E402
from hemoview.learn.compress.calibrate import stretching  # noqa: E402
from hemoview.learn.compress.people import calibration_people  # noqa: E402
from hemoview.learn.simulated import ten_labels  # noqa: E402
from recorder.errors import ConfigError  # noqa: E402
from recorder.schema import PARAMETERS  # noqa: E402

pytestmark = pytest.mark.learn
N_SUBJECTS, N_WINDOWS, RATE_HZ = 100, 4, 64.0
LEARNED = ("SBP", "MAP", "DBP", "SV")


def cohort(seed: int, origin: str = "simulated", **more: Any) -> Dataset:
    """People whose MAP and SV lie around what the tiny model always says; the counted rate is nearly exact."""
    rng = np.random.default_rng(seed)
    n = N_SUBJECTS * N_WINDOWS
    onsets = [rhythm(rng, 10.0, rr_s=rr_s, cv=0.05) for rr_s in rng.uniform(0.7, 1.0, n)]
    ppg = np.array([pulse(each, RATE_HZ, 10.0) for each in onsets])
    hr = np.array([60 / np.diff(each).mean() for each in onsets])
    ppg += rng.normal(0, 0.02, ppg.shape)
    level = np.repeat(rng.normal(0, 4, (N_SUBJECTS, 2)), N_WINDOWS, axis=0)
    map_, sv = (np.array([92.0, 70.0]) + level + rng.normal(0, 7, level.shape)).T
    known = np.column_stack((map_ + 28, map_, map_ - 16, hr + rng.normal(0, 0.2, n), sv))
    people = np.tile([40.0, 1.0, 178.0, 75.0], (n, 1))
    labels = ten_labels(known, np.full(n, 5.0), people)
    subject = [f"c{seed}-{i:03d}" for i in np.repeat(np.arange(N_SUBJECTS), N_WINDOWS)]
    given: dict[str, Any] = {
        "numbers": {"t0_s": np.tile(np.arange(N_WINDOWS) * 20.0, N_SUBJECTS), "cvp_mmhg": np.full(n, 5.0)},
        "words": {"origin": origin, "reference_kind": "physiology-model"},
        "demographics": people,
        "name": f"cohort{seed}",
    }
    return make_dataset(ppg, RATE_HZ, labels, subject, **{**given, **more})


@pytest.fixture(scope="module")
def two() -> tuple[Dataset, Dataset]:
    return cohort(1), cohort(2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bundle.Bundle:
    value = tiny_bundle.card(LEARNED)
    rows = {"cold": {"q90": 9.0, "n_subjects": 20}, "personalised": []}
    return tiny_bundle.write(
        tmp_path_factory.mktemp("tiny"), LEARNED, changes={"conformal": value["conformal"] | {"SV": rows}}
    )


def covered(judged: bundle.Bundle, on: Dataset) -> dict[str, float]:
    seen = look(on)
    rows = rows_from(on, seen)
    found, _ = BundlePredictor(judged, on, seen).predict(rows, plan(rows, 0))
    out = {}
    for column, p in enumerate(PARAMETERS):
        given = np.isfinite(found.q05[:, column])
        label = rows.labels[given, column]
        inside = (label >= found.q05[given, column]) & (label <= found.q95[given, column])
        out[p] = float(inside.mean())
    return out


def with_rows(plain: bundle.Bundle, rows: dict[str, Any]) -> bundle.Bundle:
    return bundle.Bundle(
        plain.folder, parse_card({**plain.card.raw, "derived": rows}, "t"), plain.model, "", b""
    )


def test_flow_and_rate_cover_90_percent_of_other_people_where_corners_cover_nearly_all(
    two: tuple[Dataset, Dataset], tiny: bundle.Bundle
) -> None:
    calibrating, judged = two
    rows = stretching(tiny, calibrating, look(calibrating))
    assert set(rows) == {"HR", "CO", "SVR"}
    assert all(table["cold"]["n_subjects"] == N_SUBJECTS for table in rows.values())
    assert rows["HR"]["personalised"] == [] and rows["HR"]["cold"]["factor"] < 1
    before, after = covered(tiny, judged), covered(with_rows(tiny, rows), judged)
    assert before["HR"] == 1.0 and before["SVR"] > 0.95
    for p in ("HR", "CO", "CI", "SVR", "SVRI"):
        assert 0.84 <= after[p] <= 0.96, (p, before[p], after[p])
    assert all(after[p] < before[p] for p in ("HR", "SVR", "SVRI"))
    seen = look(judged)
    told = [BundlePredictor(b, judged, seen).facts["intervals"] for b in (tiny, with_rows(tiny, rows))]
    assert "simulated heart" not in told[0] and "a bedside shows ±2/min at least" in told[1]
    assert {p: after[p] for p in (*LEARNED, "SI")} == {p: before[p] for p in (*LEARNED, "SI")}


def test_real_people_teach_no_rate_and_eight_people_nothing(tiny: bundle.Bundle) -> None:
    real = cohort(3, origin="recorded")
    assert "HR" not in stretching(tiny, real, look(real))
    few = cohort(4)
    few = few.take(few.rows_of(few.subjects[:8]))
    assert stretching(tiny, few, look(few)) == {}
    nobody = make_dataset(few.ppg, RATE_HZ, few.labels, few.subject_id, subject_known=False)
    assert stretching(tiny, nobody, look(nobody)) == {}


def test_further_people_join_those_who_chose(two: tuple[Dataset, Dataset]) -> None:
    ours, theirs = two
    who = ours.subjects
    split = Split("one", tuple(who[:20]), tuple(who[20:30]), tuple(who[30:]))
    assert calibration_people(ours, split).subjects == who[20:30]
    both = calibration_people(ours, split, theirs)
    assert both.subjects == sorted([*who[20:30], *theirs.subjects])
    assert len(both) == 10 * N_WINDOWS + len(theirs) and both.simulated
    assert np.array_equal(both.labels[-len(theirs) :], theirs.labels)


def test_further_people_who_cannot_serve_are_refused(two: tuple[Dataset, Dataset]) -> None:
    ours, theirs = two
    who = ours.subjects
    split = Split("one", tuple(who[:20]), tuple(who[20:30]), tuple(who[30:]))

    def refused(further: Dataset, why: str) -> None:
        with pytest.raises(ConfigError, match=why):
            calibration_people(ours, split, further)

    refused(ours, f"{N_SUBJECTS} of its people stand in the training dataset as well")
    refused(cohort(5, origin="recorded"), "both must be simulated, or neither")
    short = make_dataset(
        theirs.ppg[:, :512], RATE_HZ, theirs.labels, theirs.subject_id,
        numbers={"t0_s": theirs.t0_s}, words={"origin": "simulated"},
    )  # fmt: skip
    refused(short, "windows of 8 s at 64 Hz, those of the training have 10 s")
    renamed = make_dataset(
        ours.ppg, RATE_HZ, ours.labels, [f"x{s}" for s in ours.subject_id], words={"origin": "simulated"},
    )  # fmt: skip
    refused(renamed, "is it one person")
    nameless = make_dataset(
        theirs.ppg, RATE_HZ, theirs.labels, theirs.subject_id,
        words={"origin": "simulated"}, subject_known=False,
    )  # fmt: skip
    refused(nameless, "whose each window is must be known")
