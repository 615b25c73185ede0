"""``hemoview import``: foreign recordings into one ordinary session."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from recorder.errors import ConfigError, StorageError
from recorder.exchange.imports import importing, kinds
from recorder.exchange.imports.joining import join
from recorder.exchange.sources.local_time import FOLDS
from recorder.exchange.sources.source import SourceKind
from recorder.host import places, watch_import, withdrawals
from recorder.host.console import progress
from recorder.schema import Consent, Subject
from recorder.session.bulk import Told
from recorder.session.software import software_versions

SCOPES = {"upload": "upload", "training": "reuse_for_training", "feedback": "feedback"}
OPTIONS: Final[dict[SourceKind, tuple[str, str]]] = {
    "e4": ("an E4 session", "--e4"),
    "cnap": ("a recording of a CNAP", "--cnap"),
    "wfdb": ("a WFDB record", "--wfdb"),
    "edf": ("an EDF or BDF file", "--edf"),
    "surgery-npz": ("a file of a monitor's waves", "--npz"),
}
EXAMPLE = "example: hemoview import --e4 S01.zip --subject P-014 --out sessions/P-014-import --json"


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Look, ask, write.

    Raises:
        RecorderError: who, what, and what to do.
    """
    if args.watch is not None:
        return _watch(args)
    order = _order(args)
    _refuse_inside(args.out, [wanted.path for wanted in order.wanted])
    plan = _look(order, args.out.absolute().parent)
    accepted = _answers(plan, {word for word in args.accept.split(",") if word})
    rows = sum(sum(source.rows.values()) for source in plan.sources)
    with progress("importing", rows) as tell:
        _write(
            args,
            plan,
            accepted,
            lambda done, total: tell(rows * done / max(total, 1), f"{done} of {total} rows"),
        )
    first, end = plan.span_wall_ns
    return {
        "ok": True,
        "session": str(args.out),
        "start_wall_ns": first,
        "seconds": round((end - first) / 1e9, 3),
        "sources": [source.facts() for source in plan.sources],
        "remarks": _remarks(plan.order) if args.join is None else [],
    }


def _write(args: argparse.Namespace, plan: importing.Plan, accepted: set[str], told: Told) -> None:
    """A session of its own, or one of both."""
    now_ns = time.time_ns()
    if args.join is None:
        software = software_versions()
        importing.carry_out(
            plan, args.out, accepted=accepted, software=software, now_wall_ns=now_ns, told=told
        )
    elif args.join:
        join(Path(args.join), plan, args.out, accepted=accepted, now_wall_ns=now_ns, told=told)
    else:
        raise ConfigError("--join: name the session that the sources belong to (--join SESSION)")


def _look(order: importing.Order, sessions: Path) -> importing.Plan:
    """Read the sources; what only a person knows of their times is asked on a terminal."""
    while True:
        try:
            return importing.look(order, sessions, time.time_ns())
        except ConfigError as error:
            if not sys.stdin.isatty():
                raise
            order = _answered(order, error)


def _answered(order: importing.Order, error: ConfigError) -> importing.Order:
    """The order with what was typed; raises ``error`` where nothing was, or nothing can be."""
    if error.advice in ("import-zone-needed", "import-zone-unknown"):
        zone = input(f"{error}\nTime zone: ").strip()
        if zone:
            return replace(order, zone=zone)
    if error.advice == "import-hour-twice":
        fold = input(f"{error}\nfirst or second: ").strip().lower()
        if fold in FOLDS:
            return replace(order, fold=fold)
    raise error


def _watch(args: argparse.Namespace) -> dict[str, Any]:
    """Until Ctrl-C."""
    if args.e4 or args.cnap or args.cnap_wave:
        raise ConfigError("--watch takes what comes into the folder; import --e4 and --cnap without it")
    if args.join:
        raise ConfigError("--watch finds by itself which session overlaps; give --join without a session")
    if not args.zone:
        raise ConfigError(
            "--watch: recordings of a CNAP name no time zone; give --zone, such as --zone Europe/Berlin"
        )
    _refuse_inside(args.out, [args.watch])
    enough = threading.Event()
    return watch_import.watch(
        args.watch,
        _who(args, ()),
        args.out,
        say=_line,
        wait=lambda: not enough.wait(watch_import.EVERY_S),
        only=args.only,
        joins=args.join is not None,
    )


