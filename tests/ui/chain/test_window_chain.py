"""The window on a real station: emulators, recorder and edge are processes, as at a bed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chain_rig import STATION, start_session, until
from pytestqt.qtbot import QtBot

from hemoview import app
from hemoview.ui.live.estimates_dialog import EstimatesDialog
from hemoview.viewmodel.live.record_view import RecordView
from hemoview.viewmodel.review import facts as review_facts
from hemoview.viewmodel.sessions.rule_choice import RuleChoice
from recorder import session
from recorder.host import processes
from recorder.host.client import StationClient
from recorder.host.connection import Connection


@pytest.fixture
def shell(opened: Callable[..., app.Shell]) -> app.Shell:
    return opened()


def test_waves_come_within_five_seconds_and_markers_reach_the_record(qtbot: QtBot, shell: app.Shell) -> None:
    drawn = lambda: any(  # noqa: E731
        np.isfinite(curve.y).sum() > 30
        for frame in shell.window.record.waves._frames
        for curve in frame.curves
    )
    assert until(qtbot, drawn, 10) < 5.0
    until(qtbot, lambda: len(shell.window.record.waves._frames) == 5, 10)
    start_session(qtbot, shell)
    until(
        qtbot, lambda: shell.view is not None and shell.view.can_mark, 5
    )  # the labels are this session's by then
    shell.window.record.markers.press(2)
    until(qtbot, lambda: any(e.kind == "marker" for e in shell.model.facts().events), 5)
    marker = next(e for e in shell.model.facts().events if e.kind == "marker")
    assert marker.payload["label"] == "arm move"
    assert marker.payload["key"] == 2
    until(qtbot, lambda: shell.view is not None and shell.view.can_undo, 5)
    shell.window.record.undo_asked.emit()
    until(qtbot, lambda: any(e.kind == "marker-undone" for e in shell.model.facts().events), 5)
    until(
        qtbot,
        lambda: (
            any(
                "disk" in i.counts.id or i.counts.as_dict().get("on_disk", "0") != "0"
                for i in shell.view.health
            )
            if shell.view
            else False
        ),
        5,
    )
    assert shell.latency.n_blocks > 10


def test_a_window_leaves_the_station_to_a_client_in_control(
    qtbot: QtBot, opened: Callable[..., app.Shell], station: Path
) -> None:
    shell = opened(keep_session=False)
    until(qtbot, lambda: shell.view is not None and shell.view.header.can_start, 15)
    until(qtbot, lambda: shell.companions.running, 15)
    before = Connection.read(STATION, station).pid
    with StationClient(STATION, station, name="recorder record") as client:
        client.call("take_control")
        assert shell.window.close()
        assert processes.find_recorder(STATION, station) == before
        assert processes.EdgeNote.read(STATION, station).wanted
        client.call("release_control")


@pytest.mark.slow
def test_a_window_that_joins_later_shows_the_trend_from_before(
    qtbot: QtBot, opened: Callable[..., app.Shell]
) -> None:
    first = opened()
    until(qtbot, lambda: first.view is not None and bool(first.view.lanes), 10)
    start_session(qtbot, first)
    until(qtbot, lambda: len(first.model.facts().beats or ()) >= 8, 40)
    known = first.model.facts().beats
    assert known is not None
    start_ns = first.model.facts().session_start_ns
    assert start_ns is not None
    in_session = known.t_ns >= start_ns  # the edge may be late by a beat or two of before Start
    first_no = int(known.sample_no[in_session][0])
    seen_ns = int(known.t_ns[in_session][0])
    first.window.close()
    second = opened()
    until(qtbot, lambda: len(second.model.facts().beats or ()) >= 8, 10)
    rows = second.model.facts().beats
    assert rows is not None
    assert int(rows.sample_no[0]) <= first_no
    assert abs(int(rows.t_ns[list(rows.sample_no).index(first_no)]) - seen_ns) < 50_000_000
    until(qtbot, lambda: second.view is not None and second.view.header.recording, 5)
    assert second.view is not None
    assert second.view.header.subject.as_dict()["pseudonym"] == "T-01"


@pytest.mark.slow
def test_hidden_estimates_are_on_no_window_for_no_moment_until_somebody_shows_them(
    qtbot: QtBot, opened: Callable[..., app.Shell]
) -> None:
    """Safety rule 13 on real processes: the window that records, one that joins later, and Review of what is stored."""
    first = opened()
    seen = numbers_shown(first)
    form = replace(first.operations.settings.form, rules=RuleChoice(estimates_hidden=True))
    first.operations._keep(form=form)
    seen.clear()
    start_session(qtbot, first)
    until(qtbot, lambda: len(first.model.facts().estimates or ()) >= 14, 40)
    second = opened()
    seen_by_second = numbers_shown(second)
    until(qtbot, lambda: second.view is not None and second.view.header.recording, 20)
    until(qtbot, lambda: len(second.model.facts().estimates or ()) >= 14, 20)
    assert seen == seen_by_second == set()
    assert first.view is not None and first.model.status is not None
    folder = Path(first.model.status.session.folder)
    assert _hidden_on_disk(folder)
    with session.open(folder) as stored:
        assert stored.rows("edge.est") > 10

    until(qtbot, first.window.record.numerics.choose.isVisible, 5)
    first.window.record.numerics.choose.click()
    dialog = first.window.findChild(EstimatesDialog)
    assert dialog is not None
    dialog.ok.click()
    assert not dialog.isVisible(), "nothing chosen, nothing sent"
    first.operations.open_estimates()
    dialog = first.window.findChildren(EstimatesDialog)[-1]
    dialog.show_box.setChecked(True)
    dialog.ok.click()
    assert dialog.problem.text() == "Type the reason for showing the estimates."
    dialog.why.setText("subject unwell")
    dialog.ok.click()
    until(qtbot, lambda: bool(seen) and bool(seen_by_second), 10)
    note = second.window.record.numerics.hidden.text()
    assert note.startswith("Hidden by the template, shown since ")
    assert note.endswith("by OP1")
    until(qtbot, lambda: not _hidden_on_disk(folder), 5)
    with session.open(folder) as stored:
        (rule,) = stored.events("rule")
    assert (rule.payload["operator"], rule.payload["why"]) == ("OP1", "subject unwell")


def _hidden_on_disk(folder: Path) -> bool:
    with session.open(folder) as stored:
        return review_facts.facts_of(stored).estimates_hidden


def numbers_shown(shell: app.Shell) -> set[str]:
    """Grows by every estimate that a picture of this window has shown from now on."""
    shown: set[str] = set()
    show = shell.window.show_view

    def noted(view: RecordView) -> None:
        cells = [row.estimate for row in view.numerics.rows]
        shown.update(cell.text for cell in cells if cell.text != "—" or cell.interval)
        shown.update(s.parameter for s in view.trend.series if np.isfinite(s.value).any())
        show(view)

    shell.window.show_view = noted  # type: ignore[method-assign]
    return shown


@pytest.mark.skipif(os.name == "nt", reason="kills by signal")
def test_a_killed_recorder_is_told_and_the_window_re_attaches(
    qtbot: QtBot, shell: app.Shell, station: Path
) -> None:
    until(qtbot, lambda: shell.view is not None and bool(shell.view.lanes), 10)
    start_session(qtbot, shell)
    before = Connection.read(STATION, station).pid
    os.kill(before, signal.SIGKILL)
    until(qtbot, lambda: any(b.startswith("✕") for b in shell.window.banners.texts), 5)
    until(qtbot, lambda: Connection.read(STATION, station).pid != before, 20)
    until(
        qtbot,
        lambda: (
            shell.view is not None
            and shell.view.header.recording
            and not any("recorder" in b.key for b in shell.view.banners)
        ),
        20,
    )
    assert shell.view is not None
    assert shell.view.header.subject.as_dict()["pseudonym"] == "T-01"
