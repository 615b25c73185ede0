"""The edge process beside a real recorder: it attaches, survives both deaths, and its rows can be recomputed."""

import os
import signal
import time
from pathlib import Path

import bedside_rig
import numpy as np
import pytest
from bedside_rig import Rig, wait_for

from hemoview.edge.knowledge import Options
from hemoview.edge.offline import recompute
from hemoview.edge.streams import ABP_BEATS, ESTIMATES, PPG_BEATS
from hemoview.estimate import bundle
from recorder import session
from recorder.clock import Clock
from recorder.host import places, processes
from recorder.host.client import LiveFeed
from recorder.schema import PRESSURES, REFERENCE_CALIBRATED, SampleBlock

BODY = {"height_cm": 170.0, "weight_kg": 65.0}


def has(rig: Rig, stream_id: str) -> bool:
    return any(s.stream_id == stream_id for s in rig.status().streams)


def newest(feed: LiveFeed) -> list[SampleBlock]:
    return [i for i in feed.drain() if isinstance(i, SampleBlock)]


def age_column(rig: Rig) -> int:
    info = next(s for s in rig.client.call("describe")["streams"] if s["stream_id"] == ESTIMATES)
    return [c["name"] for c in info["channels"]].index("personalisation_age_s")


def hearts(rig: Rig) -> list[str]:
    """What was stored of the shared heartbeat."""
    events = rig.client.call("events", since=0)["events"]
    return [e["payload"]["verdict"] for e in events if e["kind"] == "heartbeat"]


def read_cuff(rig: Rig) -> str:
    now = rig.clock.wall_ns()
    event = rig.client.call("cuff", sbp_mmhg=118.0, dbp_mmhg=70.0, measured_at_ns=now, entered_at_ns=now)
    return str(event["event_id"])


def test_edge_attaches_estimates_and_personalises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same chain at eight times real speed."""
    monkeypatch.setattr(bedside_rig, "Clock", lambda: Clock.scaled(8.0))
    with Rig(tmp_path) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        processes.ensure_edge(rig.station, rig.home, clock=rig.clock)
        rig.start(subject={"pseudonym": "S-01", "sex": "female", "age_y": 40, **BODY})
        wait_for(lambda: has(rig, ESTIMATES) and rig.stream(ESTIMATES).received > 20, "estimates", 40)
        feed, age = rig.client.feed([f"block/{ESTIMATES}"]), age_column(rig)
        event_id = read_cuff(rig)
        wait_for(lambda: any(np.isfinite(b.values[-1, age]) for b in newest(feed)), "personalised", 20)
        rig.client.call("withdraw_cuff", event_id=event_id, why="typed wrong")
        wait_for(lambda: any(np.isnan(b.values[-1, age]) for b in newest(feed)), "withdrawn", 20)
        feed.close()
        folder = rig.stop()
    with session.open(folder) as stored:
        assert stored.rows(ESTIMATES) > 20
        assert stored.rows(PPG_BEATS) > 10
        assert stored.streams[ESTIMATES].metadata["simulated"] == "true"


def test_edge_tracks_the_reference_it_was_told_to_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At eight times real speed; what the rows tell is computed again from disk."""
    monkeypatch.setattr(bedside_rig, "Clock", lambda: Clock.scaled(8.0))
    with Rig(tmp_path) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        calibration = rig.bedside.calibration(rig.clock)
        assert calibration is not None
        rig.client.call("calibrate", **calibration.to_json())
        chosen = ("--anchor-from", "reference")
        processes.ensure_edge(rig.station, rig.home, clock=rig.clock, extra=chosen)
        rig.start(subject={"pseudonym": "S-01", "sex": "female", "age_y": 40, **BODY})
        rig.client.call("marker", label=REFERENCE_CALIBRATED, source="command", operator="test")
        wait_for(lambda: has(rig, ESTIMATES) and rig.stream(ESTIMATES).received > 20, "estimates", 40)
        feed = rig.client.feed([f"block/{ESTIMATES}"])
        columns = tracked_columns(rig)
        wait_for(lambda: any((b.values[-1, columns] == 1).any() for b in newest(feed)), "tracked", 40)
        wait_for(lambda: "same" in hearts(rig), "both devices are told to share a heartbeat", 40)
        assert "different" not in hearts(rig)
        feed.close()
        folder = rig.stop()
    found = bundle.load(bundle.default_bundle(places.models_dir()))
    again = recompute(folder, found, Options("reference"))[ESTIMATES]
    with session.open(folder) as stored:
        live = stored.read(ESTIMATES)
    assert (live.values[:, columns] == 1).any()
    assert (again.values[:, columns] == 1).any()


