"""The form before an import: which files, of whom, in which zone, under what consent; examined by a pure function."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Literal

from hemoview.viewmodel.formats import clock_time
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.sessions.pseudonym import Question, looks_questions
from hemoview.viewmodel.sessions.start_fields import StartForm
from hemoview.viewmodel.sessions.start_problems import Problem, consent_problems, needed, subject_problems
from recorder.errors import RecorderError
from recorder.exchange.imports.importing import Order, Plan, Wanted
from recorder.exchange.sources.e4_exact import BLANK, COLUMNS, CUT, NO_NUMBER, RANGE
from recorder.exchange.sources.source import Source
from recorder.protocols import cnap_csv
from recorder.schema import Consent, Subject

Stage = Literal["form", "writing"]
_ADVISED = (
    "import-zone-needed",
    "import-zone-unknown",
    "import-hour-never",
    "import-hour-twice",
    "import-apart",
    "import-same",
    "import-unknown",
    "import-several",
)
"""Complaints of an import that the screen has own words for."""


@dataclass(frozen=True, slots=True)
class ImportForm:
    """What was chosen and typed.

    Args:
        wanted: the sources found in what was chosen.
        refused: files that are none, with why.
        who: pseudonym (twice or scanned), consent and operator, in the fields Start has for them.
        zone, fold, start: how times are read.
        accepted: questions answered with yes, by key.
    """

    wanted: tuple[Wanted, ...] = ()
    refused: tuple[tuple[Path, RecorderError], ...] = field(default=(), hash=False)
    who: StartForm = field(default_factory=StartForm)
    zone: str = ""
    fold: str = ""
    start: str = ""
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source in the list: what it is and what will come of it."""

    path: str
    kind: Message
    begins: str
    length: str
    rows: tuple[tuple[str, int, int], ...]
    notes: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class ImportView:
    """The examined form.

    Args:
        lines: the sources, with rows once they were read.
        problems: beside their fields.
        complaint: why they cannot be imported together; None if they can, or nobody has looked yet.
        questions: to be ticked before Import.
        needs_fold: an hour came twice; which is asked.
        undated: a source has no date, so its start may be said.
        no_consent: none was given, said plainly.
        can_import: everything is there.
    """

    lines: tuple[SourceLine, ...]
    refused: tuple[Message, ...]
    problems: tuple[Problem, ...]
    complaint: Message | None
    questions: tuple[Question, ...]
    needs_fold: bool
    undated: bool
    no_consent: bool
    needs_again: bool
    can_import: bool


def examine(form: ImportForm, plan: Plan | None, failure: Exception | None, today: date) -> ImportView:
    """What may be imported and what is still missing.

    Args:
        form: as it stands.
        plan: what was read of its sources; None before that.
        failure: why they could not be read.
        today: nobody has signed later.
    """
    problems = _problems(form, today)
    questions = (*looks_questions(form.who.pseudonym), *_questions(plan))
    unanswered = [q for q in questions if q.key not in form.accepted]
    advice = getattr(failure, "advice", "")
    return ImportView(
        lines=_lines(form, plan),
        refused=tuple(_refused(path, error) for path, error in form.refused),
        problems=problems,
        complaint=None if failure is None else _complaint(failure, form),
        questions=questions,
        needs_fold=advice == "import-hour-twice" or bool(form.fold),
        undated=bool(form.start)
        or (plan is not None and any(s.span_wall_ns[0] < _DAY_NS for s in plan.sources)),
        no_consent=not _has_consent(form.who),
        needs_again=form.who.scanned != form.who.pseudonym or not form.who.pseudonym,
        can_import=plan is not None and bool(form.wanted) and not (problems or unanswered or failure),
    )


_DAY_NS = 86_400_000_000_000
_REASONS = {
    **{name: name for name in (NO_NUMBER, COLUMNS, BLANK, CUT, RANGE, "overlaps")},
    cnap_csv.CUT_OFF: CUT,
    cnap_csv.FIELDS: COLUMNS,
    cnap_csv.NO_NUMBER: NO_NUMBER,
    cnap_csv.NO_TIME: "no-time",
    cnap_csv.RANGE: RANGE,
    cnap_csv.TWICE: "twice",
    cnap_csv.REPEATED: "repeated",
    "beyond-header": "beyond-header",
}
"""Reasons of the readers, and the words the screen has for them."""


