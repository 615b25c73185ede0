"""Which sessions a dataset may be made of. Everything that bars one is found before any work, and all are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from hemoview.labels import alignment as alignments
from hemoview.labels.datasets.build_options import BuildOptions
from hemoview.labels.datasets.build_part import origin_of, pulse_hours
from hemoview.labels.signals.session_signals import pressure_stream, pulse_stream, reference_rows
from recorder import session as sessions
from recorder.counted import counted
from recorder.errors import ConfigError, RecorderError
from recorder.host import withdrawals
from recorder.host.withdrawals import Withdrawal, is_withdrawn
from recorder.session import Session
from recorder.session.files import why_of

WORDS: Final = {
    "unreadable": "{why}",
    "not-closed": "it is not closed or damaged; stop it, or run recorder recover",
    "no-subject": "it has no subject; amend its pseudonym",
    "withdrawn": "subject {subject} was withdrawn",
    "simulated": "it is simulated or replayed; --allow-simulated takes it, and marks the dataset",
    "no-consent": "its consent does not cover reuse for training (one that was given is entered in Review, Correct…)",
    "no-pulse": "it has no pulse wave",
    "no-reference": "it has no reference; import the monitor's files into it",
    "never-aligned": "it was never aligned; run hemoview align",
    "unsynchronised": "its alignment is refused ({why})",
    "no-label-set": "it has no label set {name}; it has {sets}",
    "twice": "it is the same session as {other}, which was given before",
    "other-rate": "its pulse wave has another rate than that of {other} ({rate_hz:g} Hz); build it apart",
}
"""Why a session may not be in a dataset, by code."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One reason; the screens have words of their own for its code.

    Args:
        code: of :data:`WORDS`.
        values: what its words name.
    """

    code: str
    values: tuple[tuple[str, Any], ...] = ()

    def in_words(self) -> str:
        """For a command line."""
        return WORDS[self.code].format(**dict(self.values))


def _bar(code: str, **values: Any) -> Bar:
    return Bar(code, tuple(values.items()))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that somebody wants in a dataset.

    Args:
        folder: of it.
        session_id: empty where it cannot be read.
        subject: pseudonym, corrections included; empty = none.
        hours: of pulse wave.
        rate_hz: of its pulse wave.
        simulated: simulated or replayed.
        barred: every reason why it may not be; empty = it may.
    """

    folder: Path
    session_id: str = ""
    subject: str = ""
    hours: float = 0.0
    rate_hz: float = 0.0
    simulated: bool = False
    barred: tuple[Bar, ...] = ()

    @property
    def why(self) -> str:
        """Everything that bars it, in words."""
        return ", and ".join(bar.in_words() for bar in self.barred)


def look(folder: Path, options: BuildOptions, gone: list[Withdrawal]) -> Candidate:
    """What can be told of a session without reading its samples."""
    try:
        with sessions.open(folder) as session:
            return _looked(session, options, gone)
    except RecorderError as error:
        return Candidate(
            folder, barred=(_bar("unreadable", why=why_of(error, folder).removeprefix(f"{folder.name}: ")),)
        )


def _looked(session: Session, options: BuildOptions, gone: list[Withdrawal]) -> Candidate:
    header, pulse = session.header, pulse_stream(session)
    subject = header.subject.pseudonym if header.subject else ""
    origin = origin_of(session, pulse) if pulse is not None else "recorded"
    simulated = header.simulated or origin != "recorded"
    return Candidate(
        session.path,
        header.session_id,
        subject,
        pulse_hours(session, pulse) if pulse is not None else 0.0,
        (pulse.nominal_rate_hz if pulse else None) or 0.0,
        simulated,
        tuple(_bars(session, options, gone, simulated=simulated)),
    )


def _bars(
    session: Session, options: BuildOptions, gone: list[Withdrawal], *, simulated: bool
) -> Iterable[Bar]:
    subject = session.header.subject
    if session.state != "sealed":
        yield _bar("not-closed")
    if subject is None:
        yield _bar("no-subject")
    elif is_withdrawn(gone, subject.pseudonym):
        yield _bar("withdrawn", subject=subject.pseudonym)
    if simulated and not options.allow_simulated:
        yield _bar("simulated")
    if not simulated and not session.allows("reuse_for_training"):
        yield _bar("no-consent")
    if pulse_stream(session) is None:
        yield _bar("no-pulse")
    lonely = reference_rows(session) is None and pressure_stream(session) is None
    if lonely:
        yield _bar("no-reference")
    held = None if lonely else alignments.current(session.path)
    if held is None:
        if not lonely:  # else there is nothing to be aligned with
            yield _bar("never-aligned")
    elif not held.locked:
        code = held.refused_because
        yield _bar("unsynchronised", why=alignments.REFUSED.get(code, code), refused=code)
    if options.label_set and options.label_set not in session.label_sets:
        yield _bar("no-label-set", name=options.label_set, sets=", ".join(session.label_sets) or "none")


def plan(
    folders: Sequence[Path], options: BuildOptions, home: Path, *, skip: bool = False
) -> tuple[list[Candidate], list[Candidate]]:
    """Sessions to build from in the order of subject and session, whatever order they came in; and who is left out.

    Args:
        folders: of sessions.
        options: of the build.
        home: folder that remembers withdrawals.
        skip: build from those that may be.

    Raises:
        ConfigError: some are barred and ``skip`` is not set, or nobody is left; names every session and every reason.
        StorageError: the list of withdrawals cannot be read.
    """
    gone = withdrawals.read(home)
    found = [look(Path(folder), options, gone) for folder in folders]
    found = _with_duplicates(found)
    found = _with_rates(found)
    barred = [c for c in found if c.barred]
    good = sorted((c for c in found if not c.barred), key=lambda c: (c.subject, c.session_id))
    if barred and not (skip and good):
        alike: dict[str, list[str]] = {}
        for each in barred:
            alike.setdefault(each.why, []).append(each.folder.name)
        lines = [f"{', '.join(names)}: {why}" for why, names in alike.items()]
        are = "is" if len(barred) == 1 else "are"
        some = f"{len(barred)} of {counted(len(found), 'session')} {are} barred from a dataset"
        leave = "" if not good else ". Leave them out, or give --skip-barred"
        raise ConfigError(f"{some}. {'. '.join(lines)}{leave}", advice="dataset-barred")
    if not good:
        raise ConfigError("no session given; name the folders of sessions", advice="dataset-no-session")
    return good, barred


def _with_duplicates(found: list[Candidate]) -> list[Candidate]:
    """A session that was given twice counts once and is named."""
    seen: dict[str, Candidate] = {}
    out = []
    for each in found:
        first = seen.setdefault(each.session_id, each) if each.session_id else each
        twice = () if first is each else (_bar("twice", other=str(first.folder)),)
        out.append(_barred(each, twice))
    return out


def _with_rates(found: list[Candidate]) -> list[Candidate]:
    """Windows of one dataset have one rate: that of the first session that may be in it."""
    good = [c for c in found if not c.barred]
    if not good:
        return found
    rate_hz = good[0].rate_hz
    other = _bar("other-rate", other=good[0].folder.name, rate_hz=rate_hz)
    return [_barred(c, (other,) if not c.barred and c.rate_hz != rate_hz else ()) for c in found]


def _barred(each: Candidate, more: tuple[Bar, ...]) -> Candidate:
    return replace(each, barred=(*each.barred, *more))
