"""A recording of an ADC and the file its monitor wrote at the same time, made of formulas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from recorder import session
from recorder.clock import ClockEra
from recorder.schema import Channel, SampleBlock, StreamInfo, Subject
from recorder.session import SessionHeader

NS = 1_000_000_000
ERA = ClockEra(0, "era-0", "boot-0", 5_000 * NS, 1_790_000_000 * NS)
WAVE = StreamInfo("adc.wave", "adc", "waveform", (Channel("abp", "V", 0.001),), "int32", 100.0, "abp_wave")


def pressure(t_s: np.ndarray, seed: int) -> np.ndarray:
    """Pulses of varying length and height, mmHg."""
    rng = np.random.default_rng(seed)
    onsets = np.cumsum(rng.normal(0.9, 0.06, 400)) - 30
    heights = rng.normal(45, 3, onsets.size)
    beat = np.clip(np.searchsorted(onsets, t_s) - 1, 0, onsets.size - 1)
    phase = (t_s - onsets[beat]) / 0.9
    return np.asarray(78 + heights[beat] * np.where(phase < 0.15, phase / 0.15, np.exp(0.15 - phase)))


def recording(folder: Path) -> Path:
    """90 s at 0.01 V a mmHg + 0.12 V."""
    path = folder / "s-1"
    header = SessionHeader("s-1", "bed1", ERA.wall_ns, zone="UTC", subject=Subject("P-014"))
    writer = session.create(path, header, ERA)
    writer.add_stream(WAVE)
    for first in range(0, 9000, 50):
        t_s = np.arange(first, first + 50) / 100
        counts = np.rint((pressure(t_s, 1) * 0.01 + 0.12) * 1000).astype(np.int32)
        arrival = ERA.monotonic_ns + round((first + 50) / 100 * NS)
        writer.write_block(SampleBlock("adc.wave", first, counts[:, None], arrival))
    writer.commit()
    writer.close("test")
    return path


def stick(folder: Path, *, seed: int = 1, name: str = "") -> Path:
    """60 s of the monitor's file, from second 15; its clock is 2 s early. Another ``seed`` is another patient."""
    t_s = np.arange(6000) / 100
    mmhg = pressure(15.0 + t_s - 2.0, seed)
    local = datetime.fromtimestamp(ERA.wall_ns / NS, UTC) + timedelta(seconds=15)
    path = folder / (name or f"CNAP_{local:%Y-%m-%d_%H-%M-%S}_00{seed}_waveform.csv")
    rows = "".join(f"{t:.2f};{p:.2f};\n" for t, p in zip(t_s, mmhg, strict=True))
    path.write_text('"Time [s]";"Pressure [mmHg]";\n' + rows)
    return path
