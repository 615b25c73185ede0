"""From files to one session: read every source, say what is odd, write it whole or not at all.

Two steps, so that a person sees what will come before anything is written: :func:`look` reads and counts and lists the
questions that must be answered; :func:`carry_out` writes. The sources are only ever read.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from recorder import session
from recorder.errors import ConfigError, RecordingUnreadable
from recorder.exchange.imports.once import once
from recorder.exchange.imports.questions import Question, questions_of
from recorder.exchange.into_session import Moment, start_wall_ns, write_session
from recorder.exchange.sources import (
    cnap_source,
    e4_source,
    edf_source,
    surgery_source,
    wfdb_record,
    wfdb_source,
)
from recorder.exchange.sources.local_time import check_zone, wall_ns_of
from recorder.exchange.sources.source import Source, SourceKind
from recorder.schema import Consent, Details, Subject
from recorder.session.bulk import Naming, Told

TEMPLATE: Final = {"name": "import"}
STATION: Final = "import"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One source to read.

    Args:
        kind: its format.
        path: file, folder or record.
        companions: further files of it by role (``wave`` and ``summary`` of a CNAP recording).
        device: id of its device in the session; empty = the usual one of its kind.
    """

    kind: SourceKind
    path: Path
    companions: dict[str, Path] = field(default_factory=dict, hash=False)
    device: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be imported for whom.

    Args:
        wanted: the sources, in the order they were named.
        subject: pseudonym and what is known; never a name.
        zone: IANA zone of naive times; empty = none was named.
        consent, details: as given; without a consent the session is excluded from every use by others.
        operator: code of who imports.
        start: begin of sources that have no date, ISO 8601, local by ``zone`` or with an offset; empty = not said.
        fold: of an hour that came twice, ``first`` or ``second``; empty = not said.
    """

    wanted: tuple[Wanted, ...]
    subject: Subject
    zone: str = ""
    consent: Consent | None = None
    details: Details | None = None
    operator: str = ""
    fold: str = ""
    start: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What an import will bring, and what must be answered first.

    Args:
        order: what was wanted.
        sources: as they were read.
        questions: to be answered.
        sessions: the folder in which the same sources were looked for; None = in none.
    """

    order: Order
    sources: tuple[Source, ...]
    questions: tuple[Question, ...]
    sessions: Path | None = None

    def naming(self, accepted: Collection[str]) -> Naming:
        """Held while its session gets its name: a recording that came in since the look is refused."""
        return once(self.sources, self.order.subject.pseudonym, self.sessions, accepted)

    @property
    def span_wall_ns(self) -> tuple[int, int]:
        """UTC ns of the session's first sample and after its last."""
        spans = [source.span_wall_ns for source in self.sources]
        return min(a for a, _ in spans), max(b for _, b in spans)


Reader = Callable[[Wanted, Order], Source]
READERS: Final[dict[SourceKind, Reader]] = {
    "e4": lambda wanted, _: e4_source.read(wanted.path, wanted.device or e4_source.DEVICE),
    "wfdb": lambda wanted, order: wfdb_source.read(
        _header_of(wanted.path),
        lambda local: wall_ns_of(local, order.zone, order.fold, whose=str(wanted.path)),
        undated_wall_ns(order),
        order.zone,
    ),
    "edf": lambda wanted, order: edf_source.read(
        wanted.path,
        lambda local: wall_ns_of(local, order.zone, order.fold, whose=str(wanted.path)),
        undated_wall_ns(order),
        order.zone,
    ),
    "surgery-npz": lambda wanted, order: surgery_source.read(wanted.path, undated_wall_ns(order)),
    "cnap": lambda wanted, order: cnap_source.read(
        wanted.path,
        wanted.companions.get("wave"),
        wanted.companions.get("summary"),
        wall_ns=lambda local: wall_ns_of(local, order.zone, order.fold, whose=str(wanted.path)),
        zone=order.zone,
        began=_begun(order),
    ),
}


def look(order: Order, sessions: Path | None, now_wall_ns: int) -> Plan:
    """Read every source and say what will come of them; nothing is written.

    Args:
        order: what is wanted.
        sessions: folder of sessions in which the same sources may be already; None = not looked for.
        now_wall_ns: UTC now.

    Raises:
        ConfigError: nothing is wanted, the same source twice, or a zone that does not exist.
        RecordingUnreadable: a source cannot be read, or two are days apart.
    """
    if not order.wanted:
        raise ConfigError("nothing to import: name at least one source")
    if order.zone:
        check_zone(order.zone)
    sources = tuple(READERS[wanted.kind](wanted, order) for wanted in _with_devices(order.wanted))
    _refuse_twice(sources)
    questions = questions_of(sources, order.zone, order.subject.pseudonym, sessions, now_wall_ns)
    return Plan(order, sources, questions, sessions)


