"""``hemoview dataset``: build one from sessions, say what changed between two, simulate one. No torch here."""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any

from hemoview import dataset_build
from hemoview.labels.datasets import build
from hemoview.labels.datasets.build_options import BuildOptions
from hemoview.labels.datasets.diff import diff
from hemoview.labels.datasets.folder import read_dataset, software_of
from recorder.errors import ConfigError
from recorder.host import places
from recorder.host.console import progress


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
