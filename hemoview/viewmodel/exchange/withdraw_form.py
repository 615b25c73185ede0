"""A subject takes the consent back, on screen: whom, where is looked, what was found, and when it may be done. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hemoview.labels.withdrawal.withdrawal import Holding
from hemoview.viewmodel.messages import Message, say

Fate = Literal["deleted", "marked", "away"]


@dataclass(frozen=True, slots=True)
class WithdrawForm:
    """What stands in the fields.

    Args:
        subject: pseudonym, as typed.
        folders: further folders that are looked through whole.
        found: what holds the subject; None = nobody has looked for this subject in these folders.
        unread: folders that could not be looked through.
        again: the pseudonym once more.
        why: reason; nobody has to give one.
        operator: code of who enters it.
    """

    subject: str = ""
    folders: tuple[Path, ...] = ()
    found: tuple[Holding, ...] | None = None
    unread: tuple[str, ...] = ()
    again: str = ""
    why: str = ""
    operator: str = ""

    def changed(self, **values: object) -> WithdrawForm:
        """With other values; another subject or folder asks for another search."""
        made: WithdrawForm = replace(self, **values)  # type: ignore[arg-type]
        same = (made.subject.strip(), made.folders) == (self.subject.strip(), self.folders)
        return made if same else replace(made, found=None, unread=(), again="")

    @property
    def may_search(self) -> bool:
        """There is somebody to look for."""
        return bool(self.subject.strip())

    @property
    def missing(self) -> Message | None:
        """What is needed before it may be asked for the last time; None when nothing is."""
        if not self.may_search:
            return say("withdraw-needs-subject")
        if self.found is None:
            return say("withdraw-needs-search")
        if not self.operator.strip():
            return say("withdraw-needs-operator")
        if self.again.strip() != self.subject.strip():
            return say("withdraw-needs-again", subject=self.subject.strip())
        return None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the list: what it is, its name, where it lies, what becomes of it, and what is to be known of it."""

    kind: Message
    name: str
    where: str
    fate: Message
    notes: tuple[Message, ...]
    what: Fate


def lines_of(found: Sequence[Holding]) -> tuple[Line, ...]:
    """What is deleted first, then what stays, then what cannot be reached."""
    order: dict[Fate, int] = {"deleted": 0, "marked": 1, "away": 2}
    lines = [_line(holding) for holding in found]
    return tuple(sorted(lines, key=lambda line: order[line.what]))


def _line(holding: Holding) -> Line:
    what: Fate = "deleted" if holding.deletable else "marked" if holding.paths else "away"
    return Line(
        say(f"withdraw-kind-{holding.kind}"),
        holding.name,
        "\n".join(map(str, holding.paths)),
        say(f"withdraw-fate-{what}"),
        tuple(say(f"withdraw-note-{code}", value=value) for code, value in holding.notes),
        what,
    )


def summary(form: WithdrawForm) -> Message:
    """How much was found, and what would become of it."""
    if form.found is None:
        return say("withdraw-not-searched")
    if not form.found:
        return say("withdraw-nothing", subject=form.subject.strip())
    counts = dict.fromkeys(("deleted", "marked", "away"), 0)
    for line in lines_of(form.found):
        counts[line.what] += 1
    return say("withdraw-found", **counts)


def last_question(form: WithdrawForm) -> Message:
    """What is asked before it is done."""
    deleted = sum(holding.deletable for holding in form.found or ())
    return say("withdraw-sure", subject=form.subject.strip(), n=deleted)
