"""Which version of everything between bedside and service this build speaks: of :mod:`wire` and :mod:`uplink_wire`.

It is raised when builds of before and after would not understand each other. Each side says its own, and nothing goes
between two that differ. Who says none speaks the first.
"""

from __future__ import annotations

from typing import Final

OURS: Final = 1
HEADER: Final = "HemoView-Protocol"
"""Of every request of a bedside."""
OTHER: Final = "urn:hemoview:other-protocol"
"""Type of the problem (RFC 9457) that another version is answered with."""
