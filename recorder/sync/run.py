"""Sessions into custody, one after the other; whatever happens to one becomes words, and the next has its turn."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from recorder.errors import RecorderError, ServiceUnreachable, SessionDamaged, WrongService
from recorder.session.header import TOMBSTONE_FILE
from recorder.session.lock import FolderLock
from recorder.sync import files
from recorder.sync.answers import REVOKED
from recorder.sync.outbox import Entry
from recorder.sync.outcome import Outcome
from recorder.sync.turn import Gear, Tell, Turn

TURN_WAIT_S: Final = 600.0


def bring(gear: Gear, folder: Path, tell: Tell = lambda _done, _total: None) -> Outcome:
    """One session. What was done stays done, and is not done again.

    Raises:
        ServiceUnreachable, WrongService: no further session would fare better; ServiceRefused where this device was
            revoked.
    """
    server_id = gear.service.identity.server_id
    entry = Entry(server_id, "")
    try:
        if (folder / TOMBSTONE_FILE).is_file():
            return Outcome(folder, stays="erased")
        local = files.look(folder)
        with FolderLock(gear.outbox.folder, f"{server_id[:40]}.lock", wait_s=TURN_WAIT_S):
            entry = gear.outbox.get(server_id, local.session_id)
            return Turn(gear, local, entry, tell).take()
    except (ServiceUnreachable, WrongService) as error:
        _trouble(gear, entry, folder, error)
        raise
    except RecorderError as error:
        if error.advice == REVOKED:
            _trouble(gear, entry, folder, error)
            raise
        stays = "damaged" if isinstance(error, SessionDamaged) else ""
        _trouble(gear, entry, folder, error, stays)
        return Outcome(folder, entry.session_id, error=str(error), advice=error.advice)


def count(gear: Gear, folder: Path) -> None:
    """Note what of a session waits, while the service cannot be reached; what is wrong with it is said when it can."""
    with contextlib.suppress(RecorderError):
        local = files.look(folder)
        server_id = gear.service.identity.server_id
        with FolderLock(gear.outbox.folder, f"{server_id[:40]}.lock", wait_s=TURN_WAIT_S):
            Turn(
                gear, local, gear.outbox.get(server_id, local.session_id), lambda _done, _total: None
            ).count()


def bring_all(
    gear: Gear, folders: Sequence[Path], tell: Callable[[int, str], None] = lambda _n, _words: None
) -> list[Outcome]:
    """All of them in turn; ``tell`` is told how many are done, and which is on its way, with its bytes.

    Raises:
        ServiceUnreachable, WrongService: as :func:`bring`.
    """
    outcomes: list[Outcome] = []
    for number, folder in enumerate(folders):
        if gear.stop.is_set():
            break
        tell(number, folder.name)
        outcomes.append(bring(gear, folder, partial(_sending, tell, number, folder.name)))
    tell(len(folders), "")
    return outcomes


def _sending(tell: Callable[[int, str], None], number: int, name: str, done: int, total: int) -> None:
    tell(number, f"{name}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")


def _trouble(gear: Gear, entry: Entry, folder: Path, error: RecorderError, stays: str = "") -> None:
    if entry.session_id:
        known = gear.outbox.get(entry.server_id, entry.session_id)
        failed = replace(
            known, folder=str(folder), failures=known.failures + 1, error=str(error), stays=stays
        )
        gear.outbox.put(failed)
