"""A subject takes the consent back: where it is, what is deleted, what stays and is marked (safety rule 15).

Searched: folders of sessions (discarded ones too), the records of exports, datasets, reports and training runs of the
home folder, further folders by kind, and folders looked through whole. What nobody recorded and no folder holds
cannot be found: the answer says where was looked, and names what is known of and cannot be reached.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from hemoview.labels.datasets.folder import FACTS, subjects_of
from hemoview.labels.datasets.made_register import made
from hemoview.labels.datasets.register import registered
from hemoview.labels.withdrawal.deeds import delete, mark
from hemoview.labels.withdrawal.places import Seen, look_through
from hemoview.labels.withdrawal.reports import VALUES, report_of
from hemoview.labels.withdrawal.twins import also_in
from recorder import __version__
from recorder.counted import counted
from recorder.errors import ConfigError, RecorderError, SessionError
from recorder.exchange.exports import export_record
from recorder.host import places as recorder_places
from recorder.host import withdrawals
from recorder.host.withdrawals import Withdrawal
from recorder.session.amended import read_header
from recorder.session.header import SESSION_FILE
from recorder.session.lock import FolderLock
from recorder.session.quarantine import QUARANTINE_FOLDER
from recorder.sync.outbox import held_at

Kind = Literal["session", "export", "dataset", "model", "report"]
NoteCode = Literal[
    "others",
    "windows",
    "unsaid",
    "learned",
    "kept-for-model",
    "left",
    "moved",
    "service",
    "twin",
    "unreadable",
]
_LOCK: Final = "withdraw.lock"
_WAIT_S: Final = 30.0
"""Longer than most take to be deleted."""
_USUAL: Final = ("reports", "runs", "models", "datasets")
"""Folders of the home folder where these are written if nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Something that holds the subject.

    Args:
        kind: what it is.
        name: what people call it: session id, export id, dataset version, model.
        paths: where it lies; empty = not here any more.
        deletable: nobody else is in it, and nothing stands on it.
        why: it is not deleted, or what is to be known of it.
        beyond: what of it lies where nothing here can reach it, and who has to be asked; empty = nothing.
        notes: the same as codes with a value each, for a screen in another language.
    """

    kind: Kind
    name: str
    paths: tuple[Path, ...]
    deletable: bool
    why: str = ""
    beyond: str = ""
    notes: tuple[tuple[NoteCode, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "paths": [str(p) for p in self.paths],
            "deleted": self.deletable,
            "why": self.why,
            "cannot_reach": self.beyond,
        }

    def in_words(self) -> str:
        """One line."""
        where = ", ".join(map(str, self.paths)) or "not here"
        return f"{self.kind} {self.name} ({where})" + (f": {self.why}" if self.why else "")


@dataclass(frozen=True, slots=True)
class Places:
    """Where is looked.

    Args:
        home: folder with the records of exports, datasets and withdrawals.
        sessions: folders of session folders.
        datasets: folders of datasets, or folders of these, beside those that were built here.
        models: folders of model bundles.
        whole: folders looked through whole, for anything.
    """

    home: Path
    sessions: tuple[Path, ...] = ()
    datasets: tuple[Path, ...] = ()
    models: tuple[Path, ...] = ()
    whole: tuple[Path, ...] = ()

    @property
    def in_words(self) -> list[str]:
        """Everything that is looked through."""
        return [str(p) for p in (self.home, *self.sessions, *self.datasets, *self.models, *self.whole)]


def find(subject: str, places: Places) -> list[Holding]:
    """Everything that holds a subject, sessions first."""
    usual = [places.home / name for name in _USUAL if (places.home / name).is_dir()]
    noted = [Path(each.folder) for each in made(places.home) if Path(each.folder).is_dir()]
    seen = look_through((*usual, *places.whole), noted)
    found = [_at_services(holding, places.home) for holding in _sessions(subject, places, seen)]
    twins = also_in(subject, (*places.sessions, *(p.parent for h in found for p in h.paths)))
    found = [_with_twin(holding, twins.get(holding.name, ())) for holding in found]
    ids = {holding.name for holding in found}
    names = {path.name for holding in found for path in holding.paths}
    found += _exports(subject, ids, places.home)
    datasets = list(_datasets(subject, ids, places, seen))
    versions = [holding.name for holding in datasets]
    models = list(_models(subject, versions, places.models, seen))
    trained = {version for _, version in models}
    found += [_kept(holding, trained) for holding in datasets]
    found += _reports(subject, ids | names, set(versions), seen)
    return [*found, *(holding for holding, _ in models)]


def not_reached(holdings: Sequence[Holding], places: Places) -> list[str]:
    """What is known of and lies where nothing here can reach it, a line each."""
    lines = [f"{holding.kind} {holding.name}: {holding.beyond}" for holding in holdings if holding.beyond]
    return [*lines, *look_through(places.whole).unread]


def withdraw(
    subject: str,
    holdings: Sequence[Holding],
    places: Places,
    *,
    why: str = "",
    who: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Withdrawal, list[str]]:
    """Bar the subject, delete what may be deleted, mark the rest. Once more finds what an interrupted one left.

    One at a time: marks and files of several subjects are read and written anew.

    Returns:
        What was written down, and what could not be done, a line each: also what came since ``holdings`` were found.

    Raises:
        ConfigError: no pseudonym.
        SessionError: another withdrawal is at work here; then nothing was deleted.
        StorageError: the list of withdrawals cannot be written: then nothing was deleted.
    """
    if not subject.strip():
        raise ConfigError("withdraw: no pseudonym; name the subject")
    software = f"hemoview {__version__}"
    withdrawals.append(places.home, Withdrawal(subject, time.time_ns(), why, who, software=software))
    with _turn(places.home):
        came = _unknown(find(subject, places), holdings)
        erased, marked, failed = [], [], []
        for holding in holdings:
            tell(holding.in_words())
            try:
                if holding.deletable:
                    delete(holding.kind, holding.paths)
                    erased.append(holding.in_words())
                else:
                    mark(holding.kind, holding.paths, subject)
                    marked.append(holding.in_words())
            except (RecorderError, OSError) as error:
                failed.append(f"{holding.in_words()}: {error}")
    failed += [f"{holding.in_words()}: came after the list was made; withdraw once more" for holding in came]
    done = Withdrawal(subject, time.time_ns(), why, who, tuple(erased), tuple(marked), software)
    withdrawals.append(places.home, done)
    return done, failed


def _turn(home: Path) -> FolderLock:
    try:
        return FolderLock(home, _LOCK, wait_s=_WAIT_S)
    except SessionError as error:
        raise SessionError(
            "withdraw: another withdrawal is at work here; nothing was deleted, withdraw once more in a minute",
            advice=error.advice,
        ) from None


def _unknown(found: Sequence[Holding], holdings: Sequence[Holding]) -> list[Holding]:
    """What was made or found its way here since: nobody has agreed yet to its being deleted."""
    known = {(h.kind, h.name, path) for h in holdings for path in h.paths}
    return [h for h in found if any((h.kind, h.name, path) not in known for path in h.paths)]


# ---- where it is


def _at_services(holding: Holding, home: Path) -> Holding:
    """A session that was synchronised lies at a service too."""
    there = held_at(recorder_places.sync_dir(home), holding.name)
    if not there:
        return holding
    beyond = f"a copy lies at {', '.join(there)}: ask the service's administrator to erase it"
    return replace(holding, beyond=beyond, notes=(("service", ", ".join(there)),))


def _with_twin(holding: Holding, names: tuple[str, ...]) -> Holding:
    """A session whose recording lies under another subject too; whose it is only people can tell."""
    if not names:
        return holding
    there = ", ".join(names)
    said = f"a recording of it was imported into {there} as well: if it is this subject's, erase that session too"
    beyond = f"{holding.beyond}; {said}" if holding.beyond else said
    return replace(holding, beyond=beyond, notes=(*holding.notes, ("twin", there)))


def _sessions(subject: str, places: Places, seen: Seen) -> Iterator[Holding]:
    """Sessions whose subject it is now, in the folders that were named and wherever a dataset or an export was made of
    one: one that was corrected to somebody else is that one's.
    """
    inside = [
        card.parent
        for folder in places.sessions
        for pattern in (f"*/{SESSION_FILE}", f"{QUARANTINE_FOLDER}/*/{SESSION_FILE}")
        for card in sorted(folder.glob(pattern))
    ]
    told = [Path(p) for each in registered(places.home)[0] for p in each.session_folders]
    told += [Path(r.session) for r in export_record.read(places.home)[0] if r.session]
    for path in dict.fromkeys(p.resolve() for p in (*inside, *seen.sessions, *told) if p.is_absolute()):
        try:
            header = read_header(path)
        except (RecorderError, OSError):
            continue
        if header.subject is not None and header.subject.pseudonym.casefold() == subject.casefold():
            yield Holding("session", header.session_id, (path,), deletable=True)


def _exports(subject: str, session_ids: set[str], home: Path) -> Iterator[Holding]:
    records, wrong = export_record.read(home)
    for record in records:
        if record.subject.casefold() != subject.casefold() and record.session_id not in session_ids:
            continue
        there = tuple(p for p in map(Path, record.files) if p.exists())
        gone = len(record.files) - len(there)
        said = ["it left this station: ask whoever has it to delete it"] if record.for_others else []
        if gone:
            are = "is not where it was" if gone == 1 else "are not where they were"
            said.append(f"{gone} of {counted(len(record.files), 'file')} {are} written")
        why = "; ".join(said)
        notes: list[tuple[NoteCode, str]] = [("left", "")] if record.for_others else []
        notes += [("moved", f"{gone}/{len(record.files)}")] if gone else []
        yield Holding("export", record.export_id, there, bool(there), why, why, tuple(notes))
    for line in wrong:
        why = "cannot be read: whose it was is not known"
        yield Holding("export", line, (), deletable=False, why=why, beyond=why, notes=(("unreadable", ""),))


def _datasets(subject: str, session_ids: set[str], places: Places, seen: Seen) -> Iterator[Holding]:
    built, wrong = registered(places.home)
    known: set[Path] = set()
    for each in built:
        if not each.holds(subject) and not session_ids & set(each.sessions):
            continue
        folder = Path(each.folder)
        there = _version(folder) == each.version
        known |= {folder} if there else set()
        alone = {s.casefold() for s in each.subjects} == {subject.casefold()}
        why = "" if there else "it is not where it was written, or another lies there"
        others = "" if alone else _others(len(each.subjects) - 1)
        paths = (folder,) if there else ()
        note = _noted(len(each.subjects) - 1 if there else 0, () if there else (("moved", "1/1"),))
        yield Holding("dataset", each.version, paths, there and alone, why or others, why, note)
    known = {folder.resolve() for folder in known}
    for folder in (*_folders(places.datasets), *seen.datasets):
        if folder.resolve() in known:
            continue
        known.add(folder.resolve())
        people = subjects_of(folder)
        if subject.casefold() in {who.casefold() for who in people}:
            others = _others(len(people) - 1) if len(people) > 1 else ""
            note = _noted(len(people) - 1)
            name = _version(folder) or folder.name
            yield Holding("dataset", name, (folder,), not others, others, notes=note)
    for line in wrong:
        why = "cannot be read: who is in it is not known"
        yield Holding("dataset", line, (), deletable=False, why=why, beyond=why, notes=(("unreadable", ""),))


def _noted(others: int, more: tuple[tuple[NoteCode, str], ...] = ()) -> tuple[tuple[NoteCode, str], ...]:
    beside: tuple[tuple[NoteCode, str], ...] = (("others", str(others)),) if others > 0 else ()
    return (*beside, *more)


def _others(n: int) -> str:
    return "one other is in it" if n == 1 else f"{n} others are in it"


def _folders(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        yield from (
            [place] if (place / FACTS).is_file() else sorted(p.parent for p in place.glob(f"*/{FACTS}"))
        )


def _version(folder: Path) -> str:
    try:
        value = json.loads((folder / FACTS).read_text("utf-8"))
        return str(value.get("version", "")) if isinstance(value, dict) else ""
    except (OSError, ValueError):
        return ""


def _models(
    subject: str, versions: Sequence[str], folders: Sequence[Path], seen: Seen
) -> Iterator[tuple[Holding, str]]:
    """Bundles and training runs of which their own card says that such a dataset, or this subject, trained them."""
    named = [
        card
        for folder in folders
        for pattern in ("*/card.json", "*/config.json", "config.json")
        for card in folder.glob(pattern)
    ]
    for card in dict.fromkeys(sorted(card.resolve() for card in (*named, *seen.cards))):
        trained, people = _taught_by(card)
        by = sorted(set(versions) & trained)
        if subject.casefold() in people and not by:
            by = sorted(trained)[:1] or [""]
        for version in by:
            why = f"was trained on {version[:16]}…; a model cannot forget one person: train it again without"
            note: tuple[tuple[NoteCode, str], ...] = (("learned", version[:16]),)
            yield (
                Holding("model", card.parent.name, (card.parent,), deletable=False, why=why, notes=note),
                version,
            )


def _reports(subject: str, sessions_: set[str], versions: set[str], seen: Seen) -> Iterator[Holding]:
    """Reports that say they are about this subject, one of its sessions, or a dataset it is in."""
    for folder in dict.fromkeys(path.resolve() for path in seen.reports):
        of = report_of(folder)
        people = {who.casefold() for who in of.subjects or ()}
        whose = subject.casefold() in people
        if not whose and not (of.sessions & sessions_) and (of.version not in versions or of.subjects):
            continue
        alone = people == {subject.casefold()} or bool(of.sessions & sessions_)
        if alone:
            yield Holding("report", folder.name, (folder,), deletable=True)
            continue
        if whose:
            why = f"{_others(len(people) - 1)}; the subject's windows are taken out of {VALUES}, page and figures stay"
            note = _noted(len(people) - 1, (("windows", ""),))
            yield Holding("report", folder.name, (folder,), deletable=False, why=why, notes=note)
        else:
            why = "is of a dataset with the subject in it and does not say whose windows it holds: delete it by hand"
            yield Holding(
                "report",
                folder.name,
                (folder,),
                deletable=False,
                why=why,
                beyond=why,
                notes=(("unsaid", ""),),
            )


def _taught_by(card: Path) -> tuple[set[str], set[str]]:
    """Versions of the datasets that taught a model, and whom its run names as subjects; empty where nothing says so."""
    try:
        told = json.loads(card.read_text("utf-8"))
        sets = [s for s in told.get("training_sets") or () if isinstance(s, dict)]
        versions = {told.get("training_hash"), told.get("dataset_version"), *(s.get("version") for s in sets)}
        split = told.get("split") or {}
        people = {str(who).casefold() for part in ("train", "val") for who in split.get(part) or ()}
    except (OSError, ValueError, AttributeError, TypeError):
        return set(), set()
    return {str(v) for v in versions if v}, people


def _kept(holding: Holding, trained: set[str]) -> Holding:
    """A dataset that a model stands on stays, so that it can still be said what the model has seen."""
    if holding.name not in trained or not holding.deletable:
        return holding
    why = "a model was trained on it"
    return replace(holding, deletable=False, why=why, notes=(*holding.notes, ("kept-for-model", "")))
