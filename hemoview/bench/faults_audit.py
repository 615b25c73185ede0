"""What became of a fault-ridden session: every sample that is not on disk must lie in a stored gap, and be told so.

A session is *complete* if nothing at all is missing; *marked* if everything that is missing lies where a gap with a
cause is stored (and a counted gap counts right), or after an end that is told. Anything else is a *problem*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hemoview.bench.faults_plan import Plan
from hemoview.bench.faults_source import RATES_HZ, true_numbers
from hemoview.edge.heart import VERDICTS
from hemoview.edge.knowledge import Options
from hemoview.edge.offline import prepared, push
from hemoview.edge.stored import replayed
from hemoview.edge.streams import HEART
from recorder import session as sessions
from recorder.errors import RecorderError
from recorder.schema import SampleBlock
from recorder.session import Session
from recorder.session.facts import GapSpan, gap_spans, gaps_of

NEAR_S: Final = 0.3
"""A gap is stored with the arrivals at its ends; to the clock's own step at this speed."""
END_S: Final = 0.25
"""What a link lost last, with nothing after it, nobody can know: a stream may end so much before the session."""
RADIO: Final = ("signal-lost", "signal-back", "turned-off")
IN_FLIGHT: Final = 40
"""Where samples carry no number of their own: so many may have been on their way at Start."""


@dataclass(frozen=True, slots=True)
class Score:
    """One session.

    Args:
        number, kind: of its plan.
        complete: nothing is missing.
        problems: what is missing without a word, or wrong; empty = complete or honestly marked.
        causes: of the gaps that explain what is missing.
        flagged_after_s: usable signal until two hearts were said; None = never.
        usable_s: usable signal there was, of the device that had less; None where no hearts are looked at.
        lost: samples that are missing, all streams.
    """

    number: int
    kind: str
    complete: bool
    problems: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    flagged_after_s: float | None = None
    usable_s: float | None = None
    lost: int = 0


@dataclass(frozen=True, slots=True)
class _Loss:
    """A run of samples that are not on disk, and when they would have come."""

    n: int
    counted: int
    t0_s: float
    t1_s: float


def score(
    plan: Plan,
    folder: Path,
    ended: Mapping[str, Any],
    *,
    generated: Mapping[str, int],
    put: Mapping[str, int],
) -> Score:
    """Read, verify and count a session.

    Args:
        plan: what was to go wrong.
        folder: the session.
        ended: how the recorder said it ended.
        generated: stream → samples its device made from its first on.
        put: stream → samples put to the link since Start.
    """
    problems, causes, lost = _stored_whole(folder), set[str](), 0
    if problems:
        return Score(plan.number, plan.kind, complete=False, problems=tuple(problems))
    heart = plan.kind in ("matched", "swapped")
    with sessions.open(folder) as session:
        told_end = _told_end(session, ended)
        for stream_id in (*RATES_HZ, "adc.wave"):
            gaps = gap_spans(gaps_of(session.events(), stream_id), session.t_s, session.duration_s)
            try:
                losses = (
                    _by_count(session, stream_id, put[stream_id])
                    if heart
                    else list(_losses(session, stream_id, generated[stream_id], told_end=told_end))
                )
            except ValueError as error:
                problems.append(f"{stream_id}: {error}")
                continue
            lost += sum(loss.n for loss in losses)
            for loss in losses:
                found = _explains(loss, gaps) or _noticed(session, stream_id, loss)
                if found is None:
                    problems.append(
                        f"{stream_id}: {loss.n} samples missing at {loss.t0_s:.2f} to {loss.t1_s:.2f} s"
                    )
                else:
                    causes.add(found)
        after_s, usable_s = _heart(session) if heart else (None, None)
    complete = not lost and not told_end
    if told_end:
        causes.add(told_end)
    return Score(
        plan.number, plan.kind, complete, tuple(problems), tuple(sorted(causes)), after_s, usable_s, lost
    )


def _stored_whole(folder: Path) -> list[str]:
    """What ``verify`` names, after ``recover`` where the session was not closed."""
    try:
        report = sessions.verify(folder)
        if not report.ok:
            recovered = sessions.recover(folder)
            if not recovered.ok:
                return [f"not whole after recover: {recovered.after}"]
    except RecorderError as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def _told_end(session: Session, ended: Mapping[str, Any]) -> str:
    """Why it ended before it was stopped, as the session or its recorder said; empty if it did not."""
    if any(e.payload.get("state") == "ended" for e in session.events("session")):
        return "ended: disk"
    return "told: storage" if "storage" in ended.get("warnings", {}) else ""


