"""Whose heart is it, in the edge process: a verdict that does not flicker; what a foreign reference may not do."""

from pathlib import Path

import numpy as np
import pytest
import tiny_bundle
from pipeline_rig import pipeline, run
from scripted_bedside import BOOT_NS, STREAMS, Bedside, calibrated, event, store

from hemoview.dsp.shared_heart import Comparison, Verdict
from hemoview.edge.findings import Findings
from hemoview.edge.heart import COLUMNS, LOOK_EVERY_S, VERDICTS, WHYS, HeartGuard, evidence_of, row_of
from hemoview.edge.knowledge import Options
from hemoview.edge.offline import recompute
from hemoview.edge.streams import ESTIMATES, HEART, ModelName, declared, find_sources
from hemoview.estimate.estimator import Body
from hemoview.estimate.runner import Runner
from recorder.schema import REFERENCE_CALIBRATED, SampleBlock

SEEN = event("marker", 5.0, {"label": REFERENCE_CALIBRATED})
NAMES = [name for name, _ in COLUMNS]


def verdicts(rows: dict[str, list[SampleBlock]]) -> list[tuple[float, Verdict]]:
    """(when, what is said), s."""
    return [
        ((int(b.row_t_host_ns[0]) - BOOT_NS) / 1e9, VERDICTS[int(b.values[0, 0])])
        for b in rows[HEART]
        if b.row_t_host_ns is not None
    ]


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_one_person_is_told_as_one_and_never_as_two(seed: int) -> None:
    said = verdicts(run(pipeline(None), Bedside(seconds=80.0, seed=seed).items()))
    assert [when for when, _ in said] == pytest.approx(np.arange(5, 81, LOOK_EVERY_S), abs=0.2)
    assert "different" not in [verdict for _, verdict in said]
    assert said[-1][1] == "same"


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_the_pressure_of_another_is_told_within_a_minute(seed: int) -> None:
    said = verdicts(run(pipeline(None), Bedside(seconds=65.0, seed=seed, other_seed=seed + 30).items()))
    first = next(when for when, verdict in said if verdict == "different")
    assert first <= 60.0
    assert "same" not in [verdict for _, verdict in said]


def test_a_foreign_reference_never_personalises_nor_is_it_followed(runner: Runner) -> None:
    columns = [c.name for c in declared(find_sources(STREAMS), ModelName())[0].channels]
    aged, tracked = columns.index("personalisation_age_s"), columns.index("SBP_tracked")
    own, foreign = Bedside(seconds=120.0, seed=4), Bedside(seconds=120.0, seed=4, other_seed=31)
    rows = {
        name: np.concatenate(
            [
                b.values
                for b in run(pipeline(runner, Options("both")), [calibrated(), SEEN, *bed.items()])[ESTIMATES]
            ]
        )
        for name, bed in (("own", own), ("foreign", foreign))
    }
    assert np.isfinite(rows["own"][:, aged]).any() and (rows["own"][:, tracked] > 0).any()
    assert np.isnan(rows["foreign"][:, aged]).all() and (rows["foreign"][:, tracked] == 0).all()


def test_what_a_reference_taught_before_it_was_taken_to_another_is_dropped(runner: Runner) -> None:
    """The wristband stays, the pressure becomes another person's half-way."""
    own, foreign = Bedside(seconds=160.0, seed=4), Bedside(seconds=160.0, seed=4, other_seed=31)
    half = BOOT_NS + 80_000_000_000
    mixed = [i for i in own.items() if i.t_host_ns < half] + [
        i for i in foreign.items() if i.t_host_ns >= half
    ]
    made = pipeline(runner, Options("reference"))
    run(made, [calibrated(), SEEN, *mixed[: len(mixed) // 2]])
    assert any(a.kind == "reference" for a in made.anchoring.personal.anchors)
    said = verdicts(run(made, mixed[len(mixed) // 2 :]))
    assert said[-1][1] == "different"
    assert 80.0 < next(when for when, verdict in said if verdict == "different") <= 140.0
    assert not made.anchoring.personal.anchors
    assert made.anchoring.tracking is not None and not made.anchoring.tracking.states


def test_verdicts_are_recomputed_from_disk_to_the_bit(runner: Runner, tmp_path: Path) -> None:
    bed = Bedside(seconds=70.0, seed=4, other_seed=31, events=[calibrated(), SEEN])
    bed.still = False
    items = bed.items()
    live = np.concatenate([b.values for b in run(pipeline(runner, Options("both")), items)[HEART]])
    bundle = tiny_bundle.write(tmp_path, shape_gain=2.0)
    again = recompute(store(tmp_path, items), bundle, Options("both"))[HEART].values
    np.testing.assert_array_equal(live, again)
    assert (live[:, 0] == VERDICTS.index("different")).any()


def test_another_subject_begins_anew() -> None:
    made = pipeline(None)
    run(made, Bedside(seconds=60.0, seed=1).items())
    assert made.heart is not None and made.heart.verdict == "same"
    made.begin_session("two", Body())
    assert (made.heart.verdict, made.heart.allows_reference) == ("cannot-tell", False)


# ---- the verdict does not flicker


def after(*looks: str) -> HeartGuard:
    guard = HeartGuard()
    for look in looks:
        few = look == "few"
        guard._judge(Comparison("cannot-tell", "too-few-beats") if few else Comparison(look))  # type: ignore[arg-type]
    return guard


@pytest.mark.parametrize(
    ("looks", "verdict"),
    [
        (["few"] * 30, "cannot-tell"),
        (["same"], "same"),
        (["different"] * 2, "cannot-tell"),
        (["different"] * 3, "different"),
        (["same", "different", "different", "same"], "same"),
        (["same"] + ["different"] * 3, "different"),
        (["different"] * 3 + ["same"] * 2, "different"),
        (["different"] * 3 + ["same"] * 3, "same"),
        (["different"] * 3 + ["few"] * 90, "different"),
        (["different"] * 3 + ["cannot-tell"] * 11, "different"),
        (["different"] * 3 + ["cannot-tell"] * 12, "cannot-tell"),
        (["different", "few", "different", "few", "different"], "different"),
    ],
)
def test_what_is_said_after_some_looks(looks: list[str], verdict: Verdict) -> None:
    assert after(*looks).verdict == verdict


def test_a_row_tells_the_evidence_by_name() -> None:
    guard = after("different", "different", "different")
    looked = guard.look()
    told = evidence_of(row_of(looked))
    assert (told["verdict"], told["look"], told["why"]) == ("different", "cannot-tell", "too-few-beats")
    assert told["lag_s"] is None and told["n_beats"] == 0
    assert len(row_of(looked)) == len(NAMES) and WHYS[int(row_of(looked)[2])] == "too-few-beats"


# ---- what becomes an event


def test_only_changes_are_told_and_not_again_after_a_restart() -> None:
    rows = run(pipeline(None), Bedside(seconds=65.0, seed=1, other_seed=31).items())[HEART]
    told = list(Findings().of(rows))
    assert [one["payload"]["verdict"] for one in told] == ["different"]
    assert told[0]["kind"] == "heartbeat" and told[0]["payload"]["n_beats"] >= 20
    restarted = Findings()
    restarted.told(event("heartbeat", 40.0, told[0]["payload"]))
    assert restarted.heart == "different" and list(restarted.of(rows[-3:])) == []
