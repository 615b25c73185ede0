"""The alignment bench: its sessions are what it says, and its figures are the contract's."""

from __future__ import annotations

import numpy as np
import pytest

from hemoview.bench import align
from hemoview.bench.align_session import KINDS, simulate

pytestmark = pytest.mark.slow

FIELDS = {
    "sessions",
    "locked",
    "refused",
    "wrong_locks",
    "drift_error_ppm_max",
    "offset_error_ms_max",
    "machine",
}


@pytest.mark.parametrize("kind", ["reconnect", "paced", "two-people"])
def test_a_session_is_locked_rightly_or_refused(kind: str) -> None:
    result = align.one((kind, 77, KINDS.index(kind)))
    assert not result.wrong
    assert result.locked == (kind == "reconnect")


def test_clocks_are_as_far_apart_as_they_are_drawn() -> None:
    session = simulate("repeated-hour", 77, 2)
    slow, fast = session.pulse_clock, session.reference_clock
    ends_s = np.array([30.0, session.overlap_s - 30.0])
    moved_s = float(np.ptp(slow.written(ends_s) - fast.written(ends_s)))
    assert moved_s == pytest.approx(3600.0, abs=0.2)
    assert 0.0 < float(np.median(session.lag_s)) < 0.1
    assert min(session.usable) > 0.8


def test_a_lock_on_the_next_beat_counts_as_wrong() -> None:
    session = simulate("rest", 77, 0)
    found = align.align_beats(session.pulse, session.reference)
    right = align.judged(session, found, 0, counts=True, seconds=0.0)
    beat_s = float(np.median(np.diff(session.reference.time_s)))
    pieces = tuple(align.replace(p, offset_s=p.offset_s + beat_s) for p in found.pieces)
    wrong = align.judged(session, align.replace(found, pieces=pieces), 0, counts=True, seconds=0.0)
    assert (right.wrong, wrong.wrong) == (False, True)
    said = align.summary([right, wrong], 77)
    assert said.keys() >= FIELDS and said["wrong_locks"] == 1
    assert said["conditions"]["rest"]["sessions"] == 2


def test_a_session_stamped_by_one_host_knows_its_drift_and_imported_beats_claim_no_ppm() -> None:
    results = [align.one((kind, 101, KINDS.index(kind))) for kind in ("rest", "heavy-motion")]
    said = align.summary(results, 101)
    recorded, imported = said["drift_recorded"], said["drift_imported"]
    assert (
        recorded["sessions"] == 2 and recorded["told_within_1_ppm"] == 2 and recorded["of_these_wrong"] == 0
    )
    assert recorded["error_to_clock_ppm_max"] < 1.0
    assert (
        imported["sessions"] == 2 and imported["told_within_1_ppm"] == 0 and imported["within_bound"] == 1.0
    )
