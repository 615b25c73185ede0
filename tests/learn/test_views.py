"""A finger wave as a wristband might have seen it."""

from __future__ import annotations

import numpy as np

from hemoview.learn import views
from recorder.devices.sim.physiology import FINGER_OPTICS, random_subject, simulate


def test_wristlike_waves_are_rounder_and_still_the_same_pulse() -> None:
    rng = np.random.default_rng(5)
    ppg = [
        simulate(random_subject(rng), 60.0, n, [], optics=FINGER_OPTICS, ppg_hz=64.0).ppg for n in range(6)
    ]
    waves = np.concatenate([p[: 5 * 640].reshape(5, 640) for p in ppg]).astype(np.float32)
    finger, wrist = views.plain(waves, 64.0), views.wristlike(waves, 64.0, 1)
    assert finger.shape == wrist.shape and np.isfinite(wrist).all()
    steepest = [np.abs(np.diff(x, axis=1)).max(axis=1).mean() for x in (finger, wrist)]
    assert steepest[1] < steepest[0]
    assert np.mean(np.sum(finger * wrist, axis=1) / finger.shape[1]) > 0.5
    assert (views.wristlike(waves, 64.0, 1) == wrist).all()
