"""Real E4 recordings become sessions without one manual step: every sample at its time, our beats beside the band's.

The band's own heart rate is an average of its server that trails by most of a minute, so each of its values is held
against our beats of the minute before it.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from hemoview.labels.signals.session_signals import pulse_beats
from recorder import session
from recorder.exchange.imports import importing
from recorder.exchange.imports.importing import Order, Wanted
from recorder.schema import Subject
from recorder.schema.decimals import decode_decimal

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
ZIPS = DATA / "e4_stress_predict"
FOLDERS = DATA / "e4_samples"
NOW_NS = 1_770_000_000_000_000_000
ALL = [f"S{k:02d}" for k in range(1, 26)]
MINUTE_S = 60.0
COVERED = 0.8
"""Share of a minute in believed intervals from which it is compared."""

needs_zips = pytest.mark.skipif(not ZIPS.is_dir(), reason="needs ../shared/data/e4_stress_predict")
needs_folders = pytest.mark.skipif(not FOLDERS.is_dir(), reason="needs ../shared/data/e4_samples")


def imported(path: Path, out: Path) -> session.Session:
    """By the same way as the command and the window; not one question may be asked."""
    plan = importing.look(Order((Wanted("e4", path),), Subject(path.stem)), None, NOW_NS)
    assert plan.questions == ()
    importing.carry_out(plan, out, software={}, now_wall_ns=NOW_NS)
    assert session.verify(out).ok
    return session.open(out)


def rows_of(text: bytes, columns: int) -> list[str]:
    """The samples of a file as its text has them."""
    lines = text.decode().split()
    return lines[2 * columns if columns > 1 else 2 :]


def assert_identical(stored: session.Session, texts: dict[str, bytes]) -> None:
    for name, stream in (("BVP.csv", "e4.bvp"), ("EDA.csv", "e4.eda"), ("TEMP.csv", "e4.temp")):
        found = stored.read(stream)
        assert [decode_decimal(int(m), int(p)) for m, p in found.raw] == rows_of(texts[name], 1)
        begin_s = float(texts[name].split()[0]) - stored.start_wall_ns / 1e9
        wanted = begin_s + np.arange(len(found.raw)) / (found.info.nominal_rate_hz or 1.0)
        np.testing.assert_allclose(found.time_s, wanted, atol=1e-6)
    acc = [",".join(map(str, row)) for row in stored.read("e4.acc").raw.tolist()]
    assert acc == texts["ACC.csv"].decode().split("\n")[2:-1]
    hr = stored.read("e4.hr")
    assert hr.values[:, 0].tolist() == [float(v) for v in rows_of(texts["HR.csv"], 1)]
    assert hr.time_s[0] + stored.start_wall_ns / 1e9 == float(texts["HR.csv"].split()[0])
    assert stored.rows("e4.ibi") == len(texts["IBI.csv"].split(b"\n")) - 2


@needs_zips
@pytest.mark.parametrize("name", ALL[:2])
def test_a_zip_is_identical_to_its_session(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(ZIPS / f"{name}.zip") as archive:
        texts = {member: archive.read(member) for member in archive.namelist()}
    with imported(ZIPS / f"{name}.zip", tmp_path / "x") as stored:
        assert_identical(stored, texts)
        assert len(stored.events("marker")) == len(texts[f"tags_{name}.csv"].split())


@needs_zips
@pytest.mark.slow
def test_all_zips_become_whole_sessions(tmp_path: Path) -> None:
    for name in ALL:
        path = ZIPS / f"{name}.zip"
        with imported(path, tmp_path / name) as stored, zipfile.ZipFile(path) as archive:
            for member, stream in (("BVP.csv", "e4.bvp"), ("EDA.csv", "e4.eda"), ("TEMP.csv", "e4.temp")):
                wanted = np.array(archive.read(member).split()[2:], dtype=np.float64)
                np.testing.assert_allclose(stored.read(stream).values[:, 0], wanted, rtol=1e-15)


@needs_folders
def test_folders_of_other_hands(tmp_path: Path) -> None:
    for name in ("biometrics_msr2023", "flirt_test"):
        with imported(FOLDERS / name, tmp_path / name) as stored:
            assert_identical(stored, {p.name: p.read_bytes() for p in (FOLDERS / name).glob("*.csv")})


def apart_per_min(stored: session.Session) -> np.ndarray:
    """Ours minus the band's, /min, for each of its values whose minute is well covered by believed intervals."""
    beats, hr = pulse_beats(stored), stored.read("e4.hr")
    interval_s = np.diff(beats.time_s)
    believed = (beats.run[1:] == beats.run[:-1]) & beats.usable[1:] & beats.usable[:-1]
    length_s = np.append(0.0, np.cumsum(interval_s * believed))
    count = np.append(0, np.cumsum(believed))
    first, end = (np.searchsorted(beats.time_s[1:], hr.time_s - back_s) for back_s in (MINUTE_S, 0.0))
    covered_s, n = length_s[end] - length_s[first], count[end] - count[first]
    chosen = covered_s >= COVERED * MINUTE_S
    return 60.0 * n[chosen] / covered_s[chosen] - hr.values[chosen, 0]


@needs_zips
@pytest.mark.slow
def test_heart_rate_of_our_beats_is_that_of_the_band(tmp_path: Path) -> None:
    apart = []
    for name in ALL[::3]:
        with imported(ZIPS / f"{name}.zip", tmp_path / name) as stored:
            apart.append(apart_per_min(stored))
        middle, distance = np.median(apart[-1]), np.median(np.abs(apart[-1]))
        print(f"{name}: {len(apart[-1])} values, median {middle:+.2f}, median distance {distance:.2f} /min")
    joined = np.concatenate(apart)
    print(
        f"all: {len(joined)} values, median {np.median(joined):+.2f}, distance {np.median(np.abs(joined)):.2f} /min"
    )
    assert len(joined) > 5000
    assert np.median(np.abs(joined)) <= 2.0
