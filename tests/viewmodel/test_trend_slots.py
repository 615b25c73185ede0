"""Medians in slots: equal to numpy's on any rows, whole or not, in any order; nothing abstained counts."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.viewmodel.review.slots import (
    CHUNK_S,
    LENGTHS_S,
    SlotKey,
    SlotTable,
    keys_of,
    shown_values,
    summarise,
)
from recorder.schema import PARAMETER_UNITS, PARAMETERS, Channel, StreamInfo

BEATS = StreamInfo(
    "edge.beats_abp",
    "edge",
    "numeric",
    (Channel("sbp_mmhg", "mmHg"), Channel("hr_per_min", "/min")),
    "float32",
    role="beats",
    origin="derived",
)
REASONS = ("motion", "simulated")


def estimates() -> StreamInfo:
    channels = [
        Channel(f"{p}{end}", PARAMETER_UNITS[p]) for p in PARAMETERS for end in ("", "_lo", "_hi", "_why")
    ]
    channels.append(Channel("personalisation_age_s", "s"))
    metadata = {"reasons": json.dumps(REASONS)}
    return StreamInfo(
        "edge.est",
        "edge",
        "numeric",
        tuple(channels),
        "float32",
        role="estimate",
        origin="derived",
        metadata=metadata,
    )


values = st.one_of(st.just(np.nan), st.floats(30, 250, width=32))
rows = st.lists(st.tuples(st.floats(0, 2 * CHUNK_S - 0.01), values, values), max_size=80)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_medians_are_numpys_and_counts_add_up(found: list[tuple[float, float, float]]) -> None:
    t_s = np.array([row[0] for row in found], np.float64)
    shown = np.array([row[1:] for row in found], np.float32).reshape(-1, 2)
    key = SlotKey("edge.beats_abp", 1)
    block = summarise(key, BEATS, t_s, shown, 2.0 * CHUNK_S)
    inside = (t_s >= key.t0_s) & (t_s < key.t1_s)
    for length in LENGTHS_S:
        slots = block.by_length[length]
        assert slots.rows.sum() == inside.sum()
        assert len(slots.rows) == CHUNK_S // length
        which = ((t_s - key.t0_s) // length).astype(int)
        for i in np.unique(which[inside]).tolist():
            part = shown[inside & (which == i)]
            for column in range(2):
                finite = part[np.isfinite(part[:, column]), column]
                assert slots.counted[i, column] == finite.size
                wanted = np.median(finite) if finite.size else np.nan
                np.testing.assert_allclose(slots.median[i, column], wanted, rtol=1e-5)


def test_what_abstained_or_has_no_interval_does_not_count_but_simulated_does() -> None:
    info = estimates()
    names = [c.name for c in info.channels]
    row = np.full((4, len(names)), np.nan, np.float32)
    for i, (value, low, high, why) in enumerate(
        [(120, 110, 130, 0), (125, np.nan, 130, 0), (130, 120, 140, 1), (90, np.nan, np.nan, 2)]
    ):
        for name, cell in zip(("SBP", "SBP_lo", "SBP_hi", "SBP_why"), (value, low, high, why), strict=True):
            row[i, names.index(name)] = cell
    shown = shown_values(info, row)
    sbp, low = shown[:, names.index("SBP")], shown[:, names.index("SBP_lo")]
    assert np.isfinite(sbp).tolist() == [True, False, False, True]
    assert np.isfinite(low).tolist() == [True, False, False, False]


def test_a_personalisation_is_found_where_its_age_falls() -> None:
    info = estimates()
    column = [c.name for c in info.channels].index("personalisation_age_s")
    t_s = np.arange(100.0)
    shown = np.full((100, len(info.channels)), np.nan, np.float32)
    shown[10:60, column] = np.arange(50)
    shown[60:, column] = np.arange(40)
    block = summarise(SlotKey("edge.est", 0), info, t_s, shown, 100.0)
    assert block.steps_s == (60.0,)


def test_the_table_grows_by_hours_and_knows_what_is_missing() -> None:
    table, t_s = SlotTable(), np.arange(2.0 * CHUNK_S)
    shown = np.stack([t_s, t_s], axis=1).astype(np.float32)
    assert not table.whole("edge.beats_abp", 0, CHUNK_S)
    table.put(summarise(SlotKey("edge.beats_abp", 1), BEATS, t_s, shown, 2.0 * CHUNK_S))
    assert not table.whole("edge.beats_abp", 0, 2 * CHUNK_S)
    assert table.whole("edge.beats_abp", CHUNK_S, 2 * CHUNK_S)
    table.put(summarise(SlotKey("edge.beats_abp", 0), BEATS, t_s, shown, 2.0 * CHUNK_S))
    slots = table.slots("edge.beats_abp", 600)
    assert slots is not None
    middles, part = slots.part(0, 2 * CHUNK_S)
    np.testing.assert_allclose(slots.median[part, 0], middles - 0.5)
    assert [k.index for k in keys_of("edge.beats_abp", 10.0, CHUNK_S + 1.0)] == [0, 1]


def test_the_last_hour_of_a_session_being_recorded_is_read_again_after_ten_seconds() -> None:
    table, key = SlotTable(), SlotKey("edge.beats_abp", 0)
    table.put(summarise(key, BEATS, np.arange(100.0), np.ones((100, 2), np.float32), 100.0))
    assert table.current(key, 105.0)
    assert not table.current(key, 111.0)
