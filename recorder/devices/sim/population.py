"""Random virtual subjects with the labels of a resting adult population."""

from __future__ import annotations

import numpy as np

from recorder.devices.sim.subject import Rhythm, SimSubject
from recorder.devices.sim.vessels import compliance_for_pulse_pressure
from recorder.schema import body_surface_m2


def random_subject(rng: np.random.Generator, *, rhythm: Rhythm = "sinus") -> SimSubject:
    """A resting adult whose ten labels have roughly the means and spreads of the published study.

    Means and SDs asked for (lsm2oe §1): SBP 116±12, MAP 87±8, DBP 73±8 mmHg, HR 81±5, CO 6.4±0.8 L/min, SI 45±5
    mL/m². HR and SV are a little wider here so that a model sees more than one kind of person.
    """
    female = rng.random() < 0.5
    age_y = int(np.clip(rng.normal(38, 14), 18, 85))
    height_cm = float(np.clip(rng.normal(163 if female else 176, 6.5), 145, 205))
    weight_kg = float(np.clip(rng.normal(22.8, 2.8), 17, 36) * (height_cm / 100) ** 2)
    bsa_m2 = body_surface_m2(height_cm, weight_kg)
    hr = float(np.clip(rng.normal(79, 8), 50, 115))
    sv = float(np.clip(rng.normal(45, 5) * bsa_m2, 40, 130))
    map_mmhg = float(np.clip(rng.normal(83 + 0.12 * age_y, 8), 62, 125))
    pulse_mmhg = float(np.clip(rng.normal(39 + 0.12 * age_y, 8), 24, 85))
    cvp = float(np.clip(rng.normal(5, 1.2), 1, 10))
    subject = SimSubject(
        age_y=age_y,
        sex="female" if female else "male",
        height_cm=height_cm,
        weight_kg=weight_kg,
        hr_per_min=hr,
        sv_ml=sv,
        cvp_mmhg=cvp,
        svr_dyn=float(np.clip(80.0 * (map_mmhg - cvp) * 1000.0 / (hr * sv), 400, 3000)),
        zc_fraction=float(rng.uniform(0.04, 0.08)),
        reflection=float(np.clip(0.12 + 0.003 * age_y + rng.normal(0, 0.06), 0.05, 0.5)),
        pwv_m_s=float(np.clip(7.5 + 0.05 * age_y + rng.normal(0, 0.9), 6, 16)),
        tissue_gain=float(np.exp(rng.normal(0, 0.35))),
        tissue_p50_mmhg=float(rng.normal(72, 10)),
        tissue_width_mmhg=float(rng.uniform(20, 55)),
        ppg_low_pass_hz=float(rng.uniform(4.5, 8)),
        breaths_per_min=float(rng.uniform(11, 19)),
        rsa_per_min=float(rng.uniform(1.5, 5) * (1.2 - age_y / 120)),
        ppv=float(rng.uniform(0.04, 0.12)),
        svr_wander=float(rng.uniform(0.04, 0.09)),
        hr_wander_per_min=float(rng.uniform(2, 4.5)),
        motion_fraction=float(np.clip(rng.beta(1.2, 4), 0, 0.6)),
        rhythm=rhythm,
    )
    compliance = compliance_for_pulse_pressure(subject, pulse_mmhg)
    return SimSubject(**{**subject.to_json(), "compliance_ml_per_mmhg": compliance})
