"""A turned wrist asks for the height of the hand until somebody answers."""

import pytest
from synthetic_bedside import NS, SyntheticBedside, event

from hemoview.ui.words.catalogue import words
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Banner, Wish
from recorder.schema import Channel, StreamInfo, StreamStatus

TURN = {"angle_deg": 62.0, "height_cm": 25.7, "widens_mmhg": 19.8}


def lines(*told: tuple[str, dict[str, object]], after_s: float = 5.0) -> list[Banner]:
    bed = SyntheticBedside()
    bed.events = [
        event(kind, bed.start_ns + (n + 1) * NS, **payload) for n, (kind, payload) in enumerate(told)
    ]
    bed.run(5.0)
    bed.clock.now_ns += round((after_s - 5.0) * NS)
    bed.model.take([bed.status()])
    return [b for b in resolve(Wish(), bed.model.facts()).banners if b.key == "arm-moved"]


def test_it_says_by_how_much_and_offers_the_answer() -> None:
    (line,) = lines(("arm-moved", TURN))
    assert (line.level, line.action) == ("warn", "arm-moved")
    said = words(line.message)
    assert "62°" in said and "±20 mmHg" in said


@pytest.mark.parametrize(
    ("answer", "n"),
    [
        (("posture", {"posture": "seated", "hand_height_cm": -10.0}), 0),
        (("posture", {"posture": "seated", "hand_height_cm": None}), 1),
        (("reminder", {"what": "arm-moved", "state": "skipped"}), 0),
        (("reminder", {"what": "skin-check", "state": "done"}), 1),
        (("cuff", {"sbp_mmhg": 120.0, "dbp_mmhg": 80.0, "measured_at_ns": 0}), 0),
        (("marker", {"label": "cough"}), 1),
    ],
)
def test_it_goes_with_an_answer_and_only_with_one(answer: tuple[str, dict[str, object]], n: int) -> None:
    assert len(lines(("arm-moved", TURN), answer)) == n
    assert len(lines(answer, ("arm-moved", TURN))) == 1


def test_it_does_not_stay_for_ever() -> None:
    assert lines(("arm-moved", TURN), after_s=1000.0) == []


def test_rows_that_come_when_an_arm_turns_have_no_cell() -> None:
    bed = SyntheticBedside()
    turns = StreamInfo("edge.arm", "edge", "numeric", (Channel("angle_deg", "deg"),), "float32", None, "arm")
    bed.model.described({"streams": [turns.to_json()], "devices": [], "calibrations": [], "header": None})
    bed.status_changes = {"streams": (StreamStatus("edge.arm", "never-seen"),)}
    bed.model.take([bed.status()])
    assert resolve(Wish(), bed.model.facts()).health == ()