def tracked_columns(rig: Rig) -> list[int]:
    info = next(s for s in rig.client.call("describe")["streams"] if s["stream_id"] == ESTIMATES)
    names = [c["name"] for c in info["channels"]]
    return [names.index(f"{p}_tracked") for p in PRESSURES]


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_edge_follows_a_station_through_thick_and_thin(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        calibration = rig.bedside.calibration(rig.clock)
        assert calibration is not None
        rig.client.call("calibrate", **calibration.to_json())
        folder = rig.start(subject={"pseudonym": "S-01", "sex": "female", "age_y": 40, **BODY})
        edge = processes.ensure_edge(rig.station, rig.home, clock=rig.clock)
        wait_for(lambda: has(rig, ESTIMATES) and rig.stream(ESTIMATES).received > 16, "estimates", 40)
        read_cuff(rig)
        feed, age = rig.client.feed([f"block/{ESTIMATES}"]), age_column(rig)

        def personalised() -> bool:
            return any(np.isfinite(b.values[-1, age]) for b in newest(feed))

        wait_for(personalised, "the cuff reading personalises", 20)

        os.kill(edge, signal.SIGKILL)
        wait_for(lambda: processes.ensure_edge(rig.station, rig.home) != edge, "another edge process")
        time.sleep(0.5)
        newest(feed)
        wait_for(personalised, "a restarted edge process knows the anchor of before", 30)

        rig.kill_recorder()
        rig.up()
        rig.await_streaming()
        before = rig.stream(ESTIMATES).received if has(rig, ESTIMATES) else 0
        wait_for(
            lambda: has(rig, ESTIMATES) and rig.stream(ESTIMATES).received > before + 3,
            "estimates go on after the recorder was restarted",
            30,
        )
        feed.close()
        rig.stop()

    found = bundle.load(bundle.default_bundle(places.models_dir()))
    again = recompute(folder, found)
    with session.open(folder) as stored:
        for stream_id in (ESTIMATES, PPG_BEATS, ABP_BEATS):
            live = stored.read(stream_id)
            assert (np.diff(live.sample_no) > 0).all()
            twin = again[stream_id]
            nearest = np.abs(twin.time_s[:, None] - live.time_s).argmin(axis=0)
            close = np.abs(twin.time_s[nearest] - live.time_s) < 0.02
            assert close.mean() > 0.9, stream_id
            ours, theirs = live.values[close], twin.values[nearest[close]]
            same = np.isclose(ours[:, 0], theirs[:, 0], rtol=1e-3, atol=0.02)
            known = np.isfinite(ours[:, 0]) & np.isfinite(theirs[:, 0])
            assert known.any(), stream_id
            # just after it was started a process has seen less of the past than the recomputation
            assert same[known].mean() > 0.8, stream_id


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_what_personalises_is_followed_as_the_session_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the template, then by commands, through the death of the edge process; its own command line says nothing."""
    monkeypatch.setattr(bedside_rig, "Clock", lambda: Clock.scaled(8.0))
    with Rig(tmp_path) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        calibration = rig.bedside.calibration(rig.clock)
        assert calibration is not None
        rig.client.call("calibrate", **calibration.to_json())
        edge = processes.ensure_edge(rig.station, rig.home, clock=rig.clock)
        template = {"name": "t", "rules": {"anchor_from": "cuff"}}
        subject = {"pseudonym": "S-01", "sex": "female", "age_y": 40, **BODY}
        rig.start(subject=subject, template=template)
        rig.client.call("marker", label=REFERENCE_CALIBRATED, source="command", operator="test")
        wait_for(lambda: has(rig, ESTIMATES) and rig.stream(ESTIMATES).received > 40, "estimates", 60)
        feed, columns = rig.client.feed([f"block/{ESTIMATES}"]), tracked_columns(rig)

        def tracked() -> bool:
            return any((b.values[-1, columns] == 1).any() for b in newest(feed))

        assert not tracked()
        rig.client.call("choose_anchor", anchor_from="both", operator="OP1")
        wait_for(tracked, "the edge follows the choice", 40)
        os.kill(edge, signal.SIGKILL)
        wait_for(lambda: processes.EdgeNote.read(rig.station, rig.home).pid != edge, "another edge process")
        newest(feed)
        wait_for(tracked, "another edge process knows the choice", 40)
        rig.client.call("choose_anchor", anchor_from="cuff", operator="OP1")
        wait_for(lambda: any((b.values[-1, columns] == 0).all() for b in newest(feed)), "no longer", 20)
        feed.close()
        folder = rig.stop()
    found = bundle.load(bundle.default_bundle(places.models_dir()))
    again = recompute(folder, found)[ESTIMATES]
    with session.open(folder) as stored:
        live = stored.read(ESTIMATES)
        rules = [e.payload["value"] for e in stored.events("rule")]
    assert rules == ["both", "cuff"]
    for values in (live.values[:, columns], again.values[:, columns]):
        assert (values == 1).any()
        assert (values[:20] == 0).all()
        assert (values[-1] == 0).all()
