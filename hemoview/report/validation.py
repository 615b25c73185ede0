"""``hemoview report``: a model against the reference of one session or of a dataset, as page, print and figures.

On a frozen input: the page states the version of the windows and labels (the hash of their content) and
the hash of the model. No torch: the bundle runs as it does live.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hemoview.estimate import bundle as bundles
from hemoview.labels import alignment as alignments
from hemoview.labels import build
from hemoview.labels.build_options import BuildOptions, Job
from hemoview.labels.build_part import build_part
from hemoview.labels.dataset import Dataset
from hemoview.labels.dataset_folder import FACTS, read_dataset
from hemoview.report import judging
from hemoview.report.choice import choose, open_bundle
from recorder import session as sessions
from recorder.errors import ConfigError
from recorder.host import places, withdrawals
from recorder.session.header import SESSION_FILE

EXAMPLE: Final = """examples:
  hemoview report sessions/P-014-import --out report-P-014
  hemoview report cohort-2 --model lsm2oe-student-0.2.1 --calibration-points 3 --out report-cohort-2 --json"""

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
    whole = 2.0 * len(chosen.dataset)
    figures, judged = judging.figures_of(
        chosen,
        order.points,
        judging.of_bundle(opened),
        None if tell is None else lambda done: tell(done, whole),
    )
    figures["report"] = str(judging.write(order.out, figures, judged, pdf=True))
    figures["pdf"] = str(order.out / judging.PRINT)
    return figures


def dataset_of(order: Order) -> Dataset:
    """The dataset of a folder, or the windows of a session, labelled by its reference.

    Raises:
        ConfigError: the folder is neither, or the session is not aligned or its subject was withdrawn.
    """
    if (order.source / FACTS).is_file():
        return read_dataset(order.source)
    if not (order.source / SESSION_FILE).is_file():
        raise ConfigError(f"{order.source}: neither a session nor a dataset; name the folder of one")
    _refuse(order)
    part = build_part(Job(str(order.source), order.options))
    return build.assemble([part], order.options, f"session {order.source.name}")


def _refuse(order: Order) -> None:
    with sessions.open(order.source) as session:
        subject, name, hidden = session.header.subject, session.path.name, sessions.hides_estimates(session)
    if subject is not None and withdrawals.is_withdrawn(
        withdrawals.read(order.home or places.home()), subject.pseudonym
    ):
        raise ConfigError(f"{name}: subject {subject.pseudonym} was withdrawn; no report is made of them")
    if hidden:
        raise ConfigError(f"{name}: its estimates are hidden; show them in Review first, with a reason")
    held = alignments.current(order.source)
    if held is None:
        raise ConfigError(f"{name}: it was never aligned; run hemoview align first")
    if not held.locked:
        why = alignments.REFUSED.get(held.refused_because, held.refused_because)
        raise ConfigError(f"{name}: its alignment is refused ({why}); labels would belong to other windows")


# ---- the command


def add_parser(commands: Any) -> None:
    """``hemoview report``."""
    parser = commands.add_parser(
        "report",
        help="a model against the reference of a session or dataset: page and PDF",
        description="Agreement with the reference of a session or dataset, with limits of agreement for repeated "
        "measures, trending, intervals, standards compared with numerically and subgroups. Research use only.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, metavar="SESSION_OR_DATASET", help="its folder")
    parser.add_argument(
        "--model", type=Path, metavar="BUNDLE", help="a bundle's folder or name (the shipped student)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the report")
    parser.add_argument(
        "--calibration-points",
        type=_points,
        default=0,
        metavar="K",
        help="the first K windows of a subject calibrate and are never scored (0)",
    )
    parser.add_argument(
        "--label-set", default="", metavar="NAME", help="of a session: its spans exclude and correct"
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder that remembers withdrawals")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=run)


def _points(text: str) -> int:
    if not text.isdigit() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"{text} must be a whole number, 0 to 1000")
    return int(text)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """The command.

    Raises:
        RecorderError: as :func:`carry_out`.
    """
    options = BuildOptions(allow_simulated=True, label_set=args.label_set)
    figures = carry_out(Order(args.source, args.out, args.model, args.calibration_points, options, args.home))
    return figures if args.json else {**judging.summary(figures), "pdf": figures["pdf"]}
