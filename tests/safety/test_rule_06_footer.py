"""Safety rule 6: the footer says what the estimates were learned from, and never more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from synthetic_bedside import CARD, SyntheticBedside

from hemoview.edge.models import Loaded
from hemoview.edge.streams import Sources, declared
from hemoview.estimate import bundle
from hemoview.estimate.claims import card_of
from hemoview.ui.words.catalogue import CHINESE_WORDS, ENGLISH_WORDS, words
from hemoview.viewmodel.live.footer import claim
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import Wish
from recorder.host import places
from recorder.schema import PARAMETERS, Channel, StreamInfo
from recorder.schema.claims import facts_of, interval_claimed

PPG = StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "int32", 64.0, "ppg")
IN_USE = ("Empatica E4", "CNAP analogue out")


def told_by_the_edge(found: bundle.Bundle) -> dict[str, str]:
    """Metadata of the estimate stream, as the edge process declares it with this bundle."""
    return declared(Sources(PPG), Loaded.name_of(found))[0].metadata


@pytest.mark.parametrize("folder", bundle.list_bundles(places.models_dir()), ids=lambda f: f.name)
def test_every_shipped_bundle_has_a_footer_of_the_wanted_form(folder: Path, tmp_path: Path) -> None:
    found = bundle.load(folder)
    card = card_of(told_by_the_edge(found), tmp_path)
    said = words(claim(card, IN_USE))
    assert said.startswith("Research estimate. Learned from Finapres finger cuff, finger, 23 subjects. ")
    assert said.endswith("Not checked against Empatica E4, CNAP analogue out. Not for treatment or alarms.")


def test_a_session_of_a_model_that_is_not_installed_here_carries_its_own_claims(tmp_path: Path) -> None:
    found = bundle.load(bundle.default_bundle(places.models_dir()))
    told = told_by_the_edge(found)
    other = json.loads(told["claims"])
    other["name"] = "another"
    other["per_parameter"]["SBP"] |= {"reference_kind": "arterial line", "n_real_subjects": 40}
    metadata = told | {"model": "another-9", "model_sha256": "f" * 64, "claims": json.dumps(other)}
    said = words(claim(card_of(metadata, places.models_dir()), IN_USE))
    assert "Learned from arterial line, Finapres finger cuff" in said
    assert "23–40 subjects" in said


def test_a_session_of_before_is_spoken_for_only_by_the_very_same_bundle() -> None:
    found = bundle.load(bundle.default_bundle(places.models_dir()))
    old = {k: v for k, v in told_by_the_edge(found).items() if k != "claims"}
    assert card_of(old, places.models_dir())["name"] == found.card.name
    assert card_of(old | {"model_sha256": "0" * 64}, places.models_dir()) == {}
    assert card_of(old | {"model": "gone-1"}, places.models_dir()) == {}
    assert card_of(old | {"model": "../x"}, places.models_dir()) == {}
    assert card_of(old | {"claims": "{broken"}, places.models_dir())["name"] == found.card.name


def test_a_model_without_a_card_is_named_and_nothing_is_claimed_for_it() -> None:
    bed = SyntheticBedside()
    bed.run(3.0)
    bed.model.card = {}
    footer = resolve(Wish(), bed.model.facts()).numerics.footer
    assert footer.id == "footer-no-card"
    said = words(footer)
    assert "student" in said
    assert said.endswith("Not for treatment or alarms.")


@pytest.mark.parametrize(
    ("changes", "products", "expected"),
    [
        ({}, ("Finapres NOVA",), "Not checked against Finapres NOVA."),
        ({"devices_in_training": ["Finapres NOVA"]}, ("Finapres NOVA",), None),
        ({"devices_in_training": ["X"], "devices_not_in_training": ["Y"]}, ("X",), "Not checked against Y."),
        ({"devices_in_training": []}, ("A", "A", "", "B"), "Not checked against A, B."),
    ],
)
def test_what_was_not_checked_is_named_or_the_sentence_is_left_out(
    changes: dict[str, Any], products: tuple[str, ...], expected: str | None
) -> None:
    said = words(claim({**CARD, **changes}, products))
    assert ("Not checked against" in said) == (expected is not None)
    assert expected is None or expected in said
    assert said.startswith("Research estimate. Learned from Finapres, finger, 39 subjects.")


def test_simulated_alone_is_called_simulated() -> None:
    nobody = {p: v | {"n_real_subjects": 0} for p, v in CARD["per_parameter"].items()}  # type: ignore[attr-defined]
    said = words(claim({**CARD, "per_parameter": nobody}, ()))
    assert said.startswith("Simulated estimate. Learned from a physiology model only.")
    assert "Not checked against any device." in said


def test_no_screen_says_that_an_estimate_agrees_with_a_device() -> None:
    for texts in (ENGLISH_WORDS, CHINESE_WORDS):
        about_cnap = {m: said.casefold() for m, said in texts.items() if "cnap" in said.casefold()}
        assert about_cnap
        assert not [m for m, said in about_cnap.items() if "agree" in said or "一致" in said]


def test_what_a_card_does_not_state_is_not_made_up() -> None:
    assert facts_of({}, "SBP") is None
    assert facts_of(CARD, "CO") is None
    with_sv = {"per_parameter": {"SV": {"n_real_subjects": 5, "n_calibration_subjects": 5}}}
    for parameter in PARAMETERS:
        flow = parameter not in ("SBP", "MAP", "DBP", "HR")
        assert interval_claimed(with_sv, parameter) == (not flow), parameter


def test_claims_are_small_and_hold_no_more_than_the_card_states() -> None:
    found = bundle.load(bundle.default_bundle(places.models_dir()))
    told = told_by_the_edge(found)["claims"]
    assert len(told) < 1500
    assert json.loads(told)["per_parameter"] == found.card.raw["per_parameter"]
