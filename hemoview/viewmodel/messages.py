"""What a screen says, without its words: an id and named values. ``hemoview.ui.words.catalogue`` owns the text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """An id of the catalogue and the values its text names.

    Args:
        id: key of the catalogue.
        values: ``(name, value)`` pairs, in the order given.
    """

    id: str
    values: tuple[tuple[str, object], ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The named values."""
        return dict(self.values)


def say(message_id: str, **values: object) -> Message:
    """A message: ``say("stream-silent", stream="PPG", seconds=2.1)``."""
    return Message(message_id, tuple(values.items()))
