"""What the export dialog asks: format, span, streams, for whom, de-identified or not, where. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hemoview.viewmodel.messages import Message, say
from recorder.exchange.exports.export import FORMATS, Custody, Selection
from recorder.session.amended import read_header

KINDS: Final = tuple(FORMATS)
OWN, OTHERS = "own", "others"
WHOLE, VIEW = "whole", "view"


@dataclass(frozen=True, slots=True)
class ExportSource:
    """What can be exported.

    Args:
        path: session folder.
        pseudonym: as corrected; empty where there is none.
        streams: ids, in the session's order.
        hidden: ids of estimates that the session hides: never exported.
        duration_s: of the session so far.
        view_s: the span in view.
        scope: its consent allows copies for others.
        live: being recorded: a snapshot is exported.
    """

    path: Path
    pseudonym: str
    streams: tuple[str, ...]
    hidden: frozenset[str]
    duration_s: float
    view_s: tuple[float, float]
    scope: bool
    live: bool


@dataclass(frozen=True, slots=True)
class ExportForm:
    """What was chosen so far.

    Args:
        source: of what.
        to: format.
        span: :data:`WHOLE` or :data:`VIEW`.
        without: ids left out.
        deidentify: dates shifted, serials hashed, free text dropped.
        whom: :data:`OWN` or :data:`OTHERS`.
        reason, operator: asked for where the consent has no scope for others.
        folder: where to.
        name: of the file or folder; empty = a name is made.
    """

    source: ExportSource
    to: str = "edf"
    span: str = WHOLE
    without: frozenset[str] = frozenset()
    deidentify: bool = False
    whom: str = OWN
    reason: str = ""
    operator: str = ""
    folder: Path = Path()
    name: str = ""

    @property
    def asks_reason(self) -> bool:
        """It leaves the station without a scope for that."""
        return self.whom == OTHERS and not self.source.scope

    @property
    def suggested(self) -> str:
        """A name that does not meet that of another span; none where a code is made."""
        if self.deidentify:
            return ""
        name = self.source.path.name
        t0_s, t1_s = self.source.view_s
        return name if self.span == WHOLE else f"{name}_{t0_s:.0f}-{t1_s:.0f}s"


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """A complete form."""

    session: Path
    to: str
    out: Path
    selection: Selection
    custody: Custody


@dataclass(frozen=True, slots=True)
class ExportView:
    """``order`` is None while ``problem`` says what is missing."""

    order: ExportOrder | None
    problem: Message | None


def examine(form: ExportForm, home: Path) -> ExportView:
    """The order a form amounts to, or what is missing."""
    problem = _problem(form)
    if problem is not None:
        return ExportView(None, problem)
    chosen = tuple(s for s in form.source.streams if s not in form.without)
    everything = len(chosen) == len(form.source.streams)
    selection = Selection(
        form.source.view_s if form.span == VIEW else None, None if everything else chosen, form.deidentify
    )
    name = form.name.strip() or form.suggested
    return ExportView(
        ExportOrder(
            form.source.path,
            form.to,
            form.folder / name if name else form.folder,
            selection,
            Custody(home, form.operator.strip(), form.whom == OTHERS, form.reason.strip()),
        ),
        None,
    )


def _problem(form: ExportForm) -> Message | None:
    open_to_all = [s for s in form.source.streams if s not in form.source.hidden]
    if not [s for s in open_to_all if s not in form.without]:
        return say("export-no-stream")
    if form.asks_reason and not (form.reason.strip() and form.operator.strip()):
        return say("export-needs-reason")
    if not form.folder.is_dir():
        return say("export-no-folder", folder=str(form.folder))
    if "/" in form.name or "\\" in form.name:
        return say("export-bad-name")
    return None


def allows_others(path: Path, *, simulated: bool) -> bool:
    """Whether copies may be given away without a reason.

    Raises:
        SessionError: the session cannot be read.
    """
    consent = read_header(path).consent
    return simulated or (consent is not None and consent.allows("upload"))
