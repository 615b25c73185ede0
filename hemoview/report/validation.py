"""The validation report: a model against the reference of one session or of a dataset, as page, print and figures.

On a frozen input: the page states the version of the windows and labels (the hash of their content) and
the hash of the model. No torch: the bundle runs as it does live.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from hemoview.estimate import bundle as bundles
from hemoview.labels import alignment as alignments
from hemoview.labels.datasets import build
from hemoview.labels.datasets.build_options import BuildOptions, Job
from hemoview.labels.datasets.build_part import build_part
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.folder import FACTS, read_dataset
from hemoview.labels.datasets.made_register import remember
from hemoview.labels.signals.session_signals import pressure_stream, reference_rows
from hemoview.labels.withdrawal.deeds import withdrawn_from
from hemoview.report import judging
from hemoview.report.choice import choose, open_bundle
from recorder import session as sessions
from recorder.errors import ConfigError
from recorder.host import places, withdrawals
from recorder.session.header import SESSION_FILE

OF_A_SESSION: Final = BuildOptions(allow_simulated=True)
"""A page of a simulated session says so; nothing is trained on it."""

Tell = Callable[[float, float], None]
"""How much is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted.

    Args:
        source: folder of a session or of a dataset.
        out: folder for the report; made where it is not there.
        model: a bundle's folder, the name of a shipped one, or None = the shipped student.
        points: the first so many windows of a subject calibrate and are never scored.
        options: how a session is cut into windows; a dataset is as it is.
        home: folder that remembers withdrawals.
    """

    source: Path
    out: Path
    model: Path | None = None
    points: int = 0
    options: BuildOptions = OF_A_SESSION
    home: Path | None = None


def carry_out(order: Order, tell: Tell | None = None) -> dict[str, Any]:
    """Judge and write ``report.html``, ``report.pdf``, ``evaluation.json`` and ``predictions.npz``.

    Returns:
        every figure, with ``report`` and ``pdf``: where they are.

    Raises:
        RecorderError: source or model are refused, or the folder cannot be written; says what to do.
    """
    opened = open_bundle(order.model or bundles.default_bundle(places.models_dir()))
    chosen = choose(dataset_of(order), opened, None, None)
    if opened.bundle is not None:
        _refuse_over_another(order, chosen.of.version, opened.bundle.model_sha256)
    whole = 2.0 * len(chosen.dataset)
    figures, judged = judging.figures_of(
        chosen,
        order.points,
        judging.of_bundle(opened),
        None if tell is None else lambda done: tell(done, whole),
    )
    figures["report"] = str(judging.write(order.out, figures, judged, pdf=True))
    figures["pdf"] = str(order.out / judging.PRINT)
    remember(order.home or places.home(), "report", order.out)
    return figures


def _refuse_over_another(order: Order, version: str, model_sha256: str) -> None:
    """Made again it is the same report; one of other windows, another model or other points is never written over."""
    path = order.out / judging.FIGURES
    if not path.is_file():
        return
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        told = (
            held["dataset_version"],
            held["model_facts"]["sha256"],
            held["protocol"]["calibration_points"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        told = None
    if told != (version, model_sha256, order.points):
        raise ConfigError(
            f"{order.out}: holds the report of another dataset version, model or number of calibrating windows; "
            "name another folder with --out"
        )


def dataset_of(order: Order) -> Dataset:
    """The dataset of a folder, or the windows of a session, labelled by its reference.

    Raises:
        ConfigError: the folder is neither, a session is not aligned, or a subject was withdrawn.
    """
    if (order.source / FACTS).is_file():
        dataset = replace(read_dataset(order.source), name=f"dataset {order.source.resolve().name}")
        _refuse_withdrawn(dataset, order)
        return dataset
    if not (order.source / SESSION_FILE).is_file():
        raise ConfigError(f"{order.source}: neither a session nor a dataset; name the folder of one")
    _refuse(order)
    part = build_part(Job(str(order.source), order.options))
    return build.assemble([part], order.options, f"session {order.source.name}")


def _refuse_withdrawn(dataset: Dataset, order: Order) -> None:
    """A report is a use: none is made of who withdrew since the dataset was built, also of an unmarked copy."""
    gone = withdrawals.read(order.home or places.home())
    known = {name for name in dataset.subjects if withdrawals.is_withdrawn(gone, name)}
    known |= set(withdrawn_from(order.source))
    if known:
        names = ", ".join(sorted(known))
        raise ConfigError(
            f"{dataset.name}: {names} withdrew; no report is made of them, build it again without"
        )


def _refuse(order: Order) -> None:
    with sessions.open(order.source) as session:
        subject, name, hidden = session.header.subject, session.path.name, sessions.hides_estimates(session)
        referred = reference_rows(session) is not None or pressure_stream(session) is not None
    if subject is not None and withdrawals.is_withdrawn(
        withdrawals.read(order.home or places.home()), subject.pseudonym
    ):
        raise ConfigError(f"{name}: subject {subject.pseudonym} was withdrawn; no report is made of them")
    if hidden:
        raise ConfigError(f"{name}: its estimates are hidden; show them in Review first, with a reason")
    if not referred:
        raise ConfigError(
            f"{name}: it holds no reference to judge a model against; import the monitor's files too"
        )
    held = alignments.current(order.source)
    if held is None:
        raise ConfigError(f"{name}: it was never aligned; align it in Review, or run hemoview align")
    if not held.locked:
        why = alignments.REFUSED.get(held.refused_because, held.refused_because)
        raise ConfigError(f"{name}: its alignment is refused ({why}); labels would belong to other windows")
