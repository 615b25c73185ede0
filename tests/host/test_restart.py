"""A recorder that is killed: the same session goes on, with an honest gap and its numbers going on."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from bedside_rig import Rig, wait_for

from hemoview.viewmodel.live.model import LiveModel
from recorder import session
from recorder.host import processes


@pytest.mark.slow
def test_killed_recorder_goes_on_with_the_same_session(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        folder = rig.start()
        rig.client.call("marker", label="before", source="key", key=1)
        wait_for(lambda: rig.stream("adc.wave").on_disk > 150, "samples are on disk")
        before = rig.stream("adc.wave")
        rig.kill_recorder()
        rig.up()
        rig.await_streaming()
        status = rig.status()
        assert status.session.state == "open" and status.session.folder == str(folder)
        assert status.session.n_markers == 1 and status.era == 1
        wait_for(lambda: rig.stream("adc.wave").on_disk > before.on_disk + 150, "the session goes on")
        events = rig.client.call("events", since=0)["events"]
        assert [e["payload"]["label"] for e in events if e["kind"] == "marker"] == ["before"]
        log = rig.bedside.stop()
        wait_for(lambda: rig.stream("adc.wave").received == rig.stream("adc.wave").on_disk, "all on disk")
        assert rig.stop() == folder

    with session.open(folder) as stored:
        assert stored.state == "sealed"
        assert [era.reason for era in stored.eras] == ["start", "recorder-restart"]
        for name in ("e4.bvp", "adc.wave"):
            rows = stored.read(name)
            assert (np.diff(rows.sample_no) > 0).all(), name
            assert (np.diff(rows.time_s) > 0).all(), name
            restart = [gap for gap in stored.gaps(name) if gap.cause == "recorder-restart"]
            assert len(restart) == 1, (name, stored.gaps(name))
            lost_s = rows.time_s[np.searchsorted(rows.era, 1)] - rows.time_s[np.searchsorted(rows.era, 1) - 1]
            assert restart[0].t1_s - restart[0].t0_s == pytest.approx(lost_s, abs=0.3)
        expected = log["streams"]["adc.wave"]
        missing = expected["sent"] + expected["overrun"] - stored.rows("adc.wave")
        away_s = restart[0].t1_s - restart[0].t0_s
        assert missing <= (away_s + 1.0) * 100 + stored.read("adc.wave").sample_no[0]


@pytest.mark.slow
def test_a_window_opened_after_a_restart_shows_the_gap_of_a_device_that_stayed_away(tmp_path: Path) -> None:
    """Its lane was blank: the new recorder had never seen the device."""
    with Rig(tmp_path, e4=None) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        rig.start()
        wait_for(lambda: rig.stream("adc.wave").on_disk > 150, "samples are on disk")
        rig.bedside.stop()
        wait_for(lambda: rig.stream("adc.wave").state == "lost", "it is lost")
        before_s = rig.stream("adc.wave").last_age_s
        assert before_s is not None
        rig.kill_recorder()
        rig.up()
        wait_for(lambda: rig.stream("adc.wave").state == "lost", "the next recorder tells it lost")
        late = LiveModel(rig.clock, client="late")
        late.described(rig.client.call("describe"))
        late.take([rig.status()])
        age_s = late.facts().status.streams[0].last_age_s  # type: ignore[union-attr]
        assert age_s is not None and age_s > before_s
        assert late.streams["adc.wave"].heard_before_ns is not None
        rig.stop()


@pytest.mark.slow
def test_sigterm_leaves_the_session_open_for_the_next_recorder(tmp_path: Path) -> None:
    with Rig(tmp_path, adc=None) as rig:
        pid = rig.up()
        rig.configure()
        rig.await_streaming()
        folder = rig.start()
        received = wait_for(
            lambda: rig.stream("e4.bvp").received > 100 and rig.stream("e4.bvp").received, "samples"
        )
        os.kill(pid, signal.SIGTERM)
        with_next = wait_for(lambda: rig.up() != pid and rig.up(), "another recorder")
        assert with_next != pid
        assert rig.status().session.folder == str(folder)
        assert rig.stream("e4.bvp").on_disk >= received  # nothing of what was received is lost by SIGTERM
        rig.stop()


@pytest.mark.slow
def test_stop_station_leaves_an_open_session_alone_unless_forced(tmp_path: Path) -> None:
    with Rig(tmp_path, adc=None) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        folder = rig.start()
        assert processes.stop_station("bed1", tmp_path) is False
        assert rig.status().session.state == "open"
        assert processes.stop_station("bed1", tmp_path, force=True) is True
        with session.open(folder) as stored:
            assert stored.state == "sealed"
