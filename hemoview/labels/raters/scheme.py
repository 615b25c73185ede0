"""What can be labelled: names, keys 1 to 9, kind and colour. Chosen on the screen, stored with the label set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from recorder.errors import ConfigError
from recorder.schema.labelling import ANNOTATION_KINDS, AnnotationKind

KEYS: Final = tuple(range(1, 10))
_LONGEST: Final = 40
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}\Z")
PALETTE: Final = (
    "#ff8b6e",
    "#f0c24b",
    "#9fd0d6",
    "#c792ea",
    "#7fb4e0",
    "#ff7ab8",
    "#57d977",
    "#e6d3a8",
    "#ff5a52",
)
"""Told apart on a dark ground; nothing is told by colour alone."""


@dataclass(frozen=True, slots=True)
class LabelChoice:
    """One thing that can be said.

    Args:
        label: what is written in an annotation; never changes, so that renaming renames what is there.
        kind: a moment, a stretch, or how good a stretch is.
        key: 1 to 9, None where it has none.
        colour: ``#rrggbb``.
        name: as typed; empty where the words of the screen's language stand for ``label``.

    Raises:
        ConfigError: cannot be a label.
    """

    label: str
    kind: AnnotationKind
    key: int | None
    colour: str
    name: str = ""

    def __post_init__(self) -> None:
        if not self.label.strip() or self.label != self.label.strip():
            raise ConfigError("a label without a name; type what it stands for", advice="label-name")
        if max(len(self.label), len(self.name)) > _LONGEST:
            raise ConfigError(
                f"label {self.label[:20]}…: at most {_LONGEST} characters; shorten it", advice="label-name"
            )
        if self.kind not in ANNOTATION_KINDS:
            raise ConfigError(
                f"label {self.label}: kind {self.kind!r} is none of {', '.join(ANNOTATION_KINDS)}"
            )
        if self.key is not None and self.key not in KEYS:
            raise ConfigError(f"label {self.label}: key {self.key} is none of 1 to 9")
        if not _COLOUR.match(self.colour):
            raise ConfigError(f"label {self.label}: colour {self.colour!r} is not #rrggbb")


@dataclass(frozen=True, slots=True)
class Scheme:
    """The labels of a set, in the order they are shown.

    Args:
        hide_suggestions: nobody is shown what a detector or a model would label.

    Raises:
        ConfigError: none at all, a label twice, or a key twice.
    """

    name: str
    labels: tuple[LabelChoice, ...]
    hide_suggestions: bool = False

    def __post_init__(self) -> None:
        if not self.labels:
            raise ConfigError("a label scheme without a label; add one", advice="label-none")
        told: dict[str, list[str]] = {
            "label": [c.label for c in self.labels],
            "name": [c.name for c in self.labels if c.name],
            "key": [str(c.key) for c in self.labels if c.key is not None],
        }
        for what, values in told.items():
            twice = next((v for v in values if values.count(v) > 1), None)
            if twice is not None:
                raise ConfigError(
                    f"label scheme: {what} {twice} twice; change one of them", advice=f"label-twice-{what}"
                )

    def of(self, label: str) -> LabelChoice | None:
        """The choice of that label, None for one of an earlier scheme."""
        return next((c for c in self.labels if c.label == label), None)

    def at_key(self, key: int) -> LabelChoice | None:
        """What a key stands for."""
        return next((c for c in self.labels if c.key == key), None)

    def place(self, label: str) -> int:
        """Which of the scheme's labels it is, −1 for one of an earlier scheme."""
        return next((n for n, c in enumerate(self.labels) if c.label == label), -1)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Scheme:
        """Inverse of :meth:`to_json`.

        Raises:
            ConfigError: no scheme.
        """
        try:
            labels = tuple(LabelChoice(**choice) for choice in value["labels"])
            return cls(str(value["name"]), labels, bool(value.get("hide_suggestions", False)))
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"label scheme: not readable ({error}); choose another") from None


def _shipped(name: str, rows: Sequence[tuple[str, AnnotationKind, str]]) -> Scheme:
    keys = [*KEYS, *(None for _ in rows[len(KEYS) :])]
    choices = (
        LabelChoice(label, kind, key, colour) for (label, kind, colour), key in zip(rows, keys, strict=False)
    )
    return Scheme(name, tuple(choices))


PULSE: Final = _shipped(
    "pulse",
    (
        ("artefact", "span", "#ff8b6e"),
        ("motion", "span", "#f0c24b"),
        ("poor-contact", "span", "#9fd0d6"),
        ("calibration", "span", "#c792ea"),
        ("arm-moved", "instant", "#7fb4e0"),
        ("irregular-rhythm", "span", "#ff7ab8"),
        ("good", "quality", "#57d977"),
        ("usable", "quality", "#e6d3a8"),
        ("bad", "quality", "#ff5a52"),
    ),
)
"""For PPG beside a continuous blood pressure: what spoils a window, what changed, how good the pulse is."""
RHYTHM: Final = _shipped(
    "rhythm",
    (
        ("regular-rhythm", "span", "#57d977"),
        ("irregular-rhythm", "span", "#ff7ab8"),
        ("atrial-fibrillation", "span", "#ff5a52"),
        ("paced-rhythm", "span", "#7fb4e0"),
        ("extra-beat", "instant", "#f0c24b"),
        ("missed-beat", "instant", "#c792ea"),
        ("pause", "span", "#ff8b6e"),
        ("usable", "quality", "#e6d3a8"),
        ("bad", "quality", "#9fd0d6"),
    ),
)
BEATS: Final = _shipped(
    "beats",
    (
        ("beat-foot", "instant", "#57d977"),
        ("beat-peak", "instant", "#f0c24b"),
        ("dicrotic-notch", "instant", "#7fb4e0"),
        ("not-a-beat", "instant", "#ff5a52"),
        ("extra-beat", "instant", "#ff7ab8"),
        ("artefact", "span", "#ff8b6e"),
        ("good", "quality", "#9fd0d6"),
        ("usable", "quality", "#e6d3a8"),
        ("bad", "quality", "#c792ea"),
    ),
)
SHIPPED: Final[dict[str, Scheme]] = {scheme.name: scheme for scheme in (PULSE, RHYTHM, BEATS)}
"""By name; the first is offered first."""
SHIPPED_LABELS: Final = frozenset(choice.label for scheme in SHIPPED.values() for choice in scheme.labels)
"""Labels that have words in every language of the screens."""
