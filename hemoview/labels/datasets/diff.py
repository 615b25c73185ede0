"""What changed from one version of a dataset to another: sessions, windows, labels, exclusions, software. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from hemoview.labels.datasets.dataset import Dataset
from recorder.schema import PARAMETERS

Key = tuple[str, str, float]
"""Subject, session, start of a window, s to the millisecond."""
_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """From ``a`` to ``b``.

    Args:
        a, b: versions.
        sessions_added, sessions_removed: ids.
        sessions_changed: id → what about it is another: recording, alignment, label set.
        windows_added, windows_removed: counts by session.
        rewaved: windows whose samples differ, by session.
        relabelled: windows with another label, by parameter.
        reasons: parameter → (reason before → after) → windows whose reason changed.
        dropped: reason → (before, after), where they differ.
        options: option → (before, after), where they differ.
        software: name → (before, after), where they differ.
        subjects: of the sessions named above.
    """

    a: str
    b: str
    sessions_added: tuple[str, ...] = ()
    sessions_removed: tuple[str, ...] = ()
    sessions_changed: dict[str, list[str]] = field(default_factory=dict, hash=False)
    windows_added: dict[str, int] = field(default_factory=dict, hash=False)
    windows_removed: dict[str, int] = field(default_factory=dict, hash=False)
    rewaved: dict[str, int] = field(default_factory=dict, hash=False)
    relabelled: dict[str, int] = field(default_factory=dict, hash=False)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict, hash=False)
    dropped: dict[str, tuple[int, int]] = field(default_factory=dict, hash=False)
    options: dict[str, tuple[Any, Any]] = field(default_factory=dict, hash=False)
    software: dict[str, tuple[Any, Any]] = field(default_factory=dict, hash=False)
    subjects: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def same(self) -> bool:
        """Not a byte of content differs."""
        return self.a == self.b

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"same": self.same, **asdict(self)}

    def in_words(self) -> dict[str, Any]:
        """A line a fact, for people; what did not change is left out."""
        if self.same and not self.software:
            return {"same": f"both are version {self.a}"}
        told = {"same": f"both are version {self.a}"} if self.same else {"from": self.a, "to": self.b}
        for name in ("sessions_added", "sessions_removed"):
            if names := getattr(self, name):
                more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                told[name.replace("_", " ")] = (
                    f"{len(names)}: {', '.join(map(self._named, names[:_NAMED]))}{more}"
                )
        for name in ("windows_added", "windows_removed", "rewaved"):
            if counts := getattr(self, name):
                told[name.replace("_", " ").replace("rewaved", "windows with other samples")] = str(
                    sum(counts.values())
                )
        lines: dict[str, Any] = dict(told)
        for name in ("sessions_changed", "relabelled", "reasons", "dropped", "options", "software"):
            if counts := getattr(self, name):
                lines[name.replace("_", " ")] = {self._named(k): _arrow(v) for k, v in counts.items()}
        return lines

    def _named(self, what: str) -> str:
        """A session with whose it is; anything else as it is called."""
        whose = self.subjects.get(what)
        return f"{whose} {what}" if whose else what


def diff(a: Dataset, b: Dataset) -> DatasetDiff:
    """What changed from ``a`` to ``b``."""
    rows_a, rows_b = _rows(a), _rows(b)
    both = [(rows_a[key], rows_b[key]) for key in rows_a if key in rows_b]
    sources_a, sources_b = _sources(a), _sources(b)
    named = [*(sources_a.keys() ^ sources_b.keys()), *_changed(sources_a, sources_b)]
    return DatasetDiff(
        a.version,
        b.version,
        tuple(sorted(sources_b.keys() - sources_a.keys())),
        tuple(sorted(sources_a.keys() - sources_b.keys())),
        _changed(sources_a, sources_b),
        _by_session(key for key in rows_b if key not in rows_a),
        _by_session(key for key in rows_a if key not in rows_b),
        _rewaved(a, b, both),
        _relabelled(a, b, both),
        _reasons(a, b, both),
        _differ(a.about.get("dropped"), b.about.get("dropped"), 0),
        _differ(a.about.get("build"), b.about.get("build")),
        _differ(a.about.get("software"), b.about.get("software")),
        dict(sorted((of, who) for of in named if (who := _whose(of, (a, b))))),
    )


def _whose(session: str, datasets: tuple[Dataset, ...]) -> str:
    for dataset in datasets:
        told = str(_sources(dataset).get(session, {}).get("subject_id", ""))
        here = dataset.subject_id[dataset.session_id == session].tolist()
        if told or here:
            return told or str(here[0])
    return ""


def _arrow(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{value[0]} → {value[1]}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {n}" for name, n in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _rows(dataset: Dataset) -> dict[Key, int]:
    columns = (dataset.subject_id.tolist(), dataset.session_id.tolist(), dataset.t0_s.tolist())
    return {(who, of, round(t, 3)): i for i, (who, of, t) in enumerate(zip(*columns, strict=True))}


def _sources(dataset: Dataset) -> dict[str, Mapping[str, Any]]:
    told = dataset.about.get("sources", ())
    found: dict[str, Mapping[str, Any]] = {
        str(s["session_id"]): s for s in told if isinstance(s, Mapping) and "session_id" in s
    }
    return found or {s: {} for s in sorted(set(dataset.session_id.tolist())) if s}


def _changed(a: Mapping[str, Mapping[str, Any]], b: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    names = {"session_sha256": "recording or amendments", "alignment": "alignment", "label_sets": "label set"}
    found = {
        session: [text for name, text in names.items() if a[session].get(name) != b[session].get(name)]
        for session in sorted(a.keys() & b.keys())
    }
    return {session: what for session, what in found.items() if what}


def _by_session(keys: Any) -> dict[str, int]:
    return dict(sorted(Counter(session or who for who, session, _ in keys).items()))


def _rewaved(a: Dataset, b: Dataset, both: list[tuple[int, int]]) -> dict[str, int]:
    if a.ppg.shape[1] != b.ppg.shape[1]:
        return _by_session((str(b.subject_id[j]), str(b.session_id[j]), 0.0) for _, j in both)
    other = [j for i, j in both if not np.array_equal(a.ppg[i], b.ppg[j])]
    return _by_session((str(b.subject_id[j]), str(b.session_id[j]), 0.0) for j in other)


def _relabelled(a: Dataset, b: Dataset, both: list[tuple[int, int]]) -> dict[str, int]:
    if not both:
        return {}
    i, j = np.array(both).T
    ours, theirs = a.labels[i], b.labels[j]
    other = (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))
    return {p: int(n) for p, n in zip(PARAMETERS, other.sum(axis=0), strict=True) if n}


def _reasons(a: Dataset, b: Dataset, both: list[tuple[int, int]]) -> dict[str, dict[str, int]]:
    found = {}
    for parameter in PARAMETERS:
        name = f"label_valid_reason_{parameter}"
        if name not in a.extra or name not in b.extra:
            continue
        pairs = Counter((str(a.extra[name][i]), str(b.extra[name][j])) for i, j in both)
        if other := {f"{x} → {y}": n for (x, y), n in sorted(pairs.items()) if x != y}:
            found[parameter] = other
    return found


def _differ(a: Any, b: Any, none: Any = None) -> dict[str, tuple[Any, Any]]:
    one, other = (value if isinstance(value, Mapping) else {} for value in (a, b))
    names = sorted(one.keys() | other.keys())
    return {
        n: (one.get(n, none), other.get(n, none)) for n in names if one.get(n, none) != other.get(n, none)
    }
