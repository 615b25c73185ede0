"""Rulers of the alignment bench: slopes that are known, and a bound that is the textbook's where the lag is white."""

from __future__ import annotations

import numpy as np
import pytest

from hemoview.bench.align_rulers import best_sigmas_ppm, lag_bins_ms, plain_slope, theil_sen_slope


def test_both_slopes_find_a_line_and_only_one_bears_other_beats() -> None:
    t_s = np.arange(0.0, 600.0, 1.0)
    lag_s = 0.016 + 5e-6 * t_s
    assert plain_slope(t_s, lag_s) == pytest.approx(5e-6)
    assert theil_sen_slope(t_s, lag_s) == pytest.approx(5e-6)
    lag_s[500:560] += 0.3
    assert abs(plain_slope(t_s, lag_s) - 5e-6) > 50e-6
    assert abs(theil_sen_slope(t_s, lag_s) - 5e-6) < 5e-6


def test_the_best_sigma_of_a_white_lag_is_that_of_least_squares_and_a_lasting_one_costs_more() -> None:
    rng = np.random.default_rng(5)
    n, sd_ms = 24, 1.0
    white = [tuple(rng.normal(0.0, sd_ms, n)) for _ in range(300)]
    walks = [tuple(np.cumsum(rng.normal(0.0, sd_ms / 3.0, n))) for _ in range(300)]
    t_s = np.arange(n) * 30.0
    told = sd_ms * 1000.0 / float(np.sqrt(np.sum((t_s - t_s.mean()) ** 2)))
    assert best_sigmas_ppm(white)[0] == pytest.approx(told, rel=0.1)
    slopes = [plain_slope(t_s, np.array(w)) * 1000.0 for w in walks]
    assert told < best_sigmas_ppm(walks)[0] < 1.1 * float(np.std(slopes))


def test_bins_of_few_beats_are_unknown() -> None:
    t_s = np.concatenate((np.arange(0.0, 30.0), [40.0], np.arange(60.0, 90.0)))
    bins = lag_bins_ms(t_s, np.full(t_s.size, 0.016))
    assert bins[0] == pytest.approx(16.0) and np.isnan(bins[1]) and bins[2] == pytest.approx(16.0)
    assert np.isnan(best_sigmas_ppm([bins])[0])
