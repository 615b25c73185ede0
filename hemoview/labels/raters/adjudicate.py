"""Two raters' labels side by side: where they disagree, one after the other, and what a third look decides. Pure.

What is decided goes into a label set of its own, so that both raters' labels stay what they were. Each label there
says whose it is, of which version of the set, and which models either rater had seen.
"""

from __future__ import annotations

import bisect
import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from hemoview.labels.annotation import Annotation, AnnotationKind, Deed, LabelFold, Suggested
from hemoview.labels.raters.agreement import common_spans
from hemoview.labels.raters.agreement_match import Ends, match_instants, match_spans
from hemoview.labels.raters.deeds import Author
from hemoview.labels.raters.raters import looked_at, models_of
from recorder.session.annotations import DEFAULT_SET

SAME_IOU: Final = 0.5
"""Two stretches that overlap at least so much are about the same thing (the middle threshold of agreement)."""
NEAR_S: Final = 0.5
"""Two instants no further apart are about the same moment."""
_DEEPEST: Final = 64
"""So many stretches of quality of one rater may lie over one another."""
ADJUDICATED: Final = "adjudicated"

Choice = Literal["a", "b", "own", "neither", "agreed"]


@dataclass(frozen=True, slots=True)
class Pair:
    """What two raters said of one place; None where one said nothing.

    Args:
        pair_id: the same for the same two labels, whoever looks: what was decided is found by it.
    """

    pair_id: str
    kind: AnnotationKind
    a: Annotation | None
    b: Annotation | None

    @property
    def agreed(self) -> bool:
        """Both said the same of the same place."""
        return self.a is not None and self.b is not None and self.a.label == self.b.label

    @property
    def t0_s(self) -> float:
        """Where it begins, of the earlier one."""
        return min(mark.t0_s for mark in (self.a, self.b) if mark is not None)

    @property
    def t1_s(self) -> float:
        """Where it ends, of the later one."""
        return max(mark.t1_s for mark in (self.a, self.b) if mark is not None)


def adjudicated_set(name: str) -> str:
    """Name of the set that takes what is decided about a set."""
    return ADJUDICATED if name == DEFAULT_SET else f"{name[: 39 - len(ADJUDICATED)]}-{ADJUDICATED}"


def pairs_of(fold: LabelFold, a: str, b: str) -> tuple[Pair, ...]:
    """Every label of two raters where both looked, those about the same thing together, in order of time."""
    looked = common_spans(looked_at(fold, a).spans, looked_at(fold, b).spans)
    mine, theirs = _inside(fold.annotations(a), looked), _inside(fold.annotations(b), looked)
    found: list[Pair] = []
    for kind in ("instant", "span"):
        one = [m for m in mine if m.kind == kind]
        other = [m for m in theirs if m.kind == kind]
        same = _matched(one, other, kind, same_label=True)
        rest = _matched(_without(one, same, 0), _without(other, same, 1), kind, same_label=False)
        found += [_pair(kind, left, right) for left, right in [*same, *rest]]
        found += [_pair(kind, left, None) for left in _without(_without(one, same, 0), rest, 0)]
        found += [_pair(kind, None, right) for right in _without(_without(other, same, 1), rest, 1)]
    quality = ([m for m in marks if m.kind == "quality"] for marks in (mine, theirs))
    found += _quality_pairs(*quality)
    return tuple(sorted(found, key=lambda pair: (pair.t0_s, pair.t1_s, pair.pair_id)))


def _quality_pairs(one: Sequence[Annotation], other: Sequence[Annotation]) -> list[Pair]:
    """Quality is a colour of time, not a thing: stretches of which each rater said one and the same, cut at every edge
    and joined again where neither changed his word."""
    edges = sorted({t for mark in (*one, *other) for t in (mark.t0_s, mark.t1_s)})
    pieces: list[tuple[float, float, Annotation | None, Annotation | None]] = []
    for start, end in itertools.pairwise(edges):
        a, b = _over(one, start, end), _over(other, start, end)
        if a is None and b is None:
            continue
        if pieces and pieces[-1][1] == start and _same(pieces[-1][2], a) and _same(pieces[-1][3], b):
            pieces[-1] = (pieces[-1][0], end, pieces[-1][2], pieces[-1][3])
        else:
            pieces.append((start, end, a, b))
    return [_pair("quality", _cut(a, start, end), _cut(b, start, end)) for start, end, a, b in pieces]


def _over(marks: Sequence[Annotation], start: float, end: float) -> Annotation | None:
    """The mark over a stretch; of several the one that begins last, as it is drawn."""
    last = bisect.bisect_right(marks, start, key=lambda mark: mark.t0_s)
    return next((m for m in reversed(marks[max(0, last - _DEEPEST) : last]) if m.t1_s >= end), None)


def _same(a: Annotation | None, b: Annotation | None) -> bool:
    return (a.label if a is not None else None) == (b.label if b is not None else None)


def _cut(mark: Annotation | None, start: float, end: float) -> Annotation | None:
    return replace(mark, t0_s=start, t1_s=end) if mark is not None else None


_Match = tuple[Annotation, Annotation]


def _inside(marks: Sequence[Annotation], looked: Sequence[Ends]) -> list[Annotation]:
    return [m for m in marks if any(t0 <= (m.t0_s + m.t1_s) / 2 <= t1 for t0, t1 in looked)]