def folder_name(plan: Plan, session_id: str) -> str:
    """How a live session of that start and subject would be called."""
    begun = datetime.fromtimestamp(plan.span_wall_ns[0] // 1_000_000_000, UTC)
    return f"{begun:%Y%m%d-%H%M%S}_{plan.order.subject.pseudonym}_{session_id[:6]}"


def carry_out(
    plan: Plan,
    out: Path,
    *,
    session_id: str = "",
    accepted: Collection[str] = (),
    software: dict[str, str],
    now_wall_ns: int,
    told: Told | None = None,
) -> Path:
    """Write the session of a plan into ``out``, which is new or empty; ``session_id`` is made up where none is given.

    Raises:
        ConfigError: a question is not answered; the message names them all. Or the recording came in meanwhile.
        SessionError, StorageError: it cannot be written there; nothing is left.
    """
    refuse_unanswered(plan, accepted)
    sources = plan.sources
    waves = [w for s in sources for w in s.waveforms]
    numerics = [r for s in sources for r in s.numerics]
    start_ns = start_wall_ns(waves, numerics)
    moments = [Moment("import", start_ns, fact, now_wall_ns) for fact in stored_facts(plan)]
    order = plan.order
    header = session.SessionHeader(
        session_id=session_id or uuid.uuid4().hex,
        station=STATION,
        created_wall_ns=start_ns,
        zone=order.zone or "UTC",
        subject=told_of_subject(order.subject, sources),
        consent=order.consent,
        operator=order.operator,
        template=dict(TEMPLATE),
        software=software,
        simulated=any(s.simulated for s in sources),
        details=order.details,
    )
    devices = [d for s in sources for d in s.devices]
    moments += [m for s in sources for m in s.moments]
    naming = plan.naming(accepted)
    return write_session(out, header, devices, waves, numerics, moments, told=told, naming=naming)


def refuse_unanswered(plan: Plan, accepted: Collection[str]) -> None:
    """Raises ConfigError where a question of the plan is not answered, naming them all."""
    if unanswered := [q.text for q in plan.questions if q.id not in accepted]:
        raise ConfigError("; ".join(unanswered))


def told_of_subject(subject: Subject, sources: Sequence[Source]) -> Subject:
    """What the sources tell of age, sex, height and weight, where the order does not; the pseudonym is the order's."""
    for source in sources:
        told = {name: value for name, value in asdict(source.subject).items() if value is not None}
        kept = {name for name, value in asdict(subject).items() if value not in (None, "unknown")}
        with contextlib.suppress(ValueError):
            subject = replace(subject, **{name: told[name] for name in told if name not in kept})
    return subject


def stored_facts(plan: Plan) -> list[dict[str, Any]]:
    """The payload of each source's ``import`` event."""
    return [
        {
            "source": source.kind,
            "file": stored_name(source, plan.order.subject.pseudonym),
            "sha256": source.sha256,
            "content_sha256": source.content_sha256,
            "rows": source.rows,
            "rejected": source.rejected_rows(),
            "skipped": len(source.skipped),
            "zone": source.zone,
            "shift": source.shift_s,
            "operator": plan.order.operator,
        }
        for source in plan.sources
    ]


_MACHINE_MADE: Final = (
    re.compile(r"\d{10}_[A-Z0-9]{4,8}\.zip\Z"),  # of Empatica's web site: start and band
    re.compile(r"CNAP_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{3}(_beats|_waveform)?(\.csv)?\Z"),
)


def stored_name(source: Source, pseudonym: str) -> str:
    """A file's name if a machine made it or it is the pseudonym; else one that tells nobody's name.

    People call files after patients. Which words are a name nobody can know, so only names of known makes are kept.
    """
    stem, suffix = Path(source.name).stem, Path(source.name).suffix
    if stem.casefold() == pseudonym.casefold() or any(made.match(source.name) for made in _MACHINE_MADE):
        return source.name
    plain = suffix if re.match(r"\.[A-Za-z0-9]{1,5}\Z", suffix) else ""
    return f"{source.kind}-{source.sha256[:8]}{plain}"


def _header_of(path: Path) -> Path:
    header = wfdb_record.find_header(path)
    if header is None:
        raise RecordingUnreadable(f"{path}: there is no WFDB header of that name; choose a record's .hea")
    return header


def undated_wall_ns(order: Order) -> int:
    """UTC ns at which a source without a date begins: as somebody said, else 1970, which nobody takes for a date.

    Raises:
        ConfigError: ``start`` is no time, or a local one without a zone.
    """
    if not order.start:
        return 0
    try:
        moment = datetime.fromisoformat(order.start)
    except ValueError:
        raise ConfigError(
            f"--start {order.start!r} is no time; give it as 2026-01-31T09:05:00 with --zone, or with an offset"
        ) from None
    if moment.tzinfo is None:
        return wall_ns_of(moment, order.zone, order.fold, whose=f"--start {order.start}")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def _begun(order: Order) -> datetime | None:
    """The start that was named, as a clock in the zone of the order shows it; None where none was."""
    if not order.start:
        return None
    zone = ZoneInfo(order.zone) if order.zone else UTC
    return datetime.fromtimestamp(undated_wall_ns(order) / 1e9, zone).replace(tzinfo=None)


def _with_devices(wanted: Sequence[Wanted]) -> Iterator[Wanted]:
    """A second wristband of one session is ``e4-2``."""
    count = 0
    for one in wanted:
        if one.kind == "e4":
            count += 1
            yield one if count == 1 else Wanted(one.kind, one.path, one.companions, f"e4-{count}")
        else:
            yield one


def _refuse_twice(sources: Sequence[Source]) -> None:
    seen: dict[str, Source] = {}
    for source in sources:
        if source.content_sha256 in seen:
            raise ConfigError(
                f"{source.name} and {seen[source.content_sha256].name} hold the same recording; name one of them",
                advice="import-same",
            )
        seen[source.content_sha256] = source
    ids = [info.device_id for source in sources for info in source.devices]
    if len(set(ids)) < len(ids):
        raise ConfigError("two sources of one kind cannot go into one session; import them as two")