def _losses(session: Session, stream_id: str, generated: int, *, told_end: str) -> Iterator[_Loss]:
    """Runs of the device's own numbers that are not on disk, from the first that is.

    Raises:
        ValueError: rows come twice, are out of order or are none the device sent.
    """
    rows = session.read(stream_id)
    if not len(rows):
        raise ValueError("no row at all")
    arrival_s = _arrivals(session, stream_id, rows.sample_no)
    rate_hz = RATES_HZ.get(stream_id) or float(session.streams[stream_id].nominal_rate_hz or 1.0)
    true = true_numbers(stream_id, rows.raw, rows.device_time_us, rate_hz)
    steps, counted = np.diff(true), np.diff(rows.sample_no)
    if (steps <= 0).any():
        at = int(np.flatnonzero(steps <= 0)[0])
        raise ValueError(f"row {at + 1} says it is sample {true[at + 1]}, after sample {true[at]}")
    for i in np.flatnonzero(steps > 1).tolist():
        yield _Loss(int(steps[i]) - 1, int(counted[i]) - 1, float(arrival_s[i]), float(arrival_s[i + 1]))
    for i in np.flatnonzero(counted > steps).tolist():
        raise ValueError(
            f"{counted[i] - 1} samples counted as missing at {arrival_s[i]:.2f} s, {steps[i] - 1} are"
        )
    left = generated - 1 - int(true[-1])
    if left > END_S * rate_hz and not told_end:
        yield _Loss(left, 0, float(arrival_s[-1]), session.duration_s)


def _arrivals(session: Session, stream_id: str, sample_no: NDArray[np.int64]) -> NDArray[np.float64]:
    """Elapsed seconds at which each row came."""
    points = session.clock_points(stream_id)
    at = np.searchsorted(points.sample_no, sample_no, side="right") - 1
    came = [session.t_s(int(t), int(e)) for t, e in zip(points.t_host_ns, points.era, strict=True)]
    arrival_s: NDArray[np.float64] = np.array(came, dtype=np.float64)[np.maximum(at, 0)]
    return arrival_s


def _explains(loss: _Loss, gaps: tuple[GapSpan, ...]) -> str | None:
    """Cause of a stored gap that lies where the samples are missing; a count, where there is one, must be right."""
    for gap in gaps:
        if gap.t0_s <= loss.t1_s + NEAR_S and gap.t1_s >= loss.t0_s - NEAR_S:
            return gap.cause
    return None


def _noticed(session: Session, stream_id: str, loss: _Loss) -> str | None:
    """The server told that the radio was lost, and no sample came after which a gap could be stored: a stream that
    sends every 2 s may be stopped before.
    """
    for event in session.events("notice"):
        told = event.payload
        if told.get("kind") in RADIO and told.get("device_id") == stream_id.split(".", maxsplit=1)[0]:
            at_s = session.t_s(event.t_host_ns, event.era)
            if loss.t0_s - NEAR_S <= at_s <= loss.t1_s + NEAR_S:
                return f"notice: {told['kind']}"
    return None


def _by_count(session: Session, stream_id: str, put: int) -> list[_Loss]:
    """Where the samples are a pulse and carry no number: as many as were put to the link since Start."""
    rows = session.read(stream_id)
    missing = put - len(rows)
    return [_Loss(missing, 0, 0.0, session.duration_s)] if missing > IN_FLIGHT else []


def _heart(session: Session) -> tuple[float | None, float]:
    """Usable seconds until two hearts were said, and those there were in all. The verdicts are those
    of the edge process: recomputed from disk they are the same to the bit.
    """
    pipeline = prepared(session, None, Options())
    guard = pipeline.heart
    if guard is None:
        return None, 0.0
    for item in replayed(session, pipeline.sources, -np.inf, np.inf):
        for block in push(pipeline, item):
            if any(VERDICTS[int(row[0])] == "different" for row in _heart_rows(block)):
                return min(guard.usable_s), min(guard.usable_s)
    return None, min(guard.usable_s)


def _heart_rows(block: SampleBlock) -> list[list[float]]:
    return block.values.tolist() if block.stream_id == HEART else []
