"""Levels in tiles: the right pieces are asked for, nothing between them is lost, and missing ones are stood in for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.viewmodel.review.tiles import (
    BINS,
    NUMERIC_FLOOR,
    Floats,
    Levels,
    Tile,
    TileCache,
    TileKey,
    assemble,
    floor_level,
    keys_over,
    level_for,
    to_columns,
)
from recorder.schema import Channel, StreamInfo

NEVER = 1e9


def wave(rate_hz: float) -> StreamInfo:
    return StreamInfo("e4.bvp", "e4", "waveform", (Channel("bvp", "1"),), "float32", rate_hz)


def ramp(key: TileKey, *, rows: int = BINS, until_s: float = NEVER) -> Tile:
    """A tile whose values are its times; low a little below, high a little above."""
    t_s = key.t0_s + np.arange(rows) * key.span_s / rows
    value = t_s[:, None].astype(np.float32)
    return Tile(key, t_s, value - 0.25, value + 0.25, exact=False, edition=0, until_s=until_s)


def times(levels: Levels) -> Floats:
    return np.concatenate([t_s for t_s, _, _ in levels.pieces])


@pytest.mark.parametrize(("rate_hz", "level"), [(64.0, 4), (32.0, 5), (4.0, 8), (100.0, 3), (1000.0, 0)])
def test_at_the_floor_a_bin_is_no_longer_than_a_sample(rate_hz: float, level: int) -> None:
    assert floor_level(wave(rate_hz)) == level
    assert TileKey("x", level, 0).bin_s <= 1 / rate_hz


def test_rows_without_a_rate_have_a_floor_of_minutes() -> None:
    beats = StreamInfo("edge.beats", "edge", "numeric", (Channel("ibi", "s"),), "float32")
    assert floor_level(beats) == NUMERIC_FLOOR


@given(st.floats(1e-4, 200.0))
def test_bins_are_between_half_a_pixel_and_a_pixel(seconds_per_pixel: float) -> None:
    bin_s = TileKey("x", level_for(seconds_per_pixel, -20), 0).bin_s
    assert seconds_per_pixel / 2 * (1 - 1e-9) < bin_s <= seconds_per_pixel * (1 + 1e-9)


@given(st.integers(-6, 17), st.floats(0, 80_000), st.floats(0.5, 6_000))
def test_the_tiles_of_a_span_cover_it_without_overlap(level: int, t0_s: float, span_s: float) -> None:
    keys = keys_over("x", level, t0_s, t0_s + min(span_s, 2.0**level * 50))
    assert keys[0].t0_s <= t0_s
    assert keys[-1].t1_s >= t0_s + min(span_s, 2.0**level * 50) - 1e-6
    assert all(a.t1_s == b.t0_s for a, b in pairwise(keys))


def test_assembled_tiles_are_one_rising_line() -> None:
    cache, keys = TileCache(), keys_over("x", 4, 10.0, 50.0)
    for key in keys:
        cache.put(ramp(key))
    levels = assemble(cache, keys, top=17, duration_s=NEVER)
    assert levels.settled
    assert (np.diff(times(levels)) > 0).all()
    assert len(times(levels)) == BINS * len(keys)


def test_a_missing_tile_is_drawn_from_a_coarser_one_and_says_so() -> None:
    cache, keys = TileCache(), keys_over("x", 4, 0.0, 64.0)
    cache.put(ramp(TileKey("x", 7, 0)))
    for key in keys[:2]:
        cache.put(ramp(key))
    levels = assemble(cache, keys, top=17, duration_s=NEVER)
    assert not levels.settled
    assert times(levels)[-1] > 60.0
    assert (np.diff(times(levels)) > 0).all()
    assert levels.bin_s == TileKey("x", 7, 0).bin_s


def test_with_nothing_to_stand_in_nothing_is_drawn() -> None:
    levels = assemble(TileCache(), keys_over("x", 4, 0.0, 64.0), top=17, duration_s=NEVER)
    assert levels.pieces == ()
    assert not levels.settled
    t_s, lows, highs = to_columns(levels, ((0, 3), (0,)), 0.0, 64.0, 900)
    assert len(t_s) == len(lows[3]) == len(highs[0]) == 0


def test_a_tile_read_before_the_session_grew_is_asked_for_again() -> None:
    cache, key = TileCache(), TileKey("x", 4, 1)
    cache.put(ramp(key, until_s=20.0))
    assert cache.current(key, duration_s=20.0)
    assert not cache.current(key, duration_s=25.0)
    cache.put(ramp(key, until_s=32.0))
    assert cache.current(key, duration_s=500.0)


def test_the_cache_drops_what_was_drawn_longest_ago() -> None:
    one = ramp(TileKey("x", 4, 0))
    cache = TileCache(limit_bytes=3 * one.n_bytes)
    for number in range(3):
        cache.put(ramp(TileKey("x", 4, number)))
    cache.get(TileKey("x", 4, 0))
    cache.put(ramp(TileKey("x", 4, 3)))
    assert len(cache) == 3
    assert cache.get(TileKey("x", 4, 0)) is not None
    assert cache.get(TileKey("x", 4, 1)) is None
    assert cache.n_bytes <= 3 * one.n_bytes


@given(st.integers(0, 2**32 - 1), st.integers(50, 900))
def test_columns_hold_every_extreme_and_no_number_of_their_own(seed: int, width_px: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((4000, 2)).astype(np.float32)
    values[rng.random(4000) < 0.05] = np.nan
    cache, key = TileCache(), TileKey("x", 12, 0)
    cache.put(Tile(key, np.arange(4000.0), values, values, exact=True, edition=0, until_s=NEVER))
    levels = assemble(cache, [key], top=17, duration_s=NEVER)
    t_s, lows, highs = to_columns(levels, ((1,), (1,)), 0.0, 4000.0, width_px)
    low, high = lows[1], highs[1]
    assert len(t_s) == len(low) == len(high) <= width_px + 2
    assert np.nanmin(low) == np.nanmin(values[:, 1])
    assert np.nanmax(high) == np.nanmax(values[:, 1])
    assert np.isin(low[np.isfinite(low)], values[:, 1]).all()


def test_close_up_the_samples_come_through_untouched_with_a_neighbour_at_each_edge() -> None:
    cache, key = TileCache(), TileKey("x", 4, 0)
    cache.put(ramp(key, rows=100))
    levels = assemble(cache, [key], top=17, duration_s=NEVER)
    t_s, lows, _ = to_columns(levels, ((0,), ()), 4.0, 8.0, 1000)
    assert t_s[0] < 4.0 <= t_s[1]
    assert t_s[-2] <= 8.0
    assert lows[0] == pytest.approx(t_s - 0.25)


def samples(key: TileKey, *, rows: int = BINS) -> Tile:
    """A tile that holds samples: low and high are one array."""
    t_s = key.t0_s + np.arange(rows) * key.span_s / rows
    values = np.sin(t_s)[:, None].astype(np.float32)
    return Tile(key, t_s, values, values, exact=True, edition=0, until_s=NEVER)


@pytest.mark.parametrize("n_tiles", [1, 3])
def test_samples_are_known_as_samples_across_the_edges_of_tiles(n_tiles: int) -> None:
    cache, keys = TileCache(), keys_over("x", 4, 0.0, 16.0 * n_tiles)
    for key in keys:
        cache.put(samples(key, rows=100))
    levels = assemble(cache, keys, top=17, duration_s=NEVER)
    _, lows, highs = to_columns(levels, ((0,), (0,)), 0.0, 16.0 * n_tiles, 1000)
    assert lows is highs


def test_more_samples_than_pixels_are_lowest_and_highest_and_not_called_samples() -> None:
    cache, key = TileCache(), TileKey("x", 4, 0)
    cache.put(samples(key))
    levels = assemble(cache, [key], top=17, duration_s=NEVER)
    _, lows, highs = to_columns(levels, ((0,), (0,)), 0.0, 16.0, 300)
    low, high = lows[0], highs[0]
    assert low is not high
    assert (low < high).any()
    assert (low <= high).all()


def test_a_coarse_tile_among_samples_makes_all_of_them_ranges() -> None:
    cache, keys = TileCache(), keys_over("x", 4, 0.0, 32.0)
    cache.put(samples(keys[0], rows=100))
    cache.put(ramp(TileKey("x", 5, 0)))
    levels = assemble(cache, keys, top=17, duration_s=NEVER)
    _, lows, highs = to_columns(levels, ((0,), (0,)), 0.0, 32.0, 3000)
    assert lows is not highs


def test_a_pixel_reaches_back_to_the_bin_before_it_across_the_edges_of_tiles() -> None:
    cache, keys = TileCache(), keys_over("x", 4, 10.0, 40.0)
    for key in keys:
        cache.put(samples(key))
    levels = assemble(cache, keys, top=17, duration_s=NEVER)
    t_s, lows, highs = to_columns(levels, ((0,), (0,)), 10.0, 40.0, 300)
    pixel = np.floor((times(levels) - 10.0) * 10.0)
    values = np.sin(times(levels)).astype(np.float32)
    for at_s, low, high in list(zip(t_s, lows[0], highs[0], strict=True))[1:-1]:
        mine = np.flatnonzero(pixel == round((at_s - 10.0) * 10.0 - 0.5))
        reached = values[mine[0] - 1 : mine[-1] + 1]
        assert (low, high) == (reached.min(), reached.max())
