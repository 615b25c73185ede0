"""``hemoview dataset``: build one from sessions, say what changed between two, simulate one. No torch here."""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hemoview import dataset_build
from hemoview.labels import build
from hemoview.labels.build_options import HOP_S, BuildOptions
from hemoview.labels.dataset_diff import diff
from hemoview.labels.dataset_folder import read_dataset, software_of
from hemoview.labels.session_reference import KINDS
from hemoview.learn import dataset_command as simulating
from recorder.errors import ConfigError
from recorder.host import places
from recorder.host.console import progress

EXAMPLE: Final = """examples:
  hemoview dataset build sessions/P-014-import sessions/P-015-import --out cohort --json
  hemoview dataset build sessions/* --out cohort --label-set labels --skip-barred
  hemoview dataset diff cohort-1 cohort-2"""


def add_parser(commands: Any) -> None:
    """``hemoview dataset ACTION``."""
    raw = argparse.RawDescriptionHelpFormatter
    dataset = commands.add_parser(
        "dataset", help="datasets of labelled windows", epilog=EXAMPLE, formatter_class=raw
    )
    actions = dataset.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_build(actions)
    two = actions.add_parser(
        "diff", help="what changed from one version to another", epilog="example: hemoview dataset diff A B"
    )
    two.add_argument("a", type=Path, metavar="A", help="folder of a dataset")
    two.add_argument("b", type=Path, metavar="B", help="folder of another")
    two.add_argument("--json", action="store_true", help="one JSON object as the last line")
    two.set_defaults(run=run_diff)
    simulating.add_simulate(actions)


def _add_build(actions: Any) -> None:
    parser = actions.add_parser(
        "build",
        help="a dataset out of aligned sessions",
        description="Windows of the pulse wave on its own samples, labelled by the reference, with the reason of every "
        "label that is missing. Sessions that are not aligned, without consent to reuse for training, withdrawn or "
        "simulated are barred, all of them named. The same sessions give the same bytes.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sessions", nargs="+", type=Path, metavar="SESSION", help="session folders")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder of the dataset")
    parser.add_argument("--name", default="dataset", help="what it is called (dataset)")
    parser.add_argument("--window-s", type=float, default=10.0, help="length of a window, 5 to 10 s (10)")
    parser.add_argument(
        "--hop-s", type=float, default=HOP_S, help=f"from one window to the next, s ({HOP_S:g})"
    )
    parser.add_argument(
        "--label-set", default="", metavar="NAME", help="its spans exclude windows and correct labels"
    )
    parser.add_argument("--allow-simulated", action="store_true", help="simulated and replayed sessions too")
    parser.add_argument("--skip-barred", action="store_true", help="build from the sessions that may be")
    parser.add_argument(
        "--keep-uncalibrated-co",
        action="store_true",
        help='keep CO, CI, SV, SI, SVR, SVRI nobody calibrated, named "uncalibrated CO"',
    )
    parser.add_argument(
        "--reference-kind",
        default="",
        metavar="KIND",
        help=f"where a session does not tell: {', '.join(KINDS)}",
    )
    how = parser.add_argument_group("who computes")
    how.add_argument("--workers", type=int, default=0, metavar="N", help="processes (one a core)")
    how.add_argument("--executor", choices=("processes", "dask"), default="processes")
    how.add_argument("--scheduler", default="", metavar="ADDRESS", help="of Dask, e.g. tcp://10.0.0.5:8786")
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="folder that remembers datasets and withdrawals"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(run=run_build)


def run_build(args: argparse.Namespace) -> dict[str, Any]:
    """Check, cut, write.

    Raises:
        RecorderError: some session is barred or cannot be read, the folder is not empty; names every one.
    """
    options = BuildOptions(
        args.window_s,
        args.hop_s,
        args.label_set,
        args.allow_simulated,
        args.keep_uncalibrated_co,
        args.reference_kind,
    )
    order = dataset_build.Order(
        tuple(args.sessions), args.out, options, args.name, args.home or places.home(), args.skip_barred
    )
    began = time.perf_counter()
    ready = dataset_build.prepare(order)
    with _executor(args, len(ready.jobs)) as executor, progress("building", ready.hours) as tell:
        built = dataset_build.carry_out(
            ready, executor, lambda hours, name: tell(hours, f"{hours:.1f} of {ready.hours:.1f} h, {name}")
        )
    seconds = time.perf_counter() - began
    return built.told(seconds)


@contextlib.contextmanager
def _executor(args: argparse.Namespace, n_jobs: int) -> Iterator[Executor]:
    if args.executor == "dask":
        with _dask(args.scheduler) as executor:
            yield executor
        return
    if args.scheduler:
        raise ConfigError("--scheduler: is of Dask; add --executor dask")
    if args.workers < 0:
        raise ConfigError(f"--workers {args.workers}: give 1 or more")
    with build.processes(max(1, min(args.workers or os.cpu_count() or 1, n_jobs))) as pool:
        yield pool


@contextlib.contextmanager
def _dask(address: str) -> Iterator[Executor]:
    """The executor of a running cluster; its workers must have this program installed and see the same folders."""
    if not address:
        raise ConfigError("--executor dask: add --scheduler ADDRESS, as dask scheduler prints it")
    try:
        from distributed import Client  # noqa: PLC0415 – an extra of its own
    except ModuleNotFoundError:
        raise ConfigError("dask is not installed; type: pip install 'hemoview[scale]'") from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--scheduler {address}: no Dask scheduler answers there ({error}); start one with: dask scheduler"
        ) from error
    with client:
        yield client.get_executor()


def run_diff(args: argparse.Namespace) -> dict[str, Any]:
    """What changed from A to B.

    Raises:
        ConfigError: one of them is no dataset.
    """
    a, b = (
        replace(found, about={**found.about, "software": software_of(folder)})
        for folder in (args.a, args.b)
        for found in [read_dataset(folder)]
    )
    found = diff(a, b)
    return found.to_json() if args.json else found.in_words()
