"""Rule 10, the recording side: an inflation is a stored span with its arm; height and posture are stored facts; raw is
never corrected.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "acquire"))

from guided_bed import GuidedBed, labels, plan
from scripted import args

from recorder import session
from recorder.errors import SessionError
from recorder.schema import CUFF_INFLATION

SITES = {"wristband_side": "left", "finger_cuff_side": "right", "arm_cuff_side": "left", "posture": "supine"}
READING = {"sbp_mmhg": 120, "dbp_mmhg": 80, "entered_by": "op1", "arm": "left", "posture": "supine"}


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[GuidedBed]:
    made = GuidedBed(tmp_path)
    made.station.start()
    yield made
    made.station.close()


def test_rule_10_an_inflation_is_a_span_on_its_arm_until_the_reading(bed: GuidedBed) -> None:
    bed.start(plan(), sites=SITES)
    made = bed.ask("inflate", operator="op1")
    wall = bed.clock.wall_ns()
    bed.ask("cuff", **READING, measured_at_ns=wall, entered_at_ns=wall)
    began, ended = bed.events(CUFF_INFLATION)
    assert began.payload == {"arm": "left", "state": "started", "marker": made["event_id"]}
    assert ended.payload == {"arm": "left", "state": "ended", "why": "reading"}
    assert began.t_host_ns == bed.events("marker")[0].t_host_ns < ended.t_host_ns
    assert labels(bed) == [("cuff inflates", "button")]


def test_rule_10_an_inflation_nobody_ends_is_over_after_90_s(bed: GuidedBed) -> None:
    bed.start(plan(), sites=SITES)
    bed.ask("marker", label="cuff inflates", source="key", arm="right")  # the number key does the same
    bed.until(lambda: len(bed.events(CUFF_INFLATION)) == 2)
    began, ended = bed.events(CUFF_INFLATION)
    assert ended.payload == {"arm": "right", "state": "ended", "why": "timeout"}
    assert ended.t_host_ns - began.t_host_ns == 90 * 10**9


def test_rule_10_undo_and_the_next_inflation_end_it(bed: GuidedBed) -> None:
    bed.start(plan())
    bed.ask("inflate")
    bed.ask("inflate", arm="left")
    bed.ask("undo_marker")
    told = [(e.payload["arm"], e.payload["state"], e.payload.get("why")) for e in bed.events(CUFF_INFLATION)]
    assert told == [
        ("unknown", "started", None),
        ("unknown", "ended", "next"),
        ("left", "started", None),
        ("left", "ended", "undone"),
    ]


def test_rule_10_height_and_posture_are_facts_and_raw_stays(bed: GuidedBed) -> None:
    folder = Path(bed.ask("start", **args(sites={**SITES, "hand_height_cm": 4.0}))["folder"])
    bed.ask("posture", posture="seated", hand_height_cm=-12.5, operator="op1")
    bed.ask("posture", posture="seated", hand_height_cm=0, why="arm-moved")
    with pytest.raises(SessionError, match="300 cm is outside"):
        bed.ask("posture", posture="seated", hand_height_cm=300)
    bed.ask("stop")
    with session.open(folder) as stored:
        assert stored.header.sites is not None and stored.header.sites.hand_height_cm == 4.0
        facts = [e.payload for e in stored.events("posture")]
        assert [(f["posture"], f["hand_height_cm"], f["reason"]) for f in facts] == [
            ("seated", -12.5, "posture"),
            ("seated", 0.0, "arm-moved"),
        ]
        assert [e.payload["label"] for e in stored.events("marker")] == ["posture: seated", "arm move"]
        assert not list(stored.amendments())
