"""Every export as the readers of its own world see it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pandas as pd
import pyxdf
import wfdb

from recorder.exchange.exports.export import Report


@dataclass
class Back:
    """An export as a foreign reader sees it.

    Args:
        waves: stream → times (or None where the format has only slots), values ``(n, columns)`` with NaN for no sample.
        notes: everything it says in words, with its time.
    """

    waves: dict[str, tuple[Any, np.ndarray]] = field(default_factory=dict)
    numerics: dict[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[tuple[float, str]] = field(default_factory=list)
    whole: str = ""

    def said(self, *words: str) -> bool:
        return any(all(word in text for word in words) for _, text in self.notes)

    def at(self, *words: str) -> float:
        return min(t for t, text in self.notes if all(word in text for word in words))


def back_edf(report: Report) -> Back:
    found = Back(whole=report.path.with_suffix(".edf.about.json").read_text())
    edf = edfio.read_edf(report.path)
    onsets = record_onsets(report.path)
    for signal in edf.signals:
        values = np.where(signal.digital == -32000, np.nan, signal.data)
        per_record = round(len(values) / len(onsets))
        times = (onsets[:, None] + np.arange(per_record) / signal.sampling_frequency).reshape(-1)
        stream, _, _ = signal.label.partition(" ")
        known = found.waves.get(stream)
        column = values[:, None]
        found.waves[stream] = (times, column if known is None else np.hstack([known[1], column]))
    found.notes = [(a.onset, a.text) for a in edf.annotations]
    found.notes += [(a.onset + (a.duration or 0), f"end {a.text}") for a in edf.annotations]
    found.whole += f"{edf.patient} {edf.recording}"
    add_side_csv(found, report)
    return found


def record_onsets(path: Path) -> np.ndarray:
    """Onset of each record out of its first annotation: none of the readers gives those of EDF+D."""
    content = path.read_bytes()
    size, n, n_signals = int(content[184:192]), int(content[236:244]), int(content[252:256])
    samples = [int(content[256 + n_signals * 216 + 8 * i :][:8]) for i in range(n_signals)]
    length = 2 * sum(samples)
    tal_at = 2 * sum(samples[:-1])
    starts = [content[size + i * length + tal_at :].split(b"\x14", 1)[0] for i in range(n)]
    return np.array([float(s) for s in starts])


def back_wfdb(report: Report) -> Back:
    stem = str(report.path.with_suffix(""))
    found = Back(whole=Path(f"{stem}.wfdb.about.json").read_text())
    record = wfdb.rdrecord(stem, smooth_frames=False)
    for name, values, per_frame in zip(
        record.sig_name, record.e_p_signal, record.samps_per_frame, strict=True
    ):
        stream = name.split(" ")[0]
        times = np.arange(len(values)) / (record.fs * per_frame)
        known = found.waves.get(stream)
        column = values[:, None]
        found.waves[stream] = (times, column if known is None else np.hstack([known[1], column]))
    notes = wfdb.rdann(stem, "atr")
    texts = [f"end {text[1:]}" if text.startswith(")") else text for text in notes.aux_note]
    found.notes = list(zip((notes.sample / notes.fs).tolist(), texts, strict=True))
    found.whole += " ".join(record.comments)
    add_side_csv(found, report)
    return found


def add_side_csv(found: Back, report: Report) -> None:
    for path in report.files:
        if path.suffix == ".csv":
            found.numerics[path.stem.removeprefix(f"{report.path.stem}_{report.to}_")] = pd.read_csv(path)


def back_xdf(report: Report) -> Back:
    streams, head = pyxdf.load_xdf(str(report.path))
    found = Back(whole=head["info"]["hemoview"][0])
    for stream in streams:
        name, kind = stream["info"]["name"][0], stream["info"]["type"][0]
        if stream["info"]["channel_format"][0] == "string":
            texts = [row[0] for row in stream["time_series"]]
            if kind == "Markers":
                found.notes += list(zip(stream["time_stamps"].tolist(), texts, strict=True))
        elif kind == "ClockPoints":
            continue
        elif name.startswith("edge"):
            columns = [c["label"][0] for c in stream["info"]["desc"][0]["channels"][0]["channel"]]
            found.numerics[name] = pd.DataFrame(stream["time_series"], columns=columns)
            found.numerics[name].insert(0, "time_s", stream["time_stamps"])
        else:
            width = int(stream["info"]["channel_count"][0])
            found.waves[name] = (stream["time_stamps"], np.asarray(stream["time_series"]).reshape(-1, width))
    return found


def back_csv(report: Report) -> Back:
    return back_tables(report, "csv", pd.read_csv)


def back_parquet(report: Report) -> Back:
    return back_tables(report, "parquet", pd.read_parquet)


def back_tables(report: Report, suffix: str, read: Callable[[Path], pd.DataFrame]) -> Back:
    found = Back(whole=(report.path / "about.json").read_text())
    for path in sorted(report.path.glob(f"*.{suffix}")):
        take_table(found, path.stem, read(path))
    return found


def take_table(found: Back, name: str, table: pd.DataFrame) -> None:
    if name == "markers":
        found.notes += [
            (t, f"{k}: {w}") for t, k, w in zip(table.time_s, table.kind, table.label, strict=True)
        ]
    elif name in ("gaps", "quality", "spans"):
        texts = [f"{k} {s}: {w}" for k, s, w in zip(table.kind, table.stream, table.label, strict=True)]
        found.notes += list(zip(table.t0_s, texts, strict=True))
        found.notes += [(t, f"end {text}") for t, text in zip(table.t1_s, texts, strict=True)]
    elif "utc" in table and not name.startswith(("e4", "adc")):
        found.numerics[name] = table
    else:
        values = table.drop(columns=["time_s", "sample_no", *(["utc"] if "utc" in table else [])])
        found.waves[name] = (table["time_s"].to_numpy(), values.to_numpy(float))
    found.whole += " ".join(map(str, table.columns))


def back_e4(report: Report) -> Back:
    found = Back()
    with zipfile.ZipFile(report.path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    found.whole = texts["about.json"] + texts["info.txt"]
    names = {"BVP.csv": ("e4.bvp", 1.0), "ACC.csv": ("e4.acc", 1 / 64), "EDA.csv": ("e4.eda", 1.0)}
    for name, (stream, scale) in names.items():
        if texts.get(name):
            rows = pd.read_csv(io.StringIO(texts[name]), header=None)
            values = rows.iloc[2:].to_numpy(float) * scale
            found.waves[stream] = (np.arange(len(values)) / rows.iloc[1, 0], values)
    for name in ("markers", "gaps", "quality", "spans"):
        take_table(found, name, pd.read_csv(io.StringIO(texts[f"{name}.csv"])))
    return found


BACK: dict[str, Callable[[Report], Back]] = {
    "edf": back_edf,
    "wfdb": back_wfdb,
    "xdf": back_xdf,
    "csv": back_csv,
    "parquet": back_parquet,
    "e4zip": back_e4,
}
BY_SLOT = ("edf", "wfdb", "e4zip")
"""Formats that know a start and a rate only: a hole is slots without a sample."""
