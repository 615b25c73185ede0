"""Labels made afterwards, as they are written down: one line a deed, nothing is ever rewritten."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

AnnotationKind = Literal["instant", "span", "quality"]
"""A moment; a stretch; a stretch of which somebody says how good the samples are."""
ANNOTATION_KINDS: tuple[AnnotationKind, ...] = get_args(AnnotationKind)

Act = Literal["add", "change", "delete", "reject", "undo", "redo", "scheme", "finish", "reopen"]
"""``reject``: a suggestion was seen and refused. ``scheme``: what can be labelled from now on. ``finish``: this rater
looked at the whole of a stretch and is done with it. ``reopen``: and is not done after all."""
_ACTS = frozenset(get_args(Act))
_SAYS_WHERE = frozenset({"add", "change", "reject"})
_NAMES_ONE = _SAYS_WHERE | {"delete"}
_NUMBERS = (int, float)


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a machine proposed when a label was made: kept with the label for ever.

    Args:
        source: who proposed: a detector's or a model's name.
        model_sha256: of the model, empty for a detector.
        visible: the rater could see the proposal.
        accepted: the label is the proposal, taken over.
    """

    source: str
    model_sha256: str = ""
    visible: bool = True
    accepted: bool = False

    def __post_init__(self) -> None:
        if not self.source or not (isinstance(self.source, str) and isinstance(self.model_sha256, str)):
            raise ValueError("a suggestion names its source")
        if self.accepted and not self.visible:
            raise ValueError("a suggestion nobody saw cannot be accepted")


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of a label set: what a rater did.

    A line that says where something is (``add``, ``change``, ``reject``) says all of it, so that each line is
    understood without those before it. Lines with the same ``deed_id`` are one deed and are undone together.

    Args:
        act: what was done.
        deed_id: of this deed.
        rater: operator code of who did it.
        wall_ns: when, UTC ns since 1970.
        software: name and version it was done with.
        annotation_id: which annotation of this rater; raters never share one.
        kind, t0_s, t1_s, label, comment: the annotation after the deed; elapsed seconds of the session; an instant
            has ``t1_s == t0_s``.
        suggestion: what a machine proposed there, None where nothing was.
        replaces: the deed that the annotation was as before, None for a new one.
        undoes: of ``undo``: the deed taken back; of ``redo``: the deed done again.
        scheme: plain JSON of the label scheme, of act ``scheme``.
        origin: plain JSON of what the annotation was made from: of an adjudicated label whose it is.

    Raises:
        ValueError: a line that could not be understood alone.
    """

    act: Act
    deed_id: str
    rater: str
    wall_ns: int
    software: str
    annotation_id: str = ""
    kind: AnnotationKind | None = None
    t0_s: float | None = None
    t1_s: float | None = None
    label: str = ""
    comment: str = ""
    suggestion: Suggested | None = None
    replaces: str | None = None
    undoes: str | None = None
    scheme: dict[str, Any] | None = None
    origin: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        _check_kinds(self)
        if self.act not in _ACTS:
            raise ValueError(f"deed {self.act!r} is none of {', '.join(get_args(Act))}")
        if not self.deed_id or not self.rater.strip():
            raise ValueError("a deed has an id and a rater")
        if self.act in ("undo", "redo") and not self.undoes:
            raise ValueError(f"{self.act} names the deed it is about")
        if self.act == "scheme" and not isinstance(self.scheme, dict):
            raise ValueError("a scheme deed carries the scheme")
        if self.act in _NAMES_ONE and not self.annotation_id:
            raise ValueError(f"{self.act} names its annotation")
        if self.act == "finish":
            _check_stretch(self.t0_s, self.t1_s)
        if self.act in _SAYS_WHERE:
            _check_place(self.kind, self.t0_s, self.t1_s, self.label)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; what is not said is left out."""
        told = {name: value for name, value in asdict(self).items() if value not in (None, "")}
        for short, name in _SHORT.items():
            if name in told:
                told[short] = told.pop(name)
        return told

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Deed:
        """Inverse of :meth:`to_json`.

        Raises:
            ValueError, KeyError, TypeError: not a deed.
        """
        told = {_SHORT.get(name, name): part for name, part in value.items()}
        if told.get("suggestion") is not None:
            told["suggestion"] = Suggested(**told["suggestion"])
        return cls(**told)


_SHORT = {"deed": "deed_id", "id": "annotation_id"}


def _check_kinds(deed: Deed) -> None:
    """What a file may hold in place of a text or a number."""
    texts = (deed.act, deed.deed_id, deed.rater, deed.software, deed.annotation_id, deed.label, deed.comment)
    for told in texts:
        if not isinstance(told, str):
            raise ValueError("a text of a deed is none")
    for part in (deed.kind, deed.replaces, deed.undoes):
        if part is not None and not isinstance(part, str):
            raise ValueError("a text of a deed is none")
    for t in (deed.wall_ns, deed.t0_s, deed.t1_s):
        if t is not None and (isinstance(t, bool) or not isinstance(t, _NUMBERS)):
            raise ValueError("a time of a deed is no number")


def _check_stretch(t0_s: float | None, t1_s: float | None) -> None:
    if t0_s is None or t1_s is None or not (math.isfinite(t0_s) and math.isfinite(t1_s) and t1_s > t0_s):
        raise ValueError("what was looked at has a start and a later end, in seconds")


def _check_place(kind: str | None, t0_s: float | None, t1_s: float | None, label: str) -> None:
    if kind not in ANNOTATION_KINDS:
        raise ValueError(f"annotation kind {kind!r} is none of {', '.join(ANNOTATION_KINDS)}")
    if not label:
        raise ValueError("an annotation has a label")
    if t0_s is None or t1_s is None or not (math.isfinite(t0_s) and math.isfinite(t1_s)):
        raise ValueError("an annotation has a start and an end, in seconds")
    if kind == "instant" and t1_s != t0_s:
        raise ValueError("an instant ends when it begins")
    if kind != "instant" and t1_s <= t0_s:
        raise ValueError(f"a {kind} ends after it begins: {t0_s:g} to {t1_s:g} s")
