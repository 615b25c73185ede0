"""A session, or a span of it, in the formats other programs read. What all formats share: terms, target, record.

A file appears whole or not at all: everything is written into a hidden folder beside the target and named at the end.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from recorder.errors import ConfigError, SessionError
from recorder.exchange.exports import (
    export_e4,
    export_edf,
    export_record,
    export_tables,
    export_wfdb,
    export_xdf,
)
from recorder.exchange.exports.about import Written
from recorder.exchange.exports.deidentify import Disguise, load_secret
from recorder.exchange.exports.export_record import ExportRecord
from recorder.exchange.exports.exported import Exported, ExportStopped, Selection
from recorder.exchange.exports.gather import Terms, check_span, chosen_streams, gather, software
from recorder.exchange.exports.placed import LATE_S
from recorder.session import Session
from recorder.session.files import FILE_MODE, give_name, storage_errors
from recorder.session.header import refuse_erased
from recorder.session.workplace import workplace

Write = Callable[[Exported, Path, str], Written]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: how its target is called, and who writes it."""

    suffix: str
    write: Write
    folder: bool = False


FORMATS: Final[dict[str, Format]] = {
    "edf": Format(".edf", export_edf.write),
    "wfdb": Format(".hea", export_wfdb.write),
    "xdf": Format(".xdf", export_xdf.write),
    "csv": Format("", export_tables.write_csv, folder=True),
    "parquet": Format("", export_tables.write_parquet, folder=True),
    "e4zip": Format(".zip", export_e4.write),
}


ABOUT: Final = "about.json"
_DOING: Final = "exporting"
SPAN_KINDS: Final = ("gap", "quality", "annotation", "unconfirmed")


@dataclass(frozen=True, slots=True)
class Custody:
    """On whose word something is copied out of a session (safety rule 14).

    Args:
        home: where exports are on record, and the secret of de-identification lies.
        operator: code of who exports.
        for_others: the copy is given to somebody else; needs the consent's scope ``upload``, or a reason.
        reason: why it is given away without that scope; kept on record and in the report.
        wall_ns: when, UTC ns since 1970.
        withdrawn: pseudonyms of who took the consent back, casefolded: never exported (safety rule 15).
    """

    home: Path
    operator: str = ""
    for_others: bool = False
    reason: str = ""
    wall_ns: int = field(default_factory=time.time_ns)
    withdrawn: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Report:
    """What came of an export; :meth:`to_json` is what the command prints."""

    to: str
    path: Path
    files: tuple[Path, ...]
    session: str
    subject: str
    deidentified: bool
    consent: str
    snapshot: str
    warning: str
    streams: tuple[dict[str, Any], ...]
    markers: int
    spans: dict[str, int]
    dropped: dict[str, int]
    left_out: tuple[str, ...]
    written: Written
    seconds: float
    unfinished: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        value = {
            k: v
            for k, v in asdict(self).items()
            if k != "written" and (v or k in ("markers", "spans", "streams"))
        }
        told = asdict(self.written)
        return value | {
            "ok": True,
            "path": str(self.path),
            "files": [str(path) for path in self.files],
            "names": told["names"],
            "steps": told["steps"],
            "time_error_s": told["time_error_s"],
            "notes": told["notes"],
            "seconds": round(self.seconds, 3),
        }


