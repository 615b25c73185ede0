"""A device's link as a table, and how long to wait before the next attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from recorder.schema import LinkState

LinkEvent = Literal["search", "opened", "sample", "quiet", "broke", "stop"]
"""``search``: an attempt begins · ``opened``: bytes may flow · ``sample``: one arrived · ``quiet``: none for too
long · ``broke``: the link is gone or could not be opened · ``stop``: on purpose."""

TRANSITIONS: Final[dict[tuple[LinkState, LinkEvent], LinkState]] = {
    ("idle", "search"): "scanning",
    ("lost", "search"): "scanning",
    ("scanning", "opened"): "connecting",
    ("connecting", "sample"): "streaming",
    ("silent", "sample"): "streaming",
    ("streaming", "sample"): "streaming",
    ("connecting", "quiet"): "silent",
    ("streaming", "quiet"): "silent",
    ("silent", "quiet"): "silent",
    ("scanning", "broke"): "lost",
    ("connecting", "broke"): "lost",
    ("streaming", "broke"): "lost",
    ("silent", "broke"): "lost",
    ("idle", "stop"): "idle",
    ("scanning", "stop"): "idle",
    ("connecting", "stop"): "idle",
    ("streaming", "stop"): "idle",
    ("silent", "stop"): "idle",
    ("lost", "stop"): "idle",
}

FIRST_RETRY_S: Final = 0.5
LONGEST_RETRY_S: Final = 10.0
RELINK_S: Final = 15.0
"""An open link without a sample for so long is closed and opened anew: the system may never tell that the other
side is gone. Longer than any driver's own remedy (resubscribing after 5 s)."""


def next_state(state: LinkState, event: LinkEvent) -> LinkState:
    """The table, read.

    Raises:
        ValueError: the event cannot happen in this state.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"a link that is {state} cannot see {event}") from None


def retry_delay_s(attempt: int) -> float:
    """Wait before attempt ``attempt`` (0 = the first after a loss): doubling, first ≤ 1 s, never over 10 s."""
    return float(min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempt, 10)))


@dataclass(slots=True)
class Link:
    """Where one link stands.

    Args:
        state: now.
        since_ns: host time of the last change of state.
        attempt: attempts since the last sample.
        error: the last failure or silence in plain words, with what to check; empty once samples flow.
    """

    state: LinkState = "idle"
    since_ns: int = 0
    attempt: int = 0
    error: str = ""

    def see(self, event: LinkEvent, t_host_ns: int, error: str = "") -> bool:
        """Move by the table; whether the state changed."""
        state = next_state(self.state, event)
        if event == "search":
            self.attempt += 1
        elif event in ("broke", "quiet"):
            self.error = error
        if state == self.state:
            return False
        if state == "streaming":
            self.attempt, self.error = 0, ""
        self.state, self.since_ns = state, t_host_ns
        return True
