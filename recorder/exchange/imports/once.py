"""One recording, one session: who imports it while a watched folder or another window does is told where it went."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from recorder.errors import ConfigError, SessionError, StorageError
from recorder.exchange.imports.questions import imported_before
from recorder.exchange.sources.source import Source
from recorder.session.lock import FolderLock

_LOCK: Final = ".imports.lock"
_WAIT_S: Final = 30.0
"""Far longer than a session takes to be looked for and named; writing it is outside."""


@contextlib.contextmanager
def once(
    sources: Sequence[Source], pseudonym: str, sessions: Path | None, accepted: Collection[str]
) -> Iterator[None]:
    """Held while a session of these sources gets its name: of those who import them at once the first has them.

    Args:
        sources: what the session is of.
        pseudonym: its subject's.
        sessions: the folder it goes into; None = the same sources were looked for nowhere.
        accepted: answered questions; who wants the recording twice has it twice.

    Raises:
        ConfigError: they came into a session meanwhile; it is named.
        SessionError: another import keeps its turn too long.
    """
    if sessions is None or "imported-before" in accepted:
        yield
        return
    with _turn(sessions):
        found = next(imported_before(sources, pseudonym, sessions), None)
        if found is not None:
            raise ConfigError(
                f"already imported as {found.values['session']}, by another window or command at the same time"
            )
        yield


def _turn(sessions: Path) -> contextlib.AbstractContextManager[object]:
    try:
        return FolderLock(sessions, _LOCK, wait_s=_WAIT_S)
    except SessionError:
        raise SessionError(
            f"{sessions.name}: another import does not come to an end; try again in a minute",
            advice="session-in-use",
        ) from None
    except StorageError:  # a disk without locks, such as some shares: nobody else gets one either
        return contextlib.nullcontext()
