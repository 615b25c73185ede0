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
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from recorder import session
from recorder.errors import ConfigError, RecorderError, RecordingUnreadable
from recorder.exchange import cnap_source, e4_source, edf_source, surgery_source, wfdb_record, wfdb_source
from recorder.exchange.into_session import Moment, start_wall_ns, write_session
from recorder.exchange.local_time import check_zone, wall_ns_of
from recorder.exchange.source import Source, SourceKind
from recorder.schema import Consent, Details, Subject
from recorder.session.amended import read_header
from recorder.session.bulk import Told
from recorder.session.manifest import MANIFEST_FILE

TEMPLATE: Final = {"name": "import"}
STATION: Final = "import"
FUTURE_SLACK_NS: Final = 24 * 3_600_000_000_000
"""A clock may be a zone ahead of the truth; more is a clock that was never set."""

ZONES_SPAN_NS: Final = 26 * 3_600_000_000_000
"""From UTC-12 to UTC+14: clocks that are further apart were not set to the wrong zone."""

QuestionId = Literal["imported-before", "future-dated", "several-wristbands", "apart"]


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


@dataclass(frozen=True, slots=True)
class Question:
    """Something only a person can answer; the import waits until ``id`` is accepted.

    Args:
        id: what is accepted by.
        text: the question, for a command line.
        values: what a screen's own words name.
    """

    id: QuestionId
    text: str
    values: dict[str, str | int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What an import will bring, and what must be answered first."""

    order: Order
    sources: tuple[Source, ...]
    questions: tuple[Question, ...]

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
    questions = [*_apart(sources, order.zone), *_future(sources, now_wall_ns), *_several(sources)]
    if sessions is not None:
        questions += _before(sources, order.subject.pseudonym, sessions)
    return Plan(order, sources, tuple(questions))


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
        ConfigError: a question is not answered; the message names them all.
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
    return write_session(out, header, devices, waves, numerics, moments, told=told)


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


# ---- what is odd


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


def _apart(sources: Sequence[Source], zone: str) -> Iterator[Question]:
    """Recordings with no moment in common: by whole zones they may still be one session, by more they are none.

    Which clock was set wrongly only the beats can tell (``hemoview align``), and for that both must be in one session.

    Raises:
        RecordingUnreadable: they are further apart than any two zones.
    """
    ordered = sorted(sources, key=lambda s: s.span_wall_ns)
    for k, (before, after) in enumerate(pairwise(ordered)):
        reached = max(s.span_wall_ns[1] for s in ordered[: k + 1])
        between_ns = after.span_wall_ns[0] - reached
        if between_ns < 0:
            continue
        text = (
            f"{before.name} ({_span_text(before, zone)}) and {after.name} ({_span_text(after, zone)}) have no moment "
            "in common: check the time zone"
        )
        if between_ns > ZONES_SPAN_NS:
            raise RecordingUnreadable(f"{text}, or import them as two sessions", advice="import-apart")
        yield Question(
            "apart",
            f"{text}. If a device's clock was set wrongly, they can come into one session with the times they have, "
            "and aligning it finds by how much",
            {
                "first": f"{before.name} ({_span_text(before, zone)})",
                "second": f"{after.name} ({_span_text(after, zone)})",
            },
        )


def _future(sources: Sequence[Source], now_wall_ns: int) -> Iterator[Question]:
    for source in sources:
        first, _ = source.span_wall_ns
        if first > now_wall_ns + FUTURE_SLACK_NS:
            when = datetime.fromtimestamp(first / 1e9, UTC)
            yield Question(
                "future-dated",
                f"{source.name} begins on {when:%Y-%m-%d %H:%M} UTC, which is still to come: the clock of its device "
                "was wrong, or its dates were shifted to hide them. Its times would be kept as they are",
                {"name": source.name, "when": f"{when:%Y-%m-%d %H:%M}"},
            )


def _several(sources: Sequence[Source]) -> Iterator[Question]:
    bands = [s.name for s in sources if s.kind == "e4"]
    if len(bands) > 1:
        yield Question(
            "several-wristbands",
            f"{' and '.join(bands)} are {len(bands)} wristbands in one session: both must be of the same subject",
            {"names": ", ".join(bands), "n": len(bands)},
        )


def _before(sources: Sequence[Source], pseudonym: str, sessions: Path) -> Iterator[Question]:
    """The same bytes in an earlier session, of this subject or of another."""
    wanted = {h: s for s in sources for h in (s.sha256, s.content_sha256)}
    named: set[tuple[str, str]] = set()
    for folder, header, payload in imports_in(sessions):
        hits = [wanted[h] for h in (payload.get("sha256"), payload.get("content_sha256")) if h in wanted]
        if not hits or (folder.name, hits[0].name) in named:
            continue
        named.add((folder.name, hits[0].name))
        whose = header.subject.pseudonym if header.subject else "nobody"
        other = "" if whose.casefold() == pseudonym.casefold() else f", there of subject {whose}"
        text = f"{hits[0].name} was imported before, into {folder.name}{other}"
        yield Question(
            "imported-before", text, {"name": hits[0].name, "session": folder.name, "subject": whose}
        )


def imports_in(sessions: Path) -> Iterator[tuple[Path, session.SessionHeader, dict[str, Any]]]:
    """Every import told by the sessions of a folder: where, of whom, and its event's payload."""
    if not sessions.is_dir():
        return
    for folder in sorted(p for p in sessions.iterdir() if p.is_dir() and not p.name.startswith(".")):
        try:
            header = read_header(folder)
            if any(device.transport == "file" for device in header.devices):
                written = (folder / MANIFEST_FILE).stat().st_mtime_ns
                yield from ((folder, header, payload) for payload in _imports_of(folder, written))
        except (RecorderError, OSError):
            continue  # verify and the session browser name it


@lru_cache(maxsize=4096)
def _imports_of(folder: Path, _written_ns: int) -> tuple[dict[str, Any], ...]:
    """Payloads of a session's imports; read again only when its manifest was written again."""
    with session.open(folder) as stored:
        return tuple(event.payload for event in stored.events("import"))


def _span_text(source: Source, zone: str) -> str:
    where = ZoneInfo(zone) if zone else UTC
    first, end = (datetime.fromtimestamp(t / 1e9, where) for t in source.span_wall_ns)
    return f"{first:%Y-%m-%d %H:%M} to {end:%H:%M} {zone or 'UTC'}"
