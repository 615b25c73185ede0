"""``hemoview evaluate``: a model and a dataset in, honest figures and a report out (contracts, evaluation.md)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hemoview.estimate import bundle as bundles
from hemoview.labels.datasets.dataset import Dataset
from hemoview.labels.datasets.made_register import remember
from hemoview.learn.dataset_source import read
from hemoview.learn.run_predictor import RunPredictor
from hemoview.report import judging
from hemoview.report.choice import Opened, choose, open_bundle, shipped
from recorder.errors import ConfigError
from recorder.host import places


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Judge, write the report, and answer.

    Returns:
        every figure with ``--json``, else a line a parameter.

    Raises:
        ConfigError: model or dataset are refused; says which and what to do.
    """
    figures = evaluated(
        args.model,
        read(args),
        args.output_dir,
        split=args.split,
        part=args.part,
        k=args.calibration_points,
        page=not args.no_report,
    )
    return figures if args.json else judging.summary(figures)


def evaluated(
    model: Path,
    dataset: Dataset,
    folder: Path,
    *,
    split: str | None = None,
    part: str | None = None,
    k: int = 0,
    page: bool = True,
) -> dict[str, Any]:
    """All figures of a bundle or run on a dataset, written to ``folder``, with the report where ``page`` says so.

    Raises:
        ConfigError: as :func:`run`.
    """
    opened = open_model(model)
    chosen = choose(dataset, opened, split, part)
    figures, judged = judging.figures_of(chosen, k, maker_of(opened))
    figures["report"] = str(judging.write(folder, figures, judged, page=page))
    remember(places.home(), "report", folder)
    return figures


def maker_of(opened: Opened) -> judging.Make:
    """How a bundle, or the network of a run, comes to judge rows."""
    if opened.bundle is not None:
        return judging.of_bundle(opened)
    return lambda dataset, seen, _: RunPredictor(
        opened.name, opened.network, opened.facts, dataset=dataset, seen=seen
    )


def open_model(path: Path) -> Opened:
    """A bundle's folder, the name of a shipped bundle, a run's folder or its checkpoint.

    Raises:
        ConfigError: it is none of these, or is refused.
    """
    path = shipped(path)
    if any((path / name).is_file() for name in bundles.FILES):
        return open_bundle(path)
    if path.suffix == ".pt" or (path.is_dir() and any(path.glob("*.pt"))):
        from hemoview.learn import checkpoint  # noqa: PLC0415 – torch: a bundle needs none

        network, facts = checkpoint.load(path)
        return Opened(
            path.parent.name if path.suffix == ".pt" else path.resolve().name, network=network, facts=facts
        )
    raise ConfigError(
        f"{path}: neither a model bundle (card.json, model.onnx) nor a training run (checkpoint.pt); name one of them"
    )
