"""Help and wrong usage of a command need none of the rooms that do its work."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest

from hemoview.cloud import settings
from hemoview.flags import dataset, evaluate, importing, labels, report, serve
from hemoview.labels.datasets import build_options, split
from hemoview.labels.raters import agreement
from hemoview.labels.reference import session as session_reference
from hemoview.learn import simulated
from hemoview.report import choice
from hemoview.report.session import narrate
from recorder.exchange.imports import questions as import_questions
from recorder.exchange.sources import local_time
from recorder.host import import_command
from recorder.session import annotations

OF_THE_WORK = {
    "pyarrow",
    "scipy",
    "pandas",
    "httpx",
    "cryptography",
    "sqlalchemy",
    "fastapi",
    "PySide6",
    "torch",
}
WITHOUT_ARRAYS = (
    *("align", "audit", "backup", "dataset", "evaluate", "import", "labels", "report", "restore", "serve"),
    "subject",
)
TRIED = """
import contextlib, io, sys
from hemoview import cli
sys.argv[0] = "hemoview"
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    cli.main([*sys.argv[1:], "--help"])
assert said.getvalue().startswith(f"usage: hemoview {sys.argv[1]}"), said.getvalue()
print(*{name.split(".")[0] for name in sys.modules})
"""


def loaded_by_help(command: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", TRIED, command], check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("command", WITHOUT_ARRAYS)
def test_help_loads_no_room_and_no_arrays(command: str) -> None:
    assert not loaded_by_help(command) & {*OF_THE_WORK, "numpy"}


@pytest.mark.parametrize("command", ["compress", "train"])
def test_help_of_learning_loads_no_room(command: str) -> None:
    assert not loaded_by_help(command) & OF_THE_WORK


def test_what_flags_say_again_is_what_the_rooms_take() -> None:
    assert (labels.STEP_S, labels.TOLERANCE_S) == (agreement.STEP_S, agreement.TOLERANCE_S)
    assert labels.LABEL_SET == annotations.DEFAULT_SET
    assert (dataset.HOP_S, dataset.WINDOW_S) == (build_options.HOP_S, simulated.WINDOW_S)
    assert dataset.REFERENCE_KINDS == session_reference.KINDS
    assert (*split.PARTS, choice.ALL) == evaluate.PARTS
    assert report.NARRATOR_FILE == narrate.FILE
    assert serve.PORT == settings.PORT
    assert importing.FOLDS == local_time.FOLDS
    assert get_args(import_questions.QuestionId) == importing.QUESTIONS
    assert tuple(import_command.SCOPES) == importing.SCOPES
