"""A recording behind the emulators: resampled without aliases, never completed."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from recorder.devices.sim.replay import load, save, smooth
from recorder.errors import ConfigError


@dataclass
class Signal:
    values: np.ndarray
    rate_hz: float
    t0_s: float = 0.0


@dataclass
class Recorded:
    signals: dict[str, Signal]
    intervals_s: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    meta: dict[str, Any] = field(default_factory=lambda: {"ppg_unit": "e4"})

    def facts(self) -> dict[str, Any]:
        return self.meta


def wave(rate_hz, seconds, f_hz=1.2):
    return np.sin(2 * np.pi * f_hz * np.arange(0, seconds, 1 / rate_hz)).astype(np.float32)


def test_the_same_rate_gives_the_very_samples(tmp_path):
    values = wave(64.0, 20)
    source = load(save(Recorded({"bvp": Signal(values, 64.0)}), tmp_path / "r.npz"))
    t_s = np.arange(64 * 20) / 64.0
    np.testing.assert_array_equal(source.sample("ppg", t_s), values)
    assert source.ends_s == 20.0


@pytest.mark.parametrize("rate_hz", [125.0, 124.945, 250.0, 64.0])
def test_another_rate_keeps_the_wave(tmp_path, rate_hz):
    source = load(save(Recorded({"bvp": Signal(wave(rate_hz, 30), rate_hz)}), tmp_path / "r.npz"))
    t_s = np.arange(70, 64 * 28) / 64.0 / (1 + 80e-6)
    np.testing.assert_allclose(source.sample("ppg", t_s), np.sin(2 * np.pi * 1.2 * t_s), atol=0.01)


def test_what_the_device_cannot_carry_does_not_fold_back(tmp_path):
    source = load(save(Recorded({"bvp": Signal(wave(500.0, 30, f_hz=63.0), 500.0)}), tmp_path / "r.npz"))
    assert np.abs(source.sample("ppg", np.arange(64, 64 * 28) / 64.0)).max() < 0.02


@pytest.mark.parametrize("rate_hz", [64.0, 125.0])
def test_gaps_stay_gaps_and_leak_nothing(tmp_path, rate_hz):
    values = 50 + wave(rate_hz, 30)
    first, last = round(10 * rate_hz), round(12 * rate_hz)
    values[first:last] = np.nan
    source = load(save(Recorded({"bvp": Signal(values, rate_hz)}), tmp_path / "r.npz"))
    t_s = np.arange(64 * 29) / 64.0 / (1 + 40e-6)
    got = source.sample("ppg", t_s)
    inside = (t_s >= 10.0) & (t_s < 12.0 - 1 / rate_hz)
    outside = (t_s < 10.0 - 1 / rate_hz) | (t_s >= 12.0)
    assert np.isnan(got[inside]).all()
    assert np.isfinite(got[outside]).all()
    expected = 50 + np.sin(2 * np.pi * 1.2 * t_s[outside])
    np.testing.assert_allclose(got[outside], expected, atol=0.15)


def test_smoothing_keeps_a_constant_beside_a_gap():
    values = np.full((1000, 1), 93.0)
    values[400:500] = np.nan
    np.testing.assert_allclose(smooth(values, 500.0, 100.0)[np.isfinite(values)], 93.0, atol=1e-9)


def test_outside_the_recording_there_is_nothing(tmp_path):
    source = load(save(Recorded({"abp": Signal(wave(100.0, 10), 100.0)}), tmp_path / "r.npz"))
    assert np.isnan(source.sample("abp", np.array([-1.0, 10.2]))).all()
    assert source.has("abp")
    assert not source.has("acc")
    assert source.truth(100.0) == []


def test_time_begins_where_pulse_and_pressure_both_are(tmp_path):
    late = np.concatenate([np.full(500, np.nan), 90 + wave(100.0, 20)]).astype(np.float32)
    recorded = Recorded(
        {
            "bvp": Signal(wave(64.0, 40), 64.0, t0_s=2.0),
            "abp": Signal(late, 100.0, t0_s=4.0),
            "temp": Signal(np.full(400, 33.0), 4.0),
        },
        intervals_s=np.array([[5.0, 0.8], [9.5, 0.8], [10.3, 0.8]]),
    )
    source = load(save(recorded, tmp_path / "r.npz"))
    assert source.meta["begins_at_s"] == 9.0
    assert source.sample("abp", np.array([0.0]))[0] == pytest.approx(90.0, abs=0.1)
    assert source.sample("ppg", np.array([0.0]))[0] == pytest.approx(np.sin(2 * np.pi * 1.2 * 7.0), abs=0.05)
    assert [interval.t_s for interval in source.intervals(1.0)] == [0.5]
    assert [interval.t_s for interval in source.intervals(5.0)] == pytest.approx([1.3])
    assert source.intervals(50.0) == []


def test_acceleration_has_three_axes(tmp_path):
    acc = np.stack([wave(32.0, 10), 2 * wave(32.0, 10), -wave(32.0, 10)], axis=1)
    recorded = Recorded({"bvp": Signal(wave(64.0, 10), 64.0), "acc": Signal(acc, 32.0)})
    source = load(save(recorded, tmp_path / "r.npz"))
    np.testing.assert_array_equal(source.sample("acc", np.arange(320) / 32.0), acc)


def test_a_pulse_wave_of_another_device_gets_a_wristbands_size(tmp_path):
    recorded = Recorded({"bvp": Signal(20 + 0.001 * wave(125.0, 30), 125.0)}, meta={"ppg_unit": "1"})
    got = load(save(recorded, tmp_path / "r.npz")).sample("ppg", np.arange(64, 64 * 28) / 64.0)
    assert 20 < np.abs(got).max() < 100
    assert abs(np.median(got)) < 5


def test_nothing_to_replay_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="nothing to replay"):
        save(Recorded({"temp": Signal(np.ones(10), 4.0)}), tmp_path / "r.npz")
    np.savez(tmp_path / "other.npz", picture=np.zeros(3))
    with pytest.raises(ConfigError, match="holds none"):
        load(tmp_path / "other.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(ConfigError, match=r"broken\.npz"):
        load(tmp_path / "broken.npz")


def test_a_replayed_bedside_sends_the_recording_and_says_it_is_done(bedside, tmp_path, wait_until):
    values = np.rint(100 * wave(64.0, 12) * 30) / 100
    save(Recorded({"bvp": Signal(values, 64.0)}, intervals_s=np.array([[3.0, 0.75]])), tmp_path / "r.npz")
    log = tmp_path / "log.json"
    made = bedside({"replay": str(tmp_path / "r.npz"), "e4": {}, "log_file": str(log)}, speed=10.0)
    wait_until(lambda: json.loads(log.read_text())["done"])
    assert made.tally.generated["e4.bvp"] == pytest.approx(len(values), abs=1)
    assert made.tally.generated["e4.ibi"] == 1
