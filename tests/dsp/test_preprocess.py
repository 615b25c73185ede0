import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemoview.dsp.filters import _fast_length, band_pass, low_pass
from hemoview.dsp.preprocess import model_input, model_inputs
from hemoview.dsp.resample import n_resampled, resample


def tone(hz: float, rate_hz: float, seconds: float = 10.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


@pytest.mark.parametrize("rate_hz", [64.0, 100.0, 124.945, 125.0, 250.0, 1000.0])
@pytest.mark.parametrize("seconds", [5.0, 8.0, 10.0])
def test_the_same_pulse_at_any_rate_gives_the_same_input(rate_hz: float, seconds: float) -> None:
    def pulse(rate: float) -> np.ndarray:
        return 3.0 + tone(1.2, rate, seconds) + 0.3 * tone(2.4, rate, seconds)

    got = model_input(pulse(rate_hz), rate_hz)
    want = model_input(pulse(64.0), 64.0)
    assert got.dtype == np.float32
    n = min(len(got), len(want))
    assert abs(len(got) - len(want)) <= 1
    assert np.abs(got[32 : n - 32] - want[32 : n - 32]).max() < 0.05
    assert abs(got.mean()) < 1e-5
    assert got.std() == pytest.approx(1, abs=1e-4)


def test_gain_and_offset_of_the_sensor_do_not_matter() -> None:
    x = tone(1.1, 64.0) + 0.2 * tone(3.3, 64.0)
    assert np.allclose(model_input(x, 64.0), model_input(420 + 0.01 * x, 64.0), atol=1e-4)


def test_wander_goes_and_the_pulse_stays_where_it_is() -> None:
    pulse = tone(1.3, 64.0)
    out = model_input(pulse + 5 * tone(0.08, 64.0), 64.0)[64:-64]
    lag = np.argmax(np.correlate(out, pulse[64:-64], "full")) - (len(out) - 1)
    assert lag == 0
    assert np.corrcoef(out, pulse[64:-64])[0, 1] > 0.98


def test_gain_of_the_filter_is_the_butterworth_one() -> None:
    signal = pytest.importorskip("scipy.signal")
    sos = signal.butter(2, 8.0, "low", fs=64.0, output="sos")
    x = np.random.default_rng(1).normal(size=4096)
    ours, oracle = low_pass(x, 64.0, 8.0), signal.sosfiltfilt(sos, x)
    # the bilinear transform of the oracle bends frequencies a little; below the cut-off both agree
    assert np.corrcoef(ours[200:-200], oracle[200:-200])[0, 1] > 0.97
    assert band_pass(tone(0.5, 64.0, 60), 64.0)[640:-640].max() == pytest.approx(0.5, abs=0.02)


def test_rows_together_equal_rows_alone() -> None:
    rows = np.random.default_rng(2).normal(size=(5, 1250))
    together = model_inputs(rows, 125.0)
    for row, got in zip(rows, together, strict=True):
        assert np.array_equal(model_input(row, 125.0), got)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "why"),
    [
        (np.full(640, np.nan), 64.0, "finite"),
        (np.full(640, 3.7), 64.0, "flat"),
        (np.zeros(640), 64.0, "flat"),
        (np.linspace(0, 9, 640), 64.0, "flat"),
        (np.sin(np.arange(300)), 64.0, "not between"),
        (np.sin(np.arange(700)), 64.0, "not between"),
        (np.sin(np.arange(100)), 10.0, "too slow"),
        (np.ones((2, 640)), 64.0, "one row"),
    ],
)
def test_what_is_no_window_is_refused(samples: np.ndarray, rate_hz: float, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        model_input(samples, rate_hz)


@given(st.integers(1, 100_000))
def test_fast_length_is_never_short(n: int) -> None:
    length = _fast_length(n)
    assert n <= length < 2 * n + 1
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1


def test_resampling_there_and_back_keeps_the_band() -> None:
    x = tone(1.7, 100.0) + 0.4 * tone(6.1, 100.0)
    back = resample(resample(x, 100.0, 64.0), 64.0, 100.0)
    n = min(len(x), len(back))
    assert np.abs(back[50 : n - 50] - x[50 : n - 50]).max() < 0.01
    assert n_resampled(1250, 125.0, 64.0) == 640


def test_what_the_slower_rate_cannot_hold_is_removed() -> None:
    assert np.abs(resample(tone(40.0, 1000.0), 1000.0, 64.0)[40:-40]).max() < 0.02
