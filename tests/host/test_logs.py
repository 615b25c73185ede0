"""Logs rotate and hold no pseudonym, not even in the stack of an error."""

import faulthandler
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.host import logs


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    before, level, faults = list(root.handlers), root.level, len(logs._faults)
    yield logs.begin("recorder-bed1", tmp_path)
    for handler in [h for h in root.handlers if h not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    faulthandler.enable(sys.__stderr__)
    for file in logs._faults[faults:]:
        file.close()
    del logs._faults[faults:]


def test_a_session_folder_in_an_error_is_told_without_the_pseudonym(log: Path) -> None:
    try:
        raise OSError(28, "No space left on device", "/s/20261120-165430_S-0.7_x_07398a/live.sqlite")
    except OSError:
        logging.getLogger("recorder").exception("the journal of %s failed", "20261120-165430_S-07_07398a")
    text = log.read_text()
    assert log.parent.name == "logs" and "Traceback" in text
    assert text.count("20261120-165430_*_07398a") >= 2
    assert "S-07" not in text and "S-0.7_x" not in text


def test_it_rotates_and_faults_of_the_interpreter_have_a_file(log: Path) -> None:
    assert faulthandler.is_enabled() and log.with_suffix(".faults").exists()
    for _ in range(300):
        logging.getLogger("recorder").info("x" * 20_000)
    files = sorted(log.parent.glob("recorder-bed1.log*"))
    assert 2 <= len(files) <= 1 + logs.KEPT and all(f.stat().st_size <= logs.MAX_BYTES for f in files)
