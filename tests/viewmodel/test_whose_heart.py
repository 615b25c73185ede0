"""What the screen says of the shared heartbeat: a line if there is none, else a quiet cell."""

import pytest
from synthetic_bedside import NS, SyntheticBedside, event

from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Banner, HealthItem, Wish

DIFFERENT = {
    "verdict": "different",
    "n_beats": 41,
    "matched": 0.37,
    "pulse_per_min": 71.2,
    "pressure_per_min": 84.0,
}
SAME = DIFFERENT | {"verdict": "same", "matched": 0.98, "pressure_per_min": 71.3}
CANNOT = DIFFERENT | {"verdict": "cannot-tell", "matched": None, "n_beats": 12}


def shown(*told: dict[str, object]) -> tuple[list[Banner], HealthItem]:
    bed = SyntheticBedside()
    bed.events = [event("heartbeat", bed.start_ns + n * NS, **payload) for n, payload in enumerate(told)]
    bed.run(12.0)
    view = resolve(Wish(), bed.model.facts())
    (cell,) = [item for item in view.health if item.stream_id == "edge.heart"]
    return [b for b in view.banners if b.key == "heartbeat"], cell


def test_before_anything_is_told_it_says_quietly_that_it_cannot_tell() -> None:
    lines, cell = shown()
    assert lines == [] and (cell.state, cell.level) == ("heart-cannot-tell", "quiet")
    assert words(cell.counts) == "pulse and pressure"


def test_two_hearts_are_a_line_of_the_gravest_kind_until_they_are_one() -> None:
    ((line,), cell) = shown(SAME, DIFFERENT)
    assert line.level == "danger" and cell.level == "danger" and cell.state == "heart-different"
    said = words(line.message)
    assert "do not share a heartbeat" in said and "71/min" in said and "84/min" in said
    assert words(cell.counts) == "41 beats, 37 % match"
    for after in (SAME, CANNOT):
        lines, cell = shown(SAME, DIFFERENT, after)
        assert lines == [] and cell.level != "danger"


@pytest.mark.parametrize("verdict", ["same", "different", "cannot-tell"])
def test_every_state_has_its_word(verdict: str) -> None:
    _, cell = shown(SAME | {"verdict": verdict})
    assert text(f"state-{cell.state}")


def test_evidence_that_could_not_be_had_is_a_dash() -> None:
    _, cell = shown(CANNOT)
    assert words(cell.counts) == "12 beats, – % match"
