"""No unreported loss: what the emulators put to their links is on disk, or in a gap with a cause and a count."""

import os
import signal
import time
from pathlib import Path

import pytest
from bedside_rig import ADC, E4, Rig, wait_for

from recorder import session
from recorder.session import Session


def expected(log: dict, name: str, stored: Session) -> int:
    """Put to the link by the emulator's own counters, from the first sample of the session on."""
    counts = log["streams"][name]
    return int(counts["sent"] + counts["overrun"] - stored.read(name).sample_no[0])


def counted_lost(stored: Session, name: str) -> int:
    return sum(gap.n_missing or 0 for gap in stored.gaps(name))


def finish(rig: Rig) -> dict:
    log = rig.bedside.stop()
    wait_for(lambda: all(s.received == s.on_disk for s in rig.status().streams), "all on disk")
    rig.stop()
    return log


@pytest.mark.slow
def test_a_recorder_that_stalls_loses_bytes_and_names_how_many(tmp_path: Path) -> None:
    with Rig(tmp_path, e4=None, adc={**ADC, "profile": "lab-adc-1k", "link": "pty"}) as rig:
        pid = rig.up()
        rig.configure()
        rig.await_streaming()
        folder = rig.start()
        wait_for(lambda: rig.stream("adc.wave").received > 200, "samples")
        os.kill(pid, signal.SIGSTOP)
        time.sleep(12)  # over 100 kB at 1 kHz: more than a pseudo-terminal and its kernel buffers hold
        os.kill(pid, signal.SIGCONT)
        before = rig.stream("adc.wave").received
        # what stood in the cable comes first, then the hole; only what follows it tells how wide it is
        wait_for(lambda: rig.stream("adc.wave").received > before + 3000, "samples from after the stall")
        log = finish(rig)
    assert log["streams"]["adc.wave"]["overrun"] > 100
    with session.open(folder) as stored:
        lost = counted_lost(stored, "adc.wave")
        assert stored.rows("adc.wave") + lost == expected(log, "adc.wave", stored)
        assert lost == log["streams"]["adc.wave"]["overrun"]


@pytest.mark.slow
def test_dropouts_and_disconnects_are_shown_within_two_seconds_and_end_as_gaps(tmp_path: Path) -> None:
    e4 = {**E4, "disconnects": [[14, 3]]}
    adc = {**ADC, "dropouts": [[14, 4]]}
    with Rig(tmp_path, e4=e4, adc=adc) as rig:
        rig.up()
        rig.configure()
        rig.await_streaming()
        folder = rig.start()
        seen = wait_for(lambda: (s := rig.stream("adc.wave")).state != "streaming" and s, "the dropout shows")
        assert seen.last_age_s is not None and seen.last_age_s <= 2.0
        assert seen.state in ("silent", "lost") and seen.cause
        for name in ("adc.wave", "e4.bvp"):
            wait_for(
                lambda name=name: rig.stream(name).n_gaps and rig.stream(name).state == "streaming",
                "back",
            )
        log = finish(rig)
    with session.open(folder) as stored:
        for name in ("adc.wave", "e4.bvp"):
            gaps = [gap for gap in stored.gaps(name) if gap.t1_s - gap.t0_s > 1.0]
            assert gaps and gaps[0].t0_s < 14.0, (name, stored.gaps(name))
        log_e4, log_adc = log["streams"]["e4.bvp"], log["streams"]["adc.wave"]
        assert log_e4["on_air_lost"] > 100 and log_adc["on_air_lost"] > 300
        # the ADC's counter tells how many never reached the cable; a wristband's stamps cannot
        known = counted_lost(stored, "adc.wave")
        assert stored.rows("adc.wave") + known == expected(log, "adc.wave", stored) + log_adc["on_air_lost"]
        assert stored.rows("e4.bvp") == expected(log, "e4.bvp", stored)
