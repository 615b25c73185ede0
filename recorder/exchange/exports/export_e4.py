"""A zip like the one Empatica's own site gave: start, rate and values as they came, digit for digit.

The format has no gaps: a hole is rows of ``nan``, so that the time of what follows stays true, and is named in
``gaps.csv``. ``tags.csv`` holds every marker, as the format knows only times; what they say is in ``markers.csv``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from recorder.errors import ConfigError
from recorder.exchange.exports.about import Written, about_text
from recorder.exchange.exports.export_tables import cells, side_csv
from recorder.exchange.exports.exported import Exported, Piece, Track
from recorder.exchange.exports.placed import Placed, place

_FIXED_DATE: Final = (1980, 1, 1, 0, 0, 0)
_REGULAR: Final = {"ppg": "BVP.csv", "acc": "ACC.csv", "eda": "EDA.csv", "temp": "TEMP.csv"}
_COUNTS_PER_G: Final = 64.0
_HR_SLACK_S: Final = 0.002
_ABOUT: Final = """HemoView export in the form of an Empatica E4 session.
BVP.csv, ACC.csv, EDA.csv, TEMP.csv: first row the start (Unix time, UTC), second row the rate in Hz, then samples.
BVP has no unit; ACC in 1/64 g; EDA in microsiemens; TEMP in degrees Celsius; HR in beats per minute.
IBI.csv: start, then rows of seconds since it and the interval between beats in seconds.
Rows of nan: no sample was recorded; gaps.csv says why. tags.csv: time of every marker; markers.csv says what they are.
quality.csv and spans.csv: signal quality and other stretches; about.json: everything else known.
"""


def write(exported: Exported, folder: Path, stem: str) -> Written:
    """``STEM.zip`` of the first wristband of the session.

    Raises:
        ConfigError: it has none.
    """
    written = Written()
    tracks = _of_wristband(exported, written)
    with zipfile.ZipFile(folder / f"{stem}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for role, name in _REGULAR.items():
            if role in tracks:
                with archive.open(_member(name), "w", force_zip64=True) as out:
                    _write_regular(out, exported, tracks[role], written)
        _write_rows(archive, exported, tracks)
        times = [f"{exported.wall_ns(m.t_s) / 1e9:.2f}\n" for m in exported.marks if m.kind == "marker"]
        archive.writestr(_member("tags.csv"), "".join(times))
        for name, text in side_csv(exported).items():
            archive.writestr(_member(f"{name}.csv"), text)
        warning = f"{exported.warning}\n\n" if exported.warning else ""
        archive.writestr(_member("info.txt"), warning + _ABOUT)
        archive.writestr(_member("about.json"), about_text(exported, written))
    return written


def _of_wristband(exported: Exported, written: Written) -> dict[str, Track]:
    """Tracks of the device that has skin conductance or a decimal pulse wave, by role; others are left out by name."""
    by_device: dict[str, dict[str, Track]] = {}
    for track in exported.tracks:
        by_device.setdefault(track.info.device_id, {}).setdefault(track.info.role, track)
    chosen = next((t for t in by_device.values() if _is_wristband(t)), None)
    if chosen is None:
        have = ", ".join(t.info.stream_id for t in exported.tracks) or "no stream"
        raise ConfigError(
            f"an E4 zip needs the streams of a wristband; there is {have}. Choose another format"
        )
    wanted = {role: chosen[role] for role in (*_REGULAR, "hr", "ibi") if role in chosen}
    for track in exported.tracks:
        if track not in wanted.values():
            written.notes.append(f"{track.info.stream_id}: an E4 zip has no place for it; left out")
    return wanted


def _is_wristband(tracks: dict[str, Track]) -> bool:
    ppg = tracks.get("ppg")
    return "eda" in tracks or "acc" in tracks or (ppg is not None and bool(ppg.places))


def _write_regular(out: IO[bytes], exported: Exported, track: Track, written: Written) -> None:
    columns = 1 if track.info.role != "acc" else min(3, len(track.columns))
    if not track.runs:
        return
    start_s = track.runs[0].t0_s
    start = f"{exported.wall_ns(start_s) / 1e9:.6f}"
    if track.info.role == "ppg":  # two digits as the wristband's own files have, where they tell all
        start = start.removesuffix("0000")
    out.write((", ".join([start] * columns) + "\n").encode())
    out.write((", ".join([f"{track.rate_hz:.6f}"] * columns) + "\n").encode())
    placed = place(track, start_s, track.rate_hz)
    written.time_error_s[track.info.stream_id] = round(placed.time_error_s, 6)
    hole = ",".join(["nan"] * columns) + "\n"
    for slots, texts in _texts(exported, placed, columns):
        out.write((hole * slots + "".join(f"{text}\n" for text in texts)).encode())


def _texts(exported: Exported, placed: Placed, columns: int) -> Iterator[tuple[int, list[str]]]:
    """Rows as text, and how many slots without a sample lie before them."""
    track = placed.track
    lead = [a - b for (a, _), (_, b) in zip(placed.stretches, [(0, 0), *placed.stretches], strict=False)]
    runs = iter(zip(lead, track.runs, strict=True))
    left = 0
    for piece in exported.pieces(track):
        texts = _rows(track, piece, columns)
        at = 0
        while at < len(texts):
            holes = 0
            if not left:
                holes, run = next(runs)
                left = run.n
            n = min(left, len(texts) - at)
            yield holes, texts[at : at + n]
            at, left = at + n, left - n


def _rows(track: Track, piece: Piece, columns: int) -> list[str]:
    if track.info.role == "acc":
        cols = [_counts(piece.values[:, i]) for i in range(columns)]
    else:
        cols = [np.where(c == "", "nan", c) for c in cells(track, piece)[:columns]]
    return [",".join(row) for row in zip(*(c.tolist() for c in cols), strict=True)]


def _counts(values: NDArray[np.float64]) -> NDArray[np.str_]:
    texts = np.nan_to_num(np.rint(values * _COUNTS_PER_G)).astype(np.int64).astype(str)
    return np.where(np.isnan(values), "nan", texts)


def _write_rows(archive: zipfile.ZipFile, exported: Exported, tracks: dict[str, Track]) -> None:
    """HR.csv where the rows are one a second, and IBI.csv."""
    if "hr" in tracks:
        times, values = _all(exported, tracks["hr"])
        if len(times) and (np.abs(np.diff(times) - 1.0) < _HR_SLACK_S).all():
            head = f"{exported.wall_ns(float(times[0])) / 1e9:.6f}\n1.000000\n"
            archive.writestr(_member("HR.csv"), head + "".join(f"{v:.2f}\n" for v in values.tolist()))
        elif len(times):
            rows = "".join(f"{t:.6f},{v:.2f}\n" for t, v in zip(times.tolist(), values.tolist(), strict=True))
            archive.writestr(_member("HR_rows.csv"), "time_s,hr\n" + rows)
    if "ibi" in tracks:
        times, values = _all(exported, tracks["ibi"])
        start_s = min((t.runs[0].t0_s for t in tracks.values() if t.runs), default=0.0)
        lines = [f"{t - start_s:.6f},{v:.6f}\n" for t, v in zip(times.tolist(), values.tolist(), strict=True)]
        archive.writestr(_member("IBI.csv"), f"{exported.wall_ns(start_s) / 1e9:.6f}, IBI\n" + "".join(lines))


def _all(exported: Exported, track: Track) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pieces = list(exported.pieces(track))
    times = np.concatenate([p.time_s for p in pieces]) if pieces else np.empty(0)
    return times, np.concatenate([p.values[:, 0] for p in pieces]) if pieces else np.empty(0)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _FIXED_DATE)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info
