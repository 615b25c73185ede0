"""What is asked before a report: which kind, of what, in which language or by which model, where to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from hemoview.report.session import session_report
from hemoview.report.session.words import Language
from hemoview.report.validation import Order
from hemoview.viewmodel.messages import Message, say
from recorder.session.header import SESSION_FILE

Kind = Literal["hemodynamic", "validation"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
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
        kind: hemodynamics of a session, or a model against its reference.
        language: of the hemodynamic report.
    """

    source: Path
    out: Path
    models: tuple[str, ...]
    model: str
    points: int = 0
    kind: Kind = "hemodynamic"
    language: Language = "en"


def form_for(
    source: Path, folder: Path, models: Sequence[Path], default: str, language: str = "en"
) -> ReportForm:
    """The form to begin with.

    Args:
        source: folder of the session or dataset.
        folder: where reports go.
        models: folders of the bundles.
        default: name of the one that runs where none is named.
        language: of the window.
    """
    names = sorted((m.name for m in models), key=lambda name: (name != default, name))
    spoken: Language = "zh" if language == "zh" else "en"
    out = folder / f"report-{source.name}"
    kind: Kind = "hemodynamic" if is_session(source) else "validation"
    return ReportForm(source, out, tuple(names), names[0] if names else "", kind=kind, language=spoken)


def is_session(folder: Path) -> bool:
    """Whether it is the folder of a session; the other kind is a dataset."""
    return (folder / SESSION_FILE).is_file()


def problem(form: ReportForm) -> Message | None:
    """Why it cannot begin yet."""
    if form.kind == "hemodynamic":  # it goes into a new folder of its own
        if not is_session(form.source):
            return say("report.no-session")
        return say("report.folder-file") if form.out.is_file() else None
    if not form.model:
        return say("report.no-model")
    if form.out.is_file() or (form.out.is_dir() and any(form.out.iterdir())):
        return say("report.folder-full")
    return None


def order_of(form: ReportForm, home: Path, models_dir: Path) -> Order | session_report.Order:
    """The order of a form without a problem."""
    if form.kind == "hemodynamic":
        return session_report.Order(form.source, form.out, form.language, home)
    return Order(form.source, form.out, models_dir / form.model, form.points, home=home)
