"""``hemoview report``: of a session its hemodynamics, and beside them a model against its reference; of a dataset the
latter.
"""

from __future__ import annotations

import argparse
from typing import Any

from hemoview.labels.datasets.build_options import BuildOptions
from hemoview.labels.datasets.folder import FACTS
from hemoview.report import judging, validation
from hemoview.report.session import session_report
from hemoview.report.session.narrate import endpoint_of, narrator_of
from recorder.errors import ConfigError
from recorder.host import places
from recorder.session.header import SESSION_FILE


def run(args: argparse.Namespace) -> dict[str, Any]:
    """The command.

    Raises:
        RecorderError: the source is refused, the folder cannot be written, or a validation that was asked for – by
            ``--model`` or ``--only validation`` – cannot be made.
    """
    of_a_session = (args.source / SESSION_FILE).is_file() and not (args.source / FACTS).is_file()
    if not of_a_session:
        if args.only == "hemodynamic":
            raise ConfigError(f"{args.source}: no session; a hemodynamic report is of one. Name its folder")
        return _validation(args)
    if args.only == "validation":
        return _validation(args)
    figures: dict[str, Any] = {}
    if args.only is None:
        try:
            figures = _validation(args)
        except ConfigError as error:
            if args.model is not None:
                raise
            figures = {"validation": f"not made: {error}"}
    narrator = narrator_of(endpoint_of(args.home or places.home())) if args.narrative else None
    order = session_report.Order(args.source, args.out, args.language, args.home, narrator)
    made = session_report.carry_out(order)
    return {"ok": True, **figures, "hemodynamic": made.summary()}


def _validation(args: argparse.Namespace) -> dict[str, Any]:
    options = BuildOptions(allow_simulated=True, label_set=args.label_set)
    order = validation.Order(args.source, args.out, args.model, args.calibration_points, options, args.home)
    figures = validation.carry_out(order)
    return figures if args.json else {**judging.summary(figures), "pdf": figures["pdf"]}
