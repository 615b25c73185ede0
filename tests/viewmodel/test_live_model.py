from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_bedside import NS, SyntheticBedside, event

from hemoview.viewmodel.live.health import live_state
from hemoview.viewmodel.live.lanes import lanes
from hemoview.viewmodel.live.model import LiveModel
from hemoview.viewmodel.live.record_view import Wish
from recorder.schema import SampleBlock


def test_decimals_and_scales_become_physical_values() -> None:
    bed = SyntheticBedside()
    bed.run(2.0)
    temp = bed.model.streams["e4.temp"].ring.newest(10)
    assert np.all((temp.values > 32.9) & (temp.values < 33.3))
    volts = bed.model.streams["adc.wave"].ring.newest(300).values
    assert 0.7 < volts.min() < volts.max() < 1.3


def test_samples_are_dejittered_to_their_own_rate() -> None:
    bed = SyntheticBedside()
    bed.run(5.0)
    t_ns = bed.model.streams["e4.bvp"].ring.newest(200).t_ns
    assert np.diff(t_ns).max() - np.diff(t_ns).min() < 1_000_000


def test_block_of_a_stream_nobody_described_asks_for_the_description() -> None:
    bed = SyntheticBedside()
    bed.run(1.0)
    assert not bed.model.wants_describe
    stranger = SampleBlock("new.wave", 0, np.zeros((1, 1), np.int32), bed.clock.now_ns)
    assert bed.model.take([stranger]) == []
    assert bed.model.wants_describe


def test_a_changed_describe_number_asks_again() -> None:
    bed = SyntheticBedside()
    bed.run(1.0)
    bed.model.take([replace(bed.status(), describe_no=7)])
    assert bed.model.wants_describe


def test_missed_events_are_asked_for() -> None:
    bed = SyntheticBedside()
    bed.run(1.0)
    assert not bed.model.wants_events
    bed.events = [event("marker", bed.clock.now_ns, label="cough")]
    bed.model.take([bed.status()])
    assert bed.model.wants_events
    bed.tell()
    assert [e.payload["label"] for e in bed.model.facts().events] == ["cough"]


def test_new_session_forgets_the_old_ones_numbers_and_events() -> None:
    bed = SyntheticBedside()
    bed.events = [event("marker", bed.clock.now_ns, label="cough")]
    bed.run(3.0)
    assert len(bed.model.facts().estimates or ()) >= 2
    other = replace(bed.status(), session=replace(bed.status().session, session_id="s2"))
    bed.model.take([other])
    facts = bed.model.facts()
    assert facts.estimates is None
    assert facts.events == ()
    assert bed.model.wants_events


def test_restarted_numbering_begins_a_new_time_base() -> None:
    bed = SyntheticBedside()
    bed.run(3.0)
    block = SampleBlock("adc.wave", 0, np.zeros((10, 1), np.int32), bed.clock.now_ns)
    bed.model.take([block])
    rows = bed.model.streams["adc.wave"].ring.newest(100)
    assert rows.sample_no.tolist() == list(range(10))
    assert rows.t_ns[-1] == pytest.approx(bed.clock.now_ns, abs=NS // 100)


def test_take_tells_which_wave_blocks_will_be_seen() -> None:
    bed = SyntheticBedside()
    bed.run(0.5)
    due = bed._blocks
    bed.clock.now_ns += NS // 10
    shown = bed.model.take([*due(), *bed._rows(), bed.status()])
    assert {block.stream_id for block in shown} == {"e4.bvp", "adc.wave", "e4.acc"}


def test_bursts_are_learnt_but_gaps_are_not() -> None:
    bed = SyntheticBedside()
    bed.run(3.0)
    assert bed.model.streams["e4.temp"].usual_wait_ns <= 400_000_000
    bed.silent = {"e4.temp"}
    bed.run(5.0)
    bed.silent = set()
    bed.run(1.0)
    assert bed.model.streams["e4.temp"].usual_wait_ns <= 400_000_000


def test_samples_after_an_uncounted_gap_are_not_drawn_in_the_past() -> None:
    bed = SyntheticBedside()
    bed.run(5.0)
    ring = bed.model.streams["e4.bvp"].ring
    n, before_ns = bed.sent["e4.bvp"], ring.last_t_ns
    assert before_ns is not None
    bed.clock.now_ns += 6 * NS
    raw = np.zeros((8, 2), np.int64)
    bed.model.take([SampleBlock("e4.bvp", n, raw, bed.clock.now_ns)])
    newest = ring.newest(8).t_ns
    assert newest[-1] == pytest.approx(bed.clock.now_ns, abs=NS // 20)
    assert newest[0] - before_ns > 5 * NS


def test_empty_model_has_facts() -> None:
    model = LiveModel(SyntheticBedside().clock)  # type: ignore[arg-type]
    facts = model.facts()
    assert facts.status is None
    assert not facts.recording
    assert lanes(Wish(), facts) == ()


def test_rows_that_ended_before_the_window_opened_are_silent() -> None:
    """A window that was killed and opened again hears no beat; the recorder tells how long ago the last one came."""
    bed = SyntheticBedside()
    bed.run(2.0)
    facts = replace(bed.model.facts(), arrivals={})
    assert facts.status is not None
    told = {s.stream_id: replace(s, last_age_s=31.0) for s in facts.status.streams}
    assert live_state(facts, told["edge.beats_abp"]) == "silent"
    assert live_state(facts, replace(told["edge.beats_abp"], last_age_s=0.8)) == "streaming"
    assert live_state(facts, told["e4.bvp"]) == "streaming", "the recorder minds the silence of waves"