def _matched(
    one: Sequence[Annotation], other: Sequence[Annotation], kind: AnnotationKind, *, same_label: bool
) -> list[_Match]:
    """Marks about the same place: of the same label, label by label, or of any."""
    labels = sorted({m.label for m in one} & {m.label for m in other}) if same_label else [None]
    found: list[_Match] = []
    for label in labels:
        left = [m for m in one if label in (None, m.label)]
        right = [m for m in other if label in (None, m.label)]
        if kind == "instant":
            places = match_instants([m.t0_s for m in left], [m.t0_s for m in right], NEAR_S)
        else:
            places = match_spans(
                [(m.t0_s, m.t1_s) for m in left], [(m.t0_s, m.t1_s) for m in right], SAME_IOU
            )
        found += [(left[i], right[j]) for i, j in places]
    return found


def _without(marks: Sequence[Annotation], taken: Sequence[_Match], side: int) -> list[Annotation]:
    gone = {id(match[side]) for match in taken}
    return [mark for mark in marks if id(mark) not in gone]


def _pair(kind: AnnotationKind, a: Annotation | None, b: Annotation | None) -> Pair:
    told = "|".join(
        f"{m.rater}:{m.annotation_id}:{m.deed_id}:{m.t0_s}:{m.t1_s}" if m is not None else "-" for m in (a, b)
    )
    return Pair(hashlib.sha256(told.encode()).hexdigest()[:20], kind, a, b)


def decided_in(adjudicated: LabelFold) -> frozenset[str]:
    """Ids of the pairs that somebody decided about."""
    standing = [*adjudicated.annotations(), *adjudicated.rejected()]
    return frozenset(mark.annotation_id for mark in standing)


def open_pairs(pairs: Sequence[Pair], adjudicated: LabelFold) -> tuple[Pair, ...]:
    """Disagreements nobody decided about yet, in order of time."""
    done = decided_in(adjudicated)
    return tuple(pair for pair in pairs if not pair.agreed and pair.pair_id not in done)


def agreed_deeds(
    pairs: Sequence[Pair], adjudicated: LabelFold, fold: LabelFold, author: Author
) -> tuple[Deed, ...]:
    """What both said alike and is not in the adjudicated set yet, as one deed: between the two raters' edges."""
    done = decided_in(adjudicated)
    deeds = [
        decided(pair, "agreed", fold, author) for pair in pairs if pair.agreed and pair.pair_id not in done
    ]
    return tuple(replace(deed, deed_id=deeds[0].deed_id) for deed in deeds)


def decided(
    pair: Pair, choice: Choice, fold: LabelFold, author: Author, own: Annotation | None = None
) -> Deed:
    """The line that says what was decided about a pair.

    Args:
        pair: what the two said.
        choice: whose is right; ``neither``: nothing is there.
        fold: the set of the two, for its version.
        author: who decides.
        own: of choice ``own``: kind, place, label and comment.

    Raises:
        ValueError: the one who is chosen said nothing, or ``own`` is missing.
    """
    kind, t0_s, t1_s, label, comment = _content(pair, choice, own)
    origin = _origin(pair, choice, fold)
    suggestion = _suggestion(pair, choice)
    made = author.add(kind, t0_s, t1_s, label, comment=comment, suggestion=suggestion)
    act: Literal["add", "reject"] = "reject" if choice == "neither" else "add"
    return replace(made, act=act, annotation_id=pair.pair_id, origin=origin)


def _content(
    pair: Pair, choice: Choice, own: Annotation | None
) -> tuple[AnnotationKind, float, float, str, str]:
    if choice == "agreed":
        if pair.a is None or pair.b is None or pair.a.label != pair.b.label:
            raise ValueError("the two raters did not say the same")
        middle_0, middle_1 = (pair.a.t0_s + pair.b.t0_s) / 2, (pair.a.t1_s + pair.b.t1_s) / 2
        return pair.kind, middle_0, middle_1, pair.a.label, ""
    chosen = {"a": pair.a, "b": pair.b, "own": own, "neither": pair.a or pair.b}[choice]
    if chosen is None:
        raise ValueError(f"choice {choice}: nothing was said there")
    return chosen.kind, chosen.t0_s, chosen.t1_s, chosen.label, chosen.comment


def _origin(pair: Pair, choice: Choice, fold: LabelFold) -> dict[str, Any]:
    """Where it comes from: both labels, the versions of both raters' labels, every model either had seen."""
    told: dict[str, Any] = {"choice": choice}
    seen: set[str] = set()
    for side, mark in (("a", pair.a), ("b", pair.b)):
        if mark is not None:
            told[side] = {
                "rater": mark.rater,
                "annotation": mark.annotation_id,
                "deed": mark.deed_id,
                "label": mark.label,
                "t0_s": mark.t0_s,
                "t1_s": mark.t1_s,
            }
            seen |= models_of(fold, mark)
    told["set_version"] = fold.version()
    if seen:
        told["models"] = sorted(seen)
    return told


def _suggestion(pair: Pair, choice: Choice) -> Suggested | None:
    """What a machine had proposed to the one whose label it is; of both, whichever was seen."""
    sides = {"a": (pair.a,), "b": (pair.b,)}.get(choice, (pair.a, pair.b))
    told = [mark.suggestion for mark in sides if mark is not None and mark.suggestion is not None]
    return told[0] if told else None
