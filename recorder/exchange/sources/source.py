"""One foreign recording, read and timed, with what was left out of it and why: what every reader of a format gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from recorder.exchange.into_session import Moment, Rows, Waveform
from recorder.exchange.sources.recording import RecordingFacts
from recorder.schema import DeviceInfo

COUNTED: Final = "its times are counted from the start that was named, or from 1970"
"""Of a source that has no date."""

SourceKind = Literal["e4", "cnap", "wfdb", "edf", "surgery-npz"]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file of the source that was not taken, and why; the rest was."""

    file: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What one ``--e4``, ``--cnap``, … brings into a session.

    Args:
        kind: which format.
        name: name of the file or folder as the person knows it; never stored as it is.
        sha256: of the file; of a folder or of files that belong together, over their names and hashes.
        content_sha256: of what was read, so that the same recording is known again zipped or unpacked.
        devices: whose streams these are.
        waveforms, numerics, moments: timed in UTC.
        rejected: file -> reason -> how many rows were left out.
        skipped: files not taken at all.
        zone: IANA name by which naive times were read; empty where the format is in UTC.
        shift_s: seconds the times were moved by, because somebody said so.
        notes: what else was odd, one line each.
        simulated: the source says so of itself.
        subject: what it tells of age, sex, height and weight; never who it is.
    """

    kind: SourceKind
    name: str
    sha256: str
    content_sha256: str
    devices: tuple[DeviceInfo, ...]
    waveforms: tuple[Waveform, ...] = ()
    numerics: tuple[Rows, ...] = ()
    moments: tuple[Moment, ...] = ()
    rejected: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))
    skipped: tuple[Skipped, ...] = ()
    zone: str = ""
    shift_s: float = 0.0
    notes: tuple[str, ...] = ()
    simulated: bool = False
    subject: RecordingFacts = field(default_factory=RecordingFacts)

    @property
    def rows(self) -> dict[str, int]:
        """Rows that are taken, by stream."""
        waves = {w.info.stream_id: len(w.values) for w in self.waveforms}
        return waves | {r.info.stream_id: len(r.values) for r in self.numerics}

    @property
    def span_wall_ns(self) -> tuple[int, int]:
        """UTC ns of the first and after the last sample or row.

        Raises:
            ValueError: it has none.
        """
        starts = [w.first_wall_ns for w in self.waveforms if len(w.values)]
        starts += [int(r.wall_ns[0]) for r in self.numerics if len(r.values)]
        ends = [w.end_wall_ns for w in self.waveforms if len(w.values)]
        ends += [int(r.wall_ns[-1]) for r in self.numerics if len(r.values)]
        return min(starts), max(ends)

    def rejected_rows(self) -> dict[str, int]:
        """How many rows were left out, by reason, of all its files."""
        total: dict[str, int] = {}
        for reasons in self.rejected.values():
            for reason, n in reasons.items():
                total[reason] = total.get(reason, 0) + n
        return total

    def facts(self) -> dict[str, Any]:
        """Plain JSON values for the command's outcome."""
        first, end = self.span_wall_ns
        return {
            "source": self.kind,
            "name": self.name,
            "start_wall_ns": first,
            "seconds": round((end - first) / 1e9, 3),
            "rows": self.rows,
            "rate_hz": {w.info.stream_id: w.info.nominal_rate_hz for w in self.waveforms},
            "gaps": {w.info.stream_id: len(w.breaks) for w in self.waveforms},
            "rejected": {file: dict(reasons) for file, reasons in self.rejected.items() if reasons},
            "skipped": [{"file": s.file, "why": s.why} for s in self.skipped],
            "zone": self.zone,
            "notes": list(self.notes),
        }
