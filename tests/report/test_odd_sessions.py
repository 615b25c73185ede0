"""Sessions that hold next to nothing still give a report that says so: one sample, one gap, nothing but abstentions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import told_sessions

from hemoview.report.session.page import page
from hemoview.report.session.read import read_facts
from hemoview.report.session.tables import csv_of, tables_of
from recorder import session as sessions
from recorder.exchange.into_session import Rows, Waveform, write_session
from recorder.schema import DeviceInfo, Subject
from recorder.session import SessionHeader

START_NS, S = told_sessions.START_NS, 1_000_000_000
BEAT = [118.0, 94.0, 76.0, 71.0, 5.25, 11.0, 9.0]


def _abstained(seconds: int = 120) -> Rows:
    told = told_sessions.estimates(seconds, np.full(seconds, 120.0))
    values = told.values.copy()
    for i in range(10):
        values[:, 4 * i : 4 * i + 3], values[:, 4 * i + 3] = np.nan, 1
    return Rows(told.info, told.wall_ns, values)


def _beats(*at_s: float, value: float | None = None) -> Rows:
    table = np.tile(BEAT, (len(at_s), 1)) if value is None else np.full((len(at_s), 7), value)
    return Rows(told_sessions.BEATS, START_NS + np.array([round(t * S) for t in at_s], np.int64), table)


ODD = {
    "one sample": (),
    "one beat an hour apart": (_beats(0, 3600),),
    "beats without a number": (_beats(*range(60), value=np.nan),),
    "all abstained": (_beats(), _abstained()),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("hide", [False, True])
def test_it_is_a_report_all_the_same(name: str, hide: bool, tmp_path: Path) -> None:
    header = SessionHeader(
        "odd",
        "bed-1",
        START_NS,
        "Europe/Berlin",
        7200,
        Subject("P-1", "female", 34),
        template=told_sessions.RANGES,
    )
    wave = Waveform(told_sessions.PPG, START_NS, np.zeros((1, 1), np.int32))
    devices = (DeviceInfo("e4", "Empatica E4", "x"),)
    folder = write_session(tmp_path / "odd", header, devices, [wave], list(ODD[name]), ())
    with sessions.open(folder) as session:
        facts = read_facts(session, hide=hide)
    for language in ("en", "zh"):
        shown = page(facts, language)
        assert "P-1" in shown and "nan" not in shown.lower().replace("hemodynam", "")
    assert all(p.estimate is None or p.estimate.n == 0 for p in facts.parameters)
    for table in tables_of(facts):
        assert ",nan" not in csv_of(table, facts)
