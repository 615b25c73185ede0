"""Whatever is done to a session folder: no traceback, no wrong value, and what was readable stays readable."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from hemoview.bench import crash
from recorder import session as sessions
from recorder.errors import RecorderError
from recorder.testing import killer_workload

SEED = 4711


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("rubble")
    return [crash._recorded(place / "closed", close=True), crash._recorded(place / "killed", close=False)]


def wreck(folder: Path, rng: random.Random) -> list[str]:
    done = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        files = sorted(
            p for p in folder.rglob("*") if p.is_file() and p.stat().st_size and p.suffix != ".lock"
        )
        victim = rng.choice(files)
        how = rng.choice(["flip", "torn", "gone", "zeros", "noise"])
        content = bytearray(victim.read_bytes())
        at = rng.randrange(len(content))
        if how == "flip":
            content[at] ^= 1 << rng.randrange(8)
        elif how == "torn":
            del content[at:]
        else:
            span = slice(at, at + rng.choice([200, 4096]))
            content[span] = (bytes if how == "zeros" else rng.randbytes)(len(content[span]))
        victim.write_bytes(content)
        if how == "gone":
            victim.unlink()
        done.append(f"{how} {victim.name} at {at}")
    return done


def rows_read(folder: Path) -> dict[str, int]:
    """Rows of each stream that can be read; every one of them must be right."""
    found = {}
    with sessions.open(folder) as session:
        for info in killer_workload.STREAMS:
            if info.stream_id in session.streams:
                stream = session.read(info.stream_id)
                assert np.array_equal(stream.raw, killer_workload.values(info, stream.sample_no))
                assert np.isfinite(stream.time_s).all()
                session.overview(info.stream_id, 0, 40, 20)
                found[info.stream_id] = len(stream)
    return found


@pytest.mark.parametrize("number", range(14))
def test_rubble_is_named_and_never_made_worse(recordings: list[Path], tmp_path: Path, number: int) -> None:
    rng = random.Random(SEED + number)
    folder = tmp_path / "s"
    shutil.copytree(rng.choice(recordings), folder)
    done = wreck(folder, rng)
    try:
        before = rows_read(folder)
        sessions.verify(folder)
        sessions.recover(folder)
        after = rows_read(folder)
    except RecorderError as error:
        assert str(error)
        return
    worse = {s: (n, after.get(s)) for s, n in before.items() if after.get(s, 0) < n}
    assert worse == {}, done
