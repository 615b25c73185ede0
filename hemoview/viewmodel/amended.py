"""Which fields of a session were corrected, in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hemoview.viewmodel.messages import Message, say


def amended_words(fields: Sequence[str]) -> Message | None:
    """``pseudonym, height``; None where nothing was corrected."""
    names = [say(f"amend-{field}") for field in fields]
    if not names:
        return None
    said = names[-1]
    for name in reversed(names[:-1]):
        said = say("amend-two", first=name, more=said)
    return said
