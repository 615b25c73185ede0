"""The same recording in sessions of two subjects: somebody mixed them up, and one of the two withdraws."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from recorder.exchange.imports.questions import imports_in


def also_in(subject: str, folders: Iterable[Path]) -> dict[str, tuple[str, ...]]:
    """Where else a subject's imported recordings lie, under another subject.

    Args:
        subject: pseudonym.
        folders: of session folders.

    Returns:
        id of a session of the subject -> ``name (pseudonym)`` of every session of others that holds a recording of it.
    """
    ours: dict[str, set[str]] = defaultdict(set)
    theirs: dict[str, set[str]] = defaultdict(set)
    for folder in dict.fromkeys(path.resolve() for path in folders):
        for place, header, payload in imports_in(folder):
            content, whose = payload.get("content_sha256"), header.subject
            if not content or whose is None:
                continue
            if whose.pseudonym.casefold() == subject.casefold():
                ours[header.session_id].add(content)
            else:
                theirs[content].add(f"{place.name} ({whose.pseudonym})")
    found = {
        session_id: tuple(sorted({name for content in contents for name in theirs[content]}))
        for session_id, contents in ours.items()
    }
    return {session_id: names for session_id, names in found.items() if names}
