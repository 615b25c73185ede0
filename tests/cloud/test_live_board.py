"""The board in memory: whatever bedsides say in whatever order, hidden numbers reach nobody and nobody is mixed up."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hemoview.cloud.live.board import BedNow, Board, Confused, ward_told
from hemoview.cloud.live.words import Heard
from recorder.sync.uplink import wire as uplink_wire
from tests.cloud.live_rig import head, message, numeric

ROWS = [{"id": "b1", "label": "1", "place": 1}, {"id": "b2", "label": "2", "place": 2}]
STEP = st.tuples(
    st.sampled_from(["b1", "b2"]),
    st.sampled_from(["", "s1", "s2"]),
    st.sampled_from([None, True, False]),  # head left out, hidden, shown
    st.booleans(),  # first of a connection
    st.integers(0, 9),
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEP, max_size=15))
def test_hidden_numbers_reach_nobody_and_beds_are_not_mixed_up(steps: list[Any]) -> None:
    board, now_us = Board(), message()["t_us"]
    hidden: dict[str, bool] = {}
    connections: dict[str, int] = {}
    for n, (bed_id, session_id, hides, first, seq) in enumerate(steps):
        est = 1000.0 + n
        who = (
            None
            if hides is None or not session_id
            else head(hidden=hides, pseudonym=f"{bed_id}-{session_id}")
        )
        told = message(
            seq, session_id, head=who, numerics={"SBP": numeric(est)} if session_id else {}, waves={}
        )
        bed = board.beds.setdefault(bed_id, BedNow(bed_id, "w"))
        connections[bed_id] = connections.get(bed_id, 0) + first
        heard = Heard(bed_id, bed_id, "w", now_us, f"{bed_id}-{connections[bed_id]}")
        try:
            taken = board.take(bed, heard, uplink_wire.read(json.dumps(told)))
        except Confused:
            assert who is None and session_id
            continue
        if taken is None:
            continue
        if who is not None:
            hidden[bed_id] = bool(hides)
        told_browser = json.loads(taken.parcel.text)
        assert told_browser["msg"]["session_id"] == session_id
        if session_id:
            assert told_browser["msg"]["head"]["pseudonym"] == f"{bed_id}-{session_id}"
            assert (f"{est}" in taken.parcel.text) == (not hidden[bed_id])
        whole = ward_told({"id": "w", "name": "w"}, ROWS, board, now_us)
        for row in whole["beds"]:
            if row["last"] and row["last"]["msg"]["session_id"]:
                assert row["last"]["msg"]["head"]["pseudonym"].startswith(row["bed_id"])
                shown = row["last"]["msg"]["numerics"]["SBP"]["est"]
                assert (shown is None) == hidden[row["bed_id"]]
        assert taken.gap >= 0
