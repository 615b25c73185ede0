"""A label set open for labelling: what is on disk, and nothing that is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hemoview.labels.annotation import Deed, LabelFold
from hemoview.labels.raters.scheme import PULSE, Scheme
from recorder.errors import ConfigError
from recorder.session import annotations as store


class LabelBook:
    """A label set of a session. Lines go to the disk first and are folded as they are read back.

    Args:
        folder: session folder.
        name: of the set.

    Raises:
        ConfigError: no name for a label set.
        StorageError: it cannot be read.
    """

    def __init__(self, folder: Path, name: str = store.DEFAULT_SET) -> None:
        self.folder, self.name = folder, name
        lines = store.read(folder, name)
        self.fold = LabelFold(lines.deeds)
        self.damaged = lines.wrong
        """Lines that cannot be read; the others stand."""
        self._end_byte = lines.end_byte
        self._scheme: tuple[object, Scheme] = (None, PULSE)

    def write(self, deeds: Sequence[Deed]) -> None:
        """Lines of one or several deeds: on disk when this returns, or an error and nothing changed.

        Raises:
            SessionError, StorageError: see :func:`recorder.session.annotations.append`.
        """
        self._take(store.append(self.folder, self.name, deeds, self._end_byte))

    def catch_up(self) -> bool:
        """Lines that another window wrote; True if there were any.

        Raises:
            SessionError, StorageError: see :func:`recorder.session.annotations.read`.
        """
        before = self._end_byte
        self._take(store.read(self.folder, self.name, self._end_byte))
        return self._end_byte != before

    @property
    def scheme(self) -> Scheme:
        """What can be labelled; the default where nobody chose, or the chosen one cannot be read."""
        chosen = self.fold.scheme
        if chosen is not None and self._scheme[0] is not chosen:
            try:
                self._scheme = (chosen, Scheme.from_json(chosen))
            except ConfigError:
                self._scheme = (chosen, PULSE)
        return self._scheme[1]

    def _take(self, lines: store.Lines) -> None:
        for deed in lines.deeds:
            self.fold.take(deed)
        self._end_byte = lines.end_byte
