"""What raters can do, and the key of each: the one table that the keyboard and the key map read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

RaterAction = Literal["suggest", "accept-all", "finish", "compare"]
PairAction = Literal[
    "pair-a", "pair-b", "pair-own", "pair-neither", "pair-next", "pair-previous", "pair-undo", "pair-end"
]


@dataclass(frozen=True, slots=True)
class RaterKey:
    """A key, in Qt's portable text, and what it does."""

    key: str
    action: RaterAction | PairAction


RATER_KEYS: Final = (
    RaterKey("Ctrl+G", "suggest"),
    RaterKey("Shift+Return", "accept-all"),
    RaterKey("Shift+Enter", "accept-all"),
    RaterKey("Ctrl+Return", "finish"),
    RaterKey("Ctrl+J", "compare"),
)
"""In label mode."""
PAIR_KEYS: Final = (
    RaterKey("1", "pair-a"),
    RaterKey("2", "pair-b"),
    RaterKey("3", "pair-own"),
    RaterKey("0", "pair-neither"),
    RaterKey("N", "pair-next"),
    RaterKey("Shift+N", "pair-previous"),
    RaterKey("Ctrl+Z", "pair-undo"),
    RaterKey("Esc", "pair-end"),
)
"""While two raters' labels are compared."""
RATER_ACTION: Final[dict[str, RaterAction | PairAction]] = {k.key: k.action for k in RATER_KEYS}
PAIR_ACTION: Final[dict[str, RaterAction | PairAction]] = {k.key: k.action for k in PAIR_KEYS}


def key_of(action: RaterAction | PairAction) -> str:
    """The first key of an action."""
    return next(k.key for k in (*RATER_KEYS, *PAIR_KEYS) if k.action == action)
