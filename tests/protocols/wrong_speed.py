"""What a serial port hears that is set to another speed than its device: bits sampled at the wrong pace."""

from __future__ import annotations

import numpy as np


def heard_at(
    octets: bytes, sent_baud: int, heard_baud: int, idle_every: int = 0, idle_s: float = 0.0
) -> bytes:
    """Bytes 8N1 at ``sent_baud`` as an 8N1 receiver at ``heard_baud`` takes them; framing errors give a byte too.

    ``idle_s`` of silence follow every ``idle_every`` bytes, as between the lines of a slow device.
    """
    line = _line(octets, sent_baud, idle_every, idle_s)
    step = sent_baud / heard_baud  # sent bits for each heard bit
    out, at, end = bytearray(), 0.0, line.size
    while True:
        low = np.flatnonzero(line[int(at) : int(at) + 4096] == 0)
        if not low.size:
            at = int(at) + 4096
            if at >= end:
                return bytes(out)
            continue
        start = max(at, float(int(at) + int(low[0])))
        places = (start + (np.arange(8) + 1.5) * step).astype(int)
        if places[-1] >= end:
            return bytes(out)
        out.append(int((line[places] << np.arange(8)).sum()))
        at = start + 9.5 * step


def _line(octets: bytes, baud: int, idle_every: int, idle_s: float) -> np.ndarray:
    """The level of the line, a value a sent bit; high when idle."""
    bits = np.unpackbits(np.frombuffer(octets, np.uint8)[:, None], axis=1, bitorder="little")
    ones, zeros = np.ones((len(octets), 1), np.uint8), np.zeros((len(octets), 1), np.uint8)
    framed = np.hstack([zeros, bits, ones])
    if not idle_every:
        return framed.ravel().astype(np.int64)
    idle = np.ones(int(idle_s * baud), np.int64)
    parts = [framed[i : i + idle_every].ravel().astype(np.int64) for i in range(0, len(framed), idle_every)]
    return np.concatenate([x for part in parts for x in (part, idle)])
