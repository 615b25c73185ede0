"""Bytes → lines, whatever way the link cut them. Bounded: a speaker that never ends a line costs no memory."""

from __future__ import annotations

MAX_LINE_BYTES = 4096
"""No line of a protocol here comes near; the longest is a device list of seven bands, about 200 bytes."""


EXCERPT_CHARACTERS = 24
"""So much of a speaker that is not understood is shown: enough to recognise it, short enough for one line."""


def excerpt(said: bytes | str) -> str:
    """The beginning of what was said, for a message; whatever cannot be shown is a ``·``."""
    text = said.decode("ascii", errors="replace") if isinstance(said, bytes) else said
    shown = text[:EXCERPT_CHARACTERS]
    return "".join(c if c.isprintable() and c != "\N{REPLACEMENT CHARACTER}" else "·" for c in shown)


class LineSplitter:
    """Carry-over buffer that gives complete lines without their terminator.

    Args:
        terminator: what ends a line.
        max_line_bytes: a longer line is thrown away up to the next terminator and counted in ``n_overlong``.
    """

    def __init__(self, terminator: bytes = b"\n", max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._terminator = terminator
        self._max = max_line_bytes
        self._carry = b""
        self._skipping = False
        self.n_overlong = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` completes, in order; an over-long one is left out."""
        parts = (self._carry + data).split(self._terminator)
        self._carry = parts.pop()
        lines = [line for line in parts if self._fits(line)]
        if len(self._carry) > self._max + len(self._terminator) - 1:  # a terminator may be cut in two
            self._begin_skipping()
        return lines

    def reset(self) -> None:
        """Forget the unfinished line (a new connection)."""
        self._carry = b""
        self._skipping = False

    def _fits(self, line: bytes) -> bool:
        if self._skipping:
            self._skipping = False
            return False
        if len(line) > self._max:
            self.n_overlong += 1
            return False
        return True

    def _begin_skipping(self) -> None:
        if not self._skipping:
            self.n_overlong += 1
        self._skipping = True
        keep = len(self._terminator) - 1
        self._carry = self._carry[-keep:] if keep else b""
