"""What can be done in label mode, and the key of each: the one table that the keyboard and the key map read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Action = Literal[
    "next-window",
    "previous-window",
    "next-label",
    "previous-label",
    "next-uncertain",
    "previous-uncertain",
    "stretch-start",
    "stretch-end",
    "left-out",
    "left-in",
    "right-out",
    "right-in",
    "snap",
    "accept",
    "reject",
    "delete",
    "undo",
    "redo",
    "comment",
    "keys",
    "escape",
]


@dataclass(frozen=True, slots=True)
class LabelKey:
    """A key: its name in Qt's portable text, and what it does."""

    key: str
    action: Action


LABEL_KEYS: Final = (
    LabelKey("W", "next-window"),
    LabelKey("Shift+W", "previous-window"),
    LabelKey("N", "next-label"),
    LabelKey("Shift+N", "previous-label"),
    LabelKey("U", "next-uncertain"),
    LabelKey("Shift+U", "previous-uncertain"),
    LabelKey("I", "stretch-start"),
    LabelKey("O", "stretch-end"),
    LabelKey("A", "left-out"),
    LabelKey("Shift+A", "left-in"),
    LabelKey("D", "right-out"),
    LabelKey("Shift+D", "right-in"),
    LabelKey("B", "snap"),
    LabelKey("Return", "accept"),
    LabelKey("Enter", "accept"),
    LabelKey("X", "reject"),
    LabelKey("Del", "delete"),
    LabelKey("Backspace", "delete"),
    LabelKey("Ctrl+Z", "undo"),
    LabelKey("Ctrl+Shift+Z", "redo"),
    LabelKey("Ctrl+Y", "redo"),
    LabelKey("C", "comment"),
    LabelKey("?", "keys"),
    LabelKey("Esc", "escape"),
)
MODE_KEY: Final = "Ctrl+L"
"""Into label mode and out of it."""
ACTION_OF: Final = {entry.key: entry.action for entry in LABEL_KEYS}


def keys_of(action: Action) -> tuple[str, ...]:
    """Every key of an action."""
    return tuple(entry.key for entry in LABEL_KEYS if entry.action == action)
