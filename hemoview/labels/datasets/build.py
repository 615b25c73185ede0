"""A dataset out of sessions: a list of pure jobs, one a session, for any ``concurrent.futures.Executor``.

Same sessions, same options → same bytes, whoever computed them and in whatever order they came back.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from hemoview.labels.datasets.build_options import BuildOptions, Job, Part
from hemoview.labels.datasets.build_part import build_part
from hemoview.labels.datasets.checks import DEMOGRAPHICS
from hemoview.labels.datasets.dataset import NUMBERS, WORDS, Dataset, make_dataset
from hemoview.labels.datasets.splits import alike_groups, duplicate_recordings, make_split
from hemoview.labels.reference.session import LINE_KIND
from hemoview.labels.reference.windows import UNCALIBRATED
from recorder.errors import ConfigError
from recorder.host.end_with_parent import end_with_parent
from recorder.schema import PARAMETERS

LOOK_EVERY_S: Final = 0.2

Tell = Callable[[float, str], None]
"""Hours of recording done, and of which session."""


class Cancelled(ConfigError):
    """Somebody stopped the build; nothing was written."""

    advice = "dataset-cancelled"


def processes(workers: int) -> ProcessPoolExecutor:
    """Fresh interpreters: a fork would copy whatever threads the caller's libraries run."""
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent
    )


def run(
    jobs: Sequence[Job],
    executor: Executor,
    tell: Tell = lambda _hours, _name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Part]:
    """Every job's part, in the order of the jobs.

    Args:
        jobs: of :func:`hemoview.labels.datasets.build_check.plan`.
        executor: of any kind; it must be able to import this program.
        tell: hears of each part as it comes.
        cancelled: asked five times a second.

    Raises:
        Cancelled: ``cancelled`` said so; what has not begun is not begun.
        RecorderError: a session cannot be read.
    """
    futures: dict[Future[Part], int] = {executor.submit(build_part, job): n for n, job in enumerate(jobs)}
    parts: dict[int, Part] = {}
    pending, hours = set(futures), 0.0
    try:
        while pending:
            if cancelled():
                raise Cancelled("dataset build: stopped; nothing was written")
            done, pending = wait(pending, LOOK_EVERY_S, FIRST_COMPLETED)
            for future in done:
                part = parts[futures[future]] = future.result()
                hours += part.hours
                tell(hours, Path(jobs[futures[future]].folder).name)
    except BaseException:  # also Ctrl-C: nobody waits for a day of recording that nobody wants
        give_up(executor, pending)
        raise
    return [parts[n] for n in range(len(jobs))]


def give_up(executor: Executor, pending: Iterable[Future[Part]]) -> None:
    """What has not begun is not begun; processes of this machine that compute are ended, they have written nothing."""
    for future in pending:
        future.cancel()
    if isinstance(executor, ProcessPoolExecutor):
        workers = list((getattr(executor, "_processes", None) or {}).values())
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in workers:  # Python 3.14 calls this kill_workers
            worker.kill()


def assemble(parts: Sequence[Part], options: BuildOptions, name: str = "dataset") -> Dataset:
    """One dataset of all parts, with its provenance and, where there are people enough, a split by subject.

    Raises:
        ConfigError: no window is left; says why, by reason.
    """
    full = [part for part in parts if len(part)]
    dropped = _sum(part.dropped for part in parts)
    if not full:
        why = ", ".join(f"{n} {reason}" for reason, n in dropped.items()) or "the recordings are too short"
        advice = (
            "no calibration of the reference stands in the session: NBPcal or NBPman in the monitor's files, the key "
            f'"reference calibrated" while recording; give --reference-kind {LINE_KIND} where it is one'
            if UNCALIBRATED in dropped
            else "align and calibrate, or change the options"
        )
        raise ConfigError(f"{name}: no window is left ({why}); {advice}")
    columns: dict[str, Any] = {
        key: np.concatenate([part.columns[key] for part in full]) for key in full[0].columns
    }
    subject = columns.pop("subject_id")
    people = np.column_stack([columns.pop(who) for who in DEMOGRAPHICS])
    dataset = make_dataset(
        np.concatenate([part.ppg for part in full]),
        full[0].rate_hz,
        np.concatenate([part.labels for part in full]),
        subject,
        numbers={key: columns.pop(key) for key in NUMBERS},
        words={key: columns.pop(key) for key in WORDS},
        demographics=people,
        extra=columns,
        name=name,
        about={
            "hop_s": options.hop_s,
            "build": options.to_json(),
            "sources": [dict(part.source) for part in parts],
            "dropped": dropped,
            "labels": _label_sum(parts),
        },
    )
    return _with_split(dataset, parts)


def _with_split(dataset: Dataset, parts: Sequence[Part]) -> Dataset:
    """People and recordings that may be one are named and kept together."""
    people = [group for group in alike_groups(dataset) if len(group) > 1]
    pairs = {(min(p), max(p)) for p in (*_same_files(parts), *duplicate_recordings(dataset))}
    of_session = {
        str(part.source["session_id"]): str(part.source["subject_id"]) for part in parts if len(part)
    }
    together = [sorted({of_session[s] for s in pair}) for pair in pairs if of_session.keys() >= set(pair)]
    alike = {"people": people, "recordings": [list(pair) for pair in sorted(pairs)]}
    named = replace(dataset, about={**dataset.about, "alike": alike})
    try:
        return named.with_split(make_split(named, together=together))
    except ConfigError:  # too few people for three parts: whoever trains says how
        return named


def _same_files(parts: Sequence[Part]) -> list[tuple[str, str]]:
    """Sessions made of the same foreign file."""
    owners: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        for sha256 in part.source["imported_sha256"]:
            owners[sha256].append(str(part.source["session_id"]))
    return [(names[0], other) for names in owners.values() for other in names[1:]]


def _sum(counts: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))


def _label_sum(parts: Sequence[Part]) -> dict[str, dict[str, int]]:
    tables: list[Mapping[str, Mapping[str, int]]] = [part.source["labels"] for part in parts]
    return {p: _sum(table[p] for table in tables) for p in PARAMETERS}
