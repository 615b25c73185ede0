"""What a rater had before him: the nearest thing a machine said, a model before a detector."""

from __future__ import annotations

from hemoview.labels.raters.suggest import proposal
from hemoview.viewmodel.review.raters_seen import Model, Seen

SHA = "ab" * 32
DETECTED = proposal("span", 10.0, 20.0, "motion", "pulse quality")
MODELLED = proposal("span", 15.0, 18.0, "motion", "student", sha256=SHA)


def test_a_model_is_told_before_a_detector_also_when_it_spoke_elsewhere_in_view() -> None:
    seen = Seen(0.0, 60.0, (DETECTED, MODELLED))
    for at in ((12.0, 16.0), (40.0, 50.0)):
        told = seen.at("span", *at)
        assert told is not None
        assert (told.source, told.model_sha256, told.accepted) == ("student", SHA, False)


def test_a_detector_is_told_only_where_it_spoke() -> None:
    seen = Seen(0.0, 60.0, (DETECTED,))
    told = seen.at("quality", 12.0, 16.0)
    assert told is not None
    assert told.source == "pulse quality"
    assert seen.at("span", 40.0, 50.0) is None


def test_estimates_in_the_picture_are_a_model_seen() -> None:
    told = Seen(0.0, 60.0, (), (Model("student", SHA),)).at("span", 1.0, 2.0)
    assert told is not None
    assert told.model_sha256 == SHA
    assert Seen(0.0, 60.0).at("span", 1.0, 2.0) is None
