"""What the lines of a label set amount to: annotations as they stand, and what undo and redo would take back or bring.

Every line says all of its annotation, so that the state is a matter of which deeds count: an annotation is as its last
deed that nobody undid. Undo and redo are lines too; nothing about them is kept in memory alone. Pure.
"""

from __future__ import annotations

import bisect
import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from recorder.schema.labelling import AnnotationKind, Deed, Suggested


@dataclass(frozen=True, slots=True)
class Annotation:
    """A label as it stands now.

    Args:
        annotation_id: of this rater's annotation.
        kind, t0_s, t1_s, label, comment: see :class:`recorder.schema.labelling.Deed`.
        rater: operator code of whose it is.
        wall_ns: when it became what it is, UTC ns since 1970.
        suggestion: what a machine proposed when it was made.
        deed_id: that made it what it is.
    """

    annotation_id: str
    kind: AnnotationKind
    t0_s: float
    t1_s: float
    label: str
    comment: str
    rater: str
    wall_ns: int
    suggestion: Suggested | None
    deed_id: str

    def content(self) -> list[Any]:
        """What it says, without how it came about: the same content is the same label."""
        told = self.suggestion
        by = [told.source, told.model_sha256, told.visible, told.accepted] if told else None
        return [self.t0_s, self.t1_s, self.kind, self.label, self.rater, self.comment, by]


_Key = tuple[str, str]
Order = tuple[float, float, str, str]
Change = tuple[Annotation | None, Annotation | None]
"""What stood before a line and what stands after it."""
_REMEMBERED = 64


