"""The state of the Review screen: what is open, where it looks, what has been read; resolved into one view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hemoview.viewmodel.formats import pressure_factor
from hemoview.viewmodel.messages import Message, say
from hemoview.viewmodel.review import moves
from hemoview.viewmodel.review.cursor import CursorView, at_cursor, cursor_keys, in_pressure_unit
from hemoview.viewmodel.review.facts import SessionFacts
from hemoview.viewmodel.review.keys import MINIMAP_PX, likely_keys, minimap_panel, overview_keys, span_keys
from hemoview.viewmodel.review.marks import Mark
from hemoview.viewmodel.review.moves import Wish
from hemoview.viewmodel.review.panels import Panel, panels_of
from hemoview.viewmodel.review.reader import Answer, Failed, Key, Opened, ReviewReader, Tiled
from hemoview.viewmodel.review.shift import TimeShift
from hemoview.viewmodel.review.tiles import (
    Floats,
    TileCache,
    TileKey,
    floor_level,
    keys_over,
)
from hemoview.viewmodel.review.view import PanelPlan, PanelView, plan_of, resolve_panel, visible_marks

Phase = Literal["empty", "opening", "open", "failed"]
Around = Callable[[SessionFacts, float], list[TileKey]]
_MOST_DAMAGED = 12


@dataclass(frozen=True, slots=True, eq=False)
class ReviewView:
    """The whole screen, frozen. ``settled``: every visible tile is here at its right level. ``aligned``: the version
    of the alignment by which the reference is drawn on the pulse's time axis; None: everything as it is stored.
    """

    phase: Phase
    facts: SessionFacts | None
    wish: Wish
    offered: tuple[Panel, ...]
    panels: tuple[PanelView, ...]
    minimap: PanelView | None
    marks: tuple[Mark, ...]
    cursor: CursorView | None
    banners: tuple[Message, ...]
    settled: bool
    pressure_unit: str = "mmHg"
    aligned: int | None = None


class ReviewModel:
    """Holds wish, facts and tiles of one session; asks the reader for what the view needs."""

    def __init__(self, reader: ReviewReader) -> None:
        self._reader = reader
        self._cache = TileCache()
        self._generation = 0
        self._phase: Phase = "empty"
        self._failure: Message | None = None
        self._facts: SessionFacts | None = None
        self._offered: tuple[Panel, ...] = ()
        self._wish = Wish()
        self._versions: Counter[str] = Counter()
        self._plans: dict[str, PanelPlan] = {}
        self._resolved: dict[str, tuple[object, PanelView]] = {}
        self._unreadable: dict[Key, Message] = {}
        self._asked: list[Key] = []
        self._visible: frozenset[TileKey] = frozenset()
        self._picture: list[TileKey] = []
        self._overview: tuple[tuple[SessionFacts, TimeShift | None] | None, list[TileKey]] = (None, [])
        self._view: ReviewView | None = None
        self._looking_ahead = False
        self._under_cursor: frozenset[TileKey] = frozenset()
        self._cursor: CursorView | None = None
        self._pressure_unit = "mmHg"
        self._shift: TimeShift | None = None
        self.around: Around = lambda _facts, _cursor_s: []
        """What else is read about the cursor, once the picture is there."""

    @property
    def wish(self) -> Wish:
        """What is asked to be seen."""
        return self._wish

    @property
    def facts(self) -> SessionFacts | None:
        """Facts of the open session."""
        return self._facts

    def open(self, path: str) -> None:
        """Open a session folder; the view says ``opening`` until the reader answers."""
        self._generation = self._reader.open(path)
        self._phase, self._failure, self._facts, self._offered = "opening", None, None, ()
        self._cache.clear()
        self._resolved.clear()
        self._unreadable.clear()
        self._wish = Wish(width_px=self._wish.width_px)
        self._view = self._shift = None

    def refresh(self) -> None:
        """Look again at a session that is still being recorded, or was just amended."""
        if self._phase == "open":
            self._reader.refresh()

    def drain(self) -> bool:
        """Take what the reader answered; True if the view changed. Answers of an earlier session are dropped."""
        changed = False
        for answer in self._reader.drain():
            if answer.generation != self._generation:
                continue
            changed = True
            self._take(answer)
        if changed:
            self.ask()
        return changed

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, Tiled):
            self._cache.put(answer.tile)
            self._versions[answer.tile.key.stream_id] += answer.tile.key in self._visible
            if answer.tile.key in self._under_cursor:
                self._cursor = None
        elif isinstance(answer, Opened):
            self._take_facts(answer.facts)
        elif isinstance(answer, Failed):
            self._take_failure(answer)

    def _offer(self, facts: SessionFacts) -> tuple[Panel, ...]:
        """The panels to choose from."""
        return panels_of(facts)

    def _first_look(self, facts: SessionFacts) -> Wish:
        """Where a session opens."""
        shown = frozenset(panel.panel_id for panel in self._offered if panel.shown)
        return moves.fit(replace(self._wish, panels=shown), facts.duration_s)

    def _behind(self, facts: SessionFacts) -> list[Key]:  # noqa: ARG002 -- Trends reads medians of these facts
        """What is read once the picture is complete; nothing here."""
        return []

    def _take_facts(self, facts: SessionFacts) -> None:
        first, before = self._facts is None, self._facts
        self._facts, self._phase, self._cursor, self._failure = facts, "open", None, None
        self._offered = self._offer(facts)
        self._plans.clear()
        self._versions.update(stream.stream_id for stream in facts.streams)
        self._unreadable.clear()
        if first:
            self._wish = self._first_look(facts)
        elif self._wish.follow:
            self._wish = moves.follow_end(self._wish, facts.duration_s)
        if before is not None and before.estimates_hidden and not facts.estimates_hidden:
            unhidden = self._first_look(facts).panels  # somebody has just shown them: they come into view
            self._wish = replace(self._wish, panels=self._wish.panels | unhidden)

    def _take_failure(self, answer: Failed) -> None:
        if answer.key is None:
            self._phase, self._failure = "failed", answer.message
        else:
            self._unreadable[answer.key] = answer.message
            self._versions[answer.key.stream_id] += 1

    def move(self, step: Callable[[Wish, float], Wish]) -> bool:
        """Apply a move of :mod:`review_moves`; True if anything changed."""
        if self._facts is None:
            return False
        wish = step(self._wish, self._facts.duration_s)
        if wish == self._wish:
            return False
        self._wish = wish
        self._looking_ahead = wish.playing
        self._reader.hold()
        self.ask()
        return True

    def painted(self) -> None:
        """The last view is on the screen: reading may go on."""
        self._reader.go_on()

    def look_ahead(self) -> None:
        """Nothing moves: read what the next move will probably need."""
        self._looking_ahead = True
        self.ask()

    def resize(self, width_px: int) -> None:
        """The picture's time axis is now so wide."""
        self._wish = replace(self._wish, width_px=max(50, width_px))
        self.ask()

    def choose(self, panel_ids: frozenset[str]) -> None:
        """Show these panels. Changes the picture, never what is stored."""
        self._wish = replace(self._wish, panels=panel_ids)
        self._cursor = None
        self.ask()

    def use_pressure_unit(self, unit: str) -> bool:
        """Say pressures in ``mmHg`` or ``kPa`` from now on; True if that is another one. What is stored stays."""
        if unit == self._pressure_unit:
            return False
        self._pressure_unit, self._view, self._cursor = unit, None, None
        return True

    def draw_by(self, shift: TimeShift | None) -> None:
        """Draw the reference on the pulse's time axis, or (None) as it is stored. A view only."""
        if shift is not self._shift:
            self._shift, self._cursor = shift, None
            self._resolved.clear()
            self._plans.clear()
            self.ask()

    def next_mark(self, *, back: bool = False) -> bool:
        """Cursor to the next (previous) marker."""
        return self._jump([m.t_s for m in self._facts.markers] if self._facts else [], back=back)

    def next_gap(self, *, back: bool = False) -> bool:
        """Cursor to the next (previous) gap of a shown stream."""
        shown = {stream_id for panel in self._chosen() for stream_id in panel.stream_ids}
        gaps = self._facts.gaps if self._facts else ()
        return self._jump([g.t0_s for g in gaps if g.stream_id in shown], back=back)

    def _jump(self, times_s: Sequence[float], *, back: bool) -> bool:
        pick = moves.last_before if back else moves.next_after
        target = pick(times_s, self._wish.cursor_s)
        return target is not None and self.move(lambda wish, end: moves.jump(wish, target, end))

    @property
    def complete(self) -> bool:
        """Every tile of the picture is here: the next view is settled. Known without making that view."""
        facts = self._facts
        return facts is None or all(self._cache.current(key, facts.duration_s) for key in self._picture)

    def view(self) -> ReviewView:
        """The screen as it is now; resolved again only where something changed."""
        if self._view is None:
            self._view = self._resolve()
        return self._view

    def _resolve(self) -> ReviewView:
        facts = self._facts
        if facts is None:
            banners = (self._failure,) if self._failure else ()
            return ReviewView(
                self._phase,
                None,
                self._wish,
                (),
                (),
                None,
                (),
                None,
                banners,
                settled=True,
                pressure_unit=self._pressure_unit,
            )
        panels = tuple(self._panel(panel, self._wish, panel.panel_id) for panel in self._chosen())
        return ReviewView(
            phase=self._phase,
            facts=facts,
            wish=self._wish,
            offered=self._offered,
            panels=panels,
            minimap=self._minimap(facts),
            marks=visible_marks(facts, self._wish),
            cursor=self._at_cursor(facts),
            banners=tuple(self._banners(facts)),
            settled=all(panel.settled for panel in panels),
            pressure_unit=self._pressure_unit,
            aligned=None if self._shift is None else self._shift.version,
        )

    def _at_cursor(self, facts: SessionFacts) -> CursorView:
        if self._cursor is None or self._cursor.t_s != self._wish.cursor_s:
            found = at_cursor(facts, self._chosen(), self._cache, self._wish.cursor_s, self._shift)
            self._cursor = in_pressure_unit(found, self._pressure_unit)
        return self._cursor

    def _chosen(self) -> tuple[Panel, ...]:
        return tuple(panel for panel in self._offered if panel.panel_id in self._wish.panels)

    def _panel(
        self, panel: Panel, wish: Wish, place: str, versions: tuple[object, ...] | None = None
    ) -> PanelView:
        """``versions``: what it is made of, where that is known more closely than by stream."""
        if versions is None:
            versions = tuple(self._versions[stream_id] for stream_id in panel.stream_ids)
        unit = self._pressure_unit
        state = (panel, wish.t0_s, wish.t1_s, wish.width_px, versions, self._facts, pressure_factor(unit))
        held = self._resolved.get(place)
        if held is not None and _same(held[0], state):
            return held[1]
        resolved = resolve_panel(self._plan(panel), wish, self._cache, unit)
        self._resolved[place] = (state, resolved)
        return resolved

    def _plan(self, panel: Panel) -> PanelPlan:
        """Worked out once for the facts and the alignment: no move changes it."""
        assert self._facts is not None
        plan = self._plans.get(panel.panel_id)
        if plan is None:
            plan = self._plans[panel.panel_id] = plan_of(panel, self._facts, self._shift)
        return plan

    def _minimap(self, facts: SessionFacts) -> PanelView | None:
        panel = minimap_panel(self._offered)
        whole = Wish(0.0, max(facts.duration_s, moves.MIN_SPAN_S), MINIMAP_PX)
        if panel is None:
            return None
        made_of = tuple(self._cache.get(key) for key in self._overview_keys(facts))
        return self._panel(panel, whole, "minimap", made_of)

    def _overview_keys(self, facts: SessionFacts) -> list[TileKey]:
        """Worked out once for the facts and the alignment: no move changes them."""
        held, keys = self._overview
        if held is None or held[0] is not facts or held[1] is not self._shift:
            keys = overview_keys(facts, self._offered, self._shift)
            self._overview = (facts, self._shift), keys
        return keys

    def _banners(self, facts: SessionFacts) -> list[Message]:
        found = [self._failure] if self._failure else []
        empty = not facts.streams or facts.duration_s <= 0
        damaged = "review.damaged-only" if empty else "review.damaged"
        found += [say(damaged, file=name, why=why) for name, why in facts.damaged[:_MOST_DAMAGED]]
        if len(facts.damaged) > _MOST_DAMAGED:
            found.append(say("review.more-damaged", n=len(facts.damaged) - _MOST_DAMAGED))
        found += list(dict.fromkeys(self._unreadable.values()))
        if empty:
            found.append(say("review.nothing-readable" if facts.damaged else "review.empty"))
        if facts.state == "killed":
            found.append(say("review.killed"))
        if facts.unconfirmed:
            found.append(say("review.unconfirmed", n=len(facts.unconfirmed)))
        if facts.incomplete:
            found.append(say("session-incomplete", reason=facts.incomplete))
        if facts.estimates_hidden:
            found.append(say("review.estimates-hidden"))
        if not empty and any(panel.volts for panel in self._offered):
            found.append(say("review.uncalibrated"))
        return found

    def ask(self) -> None:
        """Tell the reader what the view lacks: the picture first, then the cursor, then what may come next."""
        self._view = None
        if self._facts is None:
            return
        facts, chosen, shift = self._facts, self._chosen(), self._shift
        self._picture = span_keys(facts, chosen, self._wish, shift)
        at_cursor = cursor_keys(facts, chosen, self._wish.cursor_s, shift)
        visible = [*self._picture, *at_cursor, *self._overview_keys(facts)]
        self._visible, self._under_cursor = frozenset(visible), frozenset(at_cursor)
        likely = likely_keys(facts, chosen, self._wish, shift) if self._looking_ahead else []
        around = self.around(facts, self._wish.cursor_s)
        wanted = dict.fromkeys([*visible, *around, *likely])
        missing: list[Key] = [
            key
            for key in wanted
            if key not in self._unreadable and not self._cache.current(key, self._facts.duration_s)
        ]
        missing += self._behind(self._facts)
        if missing != self._asked:
            self._asked = missing
            picture = set(self._picture)
            self._reader.want(missing, [key for key in missing if key in picture])

    def samples(self, stream_id: str, t0_s: float, t1_s: float) -> tuple[Floats, Floats]:
        """Times and values of a stream's first channel over a span: the samples of it that were read."""
        if self._facts is None:
            return np.empty(0), np.empty(0)
        level = floor_level(self._facts.stream(stream_id))
        keys = keys_over(stream_id, level, max(t0_s, 0.0), min(t1_s, self._facts.duration_s))
        tiles = [tile for key in keys if (tile := self._cache.get(key)) is not None]
        if not tiles:
            return np.empty(0), np.empty(0)
        times = np.concatenate([tile.t_s for tile in tiles])
        values = np.concatenate([tile.low[:, 0] for tile in tiles])
        near = (times >= t0_s) & (times <= t1_s)
        return times[near], values[near].astype(np.float64)

    def close(self) -> None:
        """End the reader."""
        self._reader.close()


def _same(old: object, new: tuple[object, ...]) -> bool:
    """Equal, with the big parts compared by identity."""
    return isinstance(old, tuple) and all(
        a is b or (type(a) in (int, float, tuple) and a == b) for a, b in zip(old, new, strict=True)
    )
