"""Where the hand is, is asked in one place: in the strip; where that is not in sight, in a banner."""

from __future__ import annotations

from record_screen_rig import Pictures
from synthetic_bedside import NS, SyntheticBedside, event

from hemoview.ui.window.main_window import MainWindow
from hemoview.viewmodel.live.guide import guide

TURN = {"angle_deg": 62.0, "height_cm": 25.7, "widens_mmhg": 19.8}


def asked(window: MainWindow) -> tuple[list[str], list[str]]:
    """What strip and banners say of the arm."""
    rows = window.record.guide.prompts.rows if window.record.guide.isVisible() else []
    found = ([row.label.text() for row in rows], window.banners.texts)
    strip, banners = ([said for said in texts if "Arm moved" in said] for texts in found)
    return strip, banners


def test_the_strip_asks_and_the_banner_only_where_there_is_no_strip(
    window: MainWindow, bed: SyntheticBedside, pictures: Pictures
) -> None:
    bed.events.append(event("arm-moved", bed.clock.now_ns, **TURN))
    bed.tell()
    bed.run(3.0)
    pictures.show()
    strip, banners = asked(window)
    assert len(strip) == 1 and banners == []
    assert "62°" in strip[0] and "±20 mmHg" in strip[0]
    window.toggle_far()
    strip, banners = asked(window)
    assert strip == [] and len(banners) == 1
    window.leave_far()
    pictures.show()
    strip, banners = asked(window)
    assert len(strip) == 1 and banners == []


def test_a_question_that_the_strip_has_no_room_for_stays_a_banner(
    window: MainWindow, bed: SyntheticBedside, pictures: Pictures
) -> None:
    """On a narrow panel the strip asks one thing at a time."""
    bed.events.append(event("arm-moved", bed.clock.now_ns, **TURN))
    bed.events.append(event("cuff-inflation", bed.clock.now_ns, arm="left", state="started"))
    bed.tell()
    bed.run(3.0)
    pictures.show()
    assert [len(texts) for texts in asked(window)] == [1, 0]
    window.record.guide.set_narrow(on=True)
    pictures.show()
    assert [len(texts) for texts in asked(window)] == [0, 1]


def test_on_a_small_panel_the_strip_lies_below_and_the_banner_asks(
    window: MainWindow, bed: SyntheticBedside, pictures: Pictures
) -> None:
    window.resize(640, 400)
    bed.events.append(event("arm-moved", bed.clock.now_ns, **TURN))
    bed.tell()
    bed.run(3.0)
    pictures.show()
    pictures.show()
    assert len(asked(window)[1]) == 1


def test_a_posture_without_a_height_leaves_the_question_open(bed: SyntheticBedside) -> None:
    """The pressures stay wider until the height is told; the strip forgot to ask."""

    def prompts() -> list[str]:
        bed.tell()
        bed.run(1.0)
        return [prompt.key for prompt in guide(bed.model.facts()).prompts]

    bed.events.append(event("arm-moved", bed.clock.now_ns, **TURN))
    bed.run(1.0)
    bed.events.append(event("posture", bed.clock.now_ns, posture="seated", hand_height_cm=None))
    assert prompts() == ["arm-moved"]
    bed.events.append(event("cuff", bed.clock.now_ns + NS // 2, sbp_mmhg=120, dbp_mmhg=80, measured_at_ns=0))
    assert prompts() == []
