"""One door: what it is not, it says; and what it reads, the emulators can replay."""

import numpy as np
import pytest

from recorder.devices.sim import replay
from recorder.errors import RecordingUnreadable
from recorder.exchange import Recording, RecordingFacts, Signal, read_recording


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(RecordingUnreadable, match=r"absent\.zip: there is no such file"):
        read_recording(tmp_path / "absent.zip")


@pytest.mark.parametrize("name", ["notes.txt", "folder"])
def test_what_is_something_else_is_said(tmp_path, name):
    path = tmp_path / name
    if "." in name:
        path.write_text("hello")
    else:
        path.mkdir()
    with pytest.raises(RecordingUnreadable, match="is none of these"):
        read_recording(str(path))


def test_a_recording_can_be_replayed(tmp_path):
    values = np.sin(np.arange(1000) / 10).astype(np.float32)
    recording = Recording(
        "e4", "x", {"bvp": Signal("bvp", "BVP.csv", values, 64.0, 0.0, "1")}, subject=RecordingFacts(age_y=50)
    )
    source = replay.load(replay.save(recording, tmp_path / "x.npz"))
    np.testing.assert_array_equal(source.sample("ppg", np.arange(1000) / 64.0), values)
    assert source.meta["subject"]["age_y"] == 50
    assert source.meta["source"] == "e4"


def test_a_signal_without_a_rate_cannot_be_made():
    with pytest.raises(ValueError, match="rate"):
        Signal("bvp", "x", np.zeros(3, np.float32), 0.0, 0.0, "1")
