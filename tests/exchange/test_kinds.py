"""A file or folder is known for the recording it stands for; what is none says what would be."""

from pathlib import Path

import numpy as np
import pytest

from recorder.errors import RecordingUnreadable
from recorder.exchange.imports.kinds import Wanted, source_of, sources_of, taken_for
from tests.exchange import e4_made


def touch(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_every_kind_is_known(tmp_path):
    zipped = e4_made.write_zip(tmp_path / "renamed.dat2", e4_made.files(1))
    folder = e4_made.write_folder(tmp_path / "S01", e4_made.files(1))
    beats = touch(tmp_path / "cnap" / "CNAP_2025-01-31_09-05-07_001_beats.csv")
    wave = touch(tmp_path / "cnap" / "CNAP_2025-01-31_09-05-07_001_waveform.csv")
    header = touch(tmp_path / "w" / "r1.hea")
    samples = touch(tmp_path / "w" / "r1.dat")
    np.savez(tmp_path / "wt01_waves.npz", ABP=np.zeros(3))
    edf = touch(tmp_path / "a.rec", b"0       " + b" " * 300)
    known = {
        zipped: ("e4", zipped),
        folder: ("e4", folder),
        folder / "BVP.csv": ("e4", folder),
        beats: ("cnap", beats),
        wave: ("cnap", beats),
        beats.parent: ("cnap", beats),
        header: ("wfdb", header),
        samples: ("wfdb", header),
        header.parent: ("wfdb", header),
        tmp_path / "wt01_waves.npz": ("surgery-npz", tmp_path / "wt01_waves.npz"),
        edf: ("edf", edf),
    }
    assert {path: (w.kind, w.path) for path in known for w in [source_of(path)]} == known
    wanted, refused = sources_of(known)
    assert (len(wanted), refused) == (6, ())


@pytest.mark.parametrize("name", ["notes.txt", "absent.zip", "empty", "lonely_waveform.csv", "two"])
def test_what_is_none_is_refused_by_name(tmp_path, name):
    touch(tmp_path / "notes.txt")
    (tmp_path / "empty").mkdir()
    touch(tmp_path / "lonely_waveform.csv")
    touch(tmp_path / "two" / "a.hea")
    touch(tmp_path / "two" / "b.hea")
    with pytest.raises(RecordingUnreadable, match=name):
        source_of(tmp_path / name)


def test_a_folder_without_a_name_is_looked_into_like_any_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert taken_for(Wanted("edf", Path())) is None
    folder = e4_made.write_folder(tmp_path / "S01", e4_made.files(1))
    monkeypatch.chdir(folder)
    found = taken_for(Wanted("edf", Path()))
    assert found is not None
    assert found.kind == "e4"


def test_the_rest_is_taken(tmp_path):
    zipped = e4_made.write_zip(tmp_path / "S.zip", e4_made.files(1))
    wanted, refused = sources_of([tmp_path / "absent", zipped, zipped])
    assert [w.path for w in wanted] == [zipped]
    assert [path.name for path, _ in refused] == ["absent"]


def test_both_devices_of_a_subject_in_one_folder_are_both_taken(tmp_path):
    beats = touch(tmp_path / "CNAP_2025-01-31_09-05-07_001_beats.csv")
    touch(tmp_path / "CNAP_2025-01-31_09-05-07_001_waveform.csv")
    touch(tmp_path / "notes.txt")
    zipped = e4_made.write_zip(tmp_path / "S01.zip", e4_made.files(1))
    wanted, refused = sources_of([tmp_path])
    assert {(w.kind, w.path) for w in wanted} == {("cnap", beats), ("e4", zipped)}
    assert refused == ()
    with pytest.raises(RecordingUnreadable, match=r"holds 2 recordings .*choose one"):
        source_of(tmp_path)


def test_two_wristbands_in_one_folder_may_be_two_subjects(tmp_path):
    touch(tmp_path / "CNAP_2025-01-31_09-05-07_001_beats.csv")
    e4_made.write_zip(tmp_path / "S01.zip", e4_made.files(1))
    e4_made.write_folder(tmp_path / "S02", e4_made.files(1))
    wanted, refused = sources_of([tmp_path])
    assert wanted == ()
    ((_, error),) = refused
    assert "S01.zip, S02" in str(error)
