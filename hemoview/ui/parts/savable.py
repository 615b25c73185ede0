"""What a page must tell so that its picture and its numbers can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from hemoview.ui.parts.figure import Figure
from recorder.exchange.trends.trend_csv import Saving


@dataclass(frozen=True, slots=True)
class Wanted:
    """A span to save: of which session folder or saved file, and under which name."""

    source: Path
    saving: Saving
    file_name: str


@runtime_checkable
class Savable(Protocol):
    """A page that has something to keep; each gives None while it has nothing."""

    def figure(self) -> Figure | None:
        """The picture as it stands."""
        ...

    def wanted(self) -> Wanted | None:
        """The span as it stands."""
        ...
