"""A page that goes away while its thread reports must not take the process with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import gc, random, sys, time
from pathlib import Path
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from hemoview.ui.review.browser import SessionBrowser
from hemoview.viewmodel.review import jobs as review_jobs

gc.disable()
review_jobs._BATCH = 1  # a report for every folder
app = QApplication([])
for _ in range(120):
    browser = SessionBrowser(Path(sys.argv[1]))
    browser.show()
    until = time.monotonic() + random.random() * 0.012
    while time.monotonic() < until:
        app.processEvents()
    browser.close()
    browser.deleteLater()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    del browser
print("whole")
"""


@pytest.mark.slow
def test_a_browser_closed_while_it_lists_does_not_end_the_process(tmp_path: Path) -> None:
    """In a process of its own: what it guards against is a crash."""
    for i in range(60):
        folder = tmp_path / f"20261120-09{i:02d}00_P-010_abcdef"
        folder.mkdir()
        (folder / "session.json").write_text("gone")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr[-2000:]
