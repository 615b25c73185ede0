"""What is asked before a validation report: of what, by which model, calibrated on how many windows, where to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hemoview.report.validation import Order
from hemoview.viewmodel.messages import Message, say

POINTS: Final = (0, 1, 3, 5)


@dataclass(frozen=True, slots=True)
class ReportForm:
    """The form as it stands.

    Args:
        source: folder of the session or dataset.
        out: folder of the report.
        models: names of the bundles there are, the shipped student first.
        model: the chosen one.
        points: windows of each subject that calibrate.
    """

    source: Path
    out: Path
    models: tuple[str, ...]
    model: str
    points: int = 0


def form_for(source: Path, folder: Path, models: Sequence[Path], default: str) -> ReportForm:
    """The form to begin with.

    Args:
        source: folder of the session or dataset.
        folder: where reports go.
        models: folders of the bundles.
        default: name of the one that runs where none is named.
    """
    names = sorted((m.name for m in models), key=lambda name: (name != default, name))
    return ReportForm(source, folder / f"report-{source.name}", tuple(names), names[0] if names else "")


def problem(form: ReportForm) -> Message | None:
    """Why it cannot begin yet."""
    if not form.model:
        return say("report.no-model")
    if form.out.is_file() or (form.out.is_dir() and any(form.out.iterdir())):
        return say("report.folder-full")
    return None


def order_of(form: ReportForm, home: Path, models_dir: Path) -> Order:
    """The order of a form without a problem."""
    return Order(form.source, form.out, models_dir / form.model, form.points, home=home)
