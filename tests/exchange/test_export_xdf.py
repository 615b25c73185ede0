"""The XDF writer against pyxdf: what is put in comes out, whatever it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import pyxdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.exchange.exports.export_xdf import iter_chunks, write
from recorder.exchange.exports.exported import Column, Exported, Mark, Piece, Run, Span, Track
from recorder.schema import Channel, StreamInfo

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300)


def exported(values: np.ndarray, cuts: list[int], texts: list[str], runs: tuple[Run, ...] = ()) -> Exported:
    times = np.arange(len(values)) / 10.0
    channels = tuple(Channel(f"c{i} <&>", "mmHg") for i in range(values.shape[1]))
    info = StreamInfo(
        "a.b", "a", "waveform" if runs else "numeric", channels, "float64", 10.0 if runs else None
    )
    track = Track(info, "a.b", tuple(Column(c.name, c.unit) for c in channels), rows=len(values), runs=runs)

    def read(_: str) -> Iterator[Piece]:
        for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True):
            yield Piece(times[a:b], np.arange(a, b), values[a:b], values[a:b])

    marks = tuple(Mark(i * 0.5, "marker", text) for i, text in enumerate(texts))
    spans = (Span(1.0, 2.0, "gap", "silent", "a.b"),)
    return Exported(
        "s", "S-1", 10**18, 0, (track,), marks, spans, {"session": "x"}, "", read, lambda _: np.zeros((2, 3))
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_values_and_any_text_come_out(tmp_path: Path, data: st.DataObject) -> None:
    n, width = data.draw(st.integers(0, 300)), data.draw(st.integers(1, 4))
    values = np.array(
        data.draw(
            st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=n * width, max_size=n * width)
        )
    ).reshape(n, width)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=3)))
    texts = data.draw(st.lists(TEXTS, max_size=4))
    write(exported(values, cuts, texts), tmp_path, "x")
    streams, _ = pyxdf.load_xdf(str(tmp_path / "x.xdf"))
    found = {s["info"]["name"][0]: s for s in streams}
    series = np.asarray(found["a.b"]["time_series"], float).reshape(-1, width)
    assert np.array_equal(series, values, equal_nan=True)
    assert np.allclose(found["a.b"]["time_stamps"], np.arange(n) / 10, atol=1e-9)
    told = [row[0] for row in found["Markers"]["time_series"]]
    assert [t for t in told if t.startswith("marker")] == [Mark(0, "marker", t).text for t in texts]
    assert int(found["a.b"]["footer"]["info"]["sample_count"][0]) == n


def test_chunks_follow_the_specification(tmp_path: Path) -> None:
    write(exported(np.ones((30, 2)), [10], ["a"]), tmp_path, "x")
    content = (tmp_path / "x.xdf").read_bytes()
    assert content[:4] == b"XDF:"
    tags = [tag for tag, _ in iter_chunks(content)]
    assert tags[0] == 1 and set(tags) == {1, 2, 3, 4, 5, 6}
    assert tags.index(2) < tags.index(3) < tags.index(6), "a stream's header, its samples, its footer"
    offsets = [body for tag, body in iter_chunks(content) if tag == 4]
    assert all(len(body) == 20 for body in offsets)


@pytest.mark.parametrize(("hole_s", "rate"), [(3.0, 0.0), (80.0, 10.0)])
def test_a_short_hole_is_not_smoothed_away_as_jitter(tmp_path: Path, hole_s: float, rate: float) -> None:
    values = np.arange(200.0)[:, None]
    times = np.arange(200) / 10.0
    times[100:] += hole_s
    made = exported(values, [], [], (Run(100, 0.0, 9.9), Run(100, float(times[100]), float(times[-1]))))

    def read(_: str) -> Iterator[Piece]:
        yield Piece(times, np.arange(200), values, values)

    object.__setattr__(made, "read", read)
    write(made, tmp_path, "x")
    streams, _ = pyxdf.load_xdf(str(tmp_path / "x.xdf"))
    (found,) = (s for s in streams if s["info"]["name"][0] == "a.b")
    assert float(found["info"]["nominal_srate"][0]) == rate
    assert np.abs(found["time_stamps"] - times).max() < 1e-6
    assert math.isclose(float(found["info"]["desc"][0]["nominal_rate_hz"][0]), 10.0)