def order_of(form: ImportForm) -> Order:
    """What to read; before a pseudonym stands, of nobody in particular."""
    try:
        subject = Subject(form.who.pseudonym)
    except ValueError:
        subject = Subject("unknown")
    return Order(
        form.wanted,
        subject,
        form.zone.strip(),
        _consent(form.who),
        operator=form.who.operator.strip(),
        fold=form.fold,
        start=form.start.strip(),
    )


@cache
def zones() -> tuple[str, ...]:
    """Every IANA zone of a place, in order of the alphabet."""
    known = zoneinfo.available_timezones()
    places = sorted(z for z in known if "/" in z and not z.startswith(("Etc/", "SystemV/", "posix", "right")))
    return (*places, "UTC")


def _problems(form: ImportForm, today: date) -> tuple[Problem, ...]:
    found = [p for p in subject_problems(form.who) if p.field in ("pseudonym", "pseudonym_again")]
    if _consent_begun(form.who):
        found += [p for p in consent_problems(form.who, today) if p.field != "consent_record"]
    found += needed(form.who, "operator")
    return tuple(found)


def _consent_begun(who: StartForm) -> bool:
    ticks = (who.consent_upload, who.consent_training, who.consent_feedback)
    return bool(who.consent_version.strip() or who.consent_date.strip() or any(ticks))


def _has_consent(who: StartForm) -> bool:
    return _consent(who) is not None


def _consent(who: StartForm) -> Consent | None:
    try:
        return Consent(
            who.consent_version.strip(),
            who.consent_date.strip(),
            upload=who.consent_upload,
            reuse_for_training=who.consent_training,
            feedback=who.consent_feedback,
        )
    except ValueError:
        return None


def _questions(plan: Plan | None) -> tuple[Question, ...]:
    if plan is None:
        return ()
    return tuple(
        Question(f"{q.id}:{q.text}", say(f"import-question-{q.id}", **q.values), say(f"import-answer-{q.id}"))
        for q in plan.questions
    )


def accepted_ids(form: ImportForm) -> set[str]:
    """The importer's ids of the questions that were ticked."""
    return {key.partition(":")[0] for key in form.accepted}


def _complaint(failure: Exception, form: ImportForm) -> Message:
    advice = getattr(failure, "advice", "")
    if advice in _ADVISED:
        return say(advice, zone=form.zone)
    why = (
        str(failure)
        if isinstance(failure, RecorderError | OSError)
        else f"{type(failure).__name__}: {failure}"
    )
    for wanted in form.wanted:
        why = why.replace(str(wanted.path), wanted.path.name)
    return say("import-failed", why=why)


def _refused(path: Path, error: RecorderError) -> Message:
    if error.advice in _ADVISED:
        return say("import-refused", name=path.name, why=say(error.advice))
    why = str(error).replace(f"{path}: ", "").replace(str(path), path.name)
    return say("import-refused", name=path.name, why=why)


def _lines(form: ImportForm, plan: Plan | None) -> tuple[SourceLine, ...]:
    found = list(plan.sources) if plan is not None else []
    read: Sequence[Source | None] = found if len(found) == len(form.wanted) else [None] * len(form.wanted)
    return tuple(_line(wanted, source, form.zone) for wanted, source in zip(form.wanted, read, strict=True))


def _line(wanted: Wanted, source: Source | None, zone: str) -> SourceLine:
    kind = say(f"import-kind-{wanted.kind}")
    if source is None:
        return SourceLine(str(wanted.path), kind, "", "", (), ())
    first, end = source.span_wall_ns
    gaps = {w.info.stream_id: len(w.breaks) for w in source.waveforms}
    rows = tuple((name, n, gaps.get(name, 0)) for name, n in source.rows.items())
    notes = [
        say("import-left-out", n=n, reason=_reason(reason), file=file)
        for file, reasons in source.rejected.items()
        for reason, n in reasons.items()
    ]
    notes += [say("import-skipped", file=s.file, why=s.why) for s in source.skipped]
    notes += [say("import-note", note=note) for note in source.notes]
    return SourceLine(
        str(wanted.path), kind, _local(first, zone), clock_time((end - first) / 1e9), rows, tuple(notes)
    )


def _reason(reason: str) -> Message | str:
    return say(f"import-reason-{_REASONS[reason]}") if reason in _REASONS else reason


def _local(wall_ns: int, zone: str) -> str:
    try:
        where = zoneinfo.ZoneInfo(zone) if zone.strip() else UTC
    except (KeyError, ValueError, OSError):
        where = UTC
    begun = datetime.fromtimestamp(wall_ns / 1e9, where)
    return f"{begun:%Y-%m-%d %H:%M} {begun.tzname() or ''}".strip()
