"""A dataset to be built: which sessions, what options, what bars it, what came of it. Free of Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from hemoview.dataset_build import Order
from hemoview.labels.alignment import REFUSED
from hemoview.labels.datasets.build_check import Bar, Candidate
from hemoview.labels.datasets.build_options import HOP_S, BuildOptions
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review.label_state import name_of
from recorder.errors import ConfigError

Phase = Literal["looking", "choosing", "building", "stopping", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class DatasetWish:
    """What somebody typed and ticked.

    Args:
        chosen: session folders.
        out: new folder, as typed.
        window_s, hop_s: as typed.
        label_set: empty = none.
        allow_simulated, keep_uncalibrated_co: ticked.
    """

    chosen: frozenset[str] = frozenset()
    out: str = ""
    window_s: str = "10"
    hop_s: str = f"{HOP_S:g}"
    label_set: str = ""
    allow_simulated: bool = False
    keep_uncalibrated_co: bool = False

    def options(self) -> BuildOptions:
        """What is asked of the build.

        Raises:
            ConfigError: a number is none, or out of range.
        """
        numbers = []
        for name, typed in (("window_s", self.window_s), ("hop_s", self.hop_s)):
            try:
                numbers.append(float(typed.strip().replace(",", ".")))
            except ValueError:
                raise ConfigError(f"{name}: {typed!r} is no number") from None
        return BuildOptions(
            numbers[0],
            numbers[1],
            self.label_set.strip(),
            self.allow_simulated,
            self.keep_uncalibrated_co,
        )


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What is known.

    Args:
        phase: what is going on.
        candidates: sessions as they were looked at under the newest options.
        hours_done, hours: of recording, while building.
        now: session whose windows came last.
        told: what a finished build says.
        problem: why it failed.
    """

    phase: Phase = "looking"
    candidates: tuple[Candidate, ...] = ()
    hours_done: float = 0.0
    hours: float = 0.0
    now: str = ""
    told: Mapping[str, Any] = field(default_factory=dict, hash=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A session in the list.

    Args:
        path: its folder.
        name: of the folder.
        subject: pseudonym.
        hours: of recording.
        simulated: say so.
        may: it can be in the dataset.
        chosen: it is ticked.
        bars: why not, a message each.
    """

    path: str
    name: str
    subject: str
    hours: float
    simulated: bool
    may: bool
    chosen: bool
    bars: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetView:
    """What the dialog shows.

    Args:
        lines: every session.
        problems: what keeps it from being built.
        said: one line about what goes on.
        share: of the work, None = not known or nothing goes on.
        may_build, may_stop, may_edit: buttons and fields.
        result: lines of a finished build.
        card: path of its card.
    """

    lines: tuple[SessionLine, ...] = ()
    problems: tuple[Message, ...] = ()
    said: Message | None = None
    share: float | None = None
    may_build: bool = False
    may_stop: bool = False
    may_edit: bool = True
    result: tuple[Message, ...] = ()
    card: str = ""


def view_of(wish: DatasetWish, facts: DatasetFacts) -> DatasetView:
    """Wish and facts → what is shown."""
    lines = tuple(_line(c, wish) for c in facts.candidates)
    busy = facts.phase in ("building", "stopping")
    problems = () if busy or facts.phase in ("looking", "done") else tuple(_problems(wish, lines))
    return DatasetView(
        lines=lines,
        problems=problems,
        said=_said(facts, lines),
        share=facts.hours_done / facts.hours if busy and facts.hours else None,
        may_build=not problems and not busy and facts.phase in ("choosing", "stopped", "failed"),
        may_stop=facts.phase == "building",
        may_edit=not busy,
        result=tuple(_result(facts.told)) if facts.phase == "done" else (),
        card=str(facts.told.get("card", "")) if facts.phase == "done" else "",
    )


def with_all(wish: DatasetWish, facts: DatasetFacts) -> DatasetWish:
    """Every session ticked that may be in it."""
    return replace(wish, chosen=frozenset(str(c.folder) for c in facts.candidates if not c.barred))


def order_of(wish: DatasetWish, home: Path) -> Order:
    """The order that the build carries out.

    Raises:
        ConfigError: a number is none, or out of range.
    """
    out = Path(wish.out.strip())
    chosen = tuple(Path(p) for p in sorted(wish.chosen))
    return Order(chosen, out, wish.options(), out.name or "dataset", home)


def _line(c: Candidate, wish: DatasetWish) -> SessionLine:
    path = str(c.folder)
    bars = tuple(_bar(bar) for bar in c.barred)
    return SessionLine(
        path, c.folder.name, c.subject, c.hours, c.simulated, not bars, path in wish.chosen and not bars, bars
    )


def _bar(bar: Bar) -> Message:
    values = dict(bar.values)
    if bar.code == "unsynchronised" and values["refused"] in REFUSED:
        return say(f"dataset.bar.{values['refused']}")
    if bar.code == "no-label-set" and values["sets"] == "none":
        return say("dataset.bar.unlabelled", name=values["name"])
    return say(f"dataset.bar.{bar.code}", **values)


def _problems(wish: DatasetWish, lines: tuple[SessionLine, ...]) -> list[Message]:
    found = []
    if not any(line.chosen for line in lines):
        found.append(say("dataset.choose-some"))
    if not wish.out.strip():
        found.append(say("dataset.name-folder"))
    elif not Path(wish.out.strip()).is_absolute():
        found.append(say("dataset.whole-path"))
    elif Path(wish.out.strip()).exists() and any(Path(wish.out.strip()).iterdir()):
        found.append(say("dataset.folder-full"))
    try:
        wish.options()
    except ConfigError:
        found.append(say("dataset.numbers"))
    return found


def _said(facts: DatasetFacts, lines: tuple[SessionLine, ...]) -> Message | None:
    if facts.phase == "looking":
        return say("dataset.looking")
    if facts.phase == "building":
        return say(
            "dataset.building", done=f"{facts.hours_done:.1f}", hours=f"{facts.hours:.1f}", name=facts.now
        )
    if facts.phase == "failed":
        return say("dataset.failed", why=facts.problem)
    if facts.phase in ("stopping", "stopped", "done"):
        return say(f"dataset.{facts.phase}")
    chosen = [line for line in lines if line.chosen]
    return say("dataset.chosen", n=len(chosen), of=len(lines), hours=f"{sum(c.hours for c in chosen):.1f}")


def _result(told: Mapping[str, Any]) -> list[Message]:
    lines = [
        say(
            "dataset.result",
            windows=told["windows"],
            subjects=told["subjects"],
            sessions=told["sessions"],
            speed=told["times_real_time"],
        ),
        say("dataset.version", version=str(told["version"])[:20]),
    ]
    dropped = sorted(told["dropped"].items(), key=lambda each: -each[1])
    if dropped:
        lines.append(say("dataset.left-out", n=sum(n for _, n in dropped)))
        lines += [say("dataset.left-out-why", n=n, why=_why(reason)) for reason, n in dropped]
    lines += [say("dataset.alike-people", names=" = ".join(g)) for g in told["alike"]["people"]]
    lines += [say("dataset.alike-recordings", names=" = ".join(g)) for g in told["alike"]["recordings"]]
    if told["simulated"]:
        lines.insert(0, say("dataset.simulated"))
    return lines


def _why(reason: str) -> Message:
    """Why windows were left out; what somebody labelled is called as they did."""
    if reason.startswith("label: "):
        return say("refl.why.label", label=name_of(reason.removeprefix("label: ")))
    return say(f"refl.why.{reason.replace(' ', '-')}")
