"""Recomputes estimates and beats from a stored session, by the very pipeline that runs live."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemoview.edge.knowledge import Options
from hemoview.edge.models import Loaded
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.stored import replayed
from hemoview.edge.streams import declared, find_sources
from hemoview.estimate.bundle import Bundle
from hemoview.estimate.estimator import Body
from hemoview.estimate.runner import Runner
from recorder import session as sessions
from recorder.schema import Event, SampleBlock, StreamInfo
from recorder.schema.rules import EstimateRules
from recorder.session import Session


@dataclass(frozen=True, slots=True, eq=False)
class Recomputed:
    """Rows of one derived stream.

    Args:
        info: as it would be declared.
        values: ``(n, channels)`` float32.
        t_host_ns: ``(n,)`` host time each row is about.
        era: ``(n,)`` its clock era.
        time_s: ``(n,)`` the same in elapsed seconds of the session.
    """

    info: StreamInfo
    values: NDArray[np.float32]
    t_host_ns: NDArray[np.int64]
    era: NDArray[np.int64]
    time_s: NDArray[np.float64]


def recompute(path: Path, bundle: Bundle | None, options: Options | None = None) -> dict[str, Recomputed]:
    """Derived streams of a stored session, computed again: stream id -> rows.

    Args:
        path: session folder, sealed or not.
        bundle: the model; None = beats and heart rate only.
        options: those the live process was started with, where the session does not say itself.

    Raises:
        SessionError: the session cannot be read.
        ConfigError: the bundle cannot be run.
    """
    runner = Runner(bundle) if bundle is not None else None
    with sessions.open(path) as session:
        sources = find_sources(session.streams.values())
        pipeline = prepared(session, runner, options or Options())
        rows: dict[str, list[SampleBlock]] = defaultdict(list)
        for item in replayed(session, sources, -np.inf, np.inf):
            for block in push(pipeline, item):
                rows[block.stream_id].append(block)
        name = Loaded.name_of(bundle)
        infos = {info.stream_id: info for info in declared(sources, name)}
        return {stream_id: _joined(infos[stream_id], blocks, session) for stream_id, blocks in rows.items()}


def prepared(session: Session, runner: Runner | None, options: Options) -> Pipeline:
    """A pipeline that knows what the live one knew when the session began."""
    pipeline = Pipeline(find_sources(session.streams.values()), runner, options)
    pipeline.know_eras(session.eras)
    header, subject = session.header, session.header.subject
    body = Body(subject.bsa_m2, subject.cvp_mmhg) if subject else Body()
    rules = EstimateRules.of_template(header.template)
    pipeline.begin_session(header.session_id, body, rules, header.sites)
    return pipeline


def push(pipeline: Pipeline, item: SampleBlock | Event) -> list[SampleBlock]:
    """One item into the pipeline."""
    return pipeline.push_block(item) if isinstance(item, SampleBlock) else pipeline.push_event(item)


def _joined(info: StreamInfo, blocks: list[SampleBlock], session: Session) -> Recomputed:
    times = np.concatenate([b.row_t_host_ns for b in blocks if b.row_t_host_ns is not None])
    era = np.concatenate([np.full(b.n_samples, b.era) for b in blocks])
    time_s = np.array([session.t_s(int(t), int(e)) for t, e in zip(times, era, strict=True)])
    return Recomputed(info, np.concatenate([b.values for b in blocks]), times, era, time_s)
