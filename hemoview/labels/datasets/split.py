"""Which subject is in which part: a split as it is written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Self

from recorder.errors import ConfigError

PARTS: Final = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Split:
    """Subjects of each part; nobody is in two.

    Args:
        name: what ``--split`` calls it.
        train, val, test: subject ids, sorted.

    Raises:
        ConfigError: a subject in two parts, or nobody at all.
    """

    name: str
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        for part in PARTS:
            object.__setattr__(self, part, tuple(sorted(set(getattr(self, part)))))
        for one, other in combinations(PARTS, 2):
            twice = set(getattr(self, one)) & set(getattr(self, other))
            if twice:
                raise ConfigError(
                    f"split {self.name}: {some(twice)} in both {one} and {other}; a subject is in one part only"
                )
        if not self.everybody:
            raise ConfigError(f"split {self.name}: names nobody")

    @property
    def everybody(self) -> frozenset[str]:
        """All subjects it names."""
        return frozenset((*self.train, *self.val, *self.test))

    @property
    def sha256(self) -> str:
        """Over who is in which part; the name does not count."""
        return hashlib.sha256(json.dumps([self.train, self.val, self.test]).encode()).hexdigest()

    def refuse_strangers(self, everybody: Iterable[str], where: str) -> None:
        """Refuse subjects that the dataset does not have.

        Raises:
            ConfigError: naming some of them.
        """
        if strangers := self.everybody - set(everybody):
            raise ConfigError(
                f"{where}: split {self.name} names {some(strangers)}, who are not in the dataset"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, with the hash."""
        return {**{part: list(getattr(self, part)) for part in PARTS}, "sha256": self.sha256}

    @classmethod
    def from_json(cls, name: str, value: object, where: str) -> Self:
        """The inverse; a part that is absent is empty.

        Raises:
            ConfigError: not such an object, or not what was hashed.
        """
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: split {name} is not an object with {', '.join(PARTS)}")
        if unknown := set(value) - {*PARTS, "sha256"}:
            raise ConfigError(
                f"{where}: split {name} has an unknown part {', '.join(sorted(map(str, unknown)))}"
            )
        parts = {part: value.get(part, []) for part in PARTS}
        for part, members in parts.items():
            if not isinstance(members, list) or not all(isinstance(each, str) for each in members):
                raise ConfigError(f"{where}: part {part} of split {name} is not a list of subject ids")
        split = cls(name, **{part: tuple(members) for part, members in parts.items()})
        if value.get("sha256", split.sha256) != split.sha256:
            raise ConfigError(
                f"{where}: split {name} is not the one its sha256 was made of; restore it, or remove the sha256"
            )
        return split


def some(names: Iterable[str] | Sequence[str]) -> str:
    """Subjects by name, three of them at most."""
    listed = sorted(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ("subjects " if len(listed) > 1 else "subject ") + ", ".join(listed[:3]) + more