def _refuse_inside(out: Path, sources: Sequence[Path]) -> None:
    """A source is never changed, so nothing is written into its folder, nor onto a stick."""
    for source in sources:
        if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
            raise ConfigError(
                f"--out {out}: lies in {source}, and no source is changed; choose a folder elsewhere"
            )


def _line(text: str) -> None:
    sys.stdout.write(f"{watch_import.timed(text)}\n")
    sys.stdout.flush()


def _order(args: argparse.Namespace) -> importing.Order:
    wanted = [importing.Wanted("e4", path) for path in args.e4 or ()]
    if args.cnap is not None:
        wave = {} if args.cnap_wave is None else {"wave": args.cnap_wave}
        wanted.append(importing.Wanted("cnap", args.cnap, wave))
    elif args.cnap_wave is not None:
        raise ConfigError("--cnap-wave: name the beats of the same recording too (--cnap BEATS.csv)")
    alone: tuple[tuple[SourceKind, Path | None], ...] = (
        ("wfdb", args.wfdb),
        ("edf", args.edf),
        ("surgery-npz", args.npz),
    )
    wanted += [importing.Wanted(kind, path) for kind, path in alone if path is not None]
    if not wanted:
        raise ConfigError(f"nothing to import: name a source, such as --e4 ZIP ({EXAMPLE})")
    _refuse_misnamed(wanted)
    return _who(args, wanted)


def _refuse_misnamed(wanted: Sequence[importing.Wanted]) -> None:
    """Files behind the option of another kind, before their reader calls them broken."""
    for one in wanted:
        found = kinds.taken_for(one)
        if found is not None:
            what, option = OPTIONS[found.kind]
            raise ConfigError(f"{one.path}: is {what}; name it with {option} {found.path}")


def _who(args: argparse.Namespace, wanted: Sequence[importing.Wanted]) -> importing.Order:
    try:
        subject = Subject(args.subject, args.sex, args.age, args.height, args.weight)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return importing.Order(
        wanted=tuple(wanted),
        subject=subject,
        zone=args.zone,
        fold=args.fold,
        start=args.start,
        consent=_consent(args),
        operator=args.operator,
    )


def _consent(args: argparse.Namespace) -> Consent | None:
    scopes = [word for word in args.scopes.split(",") if word]
    unknown = [word for word in scopes if word not in SCOPES]
    if unknown:
        raise ConfigError(
            f"--scopes {unknown[0]}: name {', '.join(SCOPES)} or none; recording itself needs no scope here"
        )
    if args.consent_version is None and args.consent_date is None:
        if scopes:
            raise ConfigError("--scopes needs --consent-version and --consent-date")
        return None
    if not (args.consent_version and args.consent_date):
        raise ConfigError("a consent has a form and a day: give both --consent-version and --consent-date")
    try:
        return Consent(args.consent_version, args.consent_date, **{SCOPES[word]: True for word in scopes})
    except ValueError as error:
        told = f"--consent-version {args.consent_version} --consent-date {args.consent_date}"
        raise ConfigError(f"{told}: {error}, such as 2025-01-30") from None


def _answers(plan: importing.Plan, accepted: set[str]) -> set[str]:
    """Questions are asked on a terminal; elsewhere the option that answers them is named."""
    for question in plan.questions:
        if question.id in accepted:
            continue
        if _agreed(question.text):
            accepted.add(question.id)
            continue
        raise ConfigError(
            f"{question.text}. Nothing was imported; if that is right, give --accept {question.id}"
        )
    return accepted


def _agreed(text: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(f"{text}. Import all the same? [y/N] ").strip().lower() in ("y", "yes")


def _remarks(order: importing.Order) -> list[str]:
    said = []
    if order.consent is None:
        said.append(
            "no consent was given (--consent-version, --consent-date): the session can be looked at here and is left "
            "out of datasets, exports for others and sync"
        )
    try:
        gone = withdrawals.is_withdrawn(withdrawals.read(places.home()), order.subject.pseudonym)
    except StorageError as error:  # the session is written; builds refuse by the same words
        return [*said, str(error)]
    if gone:
        said.append(
            f"subject {order.subject.pseudonym} has withdrawn: the session stays out of every dataset and export; "
            "if it was not meant, delete it (recorder erase SESSION --why withdrawn)"
        )
    return said
