"""A dataset from order to folder: checked, cut, written with its card, remembered. For the command and the window."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hemoview.labels.datasets import build, build_check
from hemoview.labels.datasets.build_check import Candidate
from hemoview.labels.datasets.build_options import BuildOptions, Job, Part
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.register import Registered, register
from hemoview.labels.datasets.write import check_new, write_dataset
from hemoview.report import dataset_card
from recorder import __version__
from recorder.errors import ConfigError
from recorder.host import withdrawals

CARD: Final = "card.html"


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asked for.

    Args:
        sessions: folders.
        out: new folder of the dataset.
        options: of the build.
        name: what it is called.
        home: folder that remembers datasets and withdrawals.
        skip_barred: build from the sessions that may be.
    """

    sessions: tuple[Path, ...]
    out: Path
    options: BuildOptions
    name: str
    home: Path
    skip_barred: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """An order that can be carried out.

    Args:
        order: it.
        jobs: one a session, in their order.
        barred: who is left out.
        hours: of pulse wave altogether.
    """

    order: Order
    jobs: tuple[Job, ...]
    barred: tuple[Candidate, ...]
    hours: float


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A dataset that was written.

    Args:
        ready: what it was made by.
        dataset: what is in it.
        hours: of pulse wave.
        seconds: it took, from the first job to the last.
    """

    ready: Ready
    dataset: Dataset
    hours: float
    seconds: float

    @property
    def card(self) -> Path:
        """Its card."""
        return self.ready.order.out / CARD

    def told(self, seconds: float) -> dict[str, Any]:
        """The result for a command; ``seconds`` from order to folder."""
        dataset, order = self.dataset, self.ready.order
        marked = {"SIMULATED": "its windows are of simulated people"} if dataset.simulated else {}
        return {
            **marked,
            "dataset": str(order.out),
            "version": dataset.version,
            "windows": len(dataset),
            "subjects": len(dataset.subjects),
            "sessions": len(self.ready.jobs),
            "barred": {str(c.folder): [bar.in_words() for bar in c.barred] for c in self.ready.barred},
            "dropped": dataset.about["dropped"],
            "labels": dataset.about["labels"],
            "alike": dataset.about["alike"],
            "splits": {name: split.sha256 for name, split in dataset.splits.items()},
            "card": str(self.card),
            "simulated": dataset.simulated,
            "hours": round(self.hours, 3),
            "seconds": round(seconds, 2),
            "times_real_time": round(self.hours * 3600 / max(seconds, 1e-9)),
        }


def prepare(order: Order) -> Ready:
    """Everything that can be refused is refused here, before any work.

    Raises:
        ConfigError: some session is barred, or the folder is not empty.
        StorageError: the list of withdrawals cannot be read.
    """
    check_new(order.out)
    good, barred = build_check.plan(order.sessions, order.options, order.home, skip=order.skip_barred)
    jobs = tuple(Job(str(c.folder.resolve()), order.options) for c in good)
    return Ready(order, jobs, tuple(barred), sum(c.hours for c in good))


def carry_out(
    ready: Ready,
    executor: Executor,
    tell: build.Tell = lambda _hours, _name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Built:
    """Cut every session, write the folder and its card, and remember who is in it.

    Raises:
        Cancelled: nothing was written.
        RecorderError: a session cannot be read, no window is left, somebody withdrew, or the disk refuses.
    """
    order = ready.order
    began = time.perf_counter()
    parts = build.run(ready.jobs, executor, tell, cancelled)
    dataset = build.assemble(parts, order.options, order.name)
    seconds = time.perf_counter() - began
    noted = _noted(ready, dataset, parts)
    card = {CARD: dataset_card.page(dataset)}
    write_dataset(order.out, dataset, beside=card, before=lambda: _note(order.home, noted))
    return Built(ready, dataset, sum(part.hours for part in parts), seconds)


def _note(home: Path, noted: Registered) -> None:
    """On record before it is there: a dataset that nobody noted would outlive the withdrawal of somebody in it. Who
    withdrew while it was built finds it noted, or is found here.

    Raises:
        ConfigError: somebody did.
        StorageError: the list cannot be read or written.
    """
    register(home, noted)
    gone = withdrawals.read(home)
    found = [subject for subject in noted.subjects if withdrawals.is_withdrawn(gone, subject)]
    if found:
        raise ConfigError(
            f"{noted.name}: subject {', '.join(found)} was withdrawn while it was built; nothing was written, "
            "build it again",
            advice="dataset-barred",
        )


def _noted(ready: Ready, dataset: Dataset, parts: Sequence[Part]) -> Registered:
    order = ready.order
    return Registered(
        str(order.out.resolve()),
        dataset.version,
        order.name,
        tuple(dataset.subjects),
        tuple(str(part.source["session_id"]) for part in parts),
        time.time_ns(),
        f"hemoview {__version__}",
        dataset.simulated,
        tuple(job.folder for job in ready.jobs),
    )