class LabelFold:
    """Lines in, annotations out; a line at a time or all at once, with the same result."""

    def __init__(self, deeds: Iterable[Deed] = ()) -> None:
        self._lines: dict[_Key, list[Deed]] = {}
        self._keys_of: dict[str, dict[_Key, None]] = {}
        self._undone: set[str] = set()
        self._to_undo: dict[str, list[str]] = {}
        self._to_redo: dict[str, list[str]] = {}
        self._standing: dict[_Key, Annotation] = {}
        self._rejected: dict[_Key, Annotation] = {}
        self._order: list[tuple[Order, Annotation]] = []
        self.scheme: dict[str, Any] | None = None
        """Plain JSON of the scheme that was chosen last."""
        self.scheme_by: str = ""
        self._looked: dict[str, list[tuple[float, float]]] = {}
        self._done: set[str] = set()
        self._seen: dict[str, set[str]] = {}
        self._informed: Counter[tuple[str, str]] = Counter()
        self.edition = 0
        """Counts lines: another number, perhaps another state."""
        self._changes: deque[tuple[int, Change]] = deque(maxlen=_REMEMBERED)
        for deed in deeds:
            self.take(deed)

    def take(self, deed: Deed) -> None:
        """One more line. What it names and is not here, because its line was lost, is passed over."""
        self.edition += 1
        if deed.act == "scheme":
            self.scheme, self.scheme_by = deed.scheme, deed.rater
        elif deed.act == "finish":
            assert deed.t0_s is not None and deed.t1_s is not None  # checked by Deed
            self._looked.setdefault(deed.rater, []).append((deed.t0_s, deed.t1_s))
            self._show_each_other(deed.rater)
        elif deed.act == "reopen":
            self._done.discard(deed.rater)
        else:
            for other in self._seen.get(deed.rater, ()):
                self._informed[(deed.rater, other)] += 1
            self._change(deed)

    def _show_each_other(self, rater: str) -> None:
        """Who is done is shown the labels of the others who are, and they are shown theirs."""
        for other in self._done - {rater}:
            self._seen.setdefault(rater, set()).add(other)
            self._seen.setdefault(other, set()).add(rater)
        self._done.add(rater)

    def _change(self, deed: Deed) -> None:
        if deed.act == "undo":
            self._turn(deed, self._to_undo, self._to_redo, done=False)
        elif deed.act == "redo":
            self._turn(deed, self._to_redo, self._to_undo, done=True)
        else:
            self._do(deed)

    def _do(self, deed: Deed) -> None:
        key = (deed.rater, deed.annotation_id)
        self._lines.setdefault(key, []).append(deed)
        self._keys_of.setdefault(deed.deed_id, {})[key] = None
        stack = self._to_undo.setdefault(deed.rater, [])
        if not stack or stack[-1] != deed.deed_id:
            stack.append(deed.deed_id)
        self._to_redo[deed.rater] = []
        self._settle(key)

    def _turn(
        self, deed: Deed, here: dict[str, list[str]], there: dict[str, list[str]], *, done: bool
    ) -> None:
        stack, named = here.get(deed.rater, []), deed.undoes or ""
        if named not in stack:
            return
        stack.remove(named)
        there.setdefault(deed.rater, []).append(named)
        if done:
            self._undone.discard(named)
        else:
            self._undone.add(named)
        for key in self._keys_of.get(named, ()):
            self._settle(key)

    def _settle(self, key: _Key) -> None:
        """An annotation is as its last line that counts."""
        last = None
        for deed in reversed(self._lines[key]):
            if deed.deed_id not in self._undone:
                last = deed
                break
        before = self._standing.pop(key, None)
        after: Annotation | None = None
        if before is not None:
            del self._order[bisect.bisect_left(self._order, (order_of(before),))]
        self._rejected.pop(key, None)
        if last is not None and last.act == "reject":
            self._rejected[key] = _annotation(last)
        elif last is not None and last.act != "delete":
            after = self._standing[key] = _annotation(last)
            bisect.insort(
                self._order, (order_of(after), after)
            )  # orders differ: annotations are never compared
        self._changes.append((self.edition, (before, after)))

    @property
    def raters(self) -> tuple[str, ...]:
        """Who did anything here, in order of name."""
        return tuple(sorted({rater for rater, _ in self._lines}))

    @property
    def finished(self) -> frozenset[str]:
        """Raters who declared their labels finished, and did not open them again."""
        return frozenset(self._done)

    def looked(self, rater: str) -> tuple[tuple[float, float], ...]:
        """Stretches that a rater declared to have looked at, elapsed seconds, as declared."""
        return tuple(self._looked.get(rater, ()))

    def informed(self, rater: str, other: str) -> int:
        """Lines by which a rater changed labels after the other's were open to him: both had finished before."""
        return self._informed[(rater, other)]

    def annotations(self, rater: str | None = None) -> tuple[Annotation, ...]:
        """As they stand, in order of time; of one rater or of all."""
        return tuple(a for _, a in self._order if rater in (None, a.rater))

    def rejected(self, rater: str | None = None) -> tuple[Annotation, ...]:
        """Suggestions that were seen and refused, in order of time."""
        mine = (a for a in self._rejected.values() if rater in (None, a.rater))
        return tuple(sorted(mine, key=order_of))

    def get(self, rater: str, annotation_id: str) -> Annotation | None:
        """One annotation of a rater, None where it is deleted, undone or never was."""
        return self._standing.get((rater, annotation_id))

    def changes_since(self, edition: int) -> tuple[Change, ...] | None:
        """What became of single annotations since then, in order; None where that is too long ago to be known."""
        if self._changes and len(self._changes) == _REMEMBERED and self._changes[0][0] > edition:
            return None
        return tuple(change for number, change in self._changes if number > edition)

    def decided(self, rater: str, annotation_id: str) -> bool:
        """Whether this rater did anything with an annotation or a suggestion that was not undone."""
        lines = self._lines.get((rater, annotation_id), ())
        return any(d.deed_id not in self._undone for d in lines)

    def undo_of(self, rater: str) -> str | None:
        """The deed that this rater would undo next."""
        stack = self._to_undo.get(rater)
        return stack[-1] if stack else None

    def redo_of(self, rater: str) -> str | None:
        """The deed that this rater would do again next."""
        stack = self._to_redo.get(rater)
        return stack[-1] if stack else None

    def about(self, deed_id: str) -> tuple[Deed, ...]:
        """The lines of a deed."""
        keys = self._keys_of.get(deed_id, ())
        return tuple(d for key in keys for d in self._lines[key] if d.deed_id == deed_id)

    def version(self, rater: str | None = None) -> str:
        """SHA-256 over what the labels say: the same labels have the same version, however they were arrived at."""
        content = sorted(json.dumps(a.content(), ensure_ascii=True) for a in self.annotations(rater))
        refused = sorted(json.dumps(a.content(), ensure_ascii=True) for a in self.rejected(rater))
        told = json.dumps([content, refused, self.scheme], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(told.encode()).hexdigest()


def _annotation(deed: Deed) -> Annotation:
    assert deed.kind is not None and deed.t0_s is not None and deed.t1_s is not None  # checked by Deed
    return Annotation(
        deed.annotation_id,
        deed.kind,
        deed.t0_s,
        deed.t1_s,
        deed.label,
        deed.comment,
        deed.rater,
        deed.wall_ns,
        deed.suggestion,
        deed.deed_id,
    )


def order_of(annotation: Annotation) -> Order:
    """By which annotations are sorted: time first; no two have the same."""
    return annotation.t0_s, annotation.t1_s, annotation.rater, annotation.annotation_id