def export(
    session: Session,
    to: str,
    out: Path,
    selection: Selection,
    *,
    custody: Custody,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Report:
    """Write a session into ``out``, a file or, for CSV and Parquet, a folder; an existing folder gets it inside.

    Args:
        session: open; it is not changed.
        to: one of :data:`FORMATS`.
        out: what must not exist yet.
        selection: span, streams, de-identification.
        custody: on whose word.
        tell: hears how many rows of how many are through.
        stopped: says when to give up.

    Raises:
        ConfigError: format, selection or target do not fit.
        SessionError: the consent does not cover it.
        StorageError: the disk refused; nothing is left.
        ExportStopped: ``stopped`` said so; nothing is left.
    """
    began = time.monotonic()
    if to not in FORMATS:
        raise ConfigError(f"format {to!r}: choose one of {', '.join(FORMATS)}")
    check_span(session, selection.span)
    terms = terms_of(session, custody)
    subject = session.header.subject.pseudonym if session.header.subject else ""
    secret = load_secret(custody.home) if selection.deidentify else None
    disguise = Disguise(secret, subject, selection.keep_labels)
    counted = _counted(session, selection, tell, stopped)
    target = _target(session, to, out, disguise)
    exported = gather(session, selection, disguise, terms, counted)
    with workplace(target, _DOING) as place:
        stem = target.name.removesuffix(FORMATS[to].suffix) if not FORMATS[to].folder else target.name
        with storage_errors(target.parent, _DOING, whole=True):
            written = FORMATS[to].write(exported, place, stem)
        files = _finals(place, target, folder=FORMATS[to].folder)
        record = _record(session, to, files, custody, exported, selection)
        # on record first: a copy that nobody noted would outlive a withdrawal
        export_record.append(custody.home, record)
        try:
            refuse_erased(session.path)  # who withdrew meanwhile finds it noted, or is found here
            with storage_errors(target.parent, _DOING, whole=True):
                _put(place, target, files, folder=FORMATS[to].folder)
        except BaseException:
            export_record.append(custody.home, replace(record, files=()))
            raise
    _tell_late(to, written)
    told = (session.header.session_id, time.monotonic() - began)
    return _report(to, (target, files), exported, written, disguise, told)


def _report(  # noqa: PLR0917 -- everything there is to say
    to: str,
    made: tuple[Path, tuple[Path, ...]],
    exported: Exported,
    written: Written,
    disguise: Disguise,
    told: tuple[str, float],
) -> Report:
    return Report(
        to=to,
        path=made[0],
        files=made[1],
        session=told[0],
        subject=exported.subject,
        deidentified=disguise.on,
        consent=str(exported.facts["consent"]),
        snapshot=str(exported.facts["snapshot"]),
        warning=exported.warning,
        streams=tuple(
            {"stream": t.info.stream_id, "rows": t.rows, "gaps": len(t.gaps)} for t in exported.tracks
        ),
        markers=len(exported.marks),
        spans={kind: len(exported.spans_of(kind)) for kind in SPAN_KINDS},
        dropped=dict(disguise.dropped),
        left_out=tuple(exported.facts["left_out"]),
        written=written,
        seconds=told[1],
        unfinished=tuple(exported.facts["unfinished"]),
    )


def _tell_late(to: str, written: Written) -> None:
    late_s = max(written.time_error_s.values(), default=0.0)
    if late_s > LATE_S:
        written.notes.append(
            f"{to} has one rate for all: a sample may be off by up to {late_s:.3f} s, see time_error_s; xdf, csv and "
            "parquet hold every sample's own time, and the streams of one device alone get their measured rate"
        )


def terms_of(session: Session, custody: Custody) -> Terms:
    """What the consent says about it.

    Raises:
        SessionError: the subject has withdrawn; or it is for others, no scope covers that, and no reason is given.
    """
    header = session.header
    streams = session.streams.values()
    names = [h.subject.pseudonym for h in (header, session.header_at_start) if h.subject]
    gone = [name for name in names if name.casefold() in custody.withdrawn]
    if gone:
        raise SessionError(
            f"{session.path.name}: subject {gone[0]} has withdrawn; nothing of the session is exported"
        )
    if streams and all(i.origin in ("simulated", "derived") for i in streams) and header.simulated:
        return Terms("simulated: nobody's consent is needed")
    if session.allows("upload"):
        return Terms("may be given to others")
    missing = "the session has no consent" if header.consent is None else "its consent has no scope 'upload'"
    if not custody.for_others:
        return Terms(f"own copy, not to be given to others: {missing}")
    if not custody.reason.strip() or not custody.operator.strip():
        raise SessionError(
            f"{session.path.name}: not exported for others, {missing}; export it for your own use, or give a reason "
            "and your operator code, which are kept on record"
        )
    return Terms(f"given to others although {missing}", custody.reason.strip())


def _counted(
    session: Session, selection: Selection, tell: Callable[[int, int], None], stopped: Callable[[], bool]
) -> Callable[[int], None]:
    """Counts rows, of the look before and of the writing, against all there are."""
    infos = chosen_streams(session, selection.streams)
    share = 1.0
    if selection.span is not None and session.duration_s > 0:
        share = min(1.0, (selection.span[1] - selection.span[0]) / session.duration_s)
    total = max(1, int(2 * share * sum(session.rows(info.stream_id) for info in infos)))
    done = 0

    def more(rows: int) -> None:
        nonlocal done
        done += rows
        if stopped():
            raise ExportStopped
        tell(min(done, total), total)

    return more


def _target(session: Session, to: str, out: Path, disguise: Disguise) -> Path:
    """Where it goes.

    Raises:
        ConfigError: something is there, or the name tells what de-identification hides.
    """
    kind = FORMATS[to]
    name = session.path.name if not disguise.on else _code_name(session, disguise)
    inside = out.is_dir() and not (out / ABOUT).exists()  # an earlier export is no place for another
    target = out / f"{name}{kind.suffix}" if inside else out
    if to == "wfdb" and target.suffix != ".hea":
        target = target.with_name(target.name + ".hea")
    elif not kind.folder and target.suffix.lower() != kind.suffix:
        target = target.with_name(target.name + kind.suffix)
    if disguise.on:
        header = session.header
        telling = [
            disguise.subject,
            session.path.name,
            header.session_id,
            *(d.serial or "" for d in header.devices),
        ]
        if any(word and word.lower() in target.name.lower() for word in telling):
            raise ConfigError(
                f"{target.name}: the name tells whose it is; give another, such as {name}{kind.suffix}"
            )
    if target.exists():
        raise _taken(target)
    return target


def _code_name(session: Session, disguise: Disguise) -> str:
    return f"{disguise.subject_code}_{disguise.hashed('session', session.header.session_id, '')[:6]}"


def _finals(place: Path, target: Path, *, folder: bool) -> tuple[Path, ...]:
    """What the files will be called, in the order in which they are named: the main file last.

    Raises:
        ConfigError: a file of that name is there.
    """
    made = sorted(place.iterdir(), key=lambda p: (p.name == target.name, p.name))
    finals = tuple((target if folder else target.parent) / path.name for path in made)
    for final in (target,) if folder else finals:
        if final.exists():
            raise _taken(final)
    return finals


def _taken(target: Path) -> ConfigError:
    return ConfigError(
        f"{target}: is there already and is not overwritten; give another name or take it away"
    )


def _put(place: Path, target: Path, finals: tuple[Path, ...], *, folder: bool) -> None:
    """Name what was written; of two exports that want one name at once the later is refused.

    Raises:
        ConfigError: something has the name by now.
    """
    for path in place.iterdir():
        path.chmod(FILE_MODE)
    if folder:
        try:
            place.rename(target)
        except OSError:
            if target.exists():  # somebody else took the name meanwhile
                raise _taken(target) from None
            raise
        return
    placed: list[Path] = []
    try:
        for final in finals:
            if not give_name(place / final.name, final):
                raise _taken(final)
            placed.append(final)
    except BaseException:
        for final in placed:
            final.unlink(missing_ok=True)
        raise


def _record(  # noqa: PLR0917 -- everything there is to say
    session: Session,
    to: str,
    files: tuple[Path, ...],
    custody: Custody,
    exported: Exported,
    selection: Selection,
) -> ExportRecord:
    subject = session.header.subject
    return ExportRecord(
        export_id=uuid.uuid4().hex,
        wall_ns=custody.wall_ns,
        session_id=session.header.session_id,
        session=str(session.path.resolve()),
        subject=subject.pseudonym if subject else "",
        subject_code=exported.subject,
        to=to,
        files=tuple(str(path.resolve()) for path in files),
        span_s=selection.span,
        streams=tuple(track.source_id for track in exported.tracks),
        deidentified=selection.deidentify,
        for_others=custody.for_others,
        operator=custody.operator,
        reason=custody.reason,
        software=software(),
    )


__all__ = ["FORMATS", "Custody", "ExportStopped", "Report", "Selection", "export", "terms_of"]
