"""Rule 3 beyond the recorder: the edge abstains and learns nothing; the window asks; Review draws the span."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_bedside import ERA, STREAMS, SUBJECT, Bedside, cuff, event
from scripted_bedside import store as stored_session
from synthetic_bedside import SyntheticBedside

from hemoview.edge.knowledge import Options
from hemoview.edge.offline import push, recompute
from hemoview.edge.pipeline import Pipeline
from hemoview.edge.streams import ESTIMATES, ModelName, Sources, declared, find_sources
from hemoview.estimate.estimator import Body
from hemoview.estimate.reasons import REASONS
from hemoview.estimate.runner import Runner
from hemoview.ui.parts import theme
from hemoview.ui.sessions.same_subject_dialog import SameSubjectDialog
from hemoview.viewmodel.live.banners import banners
from hemoview.viewmodel.review.facts import facts_of
from recorder import session as store
from recorder.schema import CONFIRMED, UNCONFIRMED, SampleBlock

NAMES = [c.name for c in declared(Sources(STREAMS[0]), ModelName())[0].channels]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(tiny_bundle.write(tmp_path_factory.mktemp("bundle"), shape_gain=2.0))


@pytest.fixture(scope="module")
def bedside() -> Bedside:
    return Bedside(seconds=90.0)


def estimates(made: Pipeline, items: list[Any]) -> list[SampleBlock]:
    return [b for item in items for b in push(made, item) if b.stream_id == ESTIMATES]


def pipeline(runner: Runner) -> Pipeline:
    made = Pipeline(find_sources(STREAMS), runner, Options())
    made.know_eras([ERA])
    made.begin_session("one", Body(SUBJECT.bsa_m2))
    return made


def reasons(rows: list[SampleBlock]) -> list[str]:
    codes = np.concatenate([b.values for b in rows])[:, NAMES.index("SBP_why")]
    return ["" if c == 0 else REASONS[int(c) - 1] for c in codes]


def with_events(bedside: Bedside, *events: Any) -> list[Any]:
    """The items of the bedside with events among them, by time."""
    items = [*bedside.items(), *events]
    return sorted(items, key=lambda item: (item.t_host_ns, isinstance(item, SampleBlock)))


def test_the_edge_abstains_until_answered_and_for_a_whole_window_after(
    runner: Runner, bedside: Bedside
) -> None:
    doubt, answer = event(UNCONFIRMED, 30.0, {"cause": "absent"}), event(CONFIRMED, 50.0, {"same": True})
    other = event(CONFIRMED, 40.0, {"same": False})
    rows = estimates(pipeline(runner), with_events(bedside, doubt, other, answer))
    why = reasons(rows)
    assert why[31:49] == ["unconfirmed-subject"] * 18
    assert set(why[51:58]) <= {"gap", "starting"}
    assert np.mean([w == "" for w in why[62:]]) > 0.9


def test_a_cuff_reading_in_the_doubt_personalises_nothing(runner: Runner, bedside: Bedside) -> None:
    known, doubted = pipeline(runner), pipeline(runner)
    reading = cuff(30.0, 150.0, 95.0)
    doubt, answer = event(UNCONFIRMED, 25.0, {"cause": "absent"}), event(CONFIRMED, 45.0, {"same": True})
    estimates(known, with_events(bedside, reading))
    estimates(doubted, with_events(bedside, doubt, reading, answer))
    assert known.anchoring.anchors
    assert not doubted.anchoring.anchors


def test_another_session_begins_without_the_doubt(runner: Runner, bedside: Bedside) -> None:
    made = pipeline(runner)
    made.push_event(event(UNCONFIRMED, 1.0, {"cause": "gap"}))
    made.begin_session("two", Body(SUBJECT.bsa_m2))
    assert "unconfirmed-subject" not in reasons(estimates(made, bedside.items()))


def test_a_corrected_height_reaches_the_estimates_of_the_same_session(runner: Runner) -> None:
    made = pipeline(runner)
    made.begin_session("one", Body(2.5))
    assert made._body.bsa_m2 == 2.5


def test_recomputing_a_stored_session_abstains_in_the_same_span_and_review_draws_it(
    tmp_path: Path, runner: Runner, bedside: Bedside
) -> None:
    doubt, answer = event(UNCONFIRMED, 30.0, {"cause": "absent"}), event(CONFIRMED, 50.0, {"same": True})
    folder = stored_session(tmp_path / "s", with_events(bedside, doubt, answer))
    rows = recompute(folder, None)[ESTIMATES]
    why = [int(c) for c in rows.values[:, NAMES.index("HR_why")]]
    inside = (rows.time_s > 31) & (rows.time_s < 49)
    assert {why[i] for i in np.flatnonzero(inside)} == {REASONS.index("unconfirmed-subject") + 1}
    with store.open(folder) as session:
        (span,) = session.unconfirmed()
        assert (round(span.t0_s), round(span.t1_s)) == (30, 50)
        assert [tuple(map(round, pair)) for pair in facts_of(session).unconfirmed] == [(30, 50)]


# ---- on the screen


def test_the_question_stands_before_what_the_sensors_complain_about() -> None:
    bed = SyntheticBedside()
    bed.run(1.0)
    facts = bed.model.facts()
    assert facts.status is not None
    status = replace(facts.status, warnings=("sleep|no", "same-subject|130"))
    shown = banners(replace(facts, status=status))
    assert shown[0].key == "warning-same-subject"
    assert (shown[0].level, shown[0].action) == ("danger", "same-subject")


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication) -> SameSubjectDialog:
    theme.apply(qapp)
    made = SameSubjectDialog("OP1")
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_pseudonym_is_read_off_the_person_not_off_the_screen(
    qtbot: QtBot, dialog: SameSubjectDialog
) -> None:
    answers: list[tuple[str, str]] = []
    dialog.answered.connect(lambda *answer: answers.append(answer))
    assert not dialog.same.isEnabled()
    qtbot.keyClicks(dialog.pseudonym, "P-014")
    assert dialog.same.isEnabled()
    dialog.operator.clear()
    assert not dialog.same.isEnabled()
    dialog.operator.setText("OP2")
    qtbot.mouseClick(dialog.same, Qt.MouseButton.LeftButton)
    assert answers == [("P-014", "OP2")]


def test_stop_is_offered_beside_it(qtbot: QtBot, dialog: SameSubjectDialog) -> None:
    with qtbot.waitSignal(dialog.stop_asked, timeout=30_000) as asked:
        qtbot.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    assert asked.signal_triggered
