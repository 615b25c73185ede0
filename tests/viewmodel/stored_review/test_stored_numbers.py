"""Review over a real session folder: the numbers at the cursor."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from stored_review_rig import GAP_S

from hemoview.viewmodel.review.cursor import at_cursor, cursor_keys
from hemoview.viewmodel.review.facts import CuffMark, SessionFacts
from hemoview.viewmodel.review.panels import panels_of
from hemoview.viewmodel.review.reader import load_tile
from hemoview.viewmodel.review.tiles import Tile, TileCache, floor_level, keys_over
from recorder import session as store


def numbers_at(opened: tuple[store.Session, SessionFacts], t_s: float) -> dict[str, tuple[object, object]]:
    session, facts = opened
    panels, cache = [p for p in panels_of(facts) if p.shown], TileCache()
    for key in cursor_keys(facts, panels, t_s):
        cache.put(load_tile(session, facts, key))
    view = at_cursor(facts, panels, cache, t_s)
    return {n.name: (n.estimate, n.reference) for n in view.numerics}


def test_the_number_at_the_cursor_is_the_last_row_before_it_never_between_two(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    session, _ = opened
    stored = session.read("edge.est", 100.0, 100.9)
    estimate, reference = numbers_at(opened, 100.7)["SBP"]
    assert estimate.value == pytest.approx(float(stored.values[-1, 0]), rel=1e-6)
    assert (estimate.low, estimate.high) == pytest.approx(tuple(stored.values[-1, 1:3]), rel=1e-6)
    beats = session.read("edge.beats_abp", 90.0, 100.7)
    last_beats = beats.values[beats.time_s > beats.time_s[-1] - 5.0, 0]
    assert reference.value == pytest.approx(float(np.median(last_beats)), rel=1e-6)


def test_an_old_number_is_never_held_and_the_gap_says_why(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    estimate, reference = numbers_at(opened, GAP_S[0] + 20)["SBP"]
    assert (estimate.value, estimate.why) == (None, "link-lost")
    assert reference.value is not None


def test_an_abstained_number_gives_its_reason(opened: tuple[store.Session, SessionFacts]) -> None:
    estimate, reference = numbers_at(opened, 100.0)["SVR"]
    assert (estimate.value, estimate.why) == (None, "no-real-reference")
    assert reference is None


def test_a_value_learned_from_simulation_alone_carries_its_tag(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    """The code that stands beside a value is ``simulated``; any other code takes the value away."""
    _, facts = opened
    for name, kept in (("simulated", True), ("motion", False)):
        info = facts.stream("edge.est")
        renamed = replace(info, metadata={**info.metadata, "reasons": json.dumps(["x", "y", name])})
        names = [channel.name for channel in info.channels]
        row = np.full((1, len(names)), np.nan, np.float32)
        for end, value in (("", 5.0), ("_lo", 4.0), ("_hi", 6.0), ("_why", 3.0)):
            row[0, names.index(f"CO{end}")] = value
        cache = TileCache()
        key = keys_over("edge.est", floor_level(info), 100.0, 101.0)[0]
        cache.put(Tile(key, np.array([100.0]), row, row, exact=True, edition=0, until_s=1e9))
        changed = replace(facts, streams=tuple(renamed if s is info else s for s in facts.streams))
        found = next(n for n in at_cursor(changed, (), cache, 100.5).numerics if n.name == "CO").estimate
        assert found is not None and found.why == name
        assert (found.value is not None) is kept


def test_before_its_rows_are_read_a_number_says_so(opened: tuple[store.Session, SessionFacts]) -> None:
    view = at_cursor(opened[1], (), TileCache(), 100.0)
    assert {n.estimate.why for n in view.numerics if n.estimate} == {"loading"}


def test_the_cuff_at_the_cursor_is_the_last_one_known_by_then(
    opened: tuple[store.Session, SessionFacts],
) -> None:
    early = CuffMark(280.0, 300.0, 120, 80, None)
    late = CuffMark(500.0, 520.0, 130, 85, None, withdrawn_s=600.0)
    facts = replace(opened[1], cuffs=(early, late))

    def known(t_s: float) -> float | None:
        cuff = at_cursor(facts, (), TileCache(), t_s).cuff
        return None if cuff is None else cuff.cuff.sbp_mmhg

    assert [known(t) for t in (290.0, 310.0, 510.0, 530.0, 610.0)] == [None, 120, 120, 130, 120]
