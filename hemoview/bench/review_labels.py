"""Labels for the review benchmark: thousands of them in the store, and more made by key in the real page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from hemoview.labels.raters.deeds import Author
from hemoview.labels.raters.scheme import PULSE
from recorder.session import annotations as store

RATER: Final = "bench"
LABELS: Final = 40
"""So many are made by key; each on a window of its own."""
WINDOW_S: Final = 10.0
FROM_S: Final = 3600.0
_EARLIEST_WALL_NS: Final = 1_790_000_000_000_000_000
_SEED: Final = 7


def write_labels(folder: Path, n: int, duration_s: float) -> None:
    """Labels of every kind all over a session, by one rater, as they would be after weeks of work."""
    random = np.random.default_rng(_SEED)
    times = np.sort(random.uniform(0.0, max(duration_s - 30.0, 1.0), n))
    kinds = random.integers(0, len(PULSE.labels), n)
    lengths = random.uniform(1.0, 20.0, n)
    author = Author(RATER, lambda: _EARLIEST_WALL_NS)
    deeds = []
    for t_s, place, length_s in zip(times.tolist(), kinds.tolist(), lengths.tolist(), strict=True):
        choice = PULSE.labels[place]
        end_s = t_s if choice.kind == "instant" else t_s + length_s
        deeds.append(author.add(choice.kind, t_s, end_s, choice.label))
    if deeds:
        store.append(folder, store.DEFAULT_SET, deeds)


def label_by_key(page: Any, watch: Any, span_s: float = 120.0) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Milliseconds from a digit to the paint that shows its label, on disk by then; window after window."""
    from PySide6.QtCore import Qt  # noqa: PLC0415

    from hemoview.viewmodel.review import moves  # noqa: PLC0415

    none, control = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
    duration_s = page.model.facts.duration_s
    n_labels = max(1, min(LABELS, int(duration_s // WINDOW_S) - 2))
    start_s = max(0.0, min(FROM_S, duration_s - (n_labels + 1) * WINDOW_S))
    page.labelling.model.use_rater(RATER)
    page.model.move(
        lambda wish, end: moves.look_at(moves.jump(wish, start_s, end), start_s, start_s + span_s, end)
    )
    if not page.labelling.model.on:
        page.press(Qt.Key.Key_L, control)
    watch.settle()
    keys = (Qt.Key.Key_2, Qt.Key.Key_5, Qt.Key.Key_9)
    others = (Qt.Key.Key_8, Qt.Key.Key_7)
    found = []
    for n in range(n_labels):
        page.press(Qt.Key.Key_W, none)
        turn = n % len(keys)
        found.append(_first_new_ms(page, watch, (*keys[turn:], *keys[:turn], *others)))
    return np.array(found)


def _first_new_ms(page: Any, watch: Any, keys: tuple[Any, ...]) -> float:
    """Milliseconds of the first digit that makes a label. A session measured before has some at this window already,
    and the same label again makes none; of the three qualities two are always others.
    """
    from PySide6.QtCore import Qt  # noqa: PLC0415

    for key in keys:
        watch.settle()
        before = page.labelling.model.fold.edition
        took_ms = float(watch.step(key, Qt.KeyboardModifier.NoModifier)[0])
        if page.labelling.model.fold.edition != before:
            return took_ms
    raise RuntimeError("review bench: a digit made no label; look at the page's note")
