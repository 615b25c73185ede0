"""Safety rule 7: of fewer than nine real calibration subjects no interval is claimed: a dash, or a value tagged SIM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle
from scripted_bedside import ERA, STREAMS, SUBJECT, Bedside, store
from synthetic_bedside import HandClock, SyntheticBedside

from hemoview.edge.knowledge import Options
from hemoview.edge.models import Loaded
from hemoview.edge.offline import push, recompute
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.streams import ESTIMATES, declared, find_sources
from hemoview.estimate import bundle
from hemoview.estimate.bundle import Bundle
from hemoview.estimate.claims import card_of
from hemoview.estimate.estimator import Body
from hemoview.estimate.runner import Runner
from hemoview.ui.words.catalogue import text, words
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.live.record import resolve
from hemoview.viewmodel.live.record_view import NumericRow, Wish
from hemoview.viewmodel.review.cursor import at_cursor, cursor_keys
from hemoview.viewmodel.review.facts import facts_of
from hemoview.viewmodel.review.panels import panels_of
from hemoview.viewmodel.review.reader import load_tile
from hemoview.viewmodel.review.tiles import TileCache
from recorder import session
from recorder.host import places
from recorder.schema import PARAMETERS, SampleBlock, SessionStatus
from recorder.schema.rules import EstimateRules

FLOW = ("CO", "CI", "SV", "SI", "SVR", "SVRI")
SIM = {"name": "teaching", "rules": {"show_simulated": True}}
PLAIN = {"name": "study", "rules": {"show_simulated": False}}


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return bundle.load(bundle.default_bundle(places.models_dir()))


@pytest.fixture(scope="module")
def bedside() -> Bedside:
    return Bedside(seconds=25.0)


def live_rows(
    model: Bundle, bedside: Bedside, template: dict[str, Any], options: Options
) -> Sequence[SampleBlock]:
    made = Pipeline(find_sources(STREAMS), Runner(model), options)
    made.know_eras([ERA])
    made.begin_session("s1", Body(SUBJECT.bsa_m2), EstimateRules.of_template(template))
    blocks = [b for item in bedside.items() for b in push(made, item)]
    return [b for b in blocks if b.stream_id == ESTIMATES]


def screen(model: Bundle, rows: Sequence[SampleBlock], template: dict[str, Any]) -> dict[str, NumericRow]:
    """What the Record screen shows of the newest row, with no bundle installed where it stands."""
    clock = HandClock(now_ns=rows[-1].t_host_ns)
    live = LiveModel(clock)  # type: ignore[arg-type]
    info = declared(find_sources(STREAMS), Loaded.name_of(model))[0]
    told = SessionStatus("open", "s1", "/s", {"pseudonym": "S-01"}, rows[0].t_host_ns, 0)
    live.take([replace(SyntheticBedside(clock).status(), session=told)])
    header = {"session_id": "s1", "template": template, "subject": {}}
    live.described({"streams": [info.to_json()], "header": header})
    live.card = card_of(info.metadata, Path("/nowhere"))
    live.take(rows)
    return {row.parameter: row for row in resolve(Wish(), live.facts()).numerics.rows}


def test_what_no_person_taught_is_a_dash_with_the_reason(shipped: Bundle, bedside: Bedside) -> None:
    shown = screen(shipped, live_rows(shipped, bedside, PLAIN, Options(show_simulated=True)), PLAIN)
    for parameter in FLOW:
        cell = shown[parameter].estimate
        assert (cell.text, cell.interval) == ("—", "")
        assert words(cell.reason) == "no real reference"
    assert shown["HR"].estimate.interval
    assert (
        words(shown["SBP"].claim) == "learned from Finapres finger cuff, finger; 90 % interval from 23 people"
    )
    assert words(shown["SV"].claim) == "learned from simulation alone, no person behind it"
    assert words(shown["HR"].claim).startswith("counted from the beats")


def test_by_a_template_switch_it_is_a_value_tagged_sim_without_interval(
    shipped: Bundle, bedside: Bedside
) -> None:
    """The switch is stored with the session and stands above the command line, one way and the other."""
    shown = screen(shipped, live_rows(shipped, bedside, SIM, Options(show_simulated=False)), SIM)
    tagged = [shown[p].estimate for p in FLOW if shown[p].estimate.tag]
    assert tagged
    for cell in tagged:
        assert text(cell.tag) == "est. SIM"
        assert cell.interval == ""
        assert float(cell.text) > 0
    assert "SIM" not in shown["HR"].estimate.tag


@pytest.mark.parametrize("n", [0, 8, 9])
def test_nine_people_are_the_least(tmp_path: Path, bedside: Bedside, n: int) -> None:
    """Of another model than the installed one, live and in Review of its session."""
    stated = tiny_bundle.card(PARAMETERS)["per_parameter"]
    stated["SBP"]["n_calibration_subjects"] = n
    other = tiny_bundle.write(tmp_path, shape_gain=2.0, changes={"per_parameter": stated})
    rows = live_rows(other, bedside, PLAIN, Options())
    cell = screen(other, rows, PLAIN)["SBP"].estimate
    assert bool(cell.interval) == (n >= 9)
    assert (words(cell.reason) == "no real reference") == (n < 9)


def test_review_of_a_session_of_another_model_keeps_dash_tag_and_claims(
    shipped: Bundle, bedside: Bedside, tmp_path: Path
) -> None:
    folder = stored_with_estimates(shipped, bedside, tmp_path)
    with session.open(folder) as stored:
        facts = facts_of(stored)
        assert facts.card["per_parameter"]["SBP"]["n_calibration_subjects"] == 23
        cursor_s, cache = 20.0, TileCache()
        for key in cursor_keys(facts, panels_of(facts), cursor_s):
            cache.put(load_tile(stored, facts, key))
        shown = {n.name: n.estimate for n in at_cursor(facts, panels_of(facts), cache, cursor_s).numerics}
        few = {**facts.card, "per_parameter": {"SBP": {"n_calibration_subjects": 8, "n_real_subjects": 8}}}
        doubted = at_cursor(replace(facts, card=few), panels_of(facts), cache, cursor_s)
    sv, sbp = shown["SV"], shown["SBP"]
    assert sv is not None and sbp is not None
    assert (sv.why, sv.low, sv.high) == ("simulated", None, None)
    assert sv.value is not None
    assert sbp.value is not None and sbp.low is not None
    why = {n.name: n.estimate.why for n in doubted.numerics if n.estimate is not None}
    assert why["SBP"] == "no-real-reference"


def stored_with_estimates(model: Bundle, bedside: Bedside, tmp_path: Path) -> Path:
    """A session whose estimates were written under a model name that is not installed here."""
    folder = store(tmp_path, bedside.items(), template=SIM)
    rows = recompute(folder, model)[ESTIMATES]
    other = tmp_path / "with"
    name = replace(Loaded.name_of(model), name="another-9", sha256="0" * 64)
    info = declared(find_sources(STREAMS), name)[0]
    return store(
        other,
        [
            *bedside.items(),
            *(
                SampleBlock(ESTIMATES, n, rows.values[n : n + 1], int(t), 0, row_t_host_ns=np.array([t]))
                for n, t in enumerate(rows.t_host_ns)
            ),
        ],
        template=SIM,
        more=(info,),
    )
