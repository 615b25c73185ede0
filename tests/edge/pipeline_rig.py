"""The pipeline of the edge process, run over the items of a bedside, and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from scripted_bedside import ABP, BOOT_NS, ERA, PPG, STREAMS, SUBJECT, Bedside, Item, event

from hemoview.edge.knowledge import Options
from hemoview.edge.offline import push
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.streams import ModelName, Sources, declared, find_sources
from hemoview.estimate.estimator import Body
from hemoview.estimate.reasons import REASONS
from hemoview.estimate.runner import Runner
from recorder.schema import REFERENCE_CALIBRATED, Event, SampleBlock, StreamInfo

BODY = Body(SUBJECT.bsa_m2)


COLUMNS = [c.name for c in declared(Sources(PPG), ModelName())[0].channels]


def pipeline(
    runner: Runner | None, options: Options | None = None, streams: Iterable[StreamInfo] = STREAMS
) -> Pipeline:
    made = Pipeline(find_sources(streams), runner, options or Options())
    made.know_eras([ERA])
    made.begin_session("one", BODY)
    return made


def run(made: Pipeline, items: Sequence[Item]) -> dict[str, list[SampleBlock]]:
    rows: dict[str, list[SampleBlock]] = defaultdict(list)
    for item in items:
        for block in push(made, item):
            rows[block.stream_id].append(block)
    return rows


def values(blocks: Sequence[SampleBlock]) -> np.ndarray:
    return np.concatenate([b.values for b in blocks])


def times_s(blocks: Sequence[SampleBlock]) -> np.ndarray:
    stamped = [b.row_t_host_ns for b in blocks if b.row_t_host_ns is not None]
    return (np.concatenate(stamped) - BOOT_NS) / 1e9


def column(blocks: Sequence[SampleBlock], name: str) -> np.ndarray:
    return values(blocks)[:, COLUMNS.index(name)]


def why(blocks: Sequence[SampleBlock], parameter: str) -> list[str]:
    return ["" if c == 0 else REASONS[int(c) - 1] for c in column(blocks, f"{parameter}_why")]


def with_events(bedside: Bedside, *events: Item) -> list[Item]:
    return sorted([*bedside.items(), *events], key=lambda i: i.t_host_ns)


def seen(at_s: float = 5.0) -> Event:
    return event("marker", at_s, {"label": REFERENCE_CALIBRATED})


def notice(at_s: float, kind: str, **more: str) -> Event:
    return event("notice", at_s, {"kind": kind, "stream_id": ABP.stream_id, "channel": "adc0", **more})
