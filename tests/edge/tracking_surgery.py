"""Tracking through the whole edge pipeline on a real recording: one anaesthetised patient with an arterial line.

``python tests/edge/tracking_surgery.py FOLDER`` (``surgery_ev1000``) prints the table of decision 0018: coverage and
width of every interval shown, against the arterial beats of its own ten seconds, while the reference streams and after
it was pulled out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemoview.dsp.abp_beats import PressureBeat
from hemoview.dsp.windows import WINDOW_S
from hemoview.edge.knowledge import Options
from hemoview.edge.offline import push
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.streams import ABP_BEATS, ESTIMATES, ModelName, Sources, declared, find_sources
from hemoview.estimate import bundle
from hemoview.estimate.estimator import Body
from hemoview.estimate.runner import Runner
from hemoview.estimate.tracking import GOOD_BEAT, reference_of
from hemoview.learn.monitor_sources import recording_of
from recorder.clock import ClockEra
from recorder.schema import PRESSURES, REFERENCE_CALIBRATED, Channel, Event, SampleBlock, StreamInfo

SECOND_NS = 1_000_000_000
ERA = ClockEra(0, "era0", "boot", 0, 1_700_000_000 * SECOND_NS)
UNSCORED_S = 60.0
F64 = NDArray[np.float64]


def blocks(info: StreamInfo, values: F64, until_s: float) -> Iterator[SampleBlock]:
    """One a second, as it is taken."""
    step = round(info.nominal_rate_hz or 1.0)
    for first in range(0, len(values) - step, step):
        at_s = (first + step) / step
        if at_s <= until_s and np.isfinite(values[first : first + step]).all():
            yield SampleBlock(
                info.stream_id, first, values[first : first + step, None], round(at_s * SECOND_NS), 0
            )


def run(folder: Path, runner: Runner, *, tracked: bool, until_s: float) -> dict[str, tuple[F64, F64]]:
    """Derived stream -> rows and their times (s); the reference streams until ``until_s``."""
    recording = recording_of(folder / "wt01_waves.npz")
    ppg, abp = recording.signals["bvp"], recording.signals["abp"]
    streams = [
        StreamInfo(name, "m", "waveform", (Channel(name, unit),), "float64", round(signal.rate_hz), role)
        for name, unit, signal, role in (("ppg", "1", ppg, "ppg"), ("abp", "mmHg", abp, "abp_wave"))
    ]
    made = Pipeline(find_sources(streams), runner, Options("reference"))
    made.know_eras([ERA])
    made.begin_session("one", Body())
    if not tracked:
        made.anchoring.tracking = None
    seen = Event("seen", "marker", 0, ERA.wall_ns, 0, {"label": REFERENCE_CALIBRATED})
    waves = [
        *blocks(streams[0], ppg.values.astype(float), np.inf),
        *blocks(streams[1], abp.values.astype(float), until_s),
    ]
    rows: dict[str, list[tuple[F64, F64]]] = {}
    items: list[SampleBlock | Event] = [seen, *sorted(waves, key=lambda b: (b.t_host_ns, b.stream_id))]
    for item in items:
        for b in push(made, item):
            assert b.row_t_host_ns is not None
            rows.setdefault(b.stream_id, []).append((b.values, b.row_t_host_ns / 1e9))
    return {
        name: (np.concatenate([v for v, _ in some]), np.concatenate([t for _, t in some]))
        for name, some in rows.items()
    }


def references(beats: F64, onset_s: F64, end_s: F64) -> F64:
    """SBP, MAP, DBP of the ten seconds that end at each time ``(n, 3)``; NaN where there is no label."""
    out = np.full((len(end_s), 3), np.nan)
    for i, t in enumerate(end_s):
        inside = beats[(onset_s >= t - 10) & (onset_s < t)]
        found = [PressureBeat(0.0, 1.0, *map(float, row)) for row in inside if row[4] >= GOOD_BEAT]
        label = reference_of(found)
        if label is not None:
            out[i] = label.sbp, label.map, label.dbp
    return out


def main(folder: Path) -> None:
    """Print the table."""
    runner = Runner(bundle.load(Path("models_bin/lsm2oe-student-0.2.1")))
    whole = run(folder, runner, tracked=True, until_s=np.inf)
    end_s = float(whole[ESTIMATES][1][-1])
    pulse = StreamInfo("ppg", "m", "waveform", (Channel("ppg", "1"),), "float64", 125.0, "ppg")
    columns = [c.name for c in declared(Sources(pulse), ModelName())[0].channels]
    for until_s in (np.inf, end_s / 2):
        since_s = UNSCORED_S if until_s == np.inf else until_s
        for tracked in (False, True):
            rows, at_s = run(folder, runner, tracked=tracked, until_s=until_s)[ESTIMATES]
            true = references(*whole[ABP_BEATS], at_s)
            words = []
            for k, p in enumerate(PRESSURES):
                low, high = (rows[:, columns.index(f"{p}_{end}")] for end in ("lo", "hi"))
                use = np.isfinite(low) & np.isfinite(true[:, k]) & (at_s > since_s)
                use &= np.rint(at_s) % WINDOW_S == 0  # no two windows overlap
                covered = (low <= true[:, k]) & (true[:, k] <= high)
                if use.any():
                    words.append(
                        f"{p} {covered[use].mean():.3f} / {(high - low)[use].mean():.1f} ({use.sum()})"
                    )
            print("streams" if until_s == np.inf else "pulled out", "tracked" if tracked else "card", words)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
